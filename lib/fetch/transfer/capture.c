/* SPDX-License-Identifier: MIT */
#include "lib/fetch/transfer/capture.h"

#include <errno.h>
#include <openssl/evp.h>

int
fetch_body_begin(struct fetch_body *body, enum fetch_capture kind, bool is_kept)
{
	*body = (struct fetch_body){
		.kind = kind,
		.is_kept = is_kept || kind == FETCH_CAPTURE_BODY,
	};
	if (kind != FETCH_CAPTURE_SHA256) {
		return 0;
	}
	body->hash = EVP_MD_CTX_new();
	if (!body->hash || EVP_DigestInit_ex(body->hash, EVP_sha256(), NULL) != 1) {
		fetch_body_fini(body);
		return -ENOMEM;
	}
	return 0;
}

int
fetch_body_add(struct fetch_body *body, const void *data, size_t len)
{
	if (body->hash && EVP_DigestUpdate(body->hash, data, len) != 1) {
		return -ENOMEM;
	}
	if (!body->is_kept) {
		return 0;
	}
	buffer_append(&body->bytes, data, len);
	return buffer_error(&body->bytes);
}

int
fetch_body_end(struct fetch_body *body)
{
	if (!body->hash) {
		return 0;
	}
	return EVP_DigestFinal_ex(body->hash, body->digest, NULL) == 1 ? 0 : -ENOMEM;
}

const void *
fetch_body_bytes(const struct fetch_body *body)
{
	return body->bytes.data ? body->bytes.data : "";
}

void
fetch_body_fini(struct fetch_body *body)
{
	EVP_MD_CTX_free(body->hash);
	buffer_fini(&body->bytes);
	*body = (struct fetch_body){ 0 };
}
