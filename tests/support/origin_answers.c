/* SPDX-License-Identifier: MIT */
/*
 * Two tables. `literals` holds the answers that are the same bytes every time, which most of the
 * malformed ones are; `makers` holds those with an argument in the path. A path is /NAME,
 * /NAME/ARGUMENT or /NAME/ARGUMENT/ARGUMENT, whatever follows is ignored (so that a test can have a
 * thousand different URLs with one behaviour), and ?TEXT is a further argument.
 */
#include "tests/support/origin_answers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"

/*
 * Endless answers end here, so that a client without a limit fails instead of filling the machine.
 */
#define ENDLESS_BYTES (512ULL << 20)

#define FILLER \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

struct literal {
	const char *name;
	const char *bytes;
	size_t len;
	enum t_ending ending;
};

#define LITERAL(name, bytes, ending) \
	{ \
		name, bytes, sizeof(bytes) - 1, ending \
	}

static const struct literal literals[] = {
	/* closed early, at each phase */
	LITERAL("reset", "", T_ENDING_RESET),
	LITERAL("close-before-response", "", T_ENDING_CLOSE),
	LITERAL("close-mid-status", "HTTP/1.1 2", T_ENDING_CLOSE),
	LITERAL("close-mid-headers", OK_LINE "Content-Le", T_ENDING_CLOSE),
	LITERAL("reset-mid-body", OK_LINE "Content-Length: 100\r\n\r\n0123456789", T_ENDING_RESET),
	LITERAL("stall-mid-headers", OK_LINE "Content-Length: 5\r\n", T_ENDING_STALL),
	LITERAL("stall-mid-body", OK_LINE "Content-Length: 5\r\n\r\nab", T_ENDING_STALL),
	LITERAL("close-after", OK_LINE "Content-Length: 3\r\n\r\nok\n", T_ENDING_CLOSE),

	/* every framing: as it should be, and cut */
	LITERAL("close-delimited", OK_LINE "Connection: close\r\n\r\nuntil the end\n",
		T_ENDING_CLOSE),
	LITERAL("truncated-close-delimited", OK_LINE "Connection: close\r\n\r\nuntil the",
		T_ENDING_RESET),
	LITERAL("truncated-length", OK_LINE "Content-Length: 100\r\n\r\n0123456789",
		T_ENDING_CLOSE),
	LITERAL("chunked", OK_LINE CHUNKED "\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n",
		T_ENDING_KEEP),
	LITERAL("truncated-chunk", OK_LINE CHUNKED "\r\n10\r\n0123", T_ENDING_CLOSE),
	LITERAL("truncated-chunked", OK_LINE CHUNKED "\r\n4\r\n0123\r\n", T_ENDING_CLOSE),

	/* lengths that lie */
	LITERAL("short-length", OK_LINE "Content-Length: 2\r\n\r\n0123456789", T_ENDING_CLOSE),
	LITERAL("negative-length", OK_LINE "Content-Length: -1\r\n\r\nok\n", T_ENDING_CLOSE),
	LITERAL("junk-length", OK_LINE "Content-Length: 3 and more\r\n\r\nok\n", T_ENDING_CLOSE),
	LITERAL("huge-length", OK_LINE "Content-Length: 18446744073709551616\r\n\r\nok\n",
		T_ENDING_CLOSE),
	LITERAL("two-lengths", OK_LINE "Content-Length: 3\r\nContent-Length: 5\r\n\r\nok\n\n\n",
		T_ENDING_CLOSE),
	LITERAL("length-and-chunked",
		OK_LINE "Content-Length: 3\r\n" CHUNKED "\r\n2\r\nok\r\n0\r\n\r\n", T_ENDING_CLOSE),
	LITERAL("bad-chunk", OK_LINE CHUNKED "\r\nzz\r\nok\r\n0\r\n\r\n", T_ENDING_CLOSE),
	LITERAL("negative-chunk", OK_LINE CHUNKED "\r\n-2\r\nok\r\n0\r\n\r\n", T_ENDING_CLOSE),
	LITERAL("huge-chunk", OK_LINE CHUNKED "\r\nFFFFFFFFFFFFFFFFF\r\nok\r\n0\r\n\r\n",
		T_ENDING_CLOSE),

	/* not quite HTTP */
	LITERAL("garbage", "\x01\x02\xff\xfe no protocol \x00 that anybody knows\r\n\r\n",
		T_ENDING_CLOSE),
	LITERAL("http09", "just a body, as in 1991\n", T_ENDING_CLOSE),
	LITERAL("bad-version", "HTTP/9.9 200 OK\r\nContent-Length: 3\r\n\r\nok\n", T_ENDING_CLOSE),
	LITERAL("nul-header", OK_LINE "X: a\0b\r\nContent-Length: 3\r\n\r\nok\n", T_ENDING_CLOSE),
	LITERAL("folded-header", OK_LINE "X: a\r\n b\r\nContent-Length: 3\r\n\r\nok\n",
		T_ENDING_KEEP),
	LITERAL("bare-lf", "HTTP/1.1 200 OK\nContent-Length: 3\n\nok\n", T_ENDING_KEEP),

	/* codings */
	LITERAL("gzip",
		OK_LINE "Content-Encoding: gzip\r\nContent-Length: 26\r\n\r\n"
			"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00"
			"\x20\x30\x3a\x36\x06\x00\x00\x00",
		T_ENDING_KEEP),
	LITERAL("wrong-encoding", OK_LINE "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nok\n",
		T_ENDING_KEEP),

	/* redirects that lead nowhere */
	LITERAL("loop", "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
		T_ENDING_KEEP),
	LITERAL("no-location", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", T_ENDING_KEEP),
	LITERAL("two-locations",
		"HTTP/1.1 302 Found\r\nLocation: /ok\r\nLocation: /status/404\r\nContent-Length: "
		"0\r\n\r\n",
		T_ENDING_KEEP),
};

struct path {
	char name[32];
	char arg[2][64];
	const char *query;
};

static const char *
copy_segment(const char *from, char *to, size_t size)
{
	size_t len = strcspn(from, "/?");

	(void)snprintf(to, size, "%.*s", (int)len, from); /* cut: a longer name is in no table */
	from += len;
	return *from == '/' ? from + 1 : from;
}

/* "http://host/x" is what a client of a proxy asks; the origin answers it as "/x". */
static void
parse_path(const char *target, struct path *path)
{
	const char *at = strstr(target, "://");
	const char *query = strchr(target, '?');

	at = at && (!query || at < query) ? strchr(at + 3, '/') : target;
	at = at ? at + 1 : "";
	at = copy_segment(at, path->name, sizeof(path->name));
	at = copy_segment(at, path->arg[0], sizeof(path->arg[0]));
	(void)copy_segment(at, path->arg[1], sizeof(path->arg[1]));
	path->query = query ? query + 1 : "";
}

static unsigned int
number(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 10);
}

/* Appends @text with %XX turned into bytes: so a query can carry what no URL may hold. */
static void
append_decoded(struct buffer *buffer, const char *text)
{
	unsigned int byte;

	for (; *text; text++) {
		if (text[0] == '%' && sscanf(text + 1, "%2x", &byte) == 1 && text[2]) {
			buffer_putc(buffer, (char)byte);
			text += 2;
		} else {
			buffer_putc(buffer, *text);
		}
	}
}

static void
answer_start(struct t_plan *plan, const char *status)
{
	plan->status = number(status);
	buffer_printf(&plan->head, "HTTP/1.1 %s %s\r\nContent-Type: text/plain\r\n", status,
		plan->status < 400 ? "Fine" : "Failed");
}

static void
answer_end(struct t_plan *plan, const struct t_request *request, const char *body, size_t len)
{
	buffer_printf(&plan->head, "Content-Length: %zu\r\n\r\n", len);
	if (strcmp(request->method, "HEAD") != 0) {
		buffer_append(&plan->head, body, len);
	}
}

/* 1xx, 204 and 304 have no body, and no length either. */
static void
answer(struct t_plan *plan, const struct t_request *request, const char *status)
{
	const char *body;

	answer_start(plan, status);
	if (plan->status == 204 || plan->status == 304) {
		buffer_puts(&plan->head, "\r\n");
		return;
	}
	body = plan->status < 400 ? "ok\n" : "no\n";
	answer_end(plan, request, body, strlen(body));
}

static void
make_ok(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	answer(plan, request, "200");
}

static void
make_status(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	answer(plan, request, path->arg[0]);
}

static void
make_slow(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	plan->start = T_START_DELAYED;
	plan->delay_ms = number(path->arg[0]);
	answer(plan, request, path->query[0] ? path->query : "200");
}

static void
make_never(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	plan->start = T_START_NEVER;
}

static void
make_hold(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	plan->start = T_START_NAMED;
	(void)snprintf(
		plan->name, sizeof(plan->name), "%.*s", (int)sizeof(plan->name) - 1, path->arg[0]);
	answer(plan, request, path->query[0] ? path->query : "200");
}

static void
make_crowd(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	plan->start = T_START_CROWD;
	plan->crowd = number(path->arg[0]);
	answer(plan, request, path->query[0] ? path->query : "200");
}

static void
make_redirect(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	unsigned int n = number(path->arg[0]);

	if (n == 0) {
		answer(plan, request, "200");
		return;
	}
	answer_start(plan, "302");
	buffer_printf(&plan->head, "Location: /redirect/%u\r\n", n - 1);
	answer_end(plan, request, "", 0);
}

static void
make_redirect_to(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	answer_start(plan, path->arg[0][0] ? path->arg[0] : "302");
	buffer_puts(&plan->head, "Location: ");
	append_decoded(&plan->head, path->query);
	buffer_puts(&plan->head, "\r\n");
	answer_end(plan, request, "", 0);
}

static void
make_long_location(struct t_memory *memory, const struct t_request *request,
	const struct path *path, struct t_plan *plan)
{
	answer_start(plan, "302");
	buffer_puts(&plan->head, "Location: /");
	plan->fill = FILLER;
	plan->n_fill = strtoull(path->arg[0], NULL, 10);
	plan->tail = "\r\nContent-Length: 0\r\n\r\n";
}

static void
make_retry_after(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	answer_start(plan, path->arg[0]);
	buffer_puts(&plan->head, "Retry-After: ");
	append_decoded(&plan->head, path->query);
	buffer_puts(&plan->head, "\r\n");
	answer_end(plan, request, "no\n", 3);
}

static struct t_flaky *
find_flaky(struct t_memory *memory, const char *name)
{
	struct t_flaky *flaky;
	unsigned int i;

	for (i = 0; i < memory->n_flaky; i++) {
		if (strcmp(memory->flaky[i].name, name) == 0) {
			return &memory->flaky[i];
		}
	}
	if (memory->n_flaky == T_MAX_FLAKY) {
		return NULL;
	}
	flaky = &memory->flaky[memory->n_flaky++];
	(void)snprintf(
		flaky->name, sizeof(flaky->name), "%.*s", (int)sizeof(flaky->name) - 1, name);
	return flaky;
}

/* /flaky/NAME/N?HOW: N times HOW, a status or "reset", "close" or "never", then 200 for ever. */
static void
make_flaky(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	struct t_flaky *flaky = find_flaky(memory, path->arg[0]);

	if (!flaky) {
		answer(plan, request, "507");
	} else if (flaky->n_asked++ >= number(path->arg[1])) {
		answer(plan, request, "200");
	} else if (strcmp(path->query, "reset") == 0) {
		plan->ending = T_ENDING_RESET;
	} else if (strcmp(path->query, "close") == 0) {
		plan->ending = T_ENDING_CLOSE;
	} else if (strcmp(path->query, "never") == 0) {
		plan->start = T_START_NEVER;
	} else {
		answer(plan, request, path->query[0] ? path->query : "503");
	}
}

static void
make_close_on_reuse(struct t_memory *memory, const struct t_request *request,
	const struct path *path, struct t_plan *plan)
{
	if (request->n_earlier == 0) {
		answer(plan, request, "200");
	} else {
		plan->ending = T_ENDING_CLOSE;
	}
}

static void
make_bytes(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	answer_start(plan, "200");
	plan->n_fill = strtoull(path->arg[0], NULL, 10);
	buffer_printf(
		&plan->head, "Content-Length: %llu\r\n\r\n", (unsigned long long)plan->n_fill);
	plan->fill = FILLER;
	if (strcmp(request->method, "HEAD") == 0) {
		plan->n_fill = 0;
	}
}

static void
make_drip(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	make_bytes(memory, request, path, plan);
	plan->step = 1;
	plan->step_ms = number(path->arg[1]);
}

static void
make_drip_headers(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	buffer_puts(&plan->head, OK_LINE);
	plan->fill = "X-Slow: header\r\n";
	plan->n_fill = (strlen(plan->fill) * (uint64_t)number(path->arg[0]));
	plan->step = 1;
	plan->step_ms = number(path->arg[1]);
	plan->tail = "Content-Length: 3\r\n\r\nok\n";
}

static void
make_body(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;

	append_decoded(&body, path->query);
	answer_start(plan, "200");
	answer_end(plan, request, body.data, body.len);
}

static void
make_echo(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	_cleanup_(buffer_fini) struct buffer body = BUFFER_INIT;

	buffer_append(&body, request->head, request->head_len);
	buffer_append(&body, request->body, request->body_len);
	answer_start(plan, "200");
	answer_end(plan, request, body.data, body.len);
}

static void
make_header_bomb(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	buffer_puts(&plan->head, OK_LINE);
	plan->fill = "X-Filler: one of very many\r\n";
	plan->n_fill = strlen(plan->fill) * (uint64_t)number(path->arg[0]);
	plan->tail = "Content-Length: 3\r\n\r\nok\n";
}

static void
make_long_header(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	buffer_puts(&plan->head, OK_LINE "X-Filler: ");
	plan->fill = FILLER;
	plan->n_fill = strtoull(path->arg[0], NULL, 10);
	plan->tail = "\r\nContent-Length: 3\r\n\r\nok\n";
}

static void
make_long_status(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	buffer_puts(&plan->head, "HTTP/1.1 200 ");
	plan->fill = FILLER;
	plan->n_fill = strtoull(path->arg[0], NULL, 10);
	plan->tail = "\r\nContent-Length: 3\r\n\r\nok\n";
}

static void
make_long_trailer(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	buffer_puts(&plan->head, OK_LINE CHUNKED "\r\n2\r\nok\r\n0\r\nX-Trailer: ");
	plan->fill = FILLER;
	plan->n_fill = strtoull(path->arg[0], NULL, 10);
	plan->tail = "\r\n\r\n";
}

static void
make_endless(struct t_plan *plan, const char *head, const char *fill)
{
	buffer_puts(&plan->head, head);
	plan->fill = fill;
	plan->n_fill = ENDLESS_BYTES;
	plan->ending = T_ENDING_CLOSE;
}

static void
make_endless_headers(struct t_memory *memory, const struct t_request *request,
	const struct path *path, struct t_plan *plan)
{
	make_endless(plan, OK_LINE, "X-Filler: one of endlessly many\r\n");
}

static void
make_endless_1xx(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	make_endless(plan, "", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
}

static void
make_endless_body(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	make_endless(plan, OK_LINE "Connection: close\r\n\r\n", FILLER);
}

static void
make_endless_chunks(struct t_memory *memory, const struct t_request *request,
	const struct path *path, struct t_plan *plan)
{
	make_endless(plan, OK_LINE CHUNKED "\r\n", "1\r\nx\r\n");
}

static void
make_endless_trailers(struct t_memory *memory, const struct t_request *request,
	const struct path *path, struct t_plan *plan)
{
	make_endless(plan, OK_LINE CHUNKED "\r\n2\r\nok\r\n0\r\n", "X-Trailer: one of many\r\n");
}

/*
 * A gzip member that unpacks to @N zero bytes and more, 1 : 159. After the block's head and one
 * literal zero (11 bits) comes the code "258 bytes from 1 back" again and again; it has 13 bits, so
 * that 13 bytes hold eight of them and the stream is a repeating pattern. The block is never ended.
 */
static void
make_gzip_bomb(struct t_memory *memory, const struct t_request *request, const struct path *path,
	struct t_plan *plan)
{
	static const char gzip_head[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03";
	/* bits 0..10: final block, fixed codes, literal 0; then length code 285 (11000101),
	 * distance 0 */
	static const char opening[] = "\x63\x18";
	static char pattern[13];
	unsigned int bit;
	unsigned int i;

	memset(pattern, 0, sizeof(pattern));
	for (i = 0; i < 8 * sizeof(pattern); i++) {
		/* the pattern begins at bit 16 of the stream, 5 bits into the first code */
		bit = (i + 5) % 13;
		if (bit < 8 && ((0xc5u >> (7 - bit)) & 1)) {
			pattern[i / 8] |= (char)(1u << (i % 8));
		}
	}
	buffer_puts(&plan->head, OK_LINE "Content-Encoding: gzip\r\nConnection: close\r\n\r\n");
	buffer_append(&plan->head, gzip_head, sizeof(gzip_head) - 1);
	buffer_append(&plan->head, opening, sizeof(opening) - 1);
	plan->fill = pattern;
	plan->fill_len = sizeof(pattern);
	plan->n_fill = strtoull(path->arg[0], NULL, 10) / 159 + 13;
	plan->ending = T_ENDING_CLOSE;
}

static const struct {
	const char *name;
	void (*make)(struct t_memory *memory, const struct t_request *request,
		const struct path *path, struct t_plan *plan);
} makers[] = {
	{ "ok", make_ok },
	{ "status", make_status },
	{ "slow", make_slow },
	{ "never", make_never },
	{ "hold", make_hold },
	{ "crowd", make_crowd },
	{ "redirect", make_redirect },
	{ "redirect-to", make_redirect_to },
	{ "long-location", make_long_location },
	{ "retry-after", make_retry_after },
	{ "flaky", make_flaky },
	{ "close-on-reuse", make_close_on_reuse },
	{ "bytes", make_bytes },
	{ "drip", make_drip },
	{ "drip-headers", make_drip_headers },
	{ "body", make_body },
	{ "echo", make_echo },
	{ "header-bomb", make_header_bomb },
	{ "long-header", make_long_header },
	{ "long-status", make_long_status },
	{ "long-trailer", make_long_trailer },
	{ "endless-headers", make_endless_headers },
	{ "endless-1xx", make_endless_1xx },
	{ "endless-body", make_endless_body },
	{ "endless-chunks", make_endless_chunks },
	{ "endless-trailers", make_endless_trailers },
	{ "gzip-bomb", make_gzip_bomb },
};

static const struct literal *
find_literal(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(literals); i++) {
		if (strcmp(literals[i].name, name) == 0) {
			return &literals[i];
		}
	}
	return NULL;
}

int
t_plan_make(struct t_memory *memory, const struct t_request *request, struct t_plan *plan)
{
	struct path path;
	const struct literal *literal;
	size_t i;

	parse_path(request->target, &path);
	literal = find_literal(path.name);
	if (literal) {
		buffer_append(&plan->head, literal->bytes, literal->len);
		plan->ending = literal->ending;
		return buffer_error(&plan->head);
	}

	for (i = 0; i < ARRAY_LEN(makers); i++) {
		if (strcmp(makers[i].name, path.name) == 0) {
			makers[i].make(memory, request, &path, plan);
			break;
		}
	}
	if (i == ARRAY_LEN(makers)) {
		answer(plan, request, "404");
	}
	if (plan->fill && plan->fill_len == 0) {
		plan->fill_len = strlen(plan->fill);
	}
	return buffer_error(&plan->head);
}

void
t_plan_fini(struct t_plan *plan)
{
	buffer_fini(&plan->head);
	*plan = (struct t_plan){ 0 };
}
