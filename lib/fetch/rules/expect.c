/* SPDX-License-Identifier: MIT */
#include <fetch/expect.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/fetch/rules/reason.h"

#define STATUS_MIN 100
#define STATUS_MAX 999 /* what libcurl reports; sites do send 999 */

static bool
read_status(const char *text, int *ret_status)
{
	if (!isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]) ||
		!isdigit((unsigned char)text[2])) {
		return false;
	}
	*ret_status = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
	return *ret_status >= STATUS_MIN;
}

/* "2xx" | "204" | "200-399" */
static bool
read_range(const char *text, int *ret_min, int *ret_max)
{
	size_t len = strlen(text);

	if (len == 3 && text[0] >= '1' && text[0] <= '9' &&
		tolower((unsigned char)text[1]) == 'x' && tolower((unsigned char)text[2]) == 'x') {
		*ret_min = (text[0] - '0') * 100;
		*ret_max = *ret_min + 99;
		return true;
	}
	if (len == 3 && read_status(text, ret_min)) {
		*ret_max = *ret_min;
		return true;
	}
	return len == 7 && text[3] == '-' && read_status(text, ret_min) &&
	       read_status(text + 4, ret_max);
}

static int
append(struct fetch_expect *expect, int min, int max, struct fetch_reason *reason)
{
	if (expect->n_ranges == FETCH_EXPECT_MAX) {
		fetch_reason_set(reason, "more than %d status ranges", FETCH_EXPECT_MAX);
		return -E2BIG;
	}
	expect->ranges[expect->n_ranges++] =
		(struct fetch_status_range){ .min = (uint16_t)min, .max = (uint16_t)max };
	return 0;
}

int
fetch_expect_add(struct fetch_expect *expect, const char *text, struct fetch_reason *reason)
{
	int min;
	int max;

	if (!read_range(text, &min, &max)) {
		fetch_reason_set(reason,
			"\"%.20s\" is not a set of statuses: write 204, \"2xx\" or \"200-399\", "
			"from "
			"100 to 999",
			text);
		return -EINVAL;
	}
	if (min > max) {
		fetch_reason_set(reason, "\"%s\" is upside down: write \"%d-%d\"", text, max, min);
		return -EINVAL;
	}
	return append(expect, min, max, reason);
}

int
fetch_expect_add_status(struct fetch_expect *expect, int64_t status, struct fetch_reason *reason)
{
	if (status < STATUS_MIN || status > STATUS_MAX) {
		fetch_reason_set(
			reason, "%lld is not a status: they go from 100 to 999", (long long)status);
		return -EINVAL;
	}
	return append(expect, (int)status, (int)status, reason);
}

bool
fetch_expect_has(const struct fetch_expect *expect, int status)
{
	size_t i;

	for (i = 0; i < expect->n_ranges; i++) {
		if (status >= expect->ranges[i].min && status <= expect->ranges[i].max) {
			return true;
		}
	}
	return false;
}

void
fetch_expect_describe(const struct fetch_expect *expect, int status, struct fetch_reason *reason)
{
	/* 16 ranges of "200-399, " and the front stay well below FETCH_REASON_CAP. */
	char list[FETCH_EXPECT_MAX * 9 + 1] = "";
	size_t len = 0;
	size_t i;

	for (i = 0; i < expect->n_ranges; i++) {
		const struct fetch_status_range *range = &expect->ranges[i];

		len += (size_t)snprintf(list + len, sizeof(list) - len,
			range->min == range->max ? "%s%d" : "%s%d-%d", i ? ", " : "", range->min,
			range->max);
	}
	fetch_reason_set(reason, "%d is %sin %s", status,
		fetch_expect_has(expect, status) ? "" : "not ", i ? list : "an empty set");
}
