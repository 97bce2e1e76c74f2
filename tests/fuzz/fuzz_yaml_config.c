/* SPDX-License-Identifier: MIT */
/*
 * A configuration file. What is refused has a fault; what is accepted, printed and read again is the same,
 * and each of its jobs makes a batch.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "lib/base/buffer.h"
#include "tests/fuzz/always.h"

static void
check_jobs(const struct config *config)
{
	for (size_t i = 0; i < config->n_jobs; i++) {
		_cleanup_(batch_description_destroyp) struct batch_description *batch = NULL;

		ALWAYS(config_job_batch(config, i, &batch) == 0);
		ALWAYS(strcmp(batch->name, config->jobs[i].name) == 0);
	}
}

static void
check_printed(const struct config *config)
{
	_cleanup_(buffer_fini) struct buffer first = BUFFER_INIT;
	_cleanup_(buffer_fini) struct buffer second = BUFFER_INIT;
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	_cleanup_(config_unrefp) struct config *again = NULL;

	ALWAYS(config_print(config, &first) == 0);
	ALWAYS(config_load_text("printed", &first, &again, &faults) == 0);
	ALWAYS(config_print(again, &second) == 0);
	ALWAYS(strcmp(first.data, second.data) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	_cleanup_(buffer_fini) struct buffer report = BUFFER_INIT;
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	_cleanup_(config_unrefp) struct config *config = NULL;
	int r;

	buffer_append(&text, data, len);
	r = config_load_text("no such file", &text, &config, &faults);
	ALWAYS(r == 0 || r == -EINVAL);
	if (r < 0) {
		ALWAYS(!config && faults_count(&faults) > 0);
		config_print_faults(&faults, &report);
		ALWAYS(report.len > 0);
	} else {
		ALWAYS(faults_count(&faults) == 0);
		check_jobs(config);
		check_printed(config);
	}
	return 0;
}
