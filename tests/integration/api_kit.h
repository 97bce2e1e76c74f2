/* SPDX-License-Identifier: MIT */
/*
 * What the API's tests share: fetchd and an origin beside it, requests written short, answers looked into by
 * JSON pointers. api_start() and api_stop() are the checked fixture of every case; api_stop() is a test, too: it
 * fails when the daemon does not answer any more, when it holds a descriptor more than it did at the start, or
 * when it does not end in good order (under a sanitizer: with no leak).
 *
 * In targets and bodies ' stands for " and
 *
 *	$O  http://127.0.0.1:PORT of the origin     $P  its port alone
 *	$R  the same of its refusing port           $D  of the deaf one      $X  of the resetting one
 *	$S  the number of the port that speaks first
 */
#pragma once

#include "lib/protocol/value.h"
#include "tests/support/daemon.h"
#include "tests/support/http.h"
#include "tests/support/origin.h"
#include "tests/support/process.h"
#include "tests/support/test.h"

/* json  of an NDJSON answer, a list of its lines; NULL when the answer has no JSON */
struct api_answer {
	struct t_response http;
	struct value_tree *json;
};

#define API_ANSWER_INIT \
	{ \
		.json = NULL \
	}

#define API_NDJSON "Accept: application/x-ndjson\r\n"

/* api_case() - a case of a suite, with this checked fixture */
TCase *api_case(Suite *suite, const char *name, SFun setup, SFun teardown);

void api_start(void);

/* api_start_with() - the same with a configuration, in which ' and $O are filled in */
void api_start_with(const char *config);

/*
 * api_start_frozen() - the same; time passes for the daemon only by api_pass(), ns, and whoever lets it pass gives
 * the daemon something to do, too. It begins at API_FROZEN.
 */
#define API_FROZEN INT64_C(1000000000000)

void api_start_frozen(const char *config);
void api_pass(int64_t ns);
int64_t api_now(void);

/* api_configure() - another text for its configuration file */
void api_configure(const char *config);

void api_stop(void);

/* api_clean_up() - in place of api_stop() where the test has ended the daemon itself */
void api_clean_up(void);

struct t_daemon *api_daemon(void);
struct t_origin *api_origin(void);

/* api_text() - @format with what ' and $O stand for filled in; to be freed */
char *api_text(const char *text);

/* api_connect() - a connection of the test's own */
struct t_http api_connect(void);

/**
 * api_call() - one request on a connection of its own
 * @method_and_target:  "GET /v1/tree"
 * @fields:             further header lines, each with CRLF; NULL: none
 * @body:               NULL: none
 */
void api_call(const char *method_and_target, const char *fields, const char *body,
	struct api_answer *answer);

/* api_send() - the same on a connection that stays; the answer is for api_read() */
void api_send(
	struct t_http *http, const char *method_and_target, const char *fields, const char *body);
void api_read(struct t_http *http, struct api_answer *answer);

/* api_submit() - POST a JSON batch, which must be answered with 200 */
void api_submit(const char *body, struct api_answer *answer);

/**
 * api_begin() - submit a batch to be streamed, and read up to its first line
 * @ret_id:  @size bytes
 */
void api_begin(struct t_http *http, struct t_response *stream, const char *body, char *ret_id,
	size_t size);

/* api_read_until() - read on in a stream until it has @text */
void api_read_until(struct t_http *http, struct t_response *stream, const char *text);

/* api_read_on() - read the rest of an answer, which must be whole */
void api_read_on(struct t_http *http, struct t_response *stream);

/* api_call_batch() - "GET" or "POST" on /v1/batches/ID and what follows it */
void api_call_batch(
	const char *method, const char *id, const char *rest, struct api_answer *answer);

/**
 * api_check() - compare values in an answer
 * @checks:  "POINTER=VALUE" separated by blanks; "-" is what a missing value is
 */
void api_check(const struct api_answer *answer, const char *checks);

/* api_check_keys() - the names of the members of an object, in their order, separated by blanks */
void api_check_keys(const struct api_answer *answer, const char *pointer, const char *keys);

/* api_check_field() - a header field */
void api_check_field(const struct api_answer *answer, const char *name, const char *wanted);

/* api_at() - the value at a pointer, or NULL */
const struct value *api_at(const struct api_answer *answer, const char *pointer);

/* api_check_problem() - an error as the contract says: the type, all members, this status and this code */
void api_check_problem(const struct api_answer *answer, int status, const char *code);

/* api_check_unharmed() - the daemon answers, and holds no more descriptors than before but the pool's */
void api_check_unharmed(void);

/* api_check_unharmed_with() - the same with connections of the test's own that are open */
void api_check_unharmed_with(unsigned n_more);

/* api_ask_health() - on a connection that is there all the time: a whole turn of the daemon's loop */
void api_ask_health(void);

void api_answer_fini(struct api_answer *answer);
