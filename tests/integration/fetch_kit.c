/* SPDX-License-Identifier: MIT */
#include "tests/integration/fetch_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

struct kit *
kit_create(void)
{
	struct kit *kit = calloc(1, sizeof(*kit));

	ck_assert_ptr_nonnull(kit);
	kit->options.timeout = NUR_SEC(600); /* a busy machine is no failure */
	return kit;
}

void
kit_add(struct kit *kit, char *url)
{
	ck_assert_uint_lt(kit->n_urls, KIT_URLS);
	kit->urls[kit->n_urls++] = url;
}

static char *
copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int
keep(void *user, const struct fetch_result *result)
{
	struct kit *kit = user;
	struct kit_result *kept = &kit->results[result->index];

	ck_assert_uint_lt(result->index, kit->n_urls);
	ck_assert_msg(!kept->is_there, "a second result for %zu", result->index);
	*kept = (struct kit_result){
		.result = *result,
		.final_url = copy(result->final_url),
		.remote = copy(result->remote),
		.detail = copy(result->error_detail),
		.tls_issuer = copy(result->tls_issuer),
		.is_there = true,
	};
	if (result->body) {
		kept->body = malloc(result->body_len + 1);
		ck_assert_ptr_nonnull(kept->body);
		memcpy(kept->body, result->body, result->body_len);
		kept->body[result->body_len] = '\0';
	}
	kit->order[kit->n_results++] = result->index;
	if (kit->n_results == kit->cancel_after) {
		nur_cancel_scope_cancel(&kit->scope, NULL);
	}
	return kit->sink_code;
}

static void
forget(struct kit *kit)
{
	for (size_t i = 0; i < KIT_URLS; i++) {
		struct kit_result *kept = &kit->results[i];

		free(kept->final_url);
		free(kept->remote);
		free(kept->detail);
		free(kept->body);
		free(kept->tls_issuer);
		memset(kept, 0, sizeof(*kept));
	}
	kit->n_results = 0;
}

int
kit_batch(struct kit *kit)
{
	const struct fetch_sink sink = { .result = keep, .user = kit, .starting = kit->starting };
	struct fetch_url_request *requests = calloc(kit->n_urls + 1, sizeof(*requests));
	struct fetch_batch batch = kit->batch;
	int r;

	ck_assert_ptr_nonnull(requests);
	forget(kit);
	for (size_t i = 0; i < kit->n_urls; i++) {
		requests[i] = (struct fetch_url_request){ kit->urls[i],
			kit->own_options[i] ? kit->own_options[i] : &kit->options };
	}
	batch.requests = requests;
	batch.n_requests = kit->n_urls;
	batch.accepted_at = nur_now();

	r = fetch_batch_run(kit->engine, &batch, &sink, &kit->summary);
	free(requests);
	fetch_engine_statistics(kit->engine, &kit->statistics);
	return r;
}

static int
run_batch(void *arg)
{
	struct kit *kit = arg;
	struct fetch_batch_summary *summary = &kit->summary;

	kit->rc = kit_batch(kit);
	ck_assert_uint_eq(kit->n_results, kit->n_urls);
	ck_assert_uint_eq(kit->statistics.n_in_flight, 0);
	ck_assert_uint_eq(kit->statistics.n_queued, 0);
	ck_assert_int_eq(kit->statistics.oldest_queued, NUR_FOREVER);
	ck_assert_uint_eq(kit->statistics.n_transfers, 0);
	ck_assert_uint_eq(kit->statistics.n_batches, 0);
	if (kit->rc == 0) {
		ck_assert_uint_eq(summary->n_ok + summary->n_failed + summary->n_timeout +
					  summary->n_cancelled,
			kit->n_urls);
	}
	return kit->rc;
}

static int
run_both(struct nur_nursery *nursery, void *arg)
{
	struct kit *kit = arg;

	if (kit->beside) {
		ck_assert_int_eq(nur_start_soon(nursery, "beside", kit->beside, kit), 0);
	}
	return kit->body ? kit->body(kit) : run_batch(kit);
}

static int
kit_main(void *arg)
{
	struct kit *kit = arg;
	int r;

	ck_assert_int_eq(fetch_engine_create(&kit->engine_options, &kit->engine), 0);
	nur_cancel_scope_init(&kit->scope);
	r = NUR_WITHIN(&kit->scope, nur_nursery_run(run_both, kit, NULL));
	fetch_engine_destroy(kit->engine);
	kit->engine = NULL;
	return r;
}

void
kit_run(struct kit *kit)
{
	struct nur_errors errors = NUR_ERRORS_INIT;
	char text[1024];
	int r;

	r = nur_run(kit_main, kit, NULL, &errors);
	(void)nur_errors_format(&errors, text, sizeof(text));
	ck_assert_msg(r == 0 || r == kit->sink_code, "%d: %s", r, text);
	nur_errors_fini(&errors);
}

const struct kit_result *
kit_one(struct kit *kit, char *url)
{
	kit_add(kit, url);
	kit_run(kit);
	return &kit->results[0];
}

void
kit_wait(struct t_origin *origin, const char *condition)
{
	t_origin_wait_start(origin, condition);
	ck_assert_int_eq(nur_wait_readable(t_origin_fd(origin)), 0);
	t_origin_wait_finish(origin);
}

char *
kit_https_url(unsigned port, const char *path)
{
	char *url = NULL;

	ck_assert_int_gt(asprintf(&url, "https://127.0.0.1:%u%s", port, path), 0);
	return url;
}

void
kit_write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

void
kit_make_file(char *path, size_t size, const char *text)
{
	int fd;

	(void)snprintf(path, size, "/tmp/fetch_kit.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	kit_write_file(path, text);
}

void
kit_make_hosts(char *path, size_t size, int n_names)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;

	for (int i = 0; i < n_names; i++) {
		buffer_printf(&text, "127.0.0.1 w%d.test\n", i);
	}
	ck_assert_int_eq(buffer_error(&text), 0);
	kit_make_file(path, size, text.data);
}

void
kit_check_cancelled(const struct kit *kit, size_t first, size_t last,
	enum fetch_cancel_reason reason, int64_t cause)
{
	for (size_t i = first; i <= last; i++) {
		const struct fetch_result *result = &kit->results[i].result;

		ck_assert_int_eq(result->outcome, FETCH_CANCELLED);
		ck_assert_str_eq(fetch_cancel_reason_name(result->cancel_reason),
			fetch_cancel_reason_name(reason));
		ck_assert_int_eq(result->cancel_cause, cause);
	}
}

void
kit_forget(struct kit *kit)
{
	forget(kit);
	for (size_t i = 0; i < kit->n_urls; i++) {
		free(kit->urls[i]);
	}
	kit->n_urls = 0;
}

void
kit_destroy(struct kit *kit)
{
	if (kit) {
		kit_forget(kit);
		free(kit);
	}
}
