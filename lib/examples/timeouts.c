#include <nursery.h>
#include <stdio.h>

static int
quick(void *arg)
{
	return nur_checkpoint();
}

static int
slow(void *arg)
{
	return nur_sleep(NUR_SEC(60));
}

static int
program(void *arg)
{
	struct nur_cancel_scope scope;
	bool timed_out;
	int r;

	r = nur_move_on_after(NUR_SEC(60), 0, quick, NULL, &timed_out);
	printf("quick: %s, timed out: %d\n", nur_strerror(r), timed_out);

	r = nur_move_on_after(NUR_MSEC(10), 0, slow, NULL, &timed_out);
	printf("slow, move on: %s, timed out: %d\n", nur_strerror(r), timed_out);

	r = nur_fail_after(NUR_MSEC(10), 0, slow, NULL);
	printf("slow, fail: %s\n", nur_strerror(r));

	r = nur_cancel_scope_init_after(&scope, NUR_MSEC(10));
	if (r < 0) {
		return r;
	}
	r = NUR_WITHIN(&scope, nur_sleep(NUR_SEC(60))); /* around an expression, no function */
	printf("scope: %s, caught: %d\n", nur_strerror(r),
		nur_cancel_scope_cancelled_caught(&scope));
	return r;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
