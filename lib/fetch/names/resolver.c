/* SPDX-License-Identifier: MIT */
/*
 * Names are looked up once for all who ask, with a cache and the hosts file before it.
 *
 * A lookup is one name being asked for, with the tasks that wait for it. It is not theirs: a task
 * that is cancelled leaves, and the lookup goes on to its end, by its own timeouts, and fills the
 * cache. So nobody's cancellation disturbs strangers, and that a query cannot be taken back does
 * not matter.
 *
 *	                  nobody waits, not begun: forgotten
 *	                ┌───────────────────────────────────►
 *	get_lookup() ─► queue ─► begun, wanted ◄─► begun, unwanted ─► answered: cache, waiters
 *
 * At most max_wanted lookups are asked at a time for somebody who waits: thousands of questions at
 * once overflow the socket buffers of the nearest resolver and come back as timeouts. Those that
 * nobody waits for any more have been sent long ago and take no place from others, up to
 * MAX_UNWANTED: a batch that was cancelled while its name servers were silent is nothing to the
 * next one. Of the system, which uses up a thread for each, FETCH_SYSTEM_THREADS are asked at a
 * time, wanted or not: behind so many names that hang, others wait, as long as those who wait
 * for them do.
 *
 * Lookups begin in on_call(), on the loop's stack, since c-ares needs more than tasks have.
 */
#include "lib/fetch/names/resolver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/hash.h"
#include "lib/base/list.h"
#include "lib/fetch/names/channels.h"
#include "lib/fetch/names/hosts_file.h"
#include "lib/fetch/names/name_cache.h"
#include "lib/fetch/names/system_names.h"

#define MAX_UNWANTED   4000
#define N_BUCKETS      1024
#define FILE_CHECK     NUR_SEC(1)
#define HOSTS_FILE_MAX (4u * 1024 * 1024)

struct lookup {
	struct fetch_question question;
	struct fetch_resolver *resolver;
	struct list in_bucket;
	struct list in_queue; /* until it is begun */
	struct list waiters;
	bool is_begun;
	unsigned generation; /* the resolver's when it was made */
	uint64_t hash;
	char name[];
};

/* On the stack of the task that waits. */
struct waiter {
	struct list node;
	struct lookup *lookup;
	struct nur_task *task;
	struct fetch_answer *answer;
};

/* What tells that a file is another one than before. */
struct file_mark {
	struct timespec mtime;
	off_t size;
	ino_t inode;
};

struct fetch_resolver {
	struct fetch_channels *channels;   /* or NULL */
	struct fetch_system_names *system; /* or NULL */
	struct list buckets[N_BUCKETS];
	struct list queue;
	size_t n_active; /* begun */
	size_t n_wanted; /* of these, with somebody who waits */
	size_t max_wanted;
	struct nur_call call;
	unsigned generation; /* of name servers */
	struct fetch_name_cache *cache;
	struct fetch_hosts *hosts;
	struct file_mark hosts_mark;
	struct file_mark resolv_mark;
	nur_time next_check;
	char *hosts_path;
	char *resolv_path;
	uint64_t seed;
	struct fetch_resolver_statistics statistics;
};

/* Files. */

static bool
has_changed(const char *path, struct file_mark *mark)
{
	struct file_mark now = { 0 };
	struct stat st;
	bool is_same;

	if (stat(path, &st) == 0) {
		now = (struct file_mark){ st.st_mtim, st.st_size, st.st_ino };
	}
	is_same = now.mtime.tv_sec == mark->mtime.tv_sec &&
		  now.mtime.tv_nsec == mark->mtime.tv_nsec && now.size == mark->size &&
		  now.inode == mark->inode;
	*mark = now;
	return !is_same;
}

static int
read_file(const char *path, struct buffer *text)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0) {
		return -errno;
	}
	do {
		if (buffer_reserve(text, 4096) < 0) {
			return -ENOMEM;
		}
		len = read(fd, text->data + text->len, 4096);
		if (len < 0) {
			return -errno;
		}
		text->len += (size_t)len;
	} while (len > 0 && text->len < HOSTS_FILE_MAX);
	return 0;
}

/* A file that cannot be read now is like one that is empty. */
static void
load_hosts(struct fetch_resolver *resolver)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	struct fetch_hosts *hosts = NULL;

	if (read_file(resolver->hosts_path, &text) == 0 && text.len > 0 &&
		fetch_hosts_parse(text.data, text.len, &hosts) < 0) {
		return; /* no memory: keep the old one */
	}
	fetch_hosts_destroy(resolver->hosts);
	resolver->hosts = hosts;
}

/* What is known, and what is under way, is of before. */
static void
change_servers(struct fetch_resolver *resolver)
{
	resolver->generation++;
	fetch_name_cache_clear(resolver->cache);
	if (resolver->channels) {
		fetch_channels_retire(resolver->channels);
	}
}

static void
change_hosts(struct fetch_resolver *resolver)
{
	if (resolver->system) {
		change_servers(resolver); /* its answers come from that file, too */
	} else {
		load_hosts(resolver);
	}
}

static void
check_files(struct fetch_resolver *resolver)
{
	nur_time now = nur_now();

	if (now < resolver->next_check) {
		return;
	}
	resolver->next_check = nur_time_add(now, FILE_CHECK);
	if (has_changed(resolver->hosts_path, &resolver->hosts_mark)) {
		change_hosts(resolver);
	}
	if (has_changed(resolver->resolv_path, &resolver->resolv_mark)) {
		change_servers(resolver);
	}
}

/* Lookups. */

static struct lookup *
find_lookup(struct fetch_resolver *resolver, const char *name, uint64_t hash)
{
	struct list *bucket = &resolver->buckets[hash % N_BUCKETS];
	struct list *node;

	list_for_each(node, bucket) {
		struct lookup *lookup = list_entry(node, struct lookup, in_bucket);

		if (lookup->hash == hash && lookup->generation == resolver->generation &&
			strcmp(lookup->name, name) == 0) {
			return lookup;
		}
	}
	return NULL;
}

static void
forget_lookup(struct lookup *lookup)
{
	list_unlink(&lookup->in_bucket);
	list_unlink(&lookup->in_queue);
	lookup->resolver->statistics.n_lookups--;
	free(lookup);
}

static void
count_answer(struct fetch_resolver_statistics *statistics, const struct fetch_answer *answer)
{
	if (!answer || answer->error == -EHOSTUNREACH) {
		statistics->total_failed++;
	} else if (answer->error < 0) {
		statistics->total_absent++;
	} else {
		statistics->total_found++;
	}
}

static void
on_answer(struct fetch_question *question, struct fetch_answer *answer, uint32_t ttl_s)
{
	struct lookup *lookup = container_of(question, struct lookup, question);
	struct fetch_resolver *resolver = lookup->resolver;

	resolver->n_active--;
	resolver->n_wanted -= !list_is_empty(&lookup->waiters);
	if (answer && lookup->generation == resolver->generation) {
		/* without memory it is only forgotten */
		(void)fetch_name_cache_put(resolver->cache, lookup->name, answer, ttl_s, nur_now());
	}
	while (!list_is_empty(&lookup->waiters)) {
		struct waiter *waiter =
			list_entry(list_take_first(&lookup->waiters), struct waiter, node);

		if (answer) {
			waiter->answer = fetch_answer_ref(answer);
		}
		nur_reschedule(waiter->task, answer ? 0 : -ENOMEM);
	}
	count_answer(&resolver->statistics, answer);
	forget_lookup(lookup);
	nur_call_soon(&resolver->call);
}

static int
get_lookup(struct fetch_resolver *resolver, const char *name, struct lookup **ret_lookup)
{
	uint64_t hash = hash_text_seeded(resolver->seed, name);
	struct lookup *lookup = find_lookup(resolver, name, hash);

	if (!lookup) {
		lookup = calloc(1, sizeof(*lookup) + strlen(name) + 1);
		if (!lookup) {
			return -ENOMEM;
		}
		memcpy(lookup->name, name, strlen(name) + 1);
		lookup->question = (struct fetch_question){ lookup->name, on_answer };
		lookup->resolver = resolver;
		lookup->generation = resolver->generation;
		lookup->hash = hash;
		list_init(&lookup->waiters);
		list_append(&resolver->buckets[hash % N_BUCKETS], &lookup->in_bucket);
		list_append(&resolver->queue, &lookup->in_queue);
		resolver->statistics.n_lookups++;
		nur_call_soon(&resolver->call);
	}
	*ret_lookup = lookup;
	return 0;
}

static void
begin_lookup(struct fetch_resolver *resolver, struct lookup *lookup)
{
	lookup->is_begun = true;
	resolver->n_active++;
	resolver->n_wanted++; /* else it would not be in the queue */
	resolver->statistics.total_lookups++;
	if (resolver->system) {
		fetch_system_names_ask(resolver->system, &lookup->question);
	} else {
		fetch_channels_ask(resolver->channels, &lookup->question);
	}
	/* it may be gone */
}

static bool
has_room(const struct fetch_resolver *resolver)
{
	if (resolver->system) {
		return resolver->n_active < FETCH_SYSTEM_THREADS; /* each has a thread */
	}
	return resolver->n_wanted < resolver->max_wanted &&
	       resolver->n_active - resolver->n_wanted < MAX_UNWANTED;
}

static void
on_call(void *arg)
{
	struct fetch_resolver *resolver = arg;

	while (has_room(resolver) && !list_is_empty(&resolver->queue)) {
		struct list *node = list_take_first(&resolver->queue);

		begin_lookup(resolver, list_entry(node, struct lookup, in_queue));
	}
}

static void
join_lookup(struct lookup *lookup, struct waiter *waiter)
{
	lookup->resolver->n_wanted += lookup->is_begun && list_is_empty(&lookup->waiters);
	waiter->lookup = lookup;
	list_append(&lookup->waiters, &waiter->node);
}

static void
leave_lookup(struct waiter *waiter)
{
	struct lookup *lookup = waiter->lookup;

	list_unlink(&waiter->node);
	if (!list_is_empty(&lookup->waiters)) {
		return;
	}
	if (!lookup->is_begun) {
		forget_lookup(lookup);
		return;
	}
	lookup->resolver->n_wanted--;
	nur_call_soon(&lookup->resolver->call);
}

/* The tasks' side. */

int
fetch_resolver_find(
	struct fetch_resolver *resolver, const char *name, struct fetch_answer **ret_answer)
{
	int r;

	check_files(resolver);
	r = fetch_hosts_find(resolver->hosts, name, ret_answer);
	if (r != -ENOENT) {
		return r;
	}
	*ret_answer = fetch_name_cache_find(resolver->cache, name, nur_now());
	if (!*ret_answer) {
		return -ENOENT;
	}
	resolver->statistics.total_cached++;
	return 0;
}

static enum nur_abort
abort_wait(struct nur_task *task, void *arg)
{
	leave_lookup(arg);
	return NUR_ABORT_SUCCEEDED;
}

int
fetch_resolver_lookup(
	struct fetch_resolver *resolver, const char *name, struct fetch_answer **ret_answer)
{
	struct waiter waiter = { .task = nur_current_task() };
	struct lookup *lookup;
	int r;

	r = get_lookup(resolver, name, &lookup);
	if (r < 0) {
		int cancelled = nur_checkpoint();

		return cancelled < 0 ? cancelled : r;
	}
	join_lookup(lookup, &waiter);
	r = nur_wait_task_rescheduled("name", abort_wait, &waiter);
	if (r < 0) {
		return r;
	}
	*ret_answer = waiter.answer;
	return 0;
}

void
fetch_resolver_statistics(
	const struct fetch_resolver *resolver, struct fetch_resolver_statistics *ret_statistics)
{
	*ret_statistics = resolver->statistics;
	ret_statistics->n_names_cached = fetch_name_cache_count(resolver->cache);
}

const char *
fetch_resolver_version(void)
{
	return fetch_channels_version();
}

static int
create_parts(struct fetch_resolver *resolver, const struct fetch_resolver_options *options)
{
	const struct fetch_channels_options channels = {
		.servers = options->servers,
		.resolv_path = options->resolv_path,
		.port = options->port,
		.timeout = options->timeout,
		.tries = options->tries,
	};
	int r;

	resolver->seed = options->seed;
	resolver->max_wanted = options->max_wanted;
	resolver->hosts_path = strdup(options->hosts_path);
	resolver->resolv_path = strdup(options->resolv_path);
	if (!resolver->hosts_path || !resolver->resolv_path) {
		return -ENOMEM;
	}
	r = fetch_name_cache_create(FETCH_NAME_CACHE_MAX, options->seed, &resolver->cache);
	if (r < 0) {
		return r;
	}
	(void)has_changed(resolver->resolv_path, &resolver->resolv_mark);
	if (options->is_system) {
		(void)has_changed(resolver->hosts_path, &resolver->hosts_mark);
		return fetch_system_names_create(&resolver->system);
	}
	return fetch_channels_create(&channels, &resolver->channels);
}

int
fetch_resolver_create(
	const struct fetch_resolver_options *options, struct fetch_resolver **ret_resolver)
{
	struct fetch_resolver *resolver;
	int r;

	if (!nur_in_run()) {
		return NUR_ENOTINTASK;
	}
	resolver = calloc(1, sizeof(*resolver));
	if (!resolver) {
		return -ENOMEM;
	}
	list_init(&resolver->queue);
	for (size_t i = 0; i < N_BUCKETS; i++) {
		list_init(&resolver->buckets[i]);
	}
	nur_call_init(&resolver->call, on_call, resolver);
	r = create_parts(resolver, options);
	if (r < 0) {
		fetch_resolver_destroy(resolver);
		return r;
	}
	*ret_resolver = resolver;
	return 0;
}

void
fetch_resolver_destroy(struct fetch_resolver *resolver)
{
	if (!resolver) {
		return;
	}
	fetch_channels_destroy(resolver->channels);
	fetch_system_names_destroy(resolver->system);
	/* what nobody waits for is not in the queue, and nobody waits */
	assert(resolver->statistics.n_lookups == 0);
	nur_call_cancel(&resolver->call);
	fetch_name_cache_destroy(resolver->cache);
	fetch_hosts_destroy(resolver->hosts);
	free(resolver->hosts_path);
	free(resolver->resolv_path);
	free(resolver);
}
