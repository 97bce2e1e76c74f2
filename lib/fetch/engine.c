/* SPDX-License-Identifier: MIT */
#include "lib/fetch/engine.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/list.h"
#include "lib/fetch/batch.h"
#include "lib/fetch/workers.h"

#define IN_FLIGHT   16384
#define MAX_IDLE    256
#define MAX_BODY    (UINT64_C(10) * 1024 * 1024)
#define MAX_REST    NUR_SEC(10)
#define DNS_TIMEOUT NUR_SEC(2)
#define DNS_TRIES   2
#define DNS_PORT    53
#define DNS_WANTED  500

/* libcurl and c-ares count their users, and not every version of them with care for threads. */
static pthread_mutex_t libraries = PTHREAD_MUTEX_INITIALIZER;

uint64_t
fetch_engine_random(struct fetch_engine *engine)
{
	/* splitmix64 */
	uint64_t x = engine->random += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static int64_t
get_now(void *user)
{
	return nur_now();
}

static void
set_alarm(void *user, int64_t at)
{
	struct fetch_engine *engine = user;

	nur_timer_set(&engine->rest_timer, at);
}

static void
on_alarm(void *user)
{
	struct fetch_engine *engine = user;

	fetch_admission_wake(&engine->admission);
}

static int
parse_proxy(struct fetch_engine *engine, const char *text)
{
	int r;

	if (!text) {
		return 0;
	}
	r = fetch_url_parse(text, strlen(text), &engine->proxy, NULL);
	if (r == 0 && engine->proxy->is_https) {
		r = -EINVAL; /* TLS to the proxy would be under the rules for origins */
	}
	return r;
}

static int
create_parts(struct fetch_engine *engine, const struct fetch_engine_options *options)
{
	struct fetch_transfers_options transfers = {
		.user_agent = options->user_agent ? options->user_agent : "fetchd/1.0",
		.ca_file = options->ca_file,
		.max_idle = options->max_idle ? options->max_idle : MAX_IDLE,
		.http_version = options->http_version,
		.policies = engine->policies,
	};
	const struct fetch_resolver_options resolver = {
		.is_system = options->resolver == FETCH_RESOLVER_SYSTEM,
		.servers = options->dns_servers,
		.hosts_path = options->hosts_path ? options->hosts_path : "/etc/hosts",
		.resolv_path = options->resolv_path ? options->resolv_path : "/etc/resolv.conf",
		.port = DNS_PORT,
		.timeout = options->dns_timeout ? options->dns_timeout : DNS_TIMEOUT,
		.tries = options->dns_tries ? options->dns_tries : DNS_TRIES,
		.max_wanted = DNS_WANTED,
		.seed = fetch_engine_random(engine),
	};
	int r;

	r = parse_proxy(engine, options->proxy);
	if (r < 0) {
		return r;
	}
	transfers.proxy = engine->proxy;
	r = fetch_admission_init(&engine->admission, engine->in_flight, engine->per_origin,
		fetch_engine_random(engine));
	if (r < 0) {
		return r;
	}
	fetch_admission_set_clock(
		&engine->admission, &(struct fetch_admission_clock){ get_now, set_alarm, engine });
	r = fetch_transfers_create(&transfers, &engine->transfers);
	if (r < 0) {
		return r;
	}
	return fetch_resolver_create(&resolver, &engine->resolver);
}

static int
create_parts_alone(struct fetch_engine *engine, const struct fetch_engine_options *options)
{
	int r;

	(void)pthread_mutex_lock(&libraries); /* can't fail */
	r = create_parts(engine, options);
	(void)pthread_mutex_unlock(&libraries);
	return r;
}

static int
create_workers(struct fetch_engine *engine, const struct fetch_engine_options *options)
{
	struct fetch_engine_options of_all = *options;

	of_all.in_flight = engine->in_flight;
	of_all.max_idle = options->max_idle ? options->max_idle : MAX_IDLE;
	return fetch_workers_create(&of_all, &engine->workers);
}

int
fetch_engine_create(const struct fetch_engine_options *options, struct fetch_engine **ret_engine)
{
	static const struct fetch_engine_options defaults;
	struct fetch_engine *engine;
	int r;

	if (!nur_in_run()) {
		return NUR_ENOTINTASK;
	}
	if (!options) {
		options = &defaults;
	}
	if (options->workers > FETCH_WORKERS_MAX) {
		return -EINVAL;
	}
	engine = calloc(1, sizeof(*engine));
	if (!engine) {
		return -ENOMEM;
	}
	if (getrandom(&engine->random, sizeof(engine->random), 0) < 0) {
		engine->random = (uint64_t)nur_now(); /* only collisions and jitter depend on it */
	}
	engine->policies[0] = options->policy ? options->policy : &engine->default_policy;
	engine->in_flight = options->in_flight ? options->in_flight : IN_FLIGHT;
	engine->per_origin = options->per_origin ? options->per_origin : engine->in_flight;
	engine->max_rest = options->max_rest ? options->max_rest : MAX_REST;
	nur_timer_init(&engine->rest_timer, on_alarm, engine);
	list_init(&engine->runs);
	engine->max_body = options->max_body ? options->max_body : MAX_BODY;

	r = options->workers > 1 ? create_workers(engine, options)
				 : create_parts_alone(engine, options);
	if (r < 0) {
		fetch_engine_destroy(engine);
		return r;
	}
	*ret_engine = engine;
	return 0;
}

void
fetch_engine_destroy(struct fetch_engine *engine)
{
	if (!engine) {
		return;
	}
	assert(engine->n_batches == 0);
	fetch_workers_destroy(engine->workers);
	(void)pthread_mutex_lock(&libraries); /* can't fail */
	fetch_resolver_destroy(engine->resolver);
	fetch_transfers_destroy(engine->transfers);
	(void)pthread_mutex_unlock(&libraries);
	fetch_admission_fini(&engine->admission);
	nur_timer_stop(&engine->rest_timer);
	fetch_url_destroy(engine->proxy);
	free(engine);
}

struct policy {
	unsigned number;
	const struct fetch_address_policy *policy;
};

static void
set_policy(struct fetch_engine *engine, const struct policy *to)
{
	const struct fetch_address_policy *last = engine->policies[to->number];

	engine->policies[to->number] =
		to->policy || to->number > 0 ? to->policy : &engine->default_policy;
	if (to->policy || last) {
		fetch_transfers_note_policies(engine->transfers);
	}
}

static void
set_policy_of(const struct fetch_worker *worker, void *arg)
{
	set_policy(worker->engine, arg);
}

void
fetch_engine_set_policy(
	struct fetch_engine *engine, unsigned number, const struct fetch_address_policy *policy)
{
	struct policy to = { number, policy };

	assert(number < FETCH_N_ADDRESS_POLICIES);
	(void)nur_cancel_shielded_checkpoint(); /* we are in a task */
	if (engine->workers) {
		fetch_workers_each(engine->workers, set_policy_of, &to);
	} else {
		set_policy(engine, &to);
	}
}

struct limits {
	const struct fetch_engine *engine;
	unsigned in_flight;
	unsigned per_origin;
};

static void
set_limits_of(const struct fetch_worker *worker, void *arg)
{
	const struct limits *limits = arg;

	fetch_admission_set_limits(&worker->engine->admission,
		fetch_workers_share(limits->engine->workers, worker->number, limits->in_flight),
		limits->per_origin);
}

void
fetch_engine_set_limits(struct fetch_engine *engine, unsigned in_flight, unsigned per_origin)
{
	struct limits limits = {
		.engine = engine,
		.in_flight = in_flight ? in_flight : engine->in_flight,
		.per_origin = per_origin ? per_origin : engine->per_origin,
	};

	(void)nur_cancel_shielded_checkpoint(); /* we are in a task */
	if (engine->workers) {
		fetch_workers_each(engine->workers, set_limits_of, &limits);
	} else {
		fetch_admission_set_limits(&engine->admission, limits.in_flight, limits.per_origin);
	}
}

/* Batches are begun in about the order of their acceptance: a batch that was kept may be older. */
static nur_time
oldest_queued(const struct fetch_engine *engine)
{
	nur_time oldest = NUR_FOREVER;
	struct list *node;

	list_for_each(node, &engine->runs) {
		const struct fetch_run *run = list_entry(node, struct fetch_run, node);

		if (run->n_queued > 0 && run->batch->accepted_at < oldest) {
			oldest = run->batch->accepted_at;
		}
	}
	return oldest;
}

/* What an engine that fetches has to say of that. */
static void
add_fetching(const struct fetch_engine *engine, struct fetch_engine_statistics *sum)
{
	struct fetch_transfers_statistics transfers;
	struct fetch_resolver_statistics resolver;

	fetch_transfers_statistics(engine->transfers, &transfers);
	fetch_resolver_statistics(engine->resolver, &resolver);
	sum->n_in_flight += engine->admission.n_in_flight;
	sum->n_transfers += transfers.n_transfers;
	sum->n_connections += transfers.n_connections;
	sum->n_names_cached += resolver.n_names_cached;
	sum->n_lookups += resolver.n_lookups;
	sum->total_transfers += transfers.total_transfers;
	sum->total_reused += transfers.total_reused;
	sum->total_connections += transfers.total_connections;
	sum->total_lookups += resolver.total_lookups;
	sum->total_lookups_cached += resolver.total_cached;
	sum->total_lookups_found += resolver.total_found;
	sum->total_lookups_absent += resolver.total_absent;
	sum->total_lookups_failed += resolver.total_failed;
	sum->total_bytes += transfers.total_bytes;
	for (size_t i = 0; i < ARRAY_LEN(engine->total_retries); i++) {
		sum->total_retries[i] += engine->total_retries[i];
	}
}

static void
add_queued(const struct fetch_engine *engine, struct fetch_engine_statistics *sum)
{
	nur_time oldest = oldest_queued(engine);

	sum->n_queued += engine->n_queued;
	if (oldest < sum->oldest_queued) {
		sum->oldest_queued = oldest;
	}
}

static void
add_worker(const struct fetch_worker *worker, void *arg)
{
	add_fetching(worker->engine, arg);
	add_queued(worker->engine, arg);
}

void
fetch_engine_statistics(
	const struct fetch_engine *engine, struct fetch_engine_statistics *ret_statistics)
{
	struct fetch_engine_statistics sum = { .oldest_queued = NUR_FOREVER };

	(void)nur_cancel_shielded_checkpoint(); /* we are in a task */
	if (engine->workers) {
		fetch_workers_each(engine->workers, add_worker, &sum);
	} else {
		add_fetching(engine, &sum);
	}
	add_queued(engine, &sum);
	sum.n_batches = engine->n_batches;
	for (size_t i = 0; i < ARRAY_LEN(engine->total_results); i++) {
		sum.total_results[i] = engine->total_results[i];
	}
	*ret_statistics = sum;
}

struct walk {
	nur_tree_fn visit;
	void *arg;
	int r;
	const char *name;
};

static int
visit_below(const struct nur_tree_entry *entry, void *arg)
{
	const struct walk *walk = arg;
	struct nur_tree_entry below = *entry;

	below.depth++;
	if (below.kind == NUR_TREE_RUN) {
		below.name = walk->name;
	}
	return walk->visit(&below, walk->arg);
}

static void
walk_worker(const struct fetch_worker *worker, void *arg)
{
	struct walk *walk = arg;

	walk->name = worker->name;
	if (walk->r == 0) {
		walk->r = nur_tree_walk(visit_below, walk);
	}
}

int
fetch_engine_walk(const struct fetch_engine *engine, nur_tree_fn visit, void *arg)
{
	struct walk walk = { .visit = visit, .arg = arg };

	(void)nur_cancel_shielded_checkpoint(); /* we are in a task */
	if (engine->workers) {
		fetch_workers_each(engine->workers, walk_worker, &walk);
	}
	return walk.r;
}

void
fetch_engine_versions(struct fetch_versions *ret_versions)
{
	fetch_transfers_versions(ret_versions);
	ret_versions->cares = fetch_resolver_version();
}
