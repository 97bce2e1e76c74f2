#include <nursery.h>
#include <stdio.h>

static const struct nur_local request_id = { .destroy = NULL };

/* Far below the one who knows the id; nobody has handed it down. */
static void
log_line(const char *text)
{
	void *id;
	const char *shown = nur_task_local_find(&request_id, &id) == 0 ? id : "-";

	printf("[%s] %s\n", shown, text);
}

static int
look_up(void *arg)
{
	int r = nur_checkpoint();

	if (r < 0) {
		return r;
	}
	log_line("looked it up");
	return 0;
}

static int
handle_body(struct nur_nursery *nursery, void *arg)
{
	return nur_start_soon(nursery, "look up", look_up, NULL); /* inherits the id */
}

static int
handle(void *arg)
{
	int r = nur_task_local_set(&request_id, arg);

	if (r == 0) {
		r = nur_nursery_run(handle_body, NULL, NULL);
	}
	if (r < 0) {
		return r;
	}
	log_line("answered");
	return 0;
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	return nur_start_soon(nursery, "request", handle, arg);
}

static int
program(void *arg)
{
	static char ids[][8] = { "first", "second" };
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		r = nur_nursery_run(body, ids[i], NULL);
	}
	log_line("ready to go"); /* what the tasks have set was theirs */
	return r;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
