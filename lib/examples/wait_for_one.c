#include <nursery.h>
#include <stdio.h>

struct question {
	struct nur_event answered;
	int answer;
};

static int
think(void *arg)
{
	struct question *question = arg;
	int r = nur_sleep(NUR_MSEC(10));

	if (r < 0) {
		return r;
	}
	question->answer = 42;
	nur_event_set(&question->answered);
	return 0;
}

static int
keep_watch(void *arg)
{
	return nur_sleep_forever();
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	struct question question = { .answer = 0 };
	int r;

	nur_event_init(&question.answered);
	r = nur_start_soon(nursery, "watch", keep_watch, NULL);
	if (r == 0) {
		r = nur_start_soon(nursery, "think", think, &question);
	}
	if (r == 0) {
		r = nur_event_wait(&question.answered); /* a failure of think() cancels this wait */
	}
	if (r < 0) {
		return r;
	}

	printf("the answer is %d, and %zu still runs\n", question.answer,
		nur_nursery_n_children(nursery));
	nur_nursery_cancel(nursery, "the question is answered");
	return 0;
}

static int
program(void *arg)
{
	return nur_nursery_run(body, NULL, NULL);
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
