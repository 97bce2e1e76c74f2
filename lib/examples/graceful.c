#include <nursery.h>
#include <stdio.h>

struct server {
	struct nur_receive_channel *jobs;
	struct nur_send_channel *inbox;
};

static int
do_job(const char *job)
{
	int r = nur_sleep(NUR_MSEC(20));

	if (r < 0) {
		printf("%s: %s\n", job, nur_strerror(r));
		return r;
	}
	printf("%s: done\n", job);
	return 0;
}

/* Waits for the next job; false: asked to stop, or cancelled, which the caller's *rc says. */
static bool
has_job(struct server *server, const char **job, int *rc)
{
	struct nur_cancel_scope idle;

	nur_cancel_scope_init(&idle);
	nur_cancel_scope_set_soft(&idle, true); /* here a graceful cancel takes effect at once */
	*rc = NUR_WITHIN(&idle, nur_channel_receive(server->jobs, job));
	return *rc == 0 && !nur_cancel_scope_cancelled_caught(&idle);
}

static int
serve(void *arg)
{
	struct server *server = arg;
	const char *job;
	int rc;

	while (has_job(server, &job, &rc)) {
		rc = do_job(job); /* and here at the end of the grace period */
		if (rc < 0) {
			return rc;
		}
	}
	printf("worker: no more jobs\n");
	return rc;
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	struct server *server = arg;
	const char *job = "a job";
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		r = nur_start_soon(nursery, "worker", serve, server);
	}
	if (r == 0) {
		r = nur_channel_send(server->inbox, &job);
	}
	if (r == 0) {
		r = nur_sleep(NUR_MSEC(5)); /* two workers are idle, one is busy */
	}
	if (r == 0) {
		r = nur_cancel_scope_cancel_gracefully(
			nur_nursery_scope(nursery), NUR_SEC(60), "shutting down");
	}
	return r;
}

static int
program(void *arg)
{
	struct server server;
	int r = nur_channel_open(sizeof(const char *), 0, &server.inbox, &server.jobs);

	if (r < 0) {
		return r;
	}
	r = nur_nursery_run(body, &server, NULL);
	printf("server: %s\n", nur_strerror(r));
	nur_send_channel_destroy(server.inbox);
	nur_receive_channel_destroy(server.jobs);
	return r;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
