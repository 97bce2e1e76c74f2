/* SPDX-License-Identifier: MIT */
/*
 * The deadlock report. It is exact where the run knows all that may wake it: runnable tasks, queued calls,
 * deadlines, watched descriptors (signals come through these), and outside of it open tokens and threads in
 * flight. When nothing of that is left, no task will ever run again.
 *
 * The run is then ended as by a shutdown. Tasks that hide behind a shield would wait for ever, so the shields
 * are cancelled too; a wait that refuses to be aborted leaves nothing but the end of the process.
 */
#include "lib/nursery/deadlock.h"

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/nursery/scheduler.h"
#include "lib/nursery/scope.h"
#include "lib/nursery/token.h"
#include "lib/nursery/tree_text.h"

static const char reason[] = "deadlock: nothing can ever wake the run";

/* Who wakes from outside queues first and lets go after that: so who may is asked first. */
static bool
can_be_woken(const struct nuri_run *run)
{
	return run->n_runnable > 0 || !list_is_empty(&run->calls) || run->deadlines.root ||
	       !list_is_empty(&run->idle_waiters) || run->loop.n_watched > 0 ||
	       nuri_run_n_wakers(run) > 0 || nuri_token_n_queued(run->token) > 0;
}

static char *
tree_as_text(void)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;

	nuri_tree_print(&text);
	return buffer_take(&text);
}

/* The scope after @scope in the tree of all that are entered, parents first; NULL at the end. */
static struct nur_cancel_scope *
next_scope(struct nur_cancel_scope *scope)
{
	if (!list_is_empty(nuri_list(&scope->children))) {
		return list_entry(scope->children.next, struct nur_cancel_scope, sibling);
	}
	while (scope->parent) {
		if (scope->sibling.next != &scope->parent->children) {
			return list_entry(scope->sibling.next, struct nur_cancel_scope, sibling);
		}
		scope = scope->parent;
	}
	return NULL;
}

static void
cancel_shields(struct nuri_run *run)
{
	struct nur_cancel_scope *scope;

	for (scope = &run->system.scope; scope; scope = next_scope(scope)) {
		if (scope->is_shielded) {
			nuri_scope_cancel(scope, NUR_CANCEL_SHUTDOWN, reason);
		}
	}
}

bool
nuri_deadlock_end(struct nuri_run *run)
{
	if (can_be_woken(run)) {
		return false;
	}
	if (!run->is_deadlocked) {
		run->is_deadlocked = true;
		run->deadlock = tree_as_text();
	}
	nuri_scope_cancel(&run->system.scope, NUR_CANCEL_SHUTDOWN, reason);
	if (run->n_runnable == 0) {
		cancel_shields(run);
	}
	if (run->n_runnable == 0) {
		nuri_die("%s, and what its tasks wait for cannot be aborted\n%s", reason,
			run->deadlock ? run->deadlock : "");
	}
	return true;
}
