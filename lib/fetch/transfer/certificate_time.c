/* SPDX-License-Identifier: MIT */
/* By hand: strptime() would read the names of months in the locale's language. */
#include "lib/fetch/transfer/certificate_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int
find_month(const char *name)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *found = strlen(name) == 3 ? strstr(names, name) : NULL;

	return found && (found - names) % 3 == 0 ? (int)(found - names) / 3 : -1;
}

int64_t
fetch_certificate_time(const char *text)
{
	struct tm tm = { 0 };
	char month[4];
	int64_t seconds;
	int end = 0;

	if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d GMT%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
		end > 0) {
		tm.tm_mon--;
	} else if (sscanf(text, "%3[A-Za-z] %2d %2d:%2d:%2d %4d GMT%n", month, &tm.tm_mday,
			   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &tm.tm_year, &end) == 6 &&
		   end > 0) {
		tm.tm_mon = find_month(month);
	} else {
		return 0;
	}
	if (text[end] != '\0' || tm.tm_mon < 0 || tm.tm_mon > 11) {
		return 0;
	}
	tm.tm_year -= 1900;
	seconds = timegm(&tm);
	return seconds > 0 ? seconds : 0;
}
