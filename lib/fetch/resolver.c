/* SPDX-License-Identifier: MIT */
/*
 * c-ares on the run's loop, with a cache and the hosts file before it.
 *
 * A lookup is one name being asked for, with the tasks that wait for it. It is not theirs: a task
 * that is cancelled leaves, and the lookup goes on to its end, by its own timeouts, and fills the
 * cache. So nobody's cancellation disturbs strangers, and that c-ares cannot cancel one query does
 * not matter.
 *
 * Lookups belong to a channel. A channel keeps its source port and its servers, so it is retired
 * after QUERIES_A_CHANNEL queries and when resolv.conf has changed: new lookups go to a new channel
 * and the old one is destroyed when its last query has ended. Not in c-ares's callback, where that
 * is forbidden, but by on_call(); which also begins lookups, since c-ares needs more stack than
 * tasks have.
 *
 * At most MAX_ACTIVE lookups are asked at a time: thousands of questions at once overflow the
 * socket buffers of the nearest resolver and come back as timeouts.
 */
#include "lib/fetch/resolver.h"

#include <ares.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/list.h"
#include "lib/fetch/hosts_file.h"
#include "lib/fetch/name_cache.h"

#define MAX_ACTIVE        500
#define QUERIES_A_CHANNEL 1000
#define N_BUCKETS         1024
#define FILE_CHECK        NUR_SEC(1)
#define HOSTS_FILE_MAX    (4u * 1024 * 1024)

struct socket {
	struct list node;
	int fd;
	struct nur_watch *watch;
	struct channel *channel;
};

struct channel {
	struct list node;
	struct fetch_resolver *resolver;
	ares_channel ares;
	struct list sockets;
	size_t n_active;
	size_t n_queries;
};

struct lookup {
	struct list in_bucket;
	struct list in_queue; /* until it is begun */
	struct list waiters;
	struct channel *channel;
	uint64_t hash;
	char name[];
};

/* On the stack of the task that waits. */
struct waiter {
	struct list node;
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
	struct list channels; /* the last is in use, unless retired */
	struct channel *current;
	struct list buckets[N_BUCKETS];
	struct list queue;
	size_t n_active;
	struct nur_timer timer;
	struct nur_call call;
	struct fetch_name_cache *cache;
	struct fetch_hosts *hosts;
	struct file_mark hosts_mark;
	struct file_mark resolv_mark;
	nur_time next_check;
	char *servers;
	char *hosts_path;
	char *resolv_path;
	nur_time timeout;
	unsigned tries;
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

static void
check_files(struct fetch_resolver *resolver)
{
	nur_time now = nur_now();

	if (now < resolver->next_check) {
		return;
	}
	resolver->next_check = nur_time_add(now, FILE_CHECK);
	if (has_changed(resolver->hosts_path, &resolver->hosts_mark)) {
		load_hosts(resolver);
	}
	if (has_changed(resolver->resolv_path, &resolver->resolv_mark) && !resolver->servers) {
		resolver->current = NULL; /* retired */
		fetch_name_cache_clear(resolver->cache);
		nur_call_soon(&resolver->call);
	}
}

/* Lookups. */

static uint64_t
hash_name(uint64_t seed, const char *name)
{
	uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);

	for (; *name; name++) {
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
		hash ^= hash >> 29;
	}
	return hash;
}

static struct lookup *
find_lookup(struct fetch_resolver *resolver, const char *name, uint64_t hash)
{
	struct list *bucket = &resolver->buckets[hash % N_BUCKETS];
	struct list *node;

	list_for_each(node, bucket) {
		struct lookup *lookup = list_entry(node, struct lookup, in_bucket);

		if (lookup->hash == hash && strcmp(lookup->name, name) == 0) {
			return lookup;
		}
	}
	return NULL;
}

static int
get_lookup(struct fetch_resolver *resolver, const char *name, struct lookup **ret_lookup)
{
	uint64_t hash = hash_name(resolver->seed, name);
	struct lookup *lookup = find_lookup(resolver, name, hash);

	if (!lookup) {
		lookup = calloc(1, sizeof(*lookup) + strlen(name) + 1);
		if (!lookup) {
			return -ENOMEM;
		}
		memcpy(lookup->name, name, strlen(name) + 1);
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

/* @answer: NULL when there was no memory for one */
static void
end_lookup(struct fetch_resolver *resolver, struct lookup *lookup, struct fetch_answer *answer)
{
	while (!list_is_empty(&lookup->waiters)) {
		struct waiter *waiter =
			list_entry(list_take_first(&lookup->waiters), struct waiter, node);

		if (answer) {
			waiter->answer = fetch_answer_ref(answer);
		}
		nur_reschedule(waiter->task, answer ? 0 : -ENOMEM);
	}
	list_unlink(&lookup->in_bucket);
	list_unlink(&lookup->in_queue);
	resolver->statistics.n_lookups--;
	if (lookup->channel) {
		lookup->channel->n_active--;
		resolver->n_active--;
		nur_call_soon(&resolver->call);
	}
	free(lookup);
}

/* Channels. */

static void
close_socket(struct socket *item)
{
	nur_watch_close(item->watch);
	list_unlink(&item->node);
	free(item);
}

static void
set_timer(struct fetch_resolver *resolver)
{
	nur_time nearest = NUR_FOREVER;
	struct list *node;

	list_for_each(node, &resolver->channels) {
		struct channel *channel = list_entry(node, struct channel, node);
		struct timeval storage;
		struct timeval *left = ares_timeout(channel->ares, NULL, &storage);

		if (left) {
			nur_time ns = NUR_SEC(left->tv_sec) + NUR_USEC(left->tv_usec);

			nearest = ns < nearest ? ns : nearest;
		}
	}
	if (nearest == NUR_FOREVER) {
		nur_timer_stop(&resolver->timer);
		return;
	}
	/* its clock is coarser than ours: a little later, or it finds nothing to do */
	nur_timer_set(&resolver->timer, nur_time_add(nur_now(), nearest + NUR_MSEC(1)));
}

static void
on_ready(int fd, unsigned events, void *arg)
{
	struct socket *item = arg;
	struct fetch_resolver *resolver = item->channel->resolver;

	/* may free item */
	ares_process_fd(item->channel->ares, events & NUR_WATCH_READ ? fd : ARES_SOCKET_BAD,
		events & NUR_WATCH_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(resolver);
}

static void
on_timer(void *arg)
{
	struct fetch_resolver *resolver = arg;
	struct list *node;

	list_for_each(node, &resolver->channels) {
		struct channel *channel = list_entry(node, struct channel, node);

		ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	}
	set_timer(resolver);
}

static struct socket *
find_socket(struct channel *channel, int fd)
{
	struct list *node;

	list_for_each(node, &channel->sockets) {
		struct socket *item = list_entry(node, struct socket, node);

		if (item->fd == fd) {
			return item;
		}
	}
	return NULL;
}

/* A socket that cannot be watched is one that stays silent: the query's time runs out. */
static void
on_socket(void *user, ares_socket_t fd, int is_readable, int is_writable)
{
	struct channel *channel = user;
	struct socket *item = find_socket(channel, fd);

	if (!is_readable && !is_writable) {
		if (item) {
			close_socket(item);
		}
		return;
	}
	if (!item) {
		item = calloc(1, sizeof(*item));
		if (!item) {
			return;
		}
		item->fd = fd;
		item->channel = channel;
		list_append(&channel->sockets, &item->node);
		if (nur_watch_open(fd, on_ready, item, &item->watch) < 0) {
			close_socket(item);
			return;
		}
	}
	(void)nur_watch_set(item->watch,
		(is_readable ? NUR_WATCH_READ : 0) | (is_writable ? NUR_WATCH_WRITE : 0));
}

static int
make_answer(const struct ares_addrinfo *info, struct fetch_answer **ret_answer, uint32_t *ret_ttl_s)
{
	struct fetch_address addresses[FETCH_ANSWER_MAX];
	uint32_t ttl_s = FETCH_NAME_TTL_MAX_S;
	size_t n_addresses = 0;

	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
		uint32_t node_ttl_s = node->ai_ttl > 0 ? (uint32_t)node->ai_ttl : 0;

		if (n_addresses < FETCH_ANSWER_MAX &&
			fetch_address_from_sockaddr(
				node->ai_addr, node->ai_addrlen, &addresses[n_addresses])) {
			n_addresses++;
			ttl_s = node_ttl_s < ttl_s ? node_ttl_s : ttl_s;
		}
	}
	*ret_ttl_s = ttl_s;
	return fetch_answer_create(
		addresses, n_addresses, n_addresses > 0 ? 0 : -ENOENT, ret_answer);
}

static void
on_answer(void *user, int status, int n_timeouts, struct ares_addrinfo *info)
{
	struct lookup *lookup = user;
	struct fetch_resolver *resolver = lookup->channel->resolver;
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;
	uint32_t ttl_s = 0;
	int r;

	if (status == ARES_SUCCESS) {
		r = make_answer(info, &answer, &ttl_s);
		ares_freeaddrinfo(info);
	} else {
		bool is_absent = status == ARES_ENOTFOUND || status == ARES_ENODATA ||
				 status == ARES_EBADNAME;

		r = fetch_answer_create(NULL, 0, is_absent ? -ENOENT : -EHOSTUNREACH, &answer);
	}
	if (r == 0 && status != ARES_EDESTRUCTION) {
		/* without memory it is only forgotten */
		(void)fetch_name_cache_put(resolver->cache, lookup->name, answer, ttl_s, nur_now());
	}
	end_lookup(resolver, lookup, answer);
}

static void
destroy_channel(struct channel *channel)
{
	ares_destroy(channel->ares);
	while (!list_is_empty(&channel->sockets)) {
		close_socket(list_entry(channel->sockets.next, struct socket, node));
	}
	list_unlink(&channel->node);
	free(channel);
}

static int
open_channel(struct fetch_resolver *resolver, struct channel **ret_channel)
{
	struct channel *channel = calloc(1, sizeof(*channel));
	char lookups[] = "b"; /* the hosts file is ours */
	struct ares_options options = {
		.flags = ARES_FLAG_EDNS,
		.timeout = (int)(resolver->timeout / NUR_MSEC(1)),
		.tries = (int)resolver->tries,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = channel,
		.lookups = lookups,
		.resolvconf_path = resolver->resolv_path,
		.ednspsz = 1232,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
		   ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_EDNSPSZ;
	int status;

	if (!channel) {
		return -ENOMEM;
	}
	status = ares_init_options(&channel->ares, &options, mask);
	if (status != ARES_SUCCESS) {
		free(channel);
		return status == ARES_ENOMEM ? -ENOMEM : NUR_EINTERNAL;
	}
	channel->resolver = resolver;
	list_init(&channel->sockets);
	list_append(&resolver->channels, &channel->node);
	if (resolver->servers) {
		status = ares_set_servers_ports_csv(channel->ares, resolver->servers);
		if (status != ARES_SUCCESS) {
			destroy_channel(channel);
			return status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
		}
	}
	*ret_channel = channel;
	return 0;
}

static void
retire_channels(struct fetch_resolver *resolver)
{
	struct list *node, *after;

	if (resolver->current && resolver->current->n_queries >= QUERIES_A_CHANNEL) {
		resolver->current = NULL;
	}
	list_for_each_safe(node, after, &resolver->channels) {
		struct channel *channel = list_entry(node, struct channel, node);

		if (channel != resolver->current && channel->n_active == 0) {
			destroy_channel(channel);
		}
	}
}

static void
begin_lookup(struct fetch_resolver *resolver, struct lookup *lookup)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };
	struct channel *channel;

	if (!resolver->current && open_channel(resolver, &resolver->current) < 0) {
		end_lookup(resolver, lookup, NULL);
		return;
	}
	channel = resolver->current;
	channel->n_active++;
	channel->n_queries++;
	resolver->n_active++;
	resolver->statistics.total_lookups++;
	lookup->channel = channel;
	ares_getaddrinfo(channel->ares, lookup->name, NULL, &hints, on_answer, lookup);
}

static void
on_call(void *arg)
{
	struct fetch_resolver *resolver = arg;

	retire_channels(resolver);
	while (resolver->n_active < MAX_ACTIVE && !list_is_empty(&resolver->queue)) {
		struct list *node = list_take_first(&resolver->queue);

		begin_lookup(resolver, list_entry(node, struct lookup, in_queue));
	}
	set_timer(resolver);
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
	struct waiter *waiter = arg;

	list_unlink(&waiter->node);
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
	list_append(&lookup->waiters, &waiter.node);
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
	return ares_version(NULL);
}

static int
copy_options(struct fetch_resolver *resolver, const struct fetch_resolver_options *options)
{
	resolver->timeout = options->timeout;
	resolver->tries = options->tries;
	resolver->seed = options->seed;
	resolver->hosts_path = strdup(options->hosts_path);
	resolver->resolv_path = strdup(options->resolv_path);
	if (options->servers) {
		resolver->servers = strdup(options->servers);
	}
	return resolver->hosts_path && resolver->resolv_path &&
			       (resolver->servers || !options->servers)
		       ? 0
		       : -ENOMEM;
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
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		return NUR_EINTERNAL;
	}
	resolver = calloc(1, sizeof(*resolver));
	if (!resolver) {
		ares_library_cleanup();
		return -ENOMEM;
	}
	list_init(&resolver->channels);
	list_init(&resolver->queue);
	for (size_t i = 0; i < N_BUCKETS; i++) {
		list_init(&resolver->buckets[i]);
	}
	nur_timer_init(&resolver->timer, on_timer, resolver);
	nur_call_init(&resolver->call, on_call, resolver);
	r = copy_options(resolver, options);
	if (r == 0) {
		r = fetch_name_cache_create(FETCH_NAME_CACHE_MAX, options->seed, &resolver->cache);
	}
	if (r == 0) {
		(void)has_changed(resolver->resolv_path, &resolver->resolv_mark);
		r = open_channel(resolver, &resolver->current);
	}
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
	while (!list_is_empty(&resolver->queue)) {
		end_lookup(
			resolver, list_entry(resolver->queue.next, struct lookup, in_queue), NULL);
	}
	while (!list_is_empty(&resolver->channels)) {
		destroy_channel(list_entry(resolver->channels.next, struct channel, node));
	}
	assert(resolver->statistics.n_lookups == 0);
	nur_timer_stop(&resolver->timer);
	nur_call_cancel(&resolver->call);
	fetch_name_cache_destroy(resolver->cache);
	fetch_hosts_destroy(resolver->hosts);
	free(resolver->servers);
	free(resolver->hosts_path);
	free(resolver->resolv_path);
	free(resolver);
	ares_library_cleanup();
}
