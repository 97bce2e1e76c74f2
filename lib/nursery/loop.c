/* SPDX-License-Identifier: MIT */
/*
 * One libevent base per run, asked once a pass with EVLOOP_ONCE. Its timers are not used:
 * libevent's clock is coarse and its timeouts are milliseconds. A timerfd wakes a blocking poll
 * instead; it is set only when the wanted time is earlier than the one it is set to, because a poll
 * that comes back too early costs nothing (the scheduler looks at its deadlines and polls again),
 * and a system call for each new deadline would.
 *
 * On a host's base nobody here polls: the host does, and the turn event calls for a pass. Activated,
 * it comes in the same turn of the host's loop. As a timeout of zero it comes after the host has
 * asked the kernel, behind the descriptors that are ready: an event that activates itself would
 * keep the host from ever asking.
 */
#include "lib/nursery/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"

/* loop is NULL when the run has ended before the watch was closed. */
struct nur_watch {
	struct event event;
	struct list in_loop;
	struct nuri_loop *loop;
	int fd;
	unsigned events;
	nur_watch_fn fn;
	void *arg;
};

nur_time
nuri_monotonic(void)
{
	struct timespec now;

	(void)clock_gettime(
		CLOCK_MONOTONIC, &now); /* cannot fail: the clock exists, the pointer is good */
	return NUR_SEC(now.tv_sec) + now.tv_nsec;
}

/* EAGAIN when a timer was set anew meanwhile, and then it stays clear. */
static void
clear_readiness(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct nuri_loop *loop = arg;

	loop->armed_at = NUR_FOREVER;
	clear_readiness(fd);
	if (loop->host) {
		nuri_loop_turn_now(loop);
	}
}

static void
on_wakeup(evutil_socket_t fd, short what, void *arg)
{
	struct nuri_loop *loop = arg;

	loop->n_happened++;
	clear_readiness(fd);
	if (loop->host) {
		nuri_loop_turn_now(loop);
	}
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct nuri_loop *loop = arg;

	loop->host->turn(loop->host);
}

static struct event_base *
new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config) {
		return NULL;
	}
	/* One thread; no libevent timer whose clock would have to be cached. */
	if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_NO_CACHE_TIME |
						  EVENT_BASE_FLAG_IGNORE_ENV) == 0) {
		base = event_base_new_with_config(config);
	}
	event_config_free(config);
	return base;
}

int
nuri_loop_init(struct nuri_loop *loop, struct nuri_host *host)
{
	int r = -ENOMEM;

	*loop = (struct nuri_loop){ .host = host, .timer_fd = -1, .armed_at = NUR_FOREVER };
	list_init(&loop->watches);
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd < 0) {
		return -errno;
	}
	errno = 0;
	loop->base = host ? host->base : new_base();
	if (!loop->base) {
		r = errno ? -errno : -ENOMEM;
		goto out_fini;
	}
	if (host) {
		loop->turn_event = event_new(loop->base, -1, 0, on_turn, loop);
		if (!loop->turn_event) {
			goto out_fini;
		}
	}
	loop->timer_event =
		event_new(loop->base, loop->timer_fd, EV_READ | EV_PERSIST, on_timer, loop);
	if (!loop->timer_event || event_add(loop->timer_event, NULL) < 0) {
		goto out_fini;
	}
	return 0;

out_fini:
	nuri_loop_fini(loop);
	return r;
}

int
nuri_loop_add_wakeup(struct nuri_loop *loop, int fd)
{
	struct event *event = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_wakeup, loop);

	if (!event || event_add(event, NULL) < 0) {
		if (event) {
			event_free(event);
		}
		return -ENOMEM;
	}
	loop->wakeup_event = event;
	return 0;
}

void
nuri_loop_fini(struct nuri_loop *loop)
{
	struct list *node;

	while ((node = list_take_first(&loop->watches))) {
		struct nur_watch *watch = list_entry(node, struct nur_watch, in_loop);

		(void)nur_watch_set(watch, 0); /* switching off cannot fail */
		watch->loop = NULL;
	}
	if (loop->turn_event) {
		event_free(loop->turn_event);
	}
	if (loop->timer_event) {
		event_free(loop->timer_event);
	}
	if (loop->wakeup_event) {
		event_free(loop->wakeup_event);
	}
	if (loop->base && !loop->host) {
		event_base_free(loop->base);
	}
	closep(&loop->timer_fd);
	*loop = (struct nuri_loop){ .timer_fd = -1 };
	list_init(&loop->watches);
}

static void
arm(struct nuri_loop *loop, nur_time at)
{
	struct itimerspec when = { .it_value = { .tv_sec = at / NUR_SEC(1),
					   .tv_nsec = at % NUR_SEC(1) } };

	if (loop->armed_at <= at) {
		return;
	}
	if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0) {
		loop->armed_at = at;
	}
}

bool
nuri_loop_poll(struct nuri_loop *loop, nur_time timeout)
{
	uint64_t n_happened = loop->n_happened;
	int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;

	if (timeout <= 0) {
		flags |= EVLOOP_NONBLOCK;
	} else if (timeout != NUR_FOREVER) {
		arm(loop, nur_time_add(nuri_monotonic(), timeout));
	}
	loop->n_polls++;
	(void)event_base_loop(
		loop->base, flags); /* fails only when called from one of its callbacks */
	return loop->n_happened != n_happened;
}

void
nuri_loop_turn_now(struct nuri_loop *loop)
{
	event_active(loop->turn_event, EV_TIMEOUT, 0);
}

void
nuri_loop_turn_within(struct nuri_loop *loop, nur_time timeout)
{
	static const struct timeval at_once;

	if (timeout <= 0) {
		if (event_add(loop->turn_event, &at_once) < 0) {
			/* No memory in the base's heap: better not to let the host poll than not to
			 * come. */
			nuri_loop_turn_now(loop);
		}
		return;
	}
	(void)event_del(loop->turn_event); /* fails only without a base */
	if (timeout != NUR_FOREVER) {
		arm(loop, nur_time_add(nuri_monotonic(), timeout));
	}
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct nur_watch *watch = arg;
	struct nuri_loop *loop = watch->loop;
	unsigned events =
		(what & EV_READ ? NUR_WATCH_READ : 0u) | (what & EV_WRITE ? NUR_WATCH_WRITE : 0u);

	if (loop->host) {
		loop->host->enter(loop->host);
	}
	loop->n_happened++;
	loop->is_in_callback = true;
	watch->fn(fd, events, watch->arg);
	loop->is_in_callback = false;
	if (loop->host) {
		loop->host->leave(loop->host);
	}
}

int
nur_watch_open(int fd, nur_watch_fn fn, void *arg, struct nur_watch **ret_watch)
{
	struct nuri_run *run = nuri_current_run();
	struct nur_watch *watch;

	if (!run) {
		return NUR_ENOTINTASK;
	}
	if (fd < 0) {
		return -EBADF;
	}
	watch = malloc(sizeof(*watch));
	if (!watch) {
		return -ENOMEM;
	}

	list_append(&run->loop.watches, &watch->in_loop);
	watch->loop = &run->loop;
	watch->fd = fd;
	watch->events = 0;
	watch->fn = fn;
	watch->arg = arg;
	*ret_watch = watch;
	return 0;
}

int
nur_watch_set(struct nur_watch *watch, unsigned events)
{
	short what = (short)(EV_PERSIST | (events & NUR_WATCH_READ ? EV_READ : 0) |
			     (events & NUR_WATCH_WRITE ? EV_WRITE : 0));

	if (events == watch->events) {
		return 0;
	}
	if (watch->events) {
		(void)event_del(
			&watch->event); /* a descriptor closed meanwhile is out of epoll already */
		watch->events = 0;
		watch->loop->n_watched--;
	}
	if (!events) {
		return 0;
	}
	if (!watch->loop) {
		return NUR_ERUNFINISHED;
	}

	if (event_assign(&watch->event, watch->loop->base, watch->fd, what, on_event, watch) < 0) {
		return -EINVAL;
	}
	errno = 0;
	if (event_add(&watch->event, NULL) < 0) {
		int r = errno ? -errno : -ENOMEM;

		(void)event_del(&watch->event);
		return r;
	}
	watch->events = events;
	watch->loop->n_watched++;
	return 0;
}

void
nur_watch_close(struct nur_watch *watch)
{
	if (!watch) {
		return;
	}
	(void)nur_watch_set(watch, 0); /* switching off cannot fail */
	list_unlink(&watch->in_loop);
	free(watch);
}
