/* SPDX-License-Identifier: MIT */
/*
 * Messages as in RFC 1035, section 4: a header of six 16-bit numbers, the question as it came, and
 * records whose names point back to it (0xc00c) where they can.
 */
#include "tests/support/name_answers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LEN 12

#define TYPE_CNAME 5
#define CLASS_IN   1

#define FLAGS_ANSWER    0x8580 /* a response, authoritative, recursion desired and available */
#define FLAGS_TRUNCATED 0x0200

enum rcode {
	RCODE_OK = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
};

#define TTL          60
#define N_MANY       60
#define ROOT_NAME    0xc00c /* a pointer to the question's name */
#define N_ANSWERS_AT 6

static uint16_t
get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void
put16(struct buffer *buffer, unsigned int n)
{
	buffer_putc(buffer, (char)(n >> 8));
	buffer_putc(buffer, (char)n);
}

static void
put32(struct buffer *buffer, uint32_t n)
{
	put16(buffer, n >> 16);
	put16(buffer, n & 0xffff);
}

bool
t_name_query_parse(const uint8_t *message, size_t len, struct t_name_query *query)
{
	size_t at = HEADER_LEN;
	size_t i;

	if (len < HEADER_LEN + 5 || get16(message + 4) != 1 || (message[2] & 0x80)) {
		return false;
	}
	for (i = 0; i < message[at] && i < T_MAX_LABEL && at + 1 + i < len; i++) {
		query->label[i] = (char)tolower(message[at + 1 + i]);
	}
	query->label[i] = '\0';
	while (at < len && message[at] != 0) {
		at += 1 + (size_t)message[at];
	}
	if (at + 5 > len) {
		return false;
	}
	query->id = get16(message);
	query->has_edns = get16(message + 10) > 0;
	query->type = get16(message + at + 1);
	query->question = message + HEADER_LEN;
	query->question_len = at + 5 - HEADER_LEN;
	return true;
}

static void
start_message(struct buffer *message, const struct t_name_query *query, unsigned int flags)
{
	put16(message, query->id);
	put16(message, FLAGS_ANSWER | flags);
	put16(message, 1); /* questions */
	put16(message, 0); /* answers: counted by add_record() */
	put32(message, 0); /* authorities, additional records */
	buffer_append(message, query->question, query->question_len);
}

/* Everything of a record but its name, which has just been written. */
static void
add_record(struct buffer *message, uint16_t type, uint32_t ttl, const void *data, size_t len)
{
	put16(message, type);
	put16(message, CLASS_IN);
	put32(message, ttl);
	put16(message, (unsigned int)len);
	buffer_append(message, data, len);
	if (!buffer_error(message)) {
		message->data[N_ANSWERS_AT + 1]++;
	}
}

static void
add_a(struct buffer *message, const struct t_name_query *query, uint32_t ttl, uint32_t address)
{
	const uint8_t bytes[] = { (uint8_t)(address >> 24), (uint8_t)(address >> 16),
		(uint8_t)(address >> 8), (uint8_t)address };

	if (query->type == T_TYPE_A) {
		put16(message, ROOT_NAME);
		add_record(message, T_TYPE_A, ttl, bytes, sizeof(bytes));
	}
}

static void
add_aaaa(struct buffer *message, const struct t_name_query *query)
{
	const uint8_t loopback[16] = { [15] = 1 };

	if (query->type == T_TYPE_AAAA) {
		put16(message, ROOT_NAME);
		add_record(message, T_TYPE_AAAA, TTL, loopback, sizeof(loopback));
	}
}

#define LOOPBACK 0x7f000001U
#define METADATA 0xa9fea9feU

/* The question's name, with its first label replaced by "ok", is an alias's target. */
static void
add_alias(struct buffer *message, const struct t_name_query *query)
{
	struct buffer target = BUFFER_INIT;
	size_t first = 1 + (size_t)query->question[0];

	buffer_append(&target, "\002ok", 3);
	buffer_append(&target, query->question + first, query->question_len - first - 4);
	put16(message, ROOT_NAME);
	add_record(message, TYPE_CNAME, TTL, target.data, target.len);
	if (query->type == T_TYPE_A) {
		buffer_append(message, target.data, target.len);
		add_record(message, T_TYPE_A, TTL, "\x7f\0\0\1", 4);
	}
	buffer_fini(&target);
}

static void
add_many(struct buffer *message, const struct t_name_query *query)
{
	uint32_t i;

	for (i = 1; i <= N_MANY; i++) {
		add_a(message, query, TTL, 0x7f000100U + i);
	}
}

/* The same question about "other" where the name was long enough: nobody has asked that. */
static void
change_question(struct buffer *message)
{
	if (!buffer_error(message) && message->len > HEADER_LEN + 1) {
		message->data[HEADER_LEN + 1] ^= 1;
	}
}

static bool
has_number(const char *label, const char *prefix, unsigned long *ret_number)
{
	size_t len = strlen(prefix);

	if (strncmp(label, prefix, len) != 0 || !isdigit((unsigned char)label[len])) {
		return false;
	}
	*ret_number = strtoul(label + len, NULL, 10);
	return true;
}

static bool
has_address(const char *label, uint32_t *ret_address)
{
	unsigned int a;
	unsigned int b;
	unsigned int c;
	unsigned int d;

	if (sscanf(label, "ip-%3u-%3u-%3u-%3u", &a, &b, &c, &d) != 4) {
		return false;
	}
	*ret_address = (a & 255) << 24 | (b & 255) << 16 | (c & 255) << 8 | (d & 255);
	return true;
}

static const struct {
	const char *label;
	enum rcode code;
} codes[] = {
	{ "empty", RCODE_OK },
	{ "no-edns", RCODE_FORMERR },
	{ "servfail", RCODE_SERVFAIL },
	{ "nxdomain", RCODE_NXDOMAIN },
	{ "notimp", RCODE_NOTIMP },
	{ "refused", RCODE_REFUSED },
};

static enum rcode
find_code(const char *label)
{
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(codes[i].label, label) == 0) {
			return codes[i].code;
		}
	}
	return RCODE_NXDOMAIN;
}

/* The names that take an argument; false: it is none of them. */
static bool
answer_prefixed(const struct t_name_query *query, struct t_name_answer *answer)
{
	struct buffer *message = &answer->message;
	unsigned long number;
	uint32_t address = LOOPBACK;
	uint32_t ttl = TTL;

	if (has_number(query->label, "slow-", &number)) {
		answer->delay_ms = (unsigned int)number;
	} else if (has_number(query->label, "ttl-", &number)) {
		ttl = (uint32_t)number;
	} else if (strcmp(query->label, "hold") == 0 || strncmp(query->label, "hold-", 5) == 0) {
		answer->is_held = true;
	} else if (!has_address(query->label, &address)) {
		return false;
	}
	start_message(message, query, 0);
	add_a(message, query, ttl, address);
	return true;
}

static bool
is(const struct t_name_query *query, const char *label)
{
	return strcmp(query->label, label) == 0;
}

int
t_name_answer_make(
	const struct t_name_query *query, unsigned int n_earlier, struct t_name_answer *answer)
{
	struct buffer *message = &answer->message;
	bool is_cut = is(query, "cut") || (is(query, "truncated") && !query->is_tcp);

	if (is(query, "silent")) {
		answer->is_silent = true;
		return 0;
	}
	if (is(query, "garbage")) {
		buffer_puts(message, "this is not a message of any name server");
		return buffer_error(message);
	}
	if (answer_prefixed(query, answer)) {
		return buffer_error(message);
	}
	start_message(message, query, is_cut ? FLAGS_TRUNCATED : 0);
	if (is(query, "ok") || is(query, "both") || is(query, "wrong-id") ||
		is(query, "wrong-name") || (is(query, "no-edns") && !query->has_edns)) {
		add_a(message, query, TTL, LOOPBACK);
	} else if (is(query, "rebind")) {
		add_a(message, query, TTL, n_earlier == 0 ? LOOPBACK : METADATA);
	} else if (is(query, "alias")) {
		add_alias(message, query);
	} else if (is(query, "loop")) {
		put16(message, ROOT_NAME);
		add_record(message, TYPE_CNAME, TTL, "\xc0\x0c", 2);
	} else if (is(query, "truncated") && !is_cut) {
		add_many(message, query);
	} else if (!is_cut && !is(query, "v6") && !buffer_error(message)) {
		message->data[3] = (char)(0x80 | find_code(query->label));
	}
	if (is(query, "v6") || is(query, "both")) {
		add_aaaa(message, query);
	}
	if (is(query, "wrong-id") && !buffer_error(message)) {
		message->data[1] ^= 1;
	}
	if (is(query, "wrong-name")) {
		change_question(message);
	}
	return buffer_error(message);
}
