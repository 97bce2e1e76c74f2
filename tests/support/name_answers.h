/* SPDX-License-Identifier: MIT */
/* What the scripted name server answers to which name. Pure: a query in, an answer and its moment out. */
#pragma once

#include <lib/base/buffer.h>
#include <stdbool.h>
#include <stdint.h>

#define T_MAX_LABEL 63

#define T_TYPE_A    1
#define T_TYPE_AAAA 28

/*
 * label      the first of the name, in lower case
 * type       of the question
 * question   bytes of the whole question section
 * has_edns   there is an additional record
 */
struct t_name_query {
	uint16_t id;
	uint16_t type;
	char label[T_MAX_LABEL + 1];
	const uint8_t *question;
	size_t question_len;
	bool is_tcp;
	bool has_edns;
};

/* is_silent: nothing is sent. is_held: sent when the label is released. delay_ms: sent so much later. */
struct t_name_answer {
	struct buffer message;
	bool is_silent;
	bool is_held;
	unsigned int delay_ms;
};

/* t_name_query_parse() - false: not a query with one question */
bool t_name_query_parse(const uint8_t *message, size_t len, struct t_name_query *query);

/**
 * t_name_answer_make() - the answer to a query
 * @n_earlier:  how often the server was asked for addresses of "rebind"
 * @answer:     zeroed; message to be freed by buffer_fini()
 *
 * Return: 0, or -ENOMEM.
 */
int t_name_answer_make(
	const struct t_name_query *query, unsigned int n_earlier, struct t_name_answer *answer);
