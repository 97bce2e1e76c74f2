#include <errno.h>
#include <fetch/fetch.h>
#include <nursery.h>
#include <stdio.h>
#include <stdlib.h>

struct page {
	int status;
	bool is_reused;
};

struct command_line {
	size_t n;
	char **urls;
};

/* Results come in the order of finishing; each knows its place. */
static int
keep(void *user, const struct fetch_result *result)
{
	struct page *pages = user;

	pages[result->index].status = result->status;
	pages[result->index].is_reused = result->is_reused;
	return 0;
}

static int
fetch_all(struct fetch_engine *engine, const struct fetch_url_request *requests, struct page *pages,
	size_t n)
{
	const struct fetch_batch batch = { .policy = FETCH_POLICY_COLLECT,
		.accepted_at = nur_now(),
		.deadline = NUR_SEC(60),
		.requests = requests,
		.n_requests = n };
	const struct fetch_sink sink = { keep, pages };
	struct fetch_batch_summary summary;
	size_t n_reused = 0;
	int r = fetch_batch_run(engine, &batch, &sink, &summary);

	if (r < 0) {
		return r;
	}
	printf("%s:", summary.outcome == FETCH_BATCH_OK ? "ok" : "not all ok");
	for (size_t i = 0; i < n; i++) {
		printf(" %d", pages[i].status);
		n_reused += pages[i].is_reused;
	}
	printf(", %zu on connections that were there\n", n_reused);
	return 0;
}

static int
program(void *arg)
{
	const struct command_line *line = arg;
	const struct fetch_options options = { .timeout = NUR_SEC(30) };
	struct fetch_url_request *requests = calloc(line->n, sizeof(*requests));
	struct page *pages = calloc(line->n, sizeof(*pages));
	struct fetch_engine *engine = NULL;
	int r = requests && pages ? fetch_engine_create(NULL, &engine) : -ENOMEM;

	for (size_t i = 0; i < line->n && r == 0; i++) {
		requests[i] = (struct fetch_url_request){ line->urls[i], &options };
	}
	for (int round = 0; round < 2 && r == 0; round++) {
		r = fetch_all(engine, requests, pages, line->n);
	}

	fetch_engine_destroy(engine); /* closes its connections */
	free(pages);
	free(requests);
	return r;
}

int
main(int argc, char **argv)
{
	struct command_line line = { (size_t)argc - 1, argv + 1 };
	int r = nur_run(program, &line, NULL, NULL);

	if (r < 0) {
		fprintf(stderr, "fetch_urls: %s\n", nur_strerror(r));
	}
	return r < 0;
}
