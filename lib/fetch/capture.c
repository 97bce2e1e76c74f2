/* SPDX-License-Identifier: MIT */
#include "lib/fetch/capture.h"

#include <errno.h>
#include <openssl/evp.h>

int
fetch_body_begin(struct fetch_body *body, enum fetch_capture kind)
{
	*body = (struct fetch_body){ .kind = kind };
	if (kind != FETCH_CAPTURE_SHA256) {
		return 0;
	}
	body->digest = EVP_MD_CTX_new();
	if (!body->digest || EVP_DigestInit_ex(body->digest, EVP_sha256(), NULL) != 1) {
		fetch_body_fini(body);
		return -ENOMEM;
	}
	return 0;
}

int
fetch_body_add(struct fetch_body *body, const void *data, size_t len)
{
	switch (body->kind) {
	case FETCH_CAPTURE_NONE:
		break;
	case FETCH_CAPTURE_SHA256:
		return EVP_DigestUpdate(body->digest, data, len) == 1 ? 0 : -ENOMEM;
	case FETCH_CAPTURE_BODY:
		buffer_append(&body->bytes, data, len);
		return buffer_error(&body->bytes);
	}
	return 0;
}

int
fetch_body_end(struct fetch_body *body)
{
	unsigned char digest[FETCH_SHA256_LEN];

	if (body->kind != FETCH_CAPTURE_SHA256) {
		return 0;
	}
	if (EVP_DigestFinal_ex(body->digest, digest, NULL) != 1) {
		return -ENOMEM;
	}
	buffer_append(&body->bytes, digest, sizeof(digest));
	return buffer_error(&body->bytes);
}

void
fetch_body_fini(struct fetch_body *body)
{
	EVP_MD_CTX_free(body->digest);
	buffer_fini(&body->bytes);
	*body = (struct fetch_body){ 0 };
}
