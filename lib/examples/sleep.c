#include <nursery.h>
#include <stdio.h>

static int
program(void *arg)
{
	int r;

	printf("hello\n");
	r = nur_sleep(NUR_MSEC(10));
	if (r < 0) {
		return r; /* cancelled: pass it on */
	}

	printf("world\n");
	return 0;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
