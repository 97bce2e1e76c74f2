/* SPDX-License-Identifier: MIT */
#include "daemon/schedule/timetable.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>

struct timetable {
	struct calendar calendar;
	GTimeZone *zone;
};

/* ---- the zone ---- */

/* GLib takes an offset such as "+02" for a zone, too, and an unknown name for none. */
static GTimeZone *
open_zone(const char *name)
{
	if (!name) {
		return g_time_zone_new_local();
	}
	return g_ascii_isalpha(*name) ? g_time_zone_new_identifier(name) : NULL;
}

static int64_t
civil_of(GTimeZone *zone, int64_t utc)
{
	gint interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, utc);

	return utc + g_time_zone_get_offset(zone, interval);
}

static int64_t
read_as(GTimeZone *zone, GTimeType type, int64_t civil)
{
	gint64 adjusted = civil;
	gint interval = g_time_zone_adjust_time(zone, type, &adjusted);

	return adjusted - g_time_zone_get_offset(zone, interval);
}

/* Of a time that there is twice, one is standard time and one is not; which comes first differs. */
static int64_t
time_of(GTimeZone *zone, int64_t civil)
{
	int64_t in_standard = read_as(zone, G_TIME_TYPE_STANDARD, civil);
	int64_t in_daylight = read_as(zone, G_TIME_TYPE_DAYLIGHT, civil);

	return in_standard < in_daylight ? in_standard : in_daylight;
}

/* ---- the timetable ---- */

int64_t
timetable_next(const struct timetable *timetable, int64_t now)
{
	int64_t civil = civil_of(timetable->zone, now);

	/* After the clocks went back, what follows on the calendar may be what is over already. */
	for (;;) {
		int64_t point;

		civil = calendar_next(&timetable->calendar, civil);
		if (civil == INT64_MAX) {
			return INT64_MAX;
		}
		point = time_of(timetable->zone, civil);
		if (point > now) {
			return point;
		}
	}
}

static int
read_calendar(enum timetable_language language, const char *text, const char *zone,
	struct timetable *timetable, struct calendar_error *ret_error)
{
	char zone_inside[CALENDAR_ZONE_CAP] = "";
	int r;

	r = language == TIMETABLE_CRON
		    ? calendar_parse_cron(text, &timetable->calendar, ret_error)
		    : calendar_parse(text, &timetable->calendar, zone_inside, ret_error);
	if (r < 0) {
		return r;
	}
	if (*zone_inside) {
		zone = zone_inside;
	}
	timetable->zone = open_zone(zone);
	if (!timetable->zone) {
		(void)snprintf(ret_error->text, sizeof(ret_error->text),
			"\"%s\" is no time zone such as \"Europe/Berlin\" or \"UTC\"", zone);
		return -EINVAL;
	}
	if (calendar_next(&timetable->calendar, 0) == INT64_MAX) {
		(void)snprintf(ret_error->text, sizeof(ret_error->text), "it never comes");
		return -EINVAL;
	}
	return 0;
}

int
timetable_create(enum timetable_language language, const char *text, const char *zone,
	struct timetable **ret_timetable, struct calendar_error *ret_error)
{
	_cleanup_(timetable_destroyp) struct timetable *timetable = NULL;
	int r;

	timetable = calloc(1, sizeof(*timetable));
	if (!timetable) {
		return -ENOMEM;
	}
	r = read_calendar(language, text, zone, timetable, ret_error);
	if (r < 0) {
		return r;
	}
	*ret_timetable = steal(&timetable);
	return 0;
}

void
timetable_destroy(struct timetable *timetable)
{
	if (!timetable) {
		return;
	}
	if (timetable->zone) {
		g_time_zone_unref(timetable->zone);
	}
	free(timetable);
}
