/* SPDX-License-Identifier: MIT */
/*
 * getaddrinfo() on threads of the runtime: slower than c-ares and without times to live, but it knows
 * all that the machine is configured for (nsswitch.conf: mDNS, LDAP, containers).
 *
 *	question ◄─ call, of a system task, which waits for
 *	               └─► job, which the thread works on ─► limiter
 *
 * getaddrinfo() cannot be stopped. Whoever gives up leaves the thread to itself: the destroyed
 * fetch_system_names takes back the questions, the end of the run cancels the tasks, and a job goes
 * when its thread is done with it, perhaps after the run. Until then it holds one of
 * FETCH_SYSTEM_THREADS tokens, so that names that hang use up no more than that.
 */
#include "lib/fetch/names/system_names.h"

#include <errno.h>
#include <netdb.h>
#include <nursery.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/list.h"

/* The limiter outlives the rest: threads that were left alone hold tokens of it. */
struct threads {
	atomic_uint n_refs;
	struct nur_limiter *limiter;
};

struct fetch_system_names {
	struct list calls;
	struct threads *threads;
};

struct job {
	struct threads *threads;
	int error;
	size_t n_addresses;
	struct fetch_address addresses[FETCH_ANSWER_MAX];
	char name[];
};

/* question: NULL: nobody is left to answer */
struct call {
	struct list node;
	struct fetch_question *question;
	struct job *job;
};

static void
unref_threads(struct threads *threads)
{
	if (atomic_fetch_sub(&threads->n_refs, 1) == 1) {
		nur_limiter_destroy(threads->limiter);
		free(threads);
	}
}

static void
job_destroy(void *arg)
{
	struct job *job = arg;

	unref_threads(job->threads);
	free(job);
}

/* On a thread. */

static int
code_of(int error)
{
	switch (error) {
	case 0:
		return 0;
	case EAI_ADDRFAMILY:
	case EAI_NODATA:
	case EAI_NONAME:
		return -ENOENT;
	case EAI_MEMORY:
		return -ENOMEM;
	default:
		return -EHOSTUNREACH;
	}
}

static int
look_up(void *arg)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct job *job = arg;
	struct addrinfo *found = NULL;

	job->error = code_of(getaddrinfo(job->name, NULL, &hints, &found));
	if (job->error < 0) {
		return 0;
	}
	for (const struct addrinfo *at = found; at && job->n_addresses < FETCH_ANSWER_MAX;
		at = at->ai_next) {
		job->n_addresses += fetch_address_from_sockaddr(
			at->ai_addr, at->ai_addrlen, &job->addresses[job->n_addresses]);
	}
	freeaddrinfo(found);
	job->error = job->n_addresses > 0 ? 0 : -ENOENT;
	return 0;
}

/* In the run. */

static void
answer(struct call *call, int r)
{
	_cleanup_(fetch_answer_unrefp) struct fetch_answer *answer = NULL;
	const struct job *job = call->job;

	list_unlink(&call->node);
	if (!call->question) {
		return;
	}
	if (r == 0 && job->error != -ENOMEM) {
		/* no answer says: no memory */
		(void)fetch_answer_create(job->addresses, job->n_addresses, job->error, &answer);
	}
	call->question->answered(call->question, answer, FETCH_SYSTEM_TTL_S);
}

static int
run_call(void *arg)
{
	const struct nur_thread_options options = {
		.name = "name",
		.limiter = ((struct call *)arg)->job->threads->limiter,
		.is_abandonable = true,
		.release = job_destroy,
	};
	struct call *call = arg;
	int r = nur_thread_run(look_up, call->job, &options);

	if (r == NUR_ECANCELED) {
		/* the job is gone, or will be; and so are those who asked: the run is over */
		list_unlink(&call->node);
		free(call);
		return r;
	}
	answer(call, r);
	job_destroy(call->job);
	free(call);
	return 0;
}

static struct call *
make_call(struct fetch_system_names *names, struct fetch_question *question)
{
	struct call *call = calloc(1, sizeof(*call));
	struct job *job = calloc(1, sizeof(*job) + strlen(question->name) + 1);

	if (!call || !job) {
		free(call);
		free(job);
		return NULL;
	}
	memcpy(job->name, question->name, strlen(question->name) + 1);
	job->threads = names->threads;
	atomic_fetch_add(&names->threads->n_refs, 1);
	call->job = job;
	call->question = question;
	list_append(&names->calls, &call->node);
	return call;
}

void
fetch_system_names_ask(struct fetch_system_names *names, struct fetch_question *question)
{
	struct call *call = make_call(names, question);

	if (!call) {
		question->answered(question, NULL, 0);
	} else if (nur_spawn_system_task("name", run_call, call) < 0) {
		answer(call, -ENOMEM);
		job_destroy(call->job);
		free(call);
	}
}

int
fetch_system_names_create(struct fetch_system_names **ret_names)
{
	struct fetch_system_names *names = calloc(1, sizeof(*names));
	struct threads *threads = calloc(1, sizeof(*threads));

	if (!names || !threads || nur_limiter_create(FETCH_SYSTEM_THREADS, &threads->limiter) < 0) {
		free(names);
		free(threads);
		return -ENOMEM;
	}
	atomic_init(&threads->n_refs, 1);
	list_init(&names->calls);
	names->threads = threads;
	*ret_names = names;
	return 0;
}

void
fetch_system_names_destroy(struct fetch_system_names *names)
{
	if (!names) {
		return;
	}
	while (!list_is_empty(&names->calls)) {
		struct call *call = list_entry(list_take_first(&names->calls), struct call, node);
		struct fetch_question *question = steal(&call->question);

		question->answered(question, NULL, 0);
	}
	unref_threads(names->threads);
	free(names);
}
