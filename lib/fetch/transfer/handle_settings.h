/* SPDX-License-Identifier: MIT */
/* What a libcurl handle is told: the engine's settings, each request's own, and its caller's. For handle.c. */
#pragma once

#include "lib/fetch/transfer/handle.h"

/* fetch_handle_set_ours() - of a new handle: what is the same for all. -ENOMEM */
int fetch_handle_set_ours(struct fetch_handle *handle);

/* fetch_handle_set_its_own() - what every transfer has of its own. -ENOMEM */
int fetch_handle_set_its_own(struct fetch_handle *handle);

/* fetch_handle_set_callers() - what only some have, and what nobody else may get. -ENOMEM */
int fetch_handle_set_callers(struct fetch_handle *handle);

/* fetch_handle_find_use() - whose next request may have a handle that was made ready for @transfer */
enum fetch_handle_use fetch_handle_find_use(const struct fetch_transfer *transfer);

/* fetch_handle_forget_names() - the addresses of the last request; whether libcurl has let them go */
bool fetch_handle_forget_names(struct fetch_handle *handle);

/* fetch_fields_append() - a field for CURLOPT_HTTPHEADER; a @value of NULL: it is not sent. -ENOMEM */
int fetch_fields_append(struct curl_slist **list, const char *name, const char *value);

/* fetch_http_2() - CURL_HTTP_VERSION_… for who asks for HTTP/2: a libcurl built without refuses to hear of it */
long fetch_http_2(void);
