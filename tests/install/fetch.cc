// SPDX-License-Identifier: MIT
// A C++ program with an engine: a URL that is none needs no network.
#include <fetch/fetch.h>
#include <nursery.h>

#include <cstdio>

static int
show(void *user, const struct fetch_result *result)
{
	std::printf("%s: %s\n", fetch_outcome_name(result->outcome), fetch_error_name(result->error));
	return 0;
}

static int
program(void *arg)
{
	struct fetch_engine *engine = nullptr;
	struct fetch_options options = {};
	struct fetch_url_request request = { "nonsense:", &options };
	struct fetch_sink sink = { show, nullptr };
	struct fetch_batch_summary summary;
	struct fetch_batch batch = {};
	int r = fetch_engine_create(nullptr, &engine);

	if (r < 0) {
		return r;
	}
	batch.policy = FETCH_POLICY_COLLECT;
	batch.accepted_at = nur_now();
	batch.requests = &request;
	batch.n_requests = 1;
	r = fetch_batch_run(engine, &batch, &sink, &summary);
	fetch_engine_destroy(engine);
	return r;
}

int
main()
{
	return nur_run(program, nullptr, nullptr, nullptr) < 0;
}
