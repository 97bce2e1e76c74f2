/* SPDX-License-Identifier: MIT */
/*
 * What the engine's tests share: one run, one engine, one batch, and every result kept. Take a
 * kit, fill it in, call kit_run(), look at the results.
 */
#pragma once

#include <nursery.h>

#include <fetch/fetch.h>

#include "lib/base/cleanup.h"
#include "lib/fetch/rules/address_policy.h"
#include "tests/support/origin.h"
#include "tests/support/test.h"

#define KIT_URLS 2048

/* A result with its strings copied. */
struct kit_result {
	struct fetch_result result;
	char *final_url;
	char *remote;
	char *detail;
	char *body;
	char *tls_issuer;
	bool is_there;
};

/*
 * options, engine, batch   as the test wants them; requests are made of urls
 * own_options              of a URL that does not have options; NULL: it has
 * body                     runs in the main task in place of one fetch_batch_run()
 * beside                   NULL, or a task that runs beside the batch, inside the scope
 * scope                    around the batch
 * sink_code                what the sink returns
 * starting                 of the sink; gets the kit
 * cancel_after             so many results, the scope is cancelled; 0: it is not
 */
struct kit {
	struct fetch_engine_options engine_options;
	struct fetch_options options;
	struct fetch_batch batch;
	char *urls[KIT_URLS];
	const struct fetch_options *own_options[KIT_URLS];
	size_t n_urls;
	nur_task_fn body;
	nur_task_fn beside;
	int sink_code;
	int (*starting)(void *kit, size_t index);
	size_t cancel_after;
	void *user;

	struct fetch_engine *engine;
	struct fetch_engine_statistics statistics; /* when the batch had ended */
	struct nur_cancel_scope scope;
	struct kit_result results[KIT_URLS];
	size_t order[KIT_URLS];
	size_t n_results;
	struct fetch_batch_summary summary;
	int rc;
};

/* kit_create() - zeroed but for a timeout of 20 s; never NULL; to be given to kit_destroy() */
struct kit *kit_create(void);

/* kit_add() - one more URL, taken */
void kit_add(struct kit *kit, char *url);

/* kit_batch() - run the batch in the calling task; may be called again: results start anew */
int kit_batch(struct kit *kit);

/*
 * kit_run() - a run with an engine, and the batch in it; checks that every URL has one result and
 * nothing is left
 */
void kit_run(struct kit *kit);

/* kit_one() - fetch one URL, taken; its result */
const struct kit_result *kit_one(struct kit *kit, char *url);

/* kit_wait() - from a task: wait until the origin's counts say so */
void kit_wait(struct t_origin *origin, const char *condition);

/* kit_https_url() - at 127.0.0.1, to be given to free() */
char *kit_https_url(unsigned port, const char *path);

/* kit_make_file() - a new file with @text in it, and its name in @path; the caller unlinks it */
void kit_make_file(char *path, size_t size, const char *text);

/* kit_make_hosts() - like it: a hosts file in which w0.test to the one before @n_names are this machine */
void kit_make_hosts(char *path, size_t size, int n_names);

/* kit_write_file() - @text in place of what is in it */
void kit_write_file(const char *path, const char *text);

/* kit_check_cancelled() - that all from @first to @last were, and why */
void kit_check_cancelled(const struct kit *kit, size_t first, size_t last,
	enum fetch_cancel_reason reason, int64_t cause);

/* kit_forget() - its URLs and its results; what the test has set stays */
void kit_forget(struct kit *kit);

/* kit_destroy() - accepts NULL */
void kit_destroy(struct kit *kit);
