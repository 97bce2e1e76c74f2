/* SPDX-License-Identifier: MIT */
/*
 * The entry queue: calls from other threads and from signal handlers. docs/threads.md has the picture
 * and the invariants.
 *
 * A queue with a lock was the alternative: it would merge equal calls when they are queued, but a
 * handler that interrupts the holder of the lock could not queue at all.
 */
#include "lib/nursery/token.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/fork.h"
#include "lib/nursery/scheduler.h"

enum kind {
	KIND_PREPARED, /* the caller's memory */
	KIND_CALL,     /* ours, as all that follow */
	KIND_CALL_ONCE,
};

/*
 * newest  the last entry queued, with those before it behind it; &over: no more are taken
 * n_refs  the run, who has it open, threads in flight
 * n_open  nur_token_open() and nur_token_share() less nur_token_close()
 * fd      an eventfd; the run's poll ends when it is written
 * generation  of the process that made it
 */
struct nur_token {
	_Atomic(struct nur_wakeup *) newest;
	atomic_size_t n_refs;
	atomic_size_t n_open;
	int fd;
	unsigned generation;
};

static struct nur_wakeup over;

static int
token_create(struct nur_token **ret_token)
{
	_cleanup_(freep) struct nur_token *token = calloc(1, sizeof(*token));

	if (!token) {
		return -ENOMEM;
	}
	token->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (token->fd < 0) {
		return -errno;
	}
	token->generation = nuri_fork_generation;
	atomic_store(&token->n_refs, 1);
	*ret_token = steal(&token);
	return 0;
}

struct nur_token *
nuri_token_ref(struct nur_token *token)
{
	atomic_fetch_add(&token->n_refs, 1);
	return token;
}

void
nuri_token_unref(struct nur_token *token)
{
	if (token && atomic_fetch_sub(&token->n_refs, 1) == 1) {
		closep(&token->fd);
		free(token);
	}
}

DEFINE_CLEANUP(struct nur_token *, nuri_token_unref);

int
nuri_token_get(struct nuri_run *run, struct nur_token **ret_token)
{
	_cleanup_(nuri_token_unrefp) struct nur_token *token = NULL;
	int r;

	if (!run->token) {
		r = token_create(&token);
		if (r < 0) {
			return r;
		}
		assert(token);
		r = nuri_loop_add_wakeup(&run->loop, token->fd);
		if (r < 0) {
			return r;
		}
		run->token = steal(&token);
	}
	*ret_token = run->token;
	return 0;
}

size_t
nuri_token_n_open(const struct nur_token *token)
{
	return token ? atomic_load(&token->n_open) : 0;
}

size_t
nuri_token_n_queued(const struct nur_token *token)
{
	/* Others only put entries before the newest one: what is behind it is the run's to read. */
	const struct nur_wakeup *entry = token ? atomic_load(&token->newest) : NULL;
	size_t n = 0;

	for (; entry && entry != &over; entry = entry->next) {
		n++;
	}
	return n;
}

int
nur_token_open(struct nur_token **ret_token)
{
	struct nuri_run *run = nuri_current_run();
	struct nur_token *token;
	int r;

	if (!run) {
		return NUR_ENOTINTASK;
	}
	r = nuri_token_get(run, &token);
	if (r < 0) {
		return r;
	}
	*ret_token = nur_token_share(token);
	return 0;
}

struct nur_token *
nur_token_share(struct nur_token *token)
{
	atomic_fetch_add(&token->n_open, 1);
	return nuri_token_ref(token);
}

static void
wake(const struct nur_token *token)
{
	const uint64_t one = 1;
	int saved_errno = errno;

	if (token->generation != nuri_fork_generation) {
		return; /* it would be the parent's */
	}
	(void)!write(token->fd, &one, sizeof(one)); /* full is as good as written */
	errno = saved_errno;
}

void
nur_token_close(struct nur_token *token)
{
	struct nuri_run *run = nuri_current_run();

	if (!token) {
		return;
	}
	if (atomic_fetch_sub(&token->n_open, 1) == 1 && !(run && run->token == token)) {
		wake(token); /* the run may wait for nothing now, and has to look */
	}
	nuri_token_unref(token);
}

static int
push(struct nur_token *token, struct nur_wakeup *entry)
{
	struct nur_wakeup *newest = atomic_load(&token->newest);

	if (token->generation != nuri_fork_generation) {
		return NUR_ERUNFINISHED; /* nobody takes it in this process */
	}
	do {
		if (newest == &over) {
			return NUR_ERUNFINISHED;
		}
		entry->next = newest;
	} while (!atomic_compare_exchange_weak(&token->newest, &newest, entry));
	if (!newest) {
		wake(token);
	}
	return 0;
}

static int
push_new(struct nur_token *token, nur_token_fn fn, void *arg, enum kind kind)
{
	_cleanup_(freep) struct nur_wakeup *entry = NULL;
	int r;

	if (!fn) {
		return -EINVAL;
	}
	entry = malloc(sizeof(*entry));
	if (!entry) {
		return -ENOMEM;
	}
	*entry = (struct nur_wakeup){ .fn = fn, .arg = arg, .kind = kind };
	r = push(token, entry);
	if (r == 0) {
		(void)steal(&entry);
	}
	return r;
}

int
nur_token_call_soon(struct nur_token *token, nur_token_fn fn, void *arg)
{
	return push_new(token, fn, arg, KIND_CALL);
}

int
nur_token_call_soon_once(struct nur_token *token, nur_token_fn fn, void *arg)
{
	return push_new(token, fn, arg, KIND_CALL_ONCE);
}

void
nur_wakeup_init(struct nur_wakeup *wakeup, struct nur_token *token, nur_token_fn fn, void *arg)
{
	*wakeup =
		(struct nur_wakeup){ .token = token, .fn = fn, .arg = arg, .kind = KIND_PREPARED };
}

int
nur_wakeup_send(struct nur_wakeup *wakeup)
{
	int r;

	if (wakeup->token->generation != nuri_fork_generation) {
		return NUR_ERUNFINISHED; /* also one that was queued when the process forked */
	}
	if (__atomic_exchange_n(&wakeup->is_queued, true, __ATOMIC_ACQ_REL)) {
		return 0;
	}
	r = push(wakeup->token, wakeup);
	if (r < 0) {
		__atomic_store_n(&wakeup->is_queued, false, __ATOMIC_RELEASE);
	}
	return r;
}

/* ---- the run's side ---- */

static int
compare(const void *a, const void *b)
{
	const struct nur_wakeup *left = a, *right = b;
	uintptr_t left_fn = (uintptr_t)left->fn, right_fn = (uintptr_t)right->fn;
	uintptr_t left_arg = (uintptr_t)left->arg, right_arg = (uintptr_t)right->arg;

	return left_fn != right_fn ? (left_fn > right_fn ? 1 : -1)
				   : (left_arg > right_arg) - (left_arg < right_arg);
}

static void
keep(void *entry)
{
}

/* Whether an equal one is in @seen; else it is now, if there is memory for that. */
static bool
was_seen(struct nur_wakeup *entry, void **seen)
{
	struct nur_wakeup **first = tsearch(entry, seen, compare);

	return first && *first != entry;
}

/* Takes the equal ones out that are to be called once. Without memory they are called more often. */
static void
merge(struct nur_wakeup *oldest)
{
	struct nur_wakeup **link = &oldest;
	void *seen = NULL;

	while (*link) {
		struct nur_wakeup *entry = *link;

		if (entry->kind == KIND_CALL_ONCE && was_seen(entry, &seen)) {
			*link = entry->next;
			free(entry);
		} else {
			link = &entry->next;
		}
	}
	tdestroy(seen, keep);
}

static struct nur_wakeup *
oldest_first(struct nur_wakeup *newest)
{
	struct nur_wakeup *oldest = NULL;
	bool has_once = false;

	while (newest) {
		struct nur_wakeup *before = newest->next;

		has_once = has_once || newest->kind == KIND_CALL_ONCE;
		newest->next = oldest;
		oldest = newest;
		newest = before;
	}
	if (has_once) {
		merge(oldest);
	}
	return oldest;
}

static void
make_call(struct nuri_run *run, struct nur_wakeup *entry)
{
	nur_token_fn fn = entry->fn;
	void *arg = entry->arg;

	if (entry->kind == KIND_PREPARED) {
		__atomic_store_n(&entry->is_queued, false, __ATOMIC_RELEASE);
	} else {
		free(entry);
	}
	if (fn(arg) < 0) {
		nuri_run_break(run, "a call from outside, queued with the run's token, failed");
	}
}

static void
take_and_call(struct nuri_run *run, struct nur_wakeup *left_behind)
{
	struct nur_wakeup *entry = oldest_first(atomic_exchange(&run->token->newest, left_behind));

	while (entry) {
		struct nur_wakeup *next = entry->next;

		make_call(run, entry);
		entry = next;
	}
	run->idle_since = NUR_FOREVER;
}

void
nuri_token_make_calls(struct nuri_run *run)
{
	if (atomic_load(&run->token->newest)) {
		take_and_call(run, NULL);
	}
}

void
nuri_token_end(struct nuri_run *run)
{
	if (run->token) {
		take_and_call(run, &over);
	}
}
