/* SPDX-License-Identifier: MIT */
#include "lib/fetch/transfer/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "lib/base/cleanup.h"

/*
 * wanted  events
 * set     of these, what the kernel is asked for; more than wanted while the socket rests
 */
struct fetch_socket {
	struct nur_watch *watch;
	uint8_t wanted;
	uint8_t set;
	bool is_open;
	bool is_resting;
};

/* Those whose user runs on this thread, or NULL. A poll() gets no argument to carry them. */
static _Thread_local struct fetch_sockets *entered;

static struct fetch_socket *
find(struct fetch_sockets *sockets, int fd)
{
	return (size_t)fd < sockets->n_items ? &sockets->items[fd] : NULL;
}

static struct fetch_socket *
get(struct fetch_sockets *sockets, int fd)
{
	size_t n_items = (size_t)fd + 1 + (size_t)fd / 2 + 64;
	struct fetch_socket *items;

	if ((size_t)fd < sockets->n_items) {
		return &sockets->items[fd];
	}
	items = reallocarray(sockets->items, n_items, sizeof(*items));
	if (!items) {
		return NULL;
	}
	memset(items + sockets->n_items, 0, (n_items - sockets->n_items) * sizeof(*items));
	sockets->items = items;
	sockets->n_items = n_items;
	return &items[fd];
}

static void
set_resting(struct fetch_sockets *sockets, struct fetch_socket *item, bool is_resting)
{
	sockets->n_resting += is_resting;
	sockets->n_resting -= item->is_resting;
	item->is_resting = is_resting;
}

static void
clear(struct fetch_sockets *sockets, struct fetch_socket *item)
{
	nur_watch_close(item->watch);
	set_resting(sockets, item, false);
	sockets->n_open -= item->is_open;
	*item = (struct fetch_socket){ 0 };
}

static int
set(struct fetch_socket *item, unsigned events)
{
	int r;

	if (item->set == events || !item->watch) {
		return 0;
	}
	r = nur_watch_set(item->watch, events);
	item->set = r < 0 ? 0 : (uint8_t)events;
	return r;
}

static void
on_ready(int fd, unsigned events, void *arg)
{
	struct fetch_sockets *sockets = arg;
	struct fetch_socket *item = &sockets->items[fd];
	unsigned hit = events & item->wanted;

	if (hit == 0) {
		(void)set(item, item->wanted); /* fewer: can't fail in a way that matters */
		return;
	}
	sockets->ready(fd, hit, sockets->user);
}

int
fetch_sockets_init(struct fetch_sockets *sockets,
	void (*ready)(int fd, unsigned events, void *user), void *user)
{
	*sockets = (struct fetch_sockets){
		.ready = ready,
		.user = user,
		.stand_in = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	return sockets->stand_in < 0 ? -errno : 0;
}

void
fetch_sockets_fini(struct fetch_sockets *sockets)
{
	for (size_t i = 0; i < sockets->n_items; i++) {
		clear(sockets, &sockets->items[i]);
	}
	free(sockets->items);
	closep(&sockets->stand_in);
	*sockets = (struct fetch_sockets){ .stand_in = -1 };
}

int
fetch_sockets_begin(struct fetch_sockets *sockets, int fd)
{
	struct fetch_socket *item = get(sockets, fd);

	if (!item) {
		return -ENOMEM;
	}
	clear(sockets, item); /* of a socket that was closed without a word */
	item->is_open = true;
	sockets->n_open++;
	return 0;
}

void
fetch_sockets_end(struct fetch_sockets *sockets, int fd)
{
	struct fetch_socket *item = find(sockets, fd);

	if (item) {
		clear(sockets, item);
	}
}

/* The kernel takes the socket out of epoll by itself; libevent hears of it in clear(). */
int
fetch_sockets_sever(struct fetch_sockets *sockets, int fd)
{
	struct fetch_socket *item = find(sockets, fd);

	if (!item || !item->is_open) {
		return -EBADF;
	}
	if (dup3(sockets->stand_in, fd, O_CLOEXEC) < 0) {
		return -errno;
	}
	set_resting(sockets, item, false);
	item->wanted = 0;
	item->is_open = false;
	sockets->n_open--;
	return 0;
}

int
fetch_sockets_want(struct fetch_sockets *sockets, int fd, unsigned events)
{
	struct fetch_socket *item = get(sockets, fd);
	int r;

	if (!item) {
		return -ENOMEM;
	}
	set_resting(sockets, item, false);
	item->wanted = (uint8_t)events;
	if (!item->watch) {
		r = nur_watch_open(fd, on_ready, sockets, &item->watch);
		if (r < 0) {
			return r;
		}
	}
	return set(item, events);
}

void
fetch_sockets_rest(struct fetch_sockets *sockets, int fd, bool is_lazy)
{
	struct fetch_socket *item = find(sockets, fd);

	if (!item) {
		return; /* newer libcurls name sockets they never showed */
	}
	set_resting(sockets, item, item->is_open);
	is_lazy = is_lazy && item->wanted == NUR_WATCH_READ;
	item->wanted = 0;
	if (!is_lazy) {
		(void)set(item, 0); /* off; closed already is fine */
	}
}

void
fetch_sockets_enter(struct fetch_sockets *sockets)
{
	entered = sockets;
}

void
fetch_sockets_leave(void)
{
	entered = NULL;
}

bool
fetch_sockets_is_quiet(int fd)
{
	const struct fetch_socket *item = entered && fd >= 0 ? find(entered, fd) : NULL;

	return item && item->is_open && item->wanted == 0 && item->set == NUR_WATCH_READ;
}
