#include <errno.h>
#include <nursery.h>
#include <stdio.h>

static int
wait_long(void *arg)
{
	return nur_sleep(NUR_SEC(60));
}

static int
break_down(void *arg)
{
	return nur_fail(-EPIPE, "the connection broke");
}

static int
inner(struct nur_nursery *nursery, void *arg)
{
	int r = nur_start_soon(nursery, "wait", wait_long, NULL);

	return r < 0 ? r : nur_start_soon(nursery, "break", break_down, NULL);
}

/* A failure ends its own nursery; who opened that decides whether it goes further. */
static int
connection(void *arg)
{
	int r = nur_nursery_run(inner, NULL, NULL);

	printf("connection: %s\n", nur_strerror(r));
	return r == -EPIPE ? 0 : r;
}

static int
outer(struct nur_nursery *nursery, void *arg)
{
	return nur_start_soon(nursery, "connection", connection, NULL);
}

static int
program(void *arg)
{
	int r = nur_nursery_run(outer, NULL, NULL);

	printf("server: %s\n", nur_strerror(r));
	return r;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
