/* SPDX-License-Identifier: MIT */
/*
 * A hash table of the first of each kind, by the hash of its canonical text. Texts are not kept: a
 * batch may have a hundred thousand. When hashes are equal the earlier URL is parsed once more and
 * compared.
 */
#include "lib/fetch/twins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/fetch/rules/url.h"

struct twin {
	uint32_t next;
	bool is_later;
};

/* first is FETCH_NO_TWIN where nothing is */
struct bucket {
	uint64_t hash;
	uint32_t first;
	uint32_t last;
};

struct fetch_twins {
	const struct fetch_url_request *requests;
	uint64_t seed;
	struct bucket *buckets;
	size_t n_buckets; /* a power of two, at least twice the requests */
	struct twin twins[];
};

static bool
text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
headers_equal(const struct fetch_options *a, const struct fetch_options *b)
{
	if (a->n_headers != b->n_headers) {
		return false;
	}
	for (size_t i = 0; i < a->n_headers; i++) {
		if (strcmp(a->headers[i].name, b->headers[i].name) != 0 ||
			strcmp(a->headers[i].value, b->headers[i].value) != 0) {
			return false;
		}
	}
	return true;
}

static bool
expect_equal(const struct fetch_expect *a, const struct fetch_expect *b)
{
	if (a == b) {
		return true;
	}
	return a && b && a->n_ranges == b->n_ranges &&
	       memcmp(a->ranges, b->ranges, a->n_ranges * sizeof(*a->ranges)) == 0;
}

static bool
tls_equal(const struct fetch_tls *a, const struct fetch_tls *b)
{
	return a->is_unverified == b->is_unverified && a->min_version == b->min_version &&
	       a->with_report == b->with_report && text_equal(a->ca_pem, b->ca_pem) &&
	       text_equal(a->client_cert_pem, b->client_cert_pem) &&
	       text_equal(a->client_key_pem, b->client_key_pem);
}

static bool
retries_equal(const struct fetch_retries *a, const struct fetch_retries *b)
{
	return a->max == b->max && a->on == b->on && a->n_statuses == b->n_statuses &&
	       a->backoff == b->backoff && a->max_backoff == b->max_backoff &&
	       (a->n_statuses == 0 ||
		       memcmp(a->statuses, b->statuses, a->n_statuses * sizeof(*a->statuses)) == 0);
}

bool
fetch_options_equal(const struct fetch_options *a, const struct fetch_options *b)
{
	if (a == b) {
		return true;
	}
	return a->timeout == b->timeout && a->attempt_timeout == b->attempt_timeout &&
	       a->connect_timeout == b->connect_timeout && a->hedge == b->hedge &&
	       text_equal(a->method, b->method) && headers_equal(a, b) &&
	       a->body_len == b->body_len &&
	       (a->body_len == 0 || memcmp(a->body, b->body, a->body_len) == 0) &&
	       !a->body == !b->body && expect_equal(a->expect, b->expect) &&
	       a->max_redirects == b->max_redirects && a->max_body == b->max_body &&
	       a->capture == b->capture && a->http_version == b->http_version &&
	       tls_equal(&a->tls, &b->tls) && retries_equal(&a->retries, &b->retries) &&
	       a->judge.body == b->judge.body && a->judge.user == b->judge.user;
}

static bool
is_plain_get(const struct fetch_options *options)
{
	return !options->body && (!options->method || strcmp(options->method, "GET") == 0);
}

static bool
is_same(const struct fetch_twins *twins, uint32_t earlier, const char *text,
	const struct fetch_options *options)
{
	_cleanup_(fetch_url_destroyp) struct fetch_url *url = NULL;
	const struct fetch_url_request *request = &twins->requests[earlier];

	return fetch_options_equal(request->options, options) &&
	       fetch_url_parse(request->url, strlen(request->url), &url, NULL) == 0 &&
	       strcmp(url->text, text) == 0;
}

static void
look_up(struct fetch_twins *twins, uint32_t index, const char *text)
{
	uint64_t hash = hash_text_seeded(twins->seed, text);
	struct bucket *bucket;

	for (uint64_t i = hash;; i++) {
		bucket = &twins->buckets[i & (twins->n_buckets - 1)];
		if (bucket->first == FETCH_NO_TWIN) {
			break;
		}
		if (bucket->hash == hash &&
			is_same(twins, bucket->first, text, twins->requests[index].options)) {
			twins->twins[bucket->last].next = index;
			twins->twins[index].is_later = true;
			bucket->last = index;
			return;
		}
	}
	*bucket = (struct bucket){ hash, index, index };
}

void
fetch_twins_look(struct fetch_twins *twins, uint32_t index)
{
	_cleanup_(fetch_url_destroyp) struct fetch_url *url = NULL;
	const struct fetch_url_request *request = &twins->requests[index];

	if (is_plain_get(request->options) &&
		fetch_url_parse(request->url, strlen(request->url), &url, NULL) == 0) {
		look_up(twins, index, url->text);
	}
}

int
fetch_twins_create(const struct fetch_url_request *requests, size_t n, uint64_t seed,
	struct fetch_twins **ret_twins)
{
	_cleanup_(fetch_twins_destroyp) struct fetch_twins *twins = NULL;

	twins = malloc(sizeof(*twins) + n * sizeof(*twins->twins));
	if (!twins) {
		return -ENOMEM;
	}
	*twins = (struct fetch_twins){ .requests = requests, .seed = seed, .n_buckets = 2 };
	while (twins->n_buckets < 2 * n) {
		twins->n_buckets *= 2;
	}
	twins->buckets = malloc(twins->n_buckets * sizeof(*twins->buckets));
	if (!twins->buckets) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < twins->n_buckets; i++) {
		twins->buckets[i].first = FETCH_NO_TWIN;
	}
	for (size_t i = 0; i < n; i++) {
		twins->twins[i] = (struct twin){ .next = FETCH_NO_TWIN };
	}
	*ret_twins = steal(&twins);
	return 0;
}

void
fetch_twins_are_complete(struct fetch_twins *twins)
{
	free(steal(&twins->buckets));
}

bool
fetch_twins_is_later(const struct fetch_twins *twins, uint32_t index)
{
	return twins->twins[index].is_later;
}

uint32_t
fetch_twins_next(const struct fetch_twins *twins, uint32_t index)
{
	return twins->twins[index].next;
}

void
fetch_twins_destroy(struct fetch_twins *twins)
{
	if (twins) {
		free(twins->buckets);
		free(twins);
	}
}
