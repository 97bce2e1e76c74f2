/* SPDX-License-Identifier: MIT */
/*
 * Runs and tasks, as the library's files share them. A run belongs to one thread; everything in it
 * is touched by that thread only. See docs/scheduler.md for one pass of the loop.
 */
#pragma once

#include <nursery/checkpoint.h>
#include <nursery/nursery.h>
#include <nursery/park.h>
#include <nursery/run.h>
#include <nursery/watch.h>

#include "lib/nursery/context.h"
#include "lib/nursery/deadline.h"
#include "lib/nursery/failure.h"
#include "lib/nursery/instrument.h"
#include "lib/nursery/loop.h"
#include "lib/nursery/node.h"
#include "lib/nursery/stack.h"

struct nur_parking_lot_breaker;
struct nuri_fd_table;
struct nur_limiter;
struct nuri_hog;
struct nuri_locals;
struct nuri_stack_use;
struct nur_token;

enum nuri_task_state {
	NURI_TASK_RUNNABLE, /* in the run queue */
	NURI_TASK_RUNNING,
	NURI_TASK_WAITING, /* in nur_wait_task_rescheduled() */
	NURI_TASK_DONE,    /* its function has returned; only the loop may touch it now */
};

/*
 * struct nur_task - lives at the top of its own stack, below struct nuri_stack, so that a parked
 * task with shallow frames occupies one page
 *
 * in_queue     in the run queue
 * in_scope     in scope->tasks
 * in_nursery   in parent_nursery->children
 * scope        the innermost scope the task is in: its node of the cancel status tree
 * nurseries    open ones, outermost first
 * breakers     of the parking lots that break when it ends; NULL: none
 * locals       its values of struct nur_local; NULL: none
 * abort        how to undo the present wait; NULL: cannot be, or was tried. What describes a wait is garbage
 *              outside of one.
 * result       what the present wait returns
 * started_at   the run's time of the pass in which it was started
 * waiting_since  likewise, in which its present wait began
 * has_been_told  a checkpoint has reported the cancellation that it is in
 */
struct nur_task {
	struct nuri_context context;
	struct nuri_run *run;
	struct nuri_stack *stack;
	struct nur_cancel_scope *scope;
	struct nur_nursery *parent_nursery;
	nur_task_fn fn;
	void *arg;
	const char *name;
	struct nur_node in_queue;
	struct nur_node in_scope;
	struct nur_node in_nursery;
	struct nur_node nurseries;
	struct nuri_failure *failure;
	struct nur_parking_lot_breaker *breakers;
	struct nuri_locals *locals;
	nur_abort_fn abort;
	void *abort_arg;
	const char *wait_reason;
	nur_time started_at;
	nur_time waiting_since;
	int result;
	uint8_t state;
	bool has_been_told;
};

/* A task in nur_wait_all_tasks_blocked(); lives on its stack. */
struct nuri_idle_waiter {
	struct nur_node node;
	struct nur_task *task;
	nur_time cushion;
};

/*
 * struct nuri_run
 *
 * now           the clock when it was last read; what ages are measured with
 * run_queue     tasks to run in the next pass
 * calls         struct nur_call to make in the next pass
 * idle_waiters  tasks in nur_wait_all_tasks_blocked()
 * idle_since    since when nothing has happened, real ns; NUR_FOREVER: something has
 * polled_at     when the kernel was last asked, real ns
 * system        the system tasks; its scope, the root of the tree, is around the main task too
 * token         what outsiders hold of it, or NULL
 * locals        its values of struct nur_local; NULL: none
 * thread_limiter  limits nur_thread_run() by default; NULL: not needed so far
 * threads_completed  tasks that wait until no thread works for the run
 * n_threads     threads that do
 * requests      struct nuri_request of threads that tasks have taken, and not answered
 * generation    of the process: in a forked child the run is a copy
 * internal      what broke, or NULL
 * no_waiting_in  what is running that must not wait, "an abort callback"; NULL: nothing of the kind
 * report        of the options
 * hog           the watchdog; NULL: none
 * stack_use     what stacks were used; NULL: they are not measured
 * deadlock      the task tree when the run was found dead; NULL without memory for it
 */
struct nuri_run {
	struct nuri_loop loop;
	struct nuri_deadlines deadlines;
	struct nuri_instruments instruments;
	struct nuri_stack_pool stacks;
	struct nuri_context loop_context;
	const struct nur_clock *clock;
	struct nur_task *current;
	struct nur_task *main;
	struct list run_queue;
	struct list calls;
	struct list idle_waiters;
	nur_time now;
	nur_time idle_since;
	nur_time polled_at;
	unsigned n_passes_since_poll;
	struct nur_nursery system;
	struct nuri_fd_table *fds;
	struct nur_token *token;
	struct nuri_locals *locals;
	struct nur_limiter *thread_limiter;
	struct nur_parking_lot threads_completed;
	size_t n_threads;
	struct list requests;
	unsigned generation;
	const char *internal;
	const char *no_waiting_in;
	void (*report)(const char *line, void *arg);
	void *report_arg;
	struct nuri_hog *hog;
	struct nuri_stack_use *stack_use;
	char *deadlock;
	struct nur_errors main_errors;
	int main_result;
	size_t n_tasks;
	size_t n_runnable;
	size_t max_tasks;
	uint64_t n_ignored_cancels;
	uint64_t n_passes;
	uint64_t random;
	bool is_seeded;
	bool is_main_done;
	bool detects_deadlock;
	bool is_deadlocked;
};

/* Tasks never leave their thread, so a thread-local is safe across a switch. */
extern __thread struct nuri_run *nuri_thread_run
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* nuri_current_run() - the calling thread's run, or NULL */
static inline struct nuri_run *
nuri_current_run(void)
{
	return nuri_thread_run;
}

/* nuri_set_current_run() - for who drives a run: before its passes, and back after them */
static inline void
nuri_set_current_run(struct nuri_run *run)
{
	nuri_thread_run = run;
}

/*
 * nuri_run_needed_by() - the calling thread's run, in a forked child the copy of it; without one the
 * process ends and names @call
 */
struct nuri_run *nuri_run_needed_by(const char *call);

/* nuri_run_open() - a run without tasks on a loop of its own or on @host's; 0, or as nur_run() */
int nuri_run_open(
	struct nuri_run *run, const struct nur_run_options *options, struct nuri_host *host);

/*
 * nuri_run_start() - start the clock and queue the main task; in the run; 0, or as nur_run(), and then
 * nuri_run_close() is next
 */
int nuri_run_start(
	struct nuri_run *run, const struct nur_run_options *options, nur_task_fn fn, void *arg);

/*
 * nuri_run_result() - what nur_run() returns, when no task is left; in the run; gives the contents of
 * @errors
 */
int nuri_run_result(struct nuri_run *run, struct nur_errors *errors);

/* nuri_run_close() - no task is left */
void nuri_run_close(struct nuri_run *run);

/*
 * nuri_run_abandon() - tasks are left: take them out of what they wait for and forget them; in the
 * run; nuri_run_close() is next
 */
void nuri_run_abandon(struct nuri_run *run);

/*
 * nuri_run_pass() - one pass of the loop; waits in it when nothing is runnable, unless the loop is a
 * host's
 */
void nuri_run_pass(struct nuri_run *run);

/* nuri_run_is_due() - whether the next pass would find something to do, without asking the kernel */
bool nuri_run_is_due(struct nuri_run *run);

/*
 * nuri_run_time_to_wait() - how long the next pass has time when nothing happens, real ns; 0: none;
 * NUR_FOREVER. Idleness begins to count.
 */
nur_time nuri_run_time_to_wait(struct nuri_run *run);

/*
 * nuri_run_announce_wait() - tell the instruments that the kernel is about to be asked; @timeout, or less if
 * one of them has cancelled something
 */
nur_time nuri_run_announce_wait(struct nuri_run *run, nur_time timeout);

/**
 * nuri_calling_task() - the task that is about to wait
 *
 * Ends the process with a message in a loop callback, an abort callback or an instrument, where
 * waiting is a bug.
 *
 * Return: the task, or NULL outside a run.
 */
struct nur_task *nuri_calling_task(void);

/* nuri_run_n_wakers() - what outside may wake it, whatever the run itself waits for */
size_t nuri_run_n_wakers(const struct nuri_run *run);

/* nuri_run_now() - read the clock, for deadlines that must be exact */
nur_time nuri_run_now(struct nuri_run *run);

/* nuri_task_on() - the task whose stack it is */
static inline struct nur_task *
nuri_task_on(const struct nuri_stack *stack)
{
	return (struct nur_task *)(((uintptr_t)stack - sizeof(struct nur_task)) & ~(uintptr_t)63);
}

/*
 * nuri_task_spawn() - a task in the run queue, a child of @nursery; without one, the main task; 0,
 * NUR_ENOSTACK or -EAGAIN. The arguments of nur_start_soon() stay where they are.
 */
int nuri_task_spawn(struct nur_nursery *nursery, const char *name, nur_task_fn fn, void *arg,
	struct nuri_run *run);

/* nuri_function_name() - as the dynamic linker knows it, or "task" */
const char *nuri_function_name(uintptr_t fn);

/*
 * nuri_task_abandon() - nobody will ever run @task: undo its wait as a cancellation would, without its
 * hearing of it, and break the lots that it guards
 */
void nuri_task_abandon(struct nur_task *task);

/* nuri_task_make_runnable() - put it into the run queue */
static inline void
nuri_task_make_runnable(struct nur_task *task)
{
	struct nuri_run *run = task->run;

	task->state = NURI_TASK_RUNNABLE;
	run->n_runnable++;
	list_append(&run->run_queue, nuri_list(&task->in_queue));
	if (nuri_has_hook(&run->instruments, NURI_TASK_SCHEDULED)) {
		nuri_instruments_call(run, NURI_TASK_SCHEDULED, task, 0);
	}
}

/* nuri_task_activate_scope() - make @scope the innermost scope of @task, which has another one */
static inline void
nuri_task_activate_scope(struct nur_task *task, struct nur_cancel_scope *scope)
{
	list_cut(nuri_list(&task->in_scope));
	list_append(nuri_list(&scope->tasks), nuri_list(&task->in_scope));
	task->scope = scope;
}

/*
 * nuri_task_may_be_cancelled() - whether NUR_ECANCELED may be what @task has to return: it is
 * cancelled, or was when it was told and has been shielded since
 */
bool nuri_task_may_be_cancelled(const struct nur_task *task);

/* nuri_task_deliver() - tell a waiting task that it is cancelled, if it can be told */
void nuri_task_deliver(struct nur_task *task);

/*
 * nuri_run_break() - the runtime or a callback is broken: cancel everything, end with NUR_EINTERNAL
 */
void nuri_run_break(struct nuri_run *run, const char *what);

/* nuri_run_report() - say something to people: to the report of the options, or on standard error */
__attribute__((format(printf, 2, 3))) void nuri_run_report(
	struct nuri_run *run, const char *format, ...);

/* nuri_nursery_add_child() - @task, new, is one */
static inline void
nuri_nursery_add_child(struct nur_nursery *nursery, struct nur_task *task)
{
	list_append(nuri_list(&nursery->children), nuri_list(&task->in_nursery));
	nursery->n_children++;
}

/* nuri_nursery_wake_parent_when_empty() - if nobody is left, wake the opener, if it waits for that */
void nuri_nursery_wake_parent_when_empty(struct nur_nursery *nursery);

/* nuri_nursery_remove_child() - @task, a child, has ended */
static inline void
nuri_nursery_remove_child(struct nur_nursery *nursery, struct nur_task *task)
{
	list_cut(nuri_list(&task->in_nursery));
	if (--nursery->n_children == 0) {
		nuri_nursery_wake_parent_when_empty(nursery);
	}
}

/*
 * nuri_nursery_remove_failed() - @task, a child, has returned @rc, a failure (already checked for a
 * stray cancel)
 */
void nuri_nursery_remove_failed(struct nur_nursery *nursery, struct nur_task *task, int rc);

/* nuri_nursery_fail() - the nursery fails with @code, if it has not, and is cancelled */
void nuri_nursery_fail(struct nur_nursery *nursery, int code, const char *why);

/*
 * nuri_nursery_tolerate() - record a failure, with what the calling task has said about it, that neither
 * cancels the others nor makes the nursery fail
 */
void nuri_nursery_tolerate(struct nur_nursery *nursery, const char *name, int rc);

/*
 * nuri_nursery_abandon() - end the innermost nursery of the calling task in place of its close: its tasks
 * clean up, its errors are lost; @why, for these tasks
 */
void nuri_nursery_abandon(struct nur_nursery *inner, const char *why);

/*
 * nuri_nursery_open_temporary() - open a nursery for a start in @target, which stays open for it; 0,
 * NUR_ECLOSED or NUR_ENOTINTASK
 */
int nuri_nursery_open_temporary(struct nur_nursery *nursery, struct nur_nursery *target);

/* nuri_nursery_close_temporary() - as nur_nursery_close(); the target may close, too */
int nuri_nursery_close_temporary(struct nur_nursery *nursery, int rc, struct nur_errors *errors);

/* nuri_nursery_graduate() - the tasks in a temporary nursery move to its target */
void nuri_nursery_graduate(struct nur_nursery *nursery);

/* nuri_nursery_open_system() - open the nursery of @run's system tasks, which no task has opened */
void nuri_nursery_open_system(struct nuri_run *run);

/* nuri_nursery_end_system() - the main task has ended: cancel the system tasks; the last one closes */
void nuri_nursery_end_system(struct nuri_run *run);

/* nuri_die() - a bug of the caller: print it and abort */
__attribute__((noreturn, format(printf, 1, 2))) void nuri_die(const char *format, ...);
