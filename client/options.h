/* SPDX-License-Identifier: MIT */
/*
 * The command line. A command is a row of a table, its options are rows of another; parsing, --help
 * and the messages about mistakes come from the rows. Options may stand before and behind the other
 * arguments; "--" ends them. No abbreviations: they would make every later option a breaking change.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buffer.h"

/* Every option of every command. */
enum option_id {
	OPTION_HELP,
	OPTION_SOCKET,
	OPTION_OUTPUT,
	OPTION_FILE,
	OPTION_NAME,
	OPTION_POLICY,
	OPTION_MAX_FAILURES,
	OPTION_DEADLINE,
	OPTION_CONCURRENCY,
	OPTION_PER_ORIGIN,
	OPTION_TIMEOUT,
	OPTION_CONNECT_TIMEOUT,
	OPTION_METHOD,
	OPTION_HEADER,
	OPTION_EXPECT,
	OPTION_REDIRECTS,
	OPTION_MAX_BODY,
	OPTION_CAPTURE,
	OPTION_DETACH,
	OPTION_IDEMPOTENCY_KEY,
	OPTION_STATE,
	OPTION_LIMIT,
	OPTION_WATCH,
	OPTION_ORIGIN,
	OPTION_STRICT,
	OPTION_WATERFALL,
	OPTION_REPORT,
	OPTION_FOLLOW,
	OPTION_WAIT,
};

/*
 * letter  short form, 0 = none
 * name    without the dashes
 * value   what stands for its value in the help; NULL = it takes none
 * help    a phrase
 * words   the values there are, NULL at the end; NULL = any
 */
struct option_row {
	enum option_id id;
	char letter;
	const char *name;
	const char *value;
	const char *help;
	const char *const *words;
};

/* id, value  an option as it was given (value NULL for those that take none); borrowed from argv */
struct option_given {
	enum option_id id;
	const char *value;
};

/*
 * given, n_given          in the order of the command line
 * arguments, n_arguments  the words that are no options; borrowed from argv
 */
struct options {
	struct option_given *given;
	size_t n_given;
	const char **arguments;
	size_t n_arguments;
};

#define OPTIONS_INIT \
	{ \
		NULL, 0, NULL, 0 \
	}

/*
 * name       one word, or two: a command of a group
 * synopsis   of the arguments, for the help
 * summary    a phrase
 * details    paragraphs for the help, or NULL
 * options    of this command, beside --help and --socket
 * min_args, max_args  how many arguments it takes
 * run        what it does; returns the exit code
 * is_default  of its group: meant when the second word is missing
 * words      what may stand for the arguments, NULL at the end; NULL = anything
 * words_from  a command of ours that prints them, a line each, for completion; NULL = none does
 * has_files  arguments name files
 */
struct command {
	const char *name;
	const char *synopsis;
	const char *summary;
	const char *details;
	const struct option_row *options;
	size_t n_options;
	size_t min_args;
	size_t max_args;
	int (*run)(const struct options *options);
	const char *const *words;
	const char *words_from;
	bool is_default;
	bool has_files;
};

/**
 * command_find() - the command that the first words of a command line name
 * @table:       @n commands; those of a group stand together
 * @ret_n_words: how many of the @argc words name it
 * @why:         with NULL, what is wrong
 * Return: a row of @table, or NULL.
 */
const struct command *command_find(const struct command *table, size_t n, int argc, char **argv,
	int *ret_n_words, struct buffer *why);

/* command_is_of() - whether @command is that of one word, or belongs to that group */
bool command_is_of(const struct command *command, const char *word);

/* command_second_word() - of a command of a group; else NULL */
const char *command_second_word(const struct command *command);

/**
 * options_parse() - sort the words behind the command's name
 * @argv: @argc words
 * @why:  on -EINVAL, what is wrong
 *
 * Ownership: @ret_options points into @argv; options_fini()
 * Errors:    -EINVAL  unknown option, value missing, not wanted or none of the row's words, too few or too many
 *                     arguments
 *            -ENOMEM
 *
 * Return: 0, or a negative error code from the list.
 */
int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
	struct buffer *why);

/* options_at() - the row @i of its options, those of every command included; NULL behind the last */
const struct option_row *options_at(const struct command *command, size_t i);

/* options_get() - the value given last, or NULL */
const char *options_get(const struct options *options, enum option_id id);

/* options_has() - whether it was given */
bool options_has(const struct options *options, enum option_id id);

/* options_fini() - free; accepts a zeroed object, leaves one */
void options_fini(struct options *options);

/* options_help() - the help of a command */
void options_help(const struct command *command, struct buffer *out);
