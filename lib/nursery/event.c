/* SPDX-License-Identifier: MIT */
/* Events: a flag and a parking lot. */
#include <nursery/checkpoint.h>
#include <nursery/event.h>

#include <stdint.h>

void
nur_event_init(struct nur_event *event)
{
	nur_parking_lot_init(&event->lot);
	event->is_set = false;
}

void
nur_event_set(struct nur_event *event)
{
	if (!event->is_set) {
		event->is_set = true;
		(void)nur_parking_lot_unpark(&event->lot, SIZE_MAX, 0);
	}
}

bool
nur_event_is_set(const struct nur_event *event)
{
	return event->is_set;
}

size_t
nur_event_n_waiting(const struct nur_event *event)
{
	return event->lot.n_waiting;
}

int
nur_event_wait(struct nur_event *event)
{
	if (event->is_set) {
		return nur_checkpoint();
	}
	return nur_parking_lot_park(&event->lot, "event");
}
