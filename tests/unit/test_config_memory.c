/* SPDX-License-Identifier: MIT */
/* Memory runs out at every single allocation of daemon/config. */
#include "tests/support/failing_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/lint.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

#define DOUBTFUL T_SOURCE_ROOT "/tests/data/config/doubtful.yaml"

static const struct {
	const char *text;
	int r;
} texts[] = {
	{ "listen: {group: \"${env:FETCHD_TEST_GROUP}\"}\n"
	  "network: {allow: [10.0.0.0/8, \"fd00::/8\"], deny: [10.1.0.0/16],\n"
	  "  submit: {policy: public_only, allow: [10.1.2.0/24], deny: [10.0.0.0/9]}}\n"
	  "jobs:\n"
	  "  - {name: a, every: 30s, urls: [\"http://127.0.0.1/\"]}\n"
	  "  - {name: b, every: 30s, urls: [{url: \"http://127.0.0.1/\", method: HEAD}]}\n",
		0 },
	{ "listen: {group: \"${env:FETCHD_TEST_NOTHING}\", mode: 0660}\n"
	  "network: {allow: [x], http_version: 2}\nworkers: 0\n"
	  "jobs:\n"
	  "  - {name: a, every: 30s, urls: [\"http://127.0.0.1/\"]}\n"
	  "  - {name: a, every: 3s, jitter: 4s, urls: [\"x://127.0.0.1/\"]}\n"
	  "  - {}\n",
		-EINVAL },
};

static int
take_text(int i)
{
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	_cleanup_(config_unrefp) struct config *config = NULL;

	buffer_puts(&text, texts[i].text);
	if (buffer_error(&text) < 0) {
		return -ENOMEM;
	}
	return config_load_text("text", &text, &config, &faults);
}

START_TEST(loading_survives_the_loss_of_any_allocation)
{
	ck_assert_int_eq(setenv("FETCHD_TEST_GROUP", "fetchd", 1), 0);
	ck_assert_int_eq(unsetenv("FETCHD_TEST_NOTHING"), 0);

	t_fail_each_allocation(take_text, _i, texts[_i].r);
}
END_TEST

static int
take_files(int i)
{
	_cleanup_(faults_fini) struct faults faults = FAULTS_INIT;
	_cleanup_(config_unrefp) struct config *config = NULL;

	return config_load(T_SOURCE_ROOT "/tests/data/config/folder/fetchd.yaml", &config, &faults);
}

START_TEST(reading_folders_survives_the_loss_of_any_allocation)
{
	t_fail_each_allocation(take_files, _i, -EINVAL);
}
END_TEST

static struct config *config;

static int
use(int i)
{
	_cleanup_(batch_description_destroyp) struct batch_description *batch = NULL;
	_cleanup_(buffer_fini) struct buffer text = BUFFER_INIT;
	int r = config_job_batch(config, 1, &batch);

	return r < 0 ? r : config_print(config, &text);
}

START_TEST(using_it_survives_the_loss_of_any_allocation)
{
	struct faults faults = FAULTS_INIT;
	struct buffer text = BUFFER_INIT;

	ck_assert_int_eq(setenv("FETCHD_TEST_GROUP", "fetchd", 1), 0);
	buffer_puts(&text, texts[0].text);
	ck_assert_int_eq(config_load_text("text", &text, &config, &faults), 0);

	t_fail_each_allocation(use, 0, 0);

	config_unref(config);
	buffer_fini(&text);
	faults_fini(&faults);
}
END_TEST

static int
look(int i)
{
	_cleanup_(faults_fini) struct faults warnings = FAULTS_INIT;

	return config_lint(config, DOUBTFUL, &warnings);
}

START_TEST(looking_for_what_is_doubtful_survives_the_loss_of_any_allocation)
{
	struct faults faults = FAULTS_INIT;

	ck_assert_int_eq(config_load(DOUBTFUL, &config, &faults), 0);

	t_fail_each_allocation(look, 0, 0);

	config_unref(config);
	faults_fini(&faults);
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("config_memory");
	TCase *tc = tcase_create("out of memory");

	tcase_add_loop_test(tc, loading_survives_the_loss_of_any_allocation, 0, ARRAY_LEN(texts));
	tcase_add_test(tc, reading_folders_survives_the_loss_of_any_allocation);
	tcase_add_test(tc, using_it_survives_the_loss_of_any_allocation);
	tcase_add_test(tc, looking_for_what_is_doubtful_survives_the_loss_of_any_allocation);
	suite_add_tcase(suite, tc);
	return suite;
}
