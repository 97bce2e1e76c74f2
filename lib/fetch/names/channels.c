/* SPDX-License-Identifier: MIT */
/*
 * c-ares on the run's loop.
 *
 * A channel keeps its source port and its servers, so it is retired after QUERIES_A_CHANNEL queries
 * and when resolv.conf has changed: new questions go to a new channel and the old one is destroyed
 * when its last query has ended. Not in c-ares's callback, where that is forbidden, but by
 * on_call().
 *
 * A query cannot be taken back: c-ares cancels all of a channel or nothing. It ends by its own
 * timeouts.
 */
#include "lib/fetch/names/channels.h"

#include <ares.h>
#include <errno.h>
#include <nursery.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/list.h"
#include "lib/fetch/names/name_cache.h"

#define QUERIES_A_CHANNEL 1000

struct socket {
	struct list node;
	int fd;
	struct nur_watch *watch;
	struct channel *channel;
};

struct channel {
	struct list node;
	struct fetch_channels *channels;
	ares_channel ares;
	struct list sockets;
	size_t n_active;
	size_t n_queries;
};

struct query {
	struct channel *channel;
	struct fetch_question *question;
};

struct fetch_channels {
	struct list list; /* the last is in use, unless retired */
	struct channel *current;
	struct nur_timer timer;
	struct nur_call call;
	char *servers;
	char *resolv_path;
	uint16_t port;
	nur_time timeout;
	unsigned tries;
};

/* Sockets and time. */

static void
close_socket(struct socket *item)
{
	nur_watch_close(item->watch);
	list_unlink(&item->node);
	free(item);
}

static void
set_timer(struct fetch_channels *channels)
{
	nur_time nearest = NUR_FOREVER;
	struct list *node;

	list_for_each(node, &channels->list) {
		struct channel *channel = list_entry(node, struct channel, node);
		struct timeval storage;
		struct timeval *left = ares_timeout(channel->ares, NULL, &storage);

		if (left) {
			nur_time ns = NUR_SEC(left->tv_sec) + NUR_USEC(left->tv_usec);

			nearest = ns < nearest ? ns : nearest;
		}
	}
	if (nearest == NUR_FOREVER) {
		nur_timer_stop(&channels->timer);
		return;
	}
	/* its clock is coarser than ours: a little later, or it finds nothing to do */
	nur_timer_set(&channels->timer, nur_time_add(nur_now(), nearest + NUR_MSEC(1)));
}

static void
on_ready(int fd, unsigned events, void *arg)
{
	struct socket *item = arg;
	struct fetch_channels *channels = item->channel->channels;

	/* may free item */
	ares_process_fd(item->channel->ares, events & NUR_WATCH_READ ? fd : ARES_SOCKET_BAD,
		events & NUR_WATCH_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(channels);
}

static void
on_timer(void *arg)
{
	struct fetch_channels *channels = arg;
	struct list *node;

	list_for_each(node, &channels->list) {
		struct channel *channel = list_entry(node, struct channel, node);

		ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	}
	set_timer(channels);
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

/* Answers. */

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
	struct query *query = user;
	struct fetch_question *question = query->question;
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;
	uint32_t ttl_s = 0;

	query->channel->n_active--;
	nur_call_soon(&query->channel->channels->call);
	free(query);
	if (status == ARES_SUCCESS) {
		(void)make_answer(info, &answer, &ttl_s); /* no answer says: no memory */
		ares_freeaddrinfo(info);
	} else if (status != ARES_EDESTRUCTION) {
		bool is_absent = status == ARES_ENOTFOUND || status == ARES_ENODATA ||
				 status == ARES_EBADNAME;

		(void)fetch_answer_create(NULL, 0, is_absent ? -ENOENT : -EHOSTUNREACH, &answer);
	}
	question->answered(question, answer, ttl_s);
}

/* Channels. */

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
open_channel(struct fetch_channels *channels)
{
	struct channel *channel = calloc(1, sizeof(*channel));
	char lookups[] = "b"; /* the hosts file is ours */
	struct ares_options options = {
		.flags = ARES_FLAG_EDNS,
		.timeout = (int)(channels->timeout / NUR_MSEC(1)),
		.tries = (int)channels->tries,
		.udp_port = channels->port,
		.tcp_port = channels->port,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = channel,
		.lookups = lookups,
		.resolvconf_path = channels->resolv_path,
		.ednspsz = 1232,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_UDP_PORT |
		   ARES_OPT_TCP_PORT | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS |
		   ARES_OPT_RESOLVCONF | ARES_OPT_EDNSPSZ;
	int status;

	if (!channel) {
		return -ENOMEM;
	}
	status = ares_init_options(&channel->ares, &options, mask);
	if (status != ARES_SUCCESS) {
		free(channel);
		return status == ARES_ENOMEM ? -ENOMEM : NUR_EINTERNAL;
	}
	channel->channels = channels;
	list_init(&channel->sockets);
	list_append(&channels->list, &channel->node);
	if (channels->servers) {
		status = ares_set_servers_ports_csv(channel->ares, channels->servers);
		if (status != ARES_SUCCESS) {
			destroy_channel(channel);
			return status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
		}
	}
	channels->current = channel;
	return 0;
}

static void
close_retired(struct fetch_channels *channels)
{
	struct list *node, *after;

	if (channels->current && channels->current->n_queries >= QUERIES_A_CHANNEL) {
		channels->current = NULL;
	}
	list_for_each_safe(node, after, &channels->list) {
		struct channel *channel = list_entry(node, struct channel, node);

		if (channel != channels->current && channel->n_active == 0) {
			destroy_channel(channel);
		}
	}
}

static void
on_call(void *arg)
{
	struct fetch_channels *channels = arg;

	close_retired(channels);
	set_timer(channels);
}

void
fetch_channels_ask(struct fetch_channels *channels, struct fetch_question *question)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };
	struct query *query = malloc(sizeof(*query));

	if (!query || (!channels->current && open_channel(channels) < 0)) {
		free(query);
		question->answered(question, NULL, 0);
		return;
	}
	*query = (struct query){ channels->current, question };
	query->channel->n_active++;
	query->channel->n_queries++;
	nur_call_soon(&channels->call);
	ares_getaddrinfo(query->channel->ares, question->name, NULL, &hints, on_answer, query);
}

void
fetch_channels_retire(struct fetch_channels *channels)
{
	if (!channels->servers) {
		channels->current = NULL;
		nur_call_soon(&channels->call);
	}
}

const char *
fetch_channels_version(void)
{
	return ares_version(NULL);
}

static int
copy_options(struct fetch_channels *channels, const struct fetch_channels_options *options)
{
	channels->timeout = options->timeout;
	channels->tries = options->tries;
	channels->port = options->port;
	channels->resolv_path = strdup(options->resolv_path);
	if (options->servers) {
		channels->servers = strdup(options->servers);
	}
	return channels->resolv_path && (channels->servers || !options->servers) ? 0 : -ENOMEM;
}

int
fetch_channels_create(
	const struct fetch_channels_options *options, struct fetch_channels **ret_channels)
{
	struct fetch_channels *channels;
	int r;

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		return NUR_EINTERNAL;
	}
	channels = calloc(1, sizeof(*channels));
	if (!channels) {
		ares_library_cleanup();
		return -ENOMEM;
	}
	list_init(&channels->list);
	nur_timer_init(&channels->timer, on_timer, channels);
	nur_call_init(&channels->call, on_call, channels);
	r = copy_options(channels, options);
	if (r == 0) {
		r = open_channel(channels);
	}
	if (r < 0) {
		fetch_channels_destroy(channels);
		return r;
	}
	*ret_channels = channels;
	return 0;
}

void
fetch_channels_destroy(struct fetch_channels *channels)
{
	if (!channels) {
		return;
	}
	while (!list_is_empty(&channels->list)) {
		destroy_channel(list_entry(channels->list.next, struct channel, node));
	}
	nur_timer_stop(&channels->timer);
	nur_call_cancel(&channels->call);
	free(channels->servers);
	free(channels->resolv_path);
	free(channels);
	ares_library_cleanup();
}
