/* SPDX-License-Identifier: MIT */
/*
 * ${env:NAME} and ${credential:NAME}: whole scalars that stand for a variable of the environment and for a
 * file in $CREDENTIALS_DIRECTORY. They are replaced in the tree, after parsing: no text from outside is ever
 * read as YAML. What stood in the file is remembered, so that a secret is never printed.
 */
#pragma once

#include "lib/base/buffer.h"
#include "lib/protocol/arena.h"
#include "lib/protocol/faults.h"
#include "lib/protocol/value.h"

/*
 * text      the one in the tree, found by its address; NULL: there is none, which is a fault
 * original  what stood there
 * is_hidden  no fault says it
 * source, line, column  where, as faults have it
 */
struct substitution {
	const struct substitution *next;
	const char *text;
	const char *original;
	bool is_hidden;
	const char *source;
	uint32_t line;
	uint32_t column;
};

/**
 * substitute() - replace the placeholders of a tree
 * @arena: of the new texts and of the records; lives as long as the tree
 * @list:  records are put in front
 *
 * A variable in a plain scalar is a number or a boolean when it looks like one, as if it had been written
 * there; in quotes, it is a string, and a credential always is.
 *
 * Missing ones, and placeholders inside longer texts, are faults. Errors: -ENOMEM
 */
int substitute(struct arena *arena, struct value *root, const struct substitution **list,
	struct faults *faults);

/**
 * credential_read() - append the text of a credential
 * @name: a file's in $CREDENTIALS_DIRECTORY, of letters, digits, "_", "-" and "."
 *
 * Errors: -ENOENT  there is none of that name, or there are none at all
 *         -EINVAL  no such name is possible
 *         -EILSEQ  it has a NUL
 *         -EFBIG   it is larger than 1 MiB
 *         -ENOMEM, and as open(2) and read(2)
 */
int credential_read(const char *name, struct buffer *out);

/*
 * substitutions_hide() - let no fault say what a placeholder stands for
 *
 * Nor does a fault stay that is about a placeholder as a text, beside the one that says why it stands for nothing.
 *
 * Errors: -ENOMEM  those that may say it are gone
 */
int substitutions_hide(const struct substitution *list, struct faults *faults);

/* substitution_find() - what stood in the file in place of @text; NULL = @text itself */
const char *substitution_find(const struct substitution *list, const char *text);
