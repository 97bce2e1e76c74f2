#include <nursery.h>
#include <stdio.h>

struct room {
	struct nur_limiter *limiter;
	int n_inside;
	int max_inside;
	int n_served;
};

static int
visit(struct room *room)
{
	int r;

	room->n_inside++;
	if (room->n_inside > room->max_inside) {
		room->max_inside = room->n_inside;
	}
	r = nur_sleep(NUR_MSEC(1));
	room->n_inside--;
	room->n_served += r == 0;
	return r;
}

static int
visitor(void *arg)
{
	struct room *room = arg;
	int r = nur_limiter_acquire(room->limiter, NULL); /* on behalf of this task */

	if (r < 0) {
		return r;
	}
	r = visit(room);
	(void)nur_limiter_release(room->limiter, NULL); /* it is held: cannot fail */
	return r;
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	int r = 0;

	for (int i = 0; i < 10 && r == 0; i++) {
		r = nur_start_soon(nursery, NULL, visitor, arg);
	}
	return r;
}

static int
program(void *arg)
{
	struct room room = { NULL, 0, 0, 0 };
	int r = nur_limiter_create(3, &room.limiter);

	if (r < 0) {
		return r;
	}
	r = nur_nursery_run(body, &room, NULL);
	nur_limiter_destroy(room.limiter);
	printf("served %d, at most %d at a time\n", room.n_served, room.max_inside);
	return r;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
