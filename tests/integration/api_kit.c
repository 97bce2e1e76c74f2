/* SPDX-License-Identifier: MIT */
/*
 * One connection, the line, stays open from the start of the daemon to its end. It carries the questions whether
 * it is well, so that asking does not change the number of its descriptors.
 */
#include "tests/integration/api_kit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/json.h"

#define SETTLE_S 120 /* only a failure takes that long */

static struct {
	struct t_origin *origin;
	struct t_daemon *daemon;
	struct t_http line;
	unsigned n_fds;
	int64_t *clock_ns;
} api;

struct t_daemon *
api_daemon(void)
{
	return api.daemon;
}

struct t_origin *
api_origin(void)
{
	return api.origin;
}

void
api_ask_health(void)
{
	_cleanup_(t_response_fini) struct t_response response = T_RESPONSE_INIT;

	ck_assert(t_http_puts(&api.line, "GET /v1/health/live HTTP/1.1\r\nHost: fetchd\r\n\r\n"));
	t_http_read(&api.line, &response);
	ck_assert_msg(response.status == 200, "the daemon's health is %d", response.status);
}

/* The first half-close makes the daemon open, for good, what it notices hang-ups with. */
static void
warm_up(void)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();

	ck_assert_int_eq(shutdown(http.fd, SHUT_WR), 0);
	ck_assert(t_http_is_over(&http));
	t_http_close(&http);
	api_ask_health();
	api_ask_health();
}

void
api_start_with(const char *config)
{
	char *text;

	api.origin = t_origin_create();
	text = config ? api_text(config) : NULL;
	api.daemon = t_daemon_start(text);
	free(text);
	api.line = api_connect();
	warm_up();
	api.n_fds = t_proc_n_fds(t_daemon_pid(api.daemon));
}

void
api_start_frozen(const char *config)
{
	char path[] = "/tmp/fetchd-clock-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(*api.clock_ns)), 0);
	api.clock_ns = mmap(NULL, sizeof(*api.clock_ns), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert(api.clock_ns != MAP_FAILED);
	(void)close(fd);
	api_pass(API_FROZEN);
	(void)setenv("T_CLOCK", path, 1);
	(void)setenv("LD_PRELOAD", T_FROZEN_CLOCK_SO, 1);
	api_start_with(config);
	(void)unsetenv("LD_PRELOAD");
	(void)unlink(path);
}

void
api_pass(int64_t ns)
{
	(void)__atomic_add_fetch(api.clock_ns, ns, __ATOMIC_RELAXED);
}

int64_t
api_now(void)
{
	return __atomic_load_n(api.clock_ns, __ATOMIC_RELAXED);
}

void
api_configure(const char *config)
{
	_cleanup_(freep) char *text = api_text(config);

	t_daemon_configure(api.daemon, text);
}

void
api_start(void)
{
	api_start_with(NULL);
}

/* A closed connection's descriptor goes when its task has run: each question is a turn of the loop. */
void
api_check_unharmed_with(unsigned n_more)
{
	_cleanup_(buffer_fini) struct buffer list = BUFFER_INIT;
	struct timespec now;
	struct timespec start;
	unsigned n_fds;
	uint64_t n_pooled;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		api_ask_health();
		n_fds = t_proc_n_fds(t_daemon_pid(api.daemon));
		n_pooled = t_origin_counts(api.origin).n_open;
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	} while (n_fds != api.n_fds + n_more + n_pooled && now.tv_sec - start.tv_sec < SETTLE_S);
	if (n_fds != api.n_fds + n_more + n_pooled) {
		t_proc_list_fds(t_daemon_pid(api.daemon), &list);
		ck_abort_msg("%u descriptors; there were %u, and %" PRIu64 " are pooled:%s", n_fds,
			api.n_fds, n_pooled, list.data);
	}
}

void
api_check_unharmed(void)
{
	api_check_unharmed_with(0);
}

void
api_clean_up(void)
{
	t_http_close(&api.line);
	t_daemon_destroy(api.daemon);
	t_origin_destroy(api.origin);
}

void
api_stop(void)
{
	api_check_unharmed();
	t_http_close(&api.line);
	ck_assert_int_eq(t_daemon_stop(api.daemon), 0);
	api_clean_up();
}

TCase *
api_case(Suite *suite, const char *name, SFun setup, SFun teardown)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(suite, tc);
	return tc;
}

struct t_http
api_connect(void)
{
	return t_http_unix(t_daemon_socket(api.daemon));
}

/* ---- requests ---- */

static const struct {
	char letter;
	enum t_port port;
} hosts[] = {
	{ 'O', T_PORT_HTTP },
	{ 'R', T_PORT_REFUSING },
	{ 'D', T_PORT_DEAF },
	{ 'X', T_PORT_RESETTING },
};

static void
put_host(struct buffer *out, char letter)
{
	if (letter == 'P' || letter == 'S') {
		buffer_printf(out, "%u",
			t_origin_port(
				api.origin, letter == 'P' ? T_PORT_HTTP : T_PORT_SPEAKS_FIRST));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		if (hosts[i].letter == letter) {
			buffer_printf(out, "http://127.0.0.1:%u",
				t_origin_port(api.origin, hosts[i].port));
			return;
		}
	}
	ck_abort_msg("$%c stands for nothing", letter);
}

char *
api_text(const char *text)
{
	struct buffer out = BUFFER_INIT;
	char *expanded;

	buffer_puts(&out, "");
	for (; *text; text++) {
		if (*text == '$') {
			put_host(&out, *++text);
		} else {
			buffer_putc(&out, *text == '\'' ? '"' : *text);
		}
	}
	expanded = buffer_take(&out);
	ck_assert_ptr_nonnull(expanded);
	return expanded;
}

void
api_send(struct t_http *http, const char *method_and_target, const char *fields, const char *body)
{
	_cleanup_(freep) char *text = body ? api_text(body) : NULL;

	(void)t_http_printf(
		http, "%s HTTP/1.1\r\nHost: fetchd\r\n%s", method_and_target, fields ? fields : "");
	if (text) {
		(void)t_http_printf(http, "Content-Length: %zu\r\n\r\n%s", strlen(text), text);
	} else {
		(void)t_http_puts(http, "\r\n");
	}
}

/* A list of the lines: their ends become commas. */
static void
join_lines(const struct buffer *body, struct buffer *ret_list)
{
	size_t len = body->len;

	ck_assert_msg(len > 0 && body->data[len - 1] == '\n', "the last line has no end");
	buffer_putc(ret_list, '[');
	for (size_t i = 0; i < len - 1; i++) {
		buffer_putc(ret_list, body->data[i] == '\n' ? ',' : body->data[i]);
	}
	buffer_putc(ret_list, ']');
}

static void
parse(struct api_answer *answer)
{
	_cleanup_(buffer_fini) struct buffer list = BUFFER_INIT;
	const struct buffer *text = &answer->http.body;
	struct json_error error;
	char type[64];

	if (text->len == 0 ||
		!t_response_field(&answer->http, "Content-Type", type, sizeof(type)) ||
		!strstr(type, "json")) {
		return;
	}
	if (strcmp(type, "application/x-ndjson") == 0) {
		join_lines(text, &list);
		text = &list;
	}
	ck_assert_msg(json_parse(text->data, text->len, &answer->json, &error) == 0,
		"%u:%u: %s: %.2000s", error.line, error.column, error.text, text->data);
}

void
api_read(struct t_http *http, struct api_answer *answer)
{
	api_answer_fini(answer);
	t_http_read(http, &answer->http);
	ck_assert_msg(answer->http.status == 0 || answer->http.is_complete, "the answer was cut");
	parse(answer);
}

void
api_call(const char *method_and_target, const char *fields, const char *body,
	struct api_answer *answer)
{
	_cleanup_(t_http_close) struct t_http http = api_connect();

	api_send(&http, method_and_target, fields, body);
	api_read(&http, answer);
}

void
api_submit(const char *body, struct api_answer *answer)
{
	api_call("POST /v1/batches", NULL, body, answer);
	ck_assert_msg(answer->http.status == 200, "%d: %s", answer->http.status,
		answer->http.body.len ? answer->http.body.data : "");
}

void
api_read_until(struct t_http *http, struct t_response *stream, const char *text)
{
	while (!stream->body.len || !strstr(stream->body.data, text)) {
		ck_assert_msg(t_http_read_more(http, stream), "the stream ended before %s", text);
	}
}

void
api_read_on(struct t_http *http, struct t_response *stream)
{
	while (t_http_read_more(http, stream)) {
	}
	ck_assert(stream->is_complete);
}

void
api_begin(
	struct t_http *http, struct t_response *stream, const char *body, char *ret_id, size_t size)
{
	const char *id;

	api_send(http, "POST /v1/batches", API_NDJSON, body);
	t_http_read_head(http, stream);
	ck_assert_int_eq(stream->status, 200);
	api_read_until(http, stream, "\n");
	id = strstr(stream->body.data, "\"id\":\"");
	ck_assert_ptr_nonnull(id);
	id += strlen("\"id\":\"");
	(void)snprintf(ret_id, size, "%.*s", (int)strcspn(id, "\""), id);
}

void
api_call_batch(const char *method, const char *id, const char *rest, struct api_answer *answer)
{
	char target[128];

	(void)snprintf(target, sizeof(target), "%s /v1/batches/%s%s", method, id, rest);
	api_call(target, NULL, strcmp(method, "POST") == 0 ? "" : NULL, answer);
}

void
api_answer_fini(struct api_answer *answer)
{
	t_response_fini(&answer->http);
	value_tree_destroy(answer->json);
	answer->json = NULL;
}

/* ---- answers ---- */

static const struct value *
step(const struct value *value, const char *name, size_t len)
{
	const struct value *child;
	size_t i = 0;

	value_for_each(child, value) {
		if (value->type == VALUE_LIST
				? i++ == strtoul(name, NULL, 10)
				: child->key_len == len && memcmp(child->key, name, len) == 0) {
			return child;
		}
	}
	return NULL;
}

const struct value *
api_at(const struct api_answer *answer, const char *pointer)
{
	const struct value *value = answer->json ? answer->json->root : NULL;

	while (value && *pointer == '/') {
		size_t len = strcspn(++pointer, "/");

		value = value->type == VALUE_LIST || value->type == VALUE_MAP
				? step(value, pointer, len)
				: NULL;
		pointer += len;
	}
	return value;
}

static const char *
show(const struct value *value, char *text, size_t size)
{
	if (!value) {
		return "-";
	}
	switch (value->type) {
	case VALUE_STRING:
		return value->text;
	case VALUE_INTEGER:
		(void)snprintf(text, size, "%" PRId64, value->integer);
		return text;
	case VALUE_BOOL:
		return value->boolean ? "true" : "false";
	case VALUE_NULL:
		return "null";
	default:
		return value_describe(value, text, size);
	}
}

void
api_check(const struct api_answer *answer, const char *checks)
{
	_cleanup_(freep) char *copy = api_text(checks);
	char *cursor = copy;
	char *check;

	while ((check = strsep(&cursor, " "))) {
		char *wanted = strchr(check, '=');
		const char *found;
		char text[128];

		ck_assert_ptr_nonnull(wanted);
		*wanted++ = '\0';
		found = show(api_at(answer, check), text, sizeof(text));
		ck_assert_msg(strcmp(found, wanted) == 0, "%s is %s and not %s in %.1500s", check,
			found, wanted, answer->http.body.len ? answer->http.body.data : "");
	}
}

void
api_check_field(const struct api_answer *answer, const char *name, const char *wanted)
{
	char value[128];

	ck_assert_msg(t_response_field(&answer->http, name, value, sizeof(value)) != NULL,
		"there is no field %s", name);
	ck_assert_str_eq(value, wanted);
}

void
api_check_keys(const struct api_answer *answer, const char *pointer, const char *keys)
{
	_cleanup_(buffer_fini) struct buffer found = BUFFER_INIT;
	const struct value *map = api_at(answer, pointer);
	const struct value *child;

	ck_assert_msg(map && map->type == VALUE_MAP, "%s is no object", pointer);
	value_for_each(child, map) {
		buffer_printf(&found, "%s%s", found.len ? " " : "", child->key);
	}
	ck_assert_str_eq(found.data, keys);
}

void
api_check_problem(const struct api_answer *answer, int status, const char *code)
{
	char text[128];
	char id[64];

	ck_assert_msg(answer->http.status == status, "%d and not %d: %.1500s", answer->http.status,
		status, answer->http.body.len ? answer->http.body.data : "");
	ck_assert_str_eq(t_response_field(&answer->http, "Content-Type", text, sizeof(text)),
		"application/problem+json");
	ck_assert_ptr_nonnull(t_response_field(&answer->http, "X-Request-Id", id, sizeof(id)));
	(void)snprintf(text, sizeof(text),
		"/type=urn:fetchd:problem:%s /code=%s /status=%d /request_id=%s", code, code,
		status, id);
	api_check(answer, text);
	ck_assert_ptr_nonnull(value_get_text(answer->json->root, "title"));
	ck_assert_ptr_nonnull(value_get_text(answer->json->root, "detail"));
}
