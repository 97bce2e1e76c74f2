/* SPDX-License-Identifier: MIT */
/*
 * Waiting on descriptors.
 *
 * A table by descriptor number has, for each, a watch and the tasks that wait to read, to write and
 * for the hang-up. The watch wants exactly what somebody waits for, so a number that was closed and
 * given out again is never registered in its old owner's name; streams, which know when their
 * descriptor closes, keep their registration instead (stream.c).
 *
 * A hang-up cannot be asked of libevent: EV_CLOSED fires on a half-close too, and not at all when
 * unread bytes were reset away. An inner epoll set, watched as a descriptor of the loop, has the
 * sockets with no events asked for: the kernel then reports only EPOLLHUP and EPOLLERR, which are
 * both directions closed.
 */
#include <nursery/fd.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/fd_table.h"
#include "lib/nursery/scheduler.h"

enum wait_kind {
	WAIT_READABLE,
	WAIT_WRITABLE,
	WAIT_HANGUP,
	N_WAIT_KINDS,
};

struct fd_entry {
	struct nuri_fd_table *table;
	struct nur_watch *watch;
	struct nur_task *waiting[N_WAIT_KINDS];
	int fd;
};

/*
 * struct nuri_fd_table
 * @entries:      by descriptor number; NULL where nobody ever waited
 * @n_waiting:    tasks of each kind
 * @hangup_epoll: the inner set, or -1
 */
struct nuri_fd_table {
	struct fd_entry **entries;
	size_t cap;
	size_t n_waiting[N_WAIT_KINDS];
	int hangup_epoll;
	struct nur_watch *hangup_watch;
};

static const char *const wait_reasons[N_WAIT_KINDS] = {
	[WAIT_READABLE] = "readable",
	[WAIT_WRITABLE] = "writable",
	[WAIT_HANGUP] = "hang-up",
};

static struct nuri_fd_table *
run_table(struct nuri_run *run)
{
	if (!run->fds) {
		run->fds = calloc(1, sizeof(*run->fds));
		if (run->fds) {
			run->fds->hangup_epoll = -1;
		}
	}
	return run->fds;
}

void
nuri_fd_table_destroy(struct nuri_fd_table *table)
{
	if (!table) {
		return;
	}
	for (size_t fd = 0; fd < table->cap; fd++) {
		if (table->entries[fd]) {
			nur_watch_close(table->entries[fd]->watch);
			free(table->entries[fd]);
		}
	}
	nur_watch_close(table->hangup_watch);
	closep(&table->hangup_epoll);
	free(table->entries);
	free(table);
}

void
nuri_fd_table_count(const struct nuri_fd_table *table, size_t *ret_n_reading, size_t *ret_n_writing)
{
	*ret_n_reading = table ? table->n_waiting[WAIT_READABLE] : 0;
	*ret_n_writing = table ? table->n_waiting[WAIT_WRITABLE] : 0;
}

static void
wake(struct fd_entry *entry, enum wait_kind kind, int result)
{
	struct nur_task *task = entry->waiting[kind];

	if (task) {
		entry->waiting[kind] = NULL;
		entry->table->n_waiting[kind]--;
		nur_reschedule(task, result);
	}
}

/* Lets the watch want what somebody waits for. */
static int
update_watch(struct fd_entry *entry)
{
	return nur_watch_set(
		entry->watch, (entry->waiting[WAIT_READABLE] ? NUR_WATCH_READ : 0u) |
				      (entry->waiting[WAIT_WRITABLE] ? NUR_WATCH_WRITE : 0u));
}

static void
on_ready(int fd, unsigned events, void *arg)
{
	struct fd_entry *entry = arg;

	if (events & NUR_WATCH_READ) {
		wake(entry, WAIT_READABLE, 0);
	}
	if (events & NUR_WATCH_WRITE) {
		wake(entry, WAIT_WRITABLE, 0);
	}
	(void)update_watch(entry); /* asks for less than before, of the same descriptor */
}

static int
grow(struct nuri_fd_table *table, int fd)
{
	size_t cap = table->cap ? table->cap : 64;
	struct fd_entry **entries;

	while (cap <= (size_t)fd) {
		cap *= 2;
	}
	entries = realloc(table->entries, cap * sizeof(struct fd_entry *));
	if (!entries) {
		return -ENOMEM;
	}
	memset(entries + table->cap, 0, (cap - table->cap) * sizeof(struct fd_entry *));
	table->entries = entries;
	table->cap = cap;
	return 0;
}

static int
table_get(struct nuri_fd_table *table, int fd, struct fd_entry **ret_entry)
{
	struct fd_entry *entry;
	int r;

	if ((size_t)fd >= table->cap) {
		if (fcntl(fd, F_GETFD) < 0) {
			return -errno; /* a wild number must not make the table large */
		}
		r = grow(table, fd);
		if (r < 0) {
			return r;
		}
	}
	if (!table->entries[fd]) {
		entry = calloc(1, sizeof(*entry));
		if (!entry) {
			return -ENOMEM;
		}
		entry->table = table;
		entry->fd = fd;
		r = nur_watch_open(fd, on_ready, entry, &entry->watch);
		if (r < 0) {
			free(entry);
			return r;
		}
		table->entries[fd] = entry;
	}
	*ret_entry = table->entries[fd];
	return 0;
}

static void
hangup_remove(struct fd_entry *entry)
{
	/* Fails when the descriptor was closed meanwhile, and then it is out of the set already. */
	(void)epoll_ctl(entry->table->hangup_epoll, EPOLL_CTL_DEL, entry->fd, NULL);
}

static void
on_hangups(int fd, unsigned events, void *arg)
{
	struct epoll_event gone[32];
	int n = epoll_wait(fd, gone, ARRAY_LEN(gone), 0);

	for (int i = 0; i < n; i++) {
		struct fd_entry *entry = gone[i].data.ptr;

		hangup_remove(entry);
		wake(entry, WAIT_HANGUP, 0);
	}
}

static int
hangup_open(struct nuri_fd_table *table)
{
	int r;

	if (table->hangup_watch) {
		return 0;
	}
	table->hangup_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (table->hangup_epoll < 0) {
		return -errno;
	}
	r = nur_watch_open(table->hangup_epoll, on_hangups, NULL, &table->hangup_watch);
	if (r == 0) {
		r = nur_watch_set(table->hangup_watch, NUR_WATCH_READ);
	}
	if (r < 0) {
		nur_watch_close(steal(&table->hangup_watch));
		closep(&table->hangup_epoll);
		table->hangup_epoll = -1;
	}
	return r;
}

static int
hangup_add(struct fd_entry *entry)
{
	struct epoll_event event = { .events = 0, .data.ptr = entry };
	int r = hangup_open(entry->table);

	if (r < 0) {
		return r;
	}
	if (epoll_ctl(entry->table->hangup_epoll, EPOLL_CTL_ADD, entry->fd, &event) < 0) {
		return -errno;
	}
	return 0;
}

/* A wait in progress; lives on the waiting task's stack. */
struct fd_wait {
	struct fd_entry *entry;
	enum wait_kind kind;
};

static void
unregister(struct fd_entry *entry, enum wait_kind kind)
{
	entry->waiting[kind] = NULL;
	entry->table->n_waiting[kind]--;
	if (kind == WAIT_HANGUP) {
		hangup_remove(entry);
	} else {
		(void)update_watch(entry); /* asks for less than before */
	}
}

static enum nur_abort
abort_wait(struct nur_task *task, void *arg)
{
	struct fd_wait *wait = arg;

	unregister(wait->entry, wait->kind);
	return NUR_ABORT_SUCCEEDED;
}

static int
wait_on(int fd, enum wait_kind kind)
{
	struct fd_wait wait = { .kind = kind };
	struct nur_task *task = nuri_calling_task();
	struct nuri_fd_table *table;
	int r;

	if (!task) {
		return NUR_ENOTINTASK;
	}
	if (fd < 0) {
		return -EBADF;
	}
	table = run_table(task->run);
	if (!table) {
		return -ENOMEM;
	}
	r = table_get(table, fd, &wait.entry);
	if (r < 0) {
		return r;
	}
	assert(wait.entry);
	if (wait.entry->waiting[kind]) {
		return NUR_EBUSY;
	}

	wait.entry->waiting[kind] = task;
	table->n_waiting[kind]++;
	r = kind == WAIT_HANGUP ? hangup_add(wait.entry) : update_watch(wait.entry);
	if (r < 0) {
		unregister(wait.entry, kind);
		return r;
	}
	return nur_wait_task_rescheduled(wait_reasons[kind], abort_wait, &wait);
}

int
nur_wait_readable(int fd)
{
	return wait_on(fd, WAIT_READABLE);
}

int
nur_wait_writable(int fd)
{
	return wait_on(fd, WAIT_WRITABLE);
}

int
nur_wait_hangup(int fd)
{
	return wait_on(fd, WAIT_HANGUP);
}

void
nur_notify_closing(int fd)
{
	struct nuri_run *run = nuri_current_run();
	struct fd_entry *entry;

	if (!run || !run->fds || fd < 0 || (size_t)fd >= run->fds->cap) {
		return;
	}
	entry = run->fds->entries[fd];
	if (!entry) {
		return;
	}
	(void)nur_watch_set(entry->watch, 0); /* switching off cannot fail */
	if (entry->waiting[WAIT_HANGUP]) {
		hangup_remove(entry);
	}
	for (int kind = 0; kind < N_WAIT_KINDS; kind++) {
		wake(entry, kind, NUR_ECLOSED);
	}
}
