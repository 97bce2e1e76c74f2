/* SPDX-License-Identifier: MIT */
/*
 * A calendar in a time zone: when it really is half past two in Berlin. timetable.c is the only file that
 * knows GLib, whose time zones need no process-wide setting.
 *
 * Where a zone's clocks go forward, the times that there are not are one point of time: the first one after
 * them. Where they go back, the times that there are twice are those of the first round.
 */
#pragma once

#include "daemon/schedule/calendar.h"
#include "lib/base/cleanup.h"

struct timetable;

enum timetable_language {
	TIMETABLE_CALENDAR, /* calendar_parse() */
	TIMETABLE_CRON,     /* calendar_parse_cron() */
};

/**
 * timetable_create() - read a schedule and open its zone
 * @zone:           NULL: the machine's; a zone in the text goes before it
 * @ret_timetable:  given: timetable_destroy()
 *
 * Errors: -EINVAL  with @ret_error: no schedule, no zone, or one that never comes
 *         -ENOMEM
 */
int timetable_create(enum timetable_language language, const char *text, const char *zone,
	struct timetable **ret_timetable, struct calendar_error *ret_error);

/* timetable_destroy() - accepts NULL */
void timetable_destroy(struct timetable *timetable);

DEFINE_CLEANUP(struct timetable *, timetable_destroy);

/* timetable_next() - the first point after @now, both in seconds of the epoch; INT64_MAX: never */
int64_t timetable_next(const struct timetable *timetable, int64_t now);
