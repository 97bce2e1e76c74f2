/* SPDX-License-Identifier: MIT */
#include "client/options.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/protocol/faults.h"

static const struct option_row common_options[] = {
	{ OPTION_SOCKET, 0, "socket", "PATH",
		"the daemon's socket (default: $FETCHD_SOCKET, else /run/fetchd/api.sock)" },
	{ OPTION_HELP, 'h', "help", NULL, "print this" },
};

bool
command_is_of(const struct command *command, const char *word)
{
	size_t len = strlen(word);

	return strncmp(command->name, word, len) == 0 &&
	       (command->name[len] == '\0' || command->name[len] == ' ');
}

const char *
command_second_word(const struct command *command)
{
	const char *space = strchr(command->name, ' ');

	return space ? space + 1 : NULL;
}

/* The first word was good, the second was not, or is missing. */
static const struct command *
find_default(const struct command *group, const struct command *end, int argc, char **argv,
	struct buffer *why)
{
	struct suggestion best = SUGGESTION_INIT;
	const struct command *command;
	bool has_word = argc > 1 && argv[1][0] != '-';

	for (command = group; command < end && command_is_of(command, argv[0]); command++) {
		if (command->is_default && !has_word) {
			return command;
		}
		if (has_word) {
			suggestion_offer(
				&best, argv[1], strlen(argv[1]), command_second_word(command));
		}
	}
	assert(has_word); /* every group has a default */
	buffer_printf(why, "there is no command %s %s", argv[0], argv[1]);
	if (best.name) {
		buffer_printf(why, " (did you mean %s %s?)", argv[0], best.name);
	}
	return NULL;
}

const struct command *
command_find(const struct command *table, size_t n, int argc, char **argv, int *ret_n_words,
	struct buffer *why)
{
	struct suggestion best = SUGGESTION_INIT;
	const struct command *group = NULL;
	const struct command *command;

	for (command = table; command < table + n; command++) {
		const char *second = command_second_word(command);

		if (!command_is_of(command, argv[0])) {
			suggestion_offer(&best, argv[0], strlen(argv[0]), command->name);
			continue;
		}
		if (!second || (argc > 1 && strcmp(second, argv[1]) == 0)) {
			*ret_n_words = second ? 2 : 1;
			return command;
		}
		group = group ? group : command;
	}
	*ret_n_words = 1;
	if (group) {
		return find_default(group, table + n, argc, argv, why);
	}
	buffer_printf(why, "there is no command %s", argv[0]);
	if (best.name) {
		buffer_printf(why, " (did you mean %s?)", best.name);
	}
	return NULL;
}

const struct option_row *
options_at(const struct command *command, size_t i)
{
	if (i < command->n_options) {
		return &command->options[i];
	}
	i -= command->n_options;
	return i < ARRAY_LEN(common_options) ? &common_options[i] : NULL;
}

static const struct option_row *
find_by_name(const struct command *command, const char *name, size_t len, struct suggestion *best)
{
	const struct option_row *row;
	size_t i;

	for (i = 0; (row = options_at(command, i)); i++) {
		if (strlen(row->name) == len && memcmp(row->name, name, len) == 0) {
			return row;
		}
		suggestion_offer(best, name, len, row->name);
	}
	return NULL;
}

static const struct option_row *
find_by_letter(const struct command *command, char letter)
{
	const struct option_row *row;
	size_t i;

	for (i = 0; (row = options_at(command, i)); i++) {
		if (row->letter && row->letter == letter) {
			return row;
		}
	}
	return NULL;
}

/* The words that are not read yet; at is the one being looked at. */
struct words {
	char **argv;
	int argc;
	int at;
};

/* Return: 0, or -EINVAL when @value is none of @words; @name is what has the value */
static int
check_word(const char *const *words, const char *name, const char *value, struct buffer *why)
{
	struct suggestion best = SUGGESTION_INIT;
	size_t i;

	for (i = 0; words && words[i]; i++) {
		if (strcmp(words[i], value) == 0) {
			return 0;
		}
		suggestion_offer(&best, value, strlen(value), words[i]);
	}
	if (!words) {
		return 0;
	}
	buffer_printf(why, "%s: %s is none of", name, value);
	for (i = 0; words[i]; i++) {
		buffer_printf(why, "%s %s", i > 0 ? "," : "", words[i]);
	}
	if (best.name) {
		buffer_printf(why, " (did you mean %s?)", best.name);
	}
	return -EINVAL;
}

static int
check_option(const struct option_row *row, const char *value, struct buffer *why)
{
	_cleanup_(buffer_fini) struct buffer name = BUFFER_INIT;

	buffer_printf(&name, "--%s", row->name);
	return buffer_error(&name) < 0 ? buffer_error(&name)
				       : check_word(row->words, name.data, value, why);
}

/* Adds the option in the present word; its value is in that word (@value), or is the next one. */
static int
give(struct options *options, const struct option_row *row, struct words *words, const char *value,
	struct buffer *why)
{
	if (row->value && !value) {
		if (words->at + 1 >= words->argc) {
			buffer_printf(why, "%s needs a value", words->argv[words->at]);
			return -EINVAL;
		}
		value = words->argv[++words->at];
	}
	options->given[options->n_given++] = (struct option_given){ row->id, value };
	return value ? check_option(row, value, why) : 0;
}

/* "--name", "--name=value", "--name value" */
static int
parse_long(const struct command *command, struct words *words, struct options *options,
	struct buffer *why)
{
	const char *word = words->argv[words->at];
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	struct suggestion best = SUGGESTION_INIT;
	const struct option_row *row = find_by_name(command, word + 2, len - 2, &best);
	const char *value = equals ? equals + 1 : NULL;

	if (!row) {
		buffer_printf(why, "there is no option %.*s", (int)len, word);
		if (best.name) {
			buffer_printf(why, " (did you mean --%s?)", best.name);
		}
		return -EINVAL;
	}
	if (!row->value && value) {
		buffer_printf(why, "--%s takes no value", row->name);
		return -EINVAL;
	}
	return give(options, row, words, value, why);
}

/* "-f FILE" or "-fFILE"; letters are not bundled */
static int
parse_short(const struct command *command, struct words *words, struct options *options,
	struct buffer *why)
{
	const char *word = words->argv[words->at];
	const struct option_row *row = find_by_letter(command, word[1]);
	const char *value = word[2] ? word + 2 : NULL;

	if (!row || (!row->value && value)) {
		buffer_printf(why, "there is no option %s", word);
		return -EINVAL;
	}
	return give(options, row, words, value, why);
}

static int
parse_words(const struct command *command, struct words *words, struct options *options,
	struct buffer *why)
{
	bool only_arguments = false;
	int r = 0;

	for (; words->at < words->argc && r == 0; words->at++) {
		const char *word = words->argv[words->at];

		if (only_arguments || word[0] != '-' || word[1] == '\0') {
			options->arguments[options->n_arguments++] = word;
		} else if (strcmp(word, "--") == 0) {
			only_arguments = true;
		} else if (word[1] == '-') {
			r = parse_long(command, words, options, why);
		} else {
			r = parse_short(command, words, options, why);
		}
	}
	return r;
}

static int
check_arguments(const struct command *command, const struct options *options, struct buffer *why)
{
	if (options->n_arguments < command->min_args) {
		buffer_printf(why, "%s needs %s", command->name, command->synopsis);
		return -EINVAL;
	}
	if (options->n_arguments > command->max_args) {
		buffer_printf(
			why, "one argument too many: %s", options->arguments[command->max_args]);
		return -EINVAL;
	}
	return options->n_arguments > 0 && command->words
		       ? check_word(command->words, command->synopsis, options->arguments[0], why)
		       : 0;
}

int
options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
	struct buffer *why)
{
	struct words words = { argv, argc, 0 };
	struct options options = OPTIONS_INIT;
	size_t n = argc > 0 ? (size_t)argc : 1;
	int r;

	options.given = calloc(n, sizeof(*options.given));
	options.arguments = calloc(n, sizeof(*options.arguments));
	if (!options.given || !options.arguments) {
		options_fini(&options);
		return -ENOMEM;
	}
	r = parse_words(command, &words, &options, why);
	if (r == 0 && !options_has(&options, OPTION_HELP)) {
		r = check_arguments(command, &options, why);
	}
	if (r < 0) {
		options_fini(&options);
		return r;
	}
	*ret_options = options;
	return 0;
}

const char *
options_get(const struct options *options, enum option_id id)
{
	size_t i;

	for (i = options->n_given; i > 0; i--) {
		if (options->given[i - 1].id == id) {
			return options->given[i - 1].value;
		}
	}
	return NULL;
}

bool
options_has(const struct options *options, enum option_id id)
{
	size_t i;

	for (i = 0; i < options->n_given; i++) {
		if (options->given[i].id == id) {
			return true;
		}
	}
	return false;
}

void
options_fini(struct options *options)
{
	free(options->given);
	free(options->arguments);
	*options = (struct options)OPTIONS_INIT;
}

static void
help_option(const struct option_row *row, struct buffer *out)
{
	struct buffer left = BUFFER_INIT;

	if (row->letter) {
		buffer_printf(&left, "-%c, ", row->letter);
	}
	buffer_printf(&left, "--%s", row->name);
	if (row->value) {
		buffer_printf(&left, " %s", row->value);
	}
	buffer_printf(out, "  %-24s  %s\n", left.data ? left.data : "", row->help);
	buffer_fini(&left);
}

void
options_help(const struct command *command, struct buffer *out)
{
	const struct option_row *row;
	size_t i;

	buffer_printf(out, "usage: fetchctl %s", command->name);
	if (command->n_options > 0) {
		buffer_puts(out, " [OPTION...]");
	}
	if (command->synopsis[0]) {
		buffer_printf(out, " %s", command->synopsis);
	}
	buffer_printf(out, "\n\n%s.\n", command->summary);
	if (command->details) {
		buffer_printf(out, "\n%s\n", command->details);
	}
	buffer_puts(out, "\nOptions:\n");
	for (i = 0; (row = options_at(command, i)); i++) {
		help_option(row, out);
	}
}
