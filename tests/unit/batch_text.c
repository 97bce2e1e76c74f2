/* SPDX-License-Identifier: MIT */
#include "tests/unit/batch_text.h"

#include <string.h>

#include "tests/support/test.h"

struct batch_description *
t_read_batch(
	const char *text, const struct batch_defaults *defaults, const struct batch_limits *limits)
{
	const struct batch_input input = {
		.kind = BATCH_KIND_JSON, .defaults = defaults, .limits = limits
	};
	struct batch_description *description = NULL;
	struct batch_reader *reader = NULL;
	struct faults faults = FAULTS_INIT;

	ck_assert_int_eq(batch_reader_open(&input, &reader), 0);
	ck_assert_int_eq(batch_reader_feed(reader, text, strlen(text)), 0);
	ck_assert_int_eq(batch_reader_finish(reader, &description, &faults), 0);
	batch_reader_destroy(reader);
	faults_fini(&faults);
	return description;
}
