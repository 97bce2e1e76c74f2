/* SPDX-License-Identifier: MIT */
/* How reasons are written. */
#pragma once

#include <fetch/reason.h>
#include <stdarg.h>
#include <stdio.h>

/* fetch_reason_set() - write the text; @reason may be NULL for callers that do not want to know */
__attribute__((format(printf, 2, 3))) static inline void
fetch_reason_set(struct fetch_reason *reason, const char *format, ...)
{
	va_list ap;

	if (!reason) {
		return;
	}
	va_start(ap, format);
	(void)vsnprintf(reason->text, sizeof(reason->text), format, ap); /* cut is fine */
	va_end(ap);
}
