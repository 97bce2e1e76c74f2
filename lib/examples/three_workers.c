#include <errno.h>
#include <nursery.h>
#include <stdio.h>

struct worker {
	int number;
	int slept;
};

static int
do_work(void *arg)
{
	struct worker *worker = arg;

	if (worker->number == 2) {
		return nur_fail(-EIO, "the second worker has lost its disk");
	}

	worker->slept = nur_sleep(NUR_SEC(60));
	if (worker->number == 3) {
		return nur_fail(-ENOSPC, "the third could not save its work");
	}
	return worker->slept;
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	struct worker *workers = arg;
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		r = nur_start_soon(nursery, NULL, do_work, &workers[i]);
	}
	return r;
}

static int
program(void *arg)
{
	struct worker workers[] = { { 1, 0 }, { 2, 0 }, { 3, 0 } };
	struct nur_errors errors;
	int r = nur_nursery_run(body, workers, &errors);

	printf("nursery: %s\n", nur_strerror(r));
	printf("first worker: %s\n", nur_strerror(workers[0].slept));
	printf("third worker: %s\n", nur_strerror(workers[2].slept));
	for (size_t i = 0; i < errors.n; i++) {
		printf("failure: %s\n", errors.items[i].text);
	}
	nur_errors_fini(&errors);
	return 0;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
