#include <errno.h>
#include <nursery.h>
#include <stdio.h>

struct mirror {
	int delay_ms;
	int status;
	const char *page;
};

static int
ask(void *arg)
{
	struct mirror *mirror = arg;
	int r = nur_sleep(NUR_MSEC(mirror->delay_ms));

	if (r < 0) {
		return r;
	}
	if (mirror->status != 200) {
		return nur_fail(-EPROTO, "status %d", mirror->status);
	}
	mirror->page = "the page";
	return 0;
}

static int
program(void *arg)
{
	struct mirror mirrors[] = { { 1, 503, NULL }, { 20, 200, NULL }, { 60000, 200, NULL } };
	struct nur_branch branches[] = {
		{ .name = "nearest", .fn = ask, .arg = &mirrors[0] },
		{ .name = "next", .fn = ask, .arg = &mirrors[1] },
		{ .name = "far", .fn = ask, .arg = &mirrors[2] },
	};
	struct nur_errors errors;
	int winner = nur_first_success(branches, 3, &errors);

	for (size_t i = 0; i < 3; i++) {
		printf("%s: %s\n", branches[i].name, nur_strerror(branches[i].result));
	}
	if (winner >= 0) {
		printf("%s has it: %s\n", branches[winner].name, mirrors[winner].page);
	}
	for (size_t i = 0; i < errors.n; i++) {
		printf("%s had: %s\n", errors.items[i].task, errors.items[i].text);
	}
	nur_errors_fini(&errors);

	printf("all three: %s\n", nur_strerror(nur_quorum(branches, 3, 3, NULL)));
	return 0;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
