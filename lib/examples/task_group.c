#include <nursery.h>
#include <stdio.h>

struct square {
	int of;
	int is;
};

static int
compute(void *arg)
{
	struct square *square = arg;
	int r = nur_checkpoint();

	if (r < 0) {
		return r;
	}
	square->is = square->of * square->of;
	return 0;
}

static int
program(void *arg)
{
	struct square three = { 3, 0 }, four = { 4, 0 };
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);

		rc = nur_start_soon(nursery, "three", compute, &three);
		if (rc == 0) {
			rc = nur_start_soon(nursery, "four", compute, &four);
		}
	} /* waits for both, however the block is left */

	if (rc < 0) {
		return rc;
	}
	printf("%d + %d = %d\n", three.is, four.is, three.is + four.is);
	return 0;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
