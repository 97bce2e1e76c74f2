#include <nursery.h>
#include <stdio.h>

struct child {
	const char *data;
};

static int
fetch_data(void *arg)
{
	struct child *child = arg;
	int r = nur_sleep(NUR_MSEC(10));

	if (r < 0) {
		return r;
	}
	child->data = "data";
	return 0;
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	struct child *children = arg;
	int r = nur_start_soon(nursery, "first", fetch_data, &children[0]);

	if (r < 0) {
		return r;
	}
	return nur_start_soon(nursery, "second", fetch_data, &children[1]);
}

static int
program(void *arg)
{
	struct child children[2] = { { NULL }, { NULL } };
	int r = nur_nursery_run(body, children, NULL);

	if (r < 0) {
		return r;
	}
	printf("first: %s\nsecond: %s\n", children[0].data, children[1].data);
	return 0;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
