/* SPDX-License-Identifier: MIT */
/* What every Check program includes. The program defines test_suite(); tests/support/main.c runs it. */
#pragma once

#include <check.h>

Suite *test_suite(void);
