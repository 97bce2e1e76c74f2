/* SPDX-License-Identifier: MIT */
/* What every Check program includes. The program defines test_suite(); tests/support/main.c runs it. */
#pragma once

#include <check.h>
#include <string.h>

Suite *test_suite(void);

/* t_count() - how often @word stands in @text */
static inline size_t
t_count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text += strlen(word)) {
		n++;
	}
	return n;
}
