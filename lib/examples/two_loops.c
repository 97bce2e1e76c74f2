#include <errno.h>
#include <event2/event.h>
#include <nursery.h>
#include <stdio.h>

/* One thread has both worlds, so nothing here needs a lock. */
struct app {
	struct event_base *base;
	struct event *click;
	struct nur_guest *guest;
	struct nur_event clicked;
	int result;
};

/* The host's world: callbacks on its own event_base. */
static void
on_click(evutil_socket_t fd, short what, void *arg)
{
	struct app *app = arg;

	printf("host: a click\n");
	if (nur_guest_enter(app->guest) == 0) { /* the tasks are still there */
		nur_event_set(&app->clicked);
		nur_guest_leave(app->guest);
	}
}

static void
on_done(int result, struct nur_errors *errors, void *arg)
{
	struct app *app = arg;

	app->result = result;
	printf("host: the tasks have ended\n");
}

/* The tasks' world, on the same loop. */
static int
wait_for_click(void *arg)
{
	struct app *app = arg;
	int r = nur_event_wait(&app->clicked);

	if (r == 0) {
		printf("task: woken by the host\n");
	}
	return r;
}

static int
program(void *arg)
{
	const struct timeval soon = { .tv_usec = 1000 };
	struct app *app = arg;
	int rc = 0;

	{
		NUR_NURSERY(nursery, &rc, NULL);

		rc = nur_start_soon(nursery, "waiter", wait_for_click, app);
		if (rc == 0) {
			printf("task: this takes a timer of the host's\n");
			rc = event_add(app->click, &soon) < 0 ? -ENOMEM : 0;
		}
	}
	return rc;
}

int
main(void)
{
	struct app app = { .base = event_base_new() };
	struct nur_guest_options options = {
		.base = app.base, .fn = program, .arg = &app, .done = on_done, .user = &app
	};
	int r = -ENOMEM;

	nur_event_init(&app.clicked);
	app.click = app.base ? event_new(app.base, -1, 0, on_click, &app) : NULL;
	if (app.click) {
		r = nur_guest_start(&options, &app.guest);
	}
	if (r == 0) {
		printf("host: no task has run yet\n");
		(void)event_base_dispatch(app.base); /* until neither has anything to wait for */
		r = app.result;
	}
	nur_guest_destroy(app.guest);
	if (app.click) {
		event_free(app.click);
	}
	if (app.base) {
		event_base_free(app.base);
	}
	printf("the loop is over: %s\n", nur_strerror(r));
	return r < 0;
}
