#include <nursery.h>
#include <stdio.h>

static int
say_goodbye(void *arg)
{
	int r = nur_sleep(NUR_MSEC(1)); /* would be cancelled at once without the shield */

	printf("goodbye: %s\n", nur_strerror(r));
	return r;
}

static int
session(void *arg)
{
	bool timed_out;
	int r = nur_sleep_forever();

	/* The shield keeps the cancellation out, its timeout keeps the cleanup short. */
	(void)nur_move_on_after(NUR_SEC(60), NUR_SHIELD, say_goodbye, NULL, &timed_out);
	printf("session: %s, cleanup timed out: %d\n", nur_strerror(r), timed_out);
	return r;
}

static int
program(void *arg)
{
	bool timed_out;
	int r = nur_move_on_after(NUR_MSEC(10), 0, session, NULL, &timed_out);

	printf("program: %s, timed out: %d\n", nur_strerror(r), timed_out);
	return r;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
