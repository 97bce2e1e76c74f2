/* SPDX-License-Identifier: MIT */
/*
 * The next points of time of calendar events, for test_calendar_oracle.py. Each line of the input is an
 * event; its line of the output is N times in seconds of the epoch after START, or the reason why not.
 *
 *	print_calendar START N
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/schedule/timetable.h"

static void
print_next(const struct timetable *timetable, int64_t now, int n)
{
	for (; n > 0 && now != INT64_MAX; n--) {
		now = timetable_next(timetable, now);
		if (now != INT64_MAX) {
			(void)printf("%" PRId64 " ", now);
		}
	}
	(void)printf("\n");
}

int
main(int argc, char **argv)
{
	char line[512];

	if (argc != 3) {
		return 2;
	}
	while (fgets(line, sizeof(line), stdin)) {
		_cleanup_(timetable_destroyp) struct timetable *timetable = NULL;
		struct calendar_error error;

		line[strcspn(line, "\n")] = '\0';
		if (timetable_create(TIMETABLE_CALENDAR, line, "UTC", &timetable, &error) == 0) {
			print_next(timetable, atoll(argv[1]), atoi(argv[2]));
		} else {
			(void)printf("refused: %s\n", error.text);
		}
	}
	return 0;
}
