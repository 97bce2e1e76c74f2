#include <nursery.h>
#include <stdio.h>

struct job {
	struct nur_cancel_scope scope;
	struct nur_event started;
};

static int
work(struct job *job)
{
	int r;

	nur_event_set(&job->started);
	r = nur_sleep_forever();
	printf("job: %s: %s\n", nur_strerror(r), nur_current_cancel_reason()->text);
	return r; /* always: whoever cancelled takes it out again */
}

static int
run_job(void *arg)
{
	struct job *job = arg;
	int r = NUR_WITHIN(&job->scope, work(job));

	printf("task: %s\n", nur_strerror(r));
	return r;
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	struct job *job = arg;
	int r = nur_start_soon(nursery, "job", run_job, job);

	if (r == 0) {
		r = nur_event_wait(&job->started);
	}
	nur_cancel_scope_cancel(&job->scope, "nobody wants it any more");
	return r;
}

static int
program(void *arg)
{
	struct job job;
	int r;

	nur_cancel_scope_init(&job.scope);
	nur_event_init(&job.started);
	r = nur_nursery_run(body, &job, NULL);
	printf("nursery: %s\n", nur_strerror(r));
	return r;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
