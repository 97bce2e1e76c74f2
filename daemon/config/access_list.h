/* SPDX-License-Identifier: MIT */
/* The configuration's list of who may do what. Pure: names become numbers in daemon/accounts.c. */
#pragma once

#include "daemon/ops/access.h"
#include "lib/base/buffer.h"
#include "lib/protocol/fields.h"

struct substitution;

/* is_default  nobody has written it */
struct access_list {
	struct access_rule *rules;
	size_t n_rules;
	bool is_default;
};

/* The words of the levels that a rule may give, NULL behind them; they begin with ACCESS_READ. */
extern const char *const access_level_words[];

/*
 * access_list_read() - take a list of {user: NAME or NUMBER, level: LEVEL}, or group; what is wrong is a fault
 *
 * The rules live in the arena of @at->fields; names are borrowed from @value.
 */
void access_list_read(
	const struct field_at *at, const struct value *value, struct access_list *ret_list);

/* access_list_print() - as YAML that is read back as the same; of the @hidden names, what stood in the file */
void access_list_print(
	const struct access_list *list, const struct substitution *hidden, struct buffer *out);
