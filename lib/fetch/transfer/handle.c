/* SPDX-License-Identifier: MIT */
#include "lib/fetch/transfer/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/transfer/handle_settings.h"

#define KEPT_MAX       256      /* of each scheme; 6 KiB each */
#define HTTP2_MIN      0x080100 /* before, truncated bodies were reported as whole */
#define DEBIAN_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

static void
destroy(struct fetch_handle *handle)
{
	if (handle) {
		curl_easy_cleanup(handle->easy);
		curl_url_cleanup(handle->url);
		free(handle->url_origin);
		curl_slist_free_all(handle->resolve);
		curl_slist_free_all(handle->fields);
		free(handle);
	}
}

DEFINE_CLEANUP(struct fetch_handle *, destroy);

static struct fetch_handle *
create(struct fetch_handles *handles, bool is_tls)
{
	_cleanup_(destroyp) struct fetch_handle *handle = calloc(1, sizeof(*handle));

	if (!handle) {
		return NULL;
	}
	handle->handles = handles;
	handle->is_tls = is_tls;
	list_init(&handle->node);
	handle->url = curl_url();
	handle->easy = curl_easy_init();
	if (!handle->url || !handle->easy || fetch_handle_set_ours(handle) < 0) {
		return NULL;
	}
	return steal(&handle);
}

static struct fetch_handle *
take(struct fetch_kept *kept)
{
	struct fetch_handle *handle = kept->first;

	if (handle) {
		kept->first = handle->next;
		kept->n--;
	}
	return handle;
}

static void
destroy_all(struct fetch_kept *kept)
{
	struct fetch_handle *handle;

	while ((handle = take(kept))) {
		destroy(handle);
	}
}

void
fetch_fitted_fini(struct fetch_fitted *fitted)
{
	destroy_all(&fitted->kept);
	fitted->options = NULL;
}

static bool
fits(const struct fetch_fitted *fitted, const struct fetch_transfer *transfer)
{
	return fitted->options == transfer->options && fitted->is_tls == transfer->url->is_https;
}

static struct fetch_handle *
take_kept(struct fetch_handles *handles, const struct fetch_transfer *transfer,
	enum fetch_handle_use use)
{
	if (use == FETCH_HANDLE_PLAIN) {
		return take(&handles->kept[transfer->url->is_https]);
	}
	if (use == FETCH_HANDLE_FITTED && fits(transfer->fitted, transfer)) {
		return take(&transfer->fitted->kept);
	}
	return NULL;
}

/* The handles that were kept for other options give way. */
static void
fit(struct fetch_fitted *fitted, const struct fetch_transfer *transfer)
{
	if (!fits(fitted, transfer)) {
		fetch_fitted_fini(fitted);
		fitted->options = transfer->options;
		fitted->is_tls = transfer->url->is_https;
	}
}

/* Whether there was room. */
static bool
put(struct fetch_kept *kept, struct fetch_handle *handle)
{
	if (kept->n >= KEPT_MAX) {
		return false;
	}
	handle->next = kept->first;
	kept->first = handle;
	kept->n++;
	return true;
}

/* Whether it is kept. */
static bool
keep(struct fetch_handle *handle, const struct fetch_transfer *transfer)
{
	switch (handle->use) {
	case FETCH_HANDLE_PLAIN:
		return put(&handle->handles->kept[handle->is_tls], handle);
	case FETCH_HANDLE_FITTED:
		fit(transfer->fitted, transfer);
		return put(&transfer->fitted->kept, handle);
	case FETCH_HANDLE_ONCE:
		break;
	}
	return false;
}

int
fetch_handle_get(struct fetch_handles *handles, struct fetch_transfer *transfer,
	struct fetch_handle **ret_handle)
{
	enum fetch_handle_use use = fetch_handle_find_use(transfer);
	_cleanup_(destroyp) struct fetch_handle *handle = take_kept(handles, transfer, use);
	bool is_ready = handle != NULL;
	int r;

	if (!is_ready) {
		handle = create(handles, transfer->url->is_https);
	}
	if (!handle) {
		return -ENOMEM;
	}
	handle->use = use;
	handle->has_body = transfer->with_body;
	handle->transfer = transfer;
	handle->serial = ++handles->n_serials;
	handle->fd = -1;
	handle->polled_fd = -1;
	handle->has_asked = false;
	handle->error[0] = '\0';
	r = fetch_handle_set_its_own(handle);
	if (r == 0 && !is_ready && use != FETCH_HANDLE_PLAIN) {
		r = fetch_handle_set_callers(handle);
	}
	if (r < 0) {
		return r;
	}
	*ret_handle = steal(&handle);
	return 0;
}

void
fetch_handle_put(struct fetch_handle *handle, bool is_sound)
{
	const struct fetch_transfer *transfer = handle->transfer;

	handle->transfer = NULL;
	if (!is_sound || !fetch_handle_forget_names(handle) || !keep(handle, transfer)) {
		destroy(handle);
	}
}

/* All of them. */

bool
fetch_handles_has_http2(void)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	return (info->features & CURL_VERSION_HTTP2) && info->version_num >= HTTP2_MIN;
}

static const char *
find_ca_file(const char *asked_for)
{
	if (!asked_for && !curl_version_info(CURLVERSION_NOW)->cainfo) {
		return DEBIAN_CA_FILE;
	}
	return asked_for;
}

int
fetch_handles_init(struct fetch_handles *handles, const struct fetch_transfers_options *options,
	const struct fetch_handle_calls *calls, void *user)
{
	bool with_http2 = options->http_version == FETCH_HTTP_2 ||
			  (options->http_version == FETCH_HTTP_AUTO && fetch_handles_has_http2());
	const char *ca_file = find_ca_file(options->ca_file);

	*handles = (struct fetch_handles){
		.calls = calls,
		.user = user,
		.policies = options->policies,
		.proxy = options->proxy,
		.http_version = with_http2 ? fetch_http_2() : CURL_HTTP_VERSION_1_1,
		.user_agent = strdup(options->user_agent),
		.ca_file = ca_file ? strdup(ca_file) : NULL,
	};
	if (!handles->user_agent || (ca_file && !handles->ca_file)) {
		return -ENOMEM;
	}
	return fetch_fields_append(&handles->fields, "User-Agent", handles->user_agent);
}

void
fetch_handles_fini(struct fetch_handles *handles)
{
	for (size_t i = 0; i < ARRAY_LEN(handles->kept); i++) {
		destroy_all(&handles->kept[i]);
	}
	curl_slist_free_all(handles->fields);
	free(handles->user_agent);
	free(handles->ca_file);
	*handles = (struct fetch_handles){ 0 };
}
