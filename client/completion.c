/* SPDX-License-Identifier: MIT */
#include "client/completion.h"

#include <string.h>

#include "lib/base/cleanup.h"

#define MADE_BY(shell) \
	"# SPDX-License-Identifier: MIT\n" \
	"# fetchctl(1) in " shell ". Made from its table of commands: fetchctl completion " shell \
	"\n"

/* ---- what the three have in common ---- */

static int
first_len(const struct command *command)
{
	return (int)strcspn(command->name, " ");
}

/* Whether the row @i is the first with its first word: then the group begins there. */
static bool
is_first(const struct command *commands, size_t i)
{
	size_t len = (size_t)first_len(&commands[i]);

	return i == 0 || strncmp(commands[i - 1].name, commands[i].name, len) != 0 ||
	       commands[i - 1].name[len] != ' ';
}

static bool
is_of_group(const struct command *command, const struct command *group)
{
	size_t len = (size_t)first_len(group);

	return strncmp(command->name, group->name, len) == 0 && command->name[len] == ' ';
}

static bool
takes_file(const struct option_row *row)
{
	return row->value && (strcmp(row->value, "FILE") == 0 || strcmp(row->value, "PATH") == 0);
}

static void
put_words(struct buffer *out, const char *const *words)
{
	size_t i;

	for (i = 0; words[i]; i++) {
		buffer_printf(out, "%s%s", i > 0 ? " " : "", words[i]);
	}
}

/* @text inside single quotes, with a backslash in front of each of @special, too. */
static void
put_quoted(struct buffer *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'') {
			buffer_puts(out, "'\\''");
			continue;
		}
		if (strchr(special, *text)) {
			buffer_putc(out, '\\');
		}
		buffer_putc(out, *text);
	}
}

/* What the overview says of a first word: of a group it is what its default does. */
static const char *
summary_of(const struct command *commands, size_t n, size_t i)
{
	const struct command *group = &commands[i];

	for (; i < n && command_second_word(group) && is_of_group(&commands[i], group); i++) {
		if (commands[i].is_default) {
			return commands[i].summary;
		}
	}
	return group->summary;
}

/* ---- bash ---- */

static void
bash_put_first_words(struct buffer *out, const struct command *commands, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (is_first(commands, i)) {
			buffer_printf(out, " %.*s", first_len(&commands[i]), commands[i].name);
		}
	}
}

/* Case branches that put two words together to one command. */
static void
bash_put_groups(struct buffer *out, const struct command *commands, size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		if (!command_second_word(&commands[i]) || !is_first(commands, i)) {
			continue;
		}
		buffer_printf(out,
			"\t%.*s)\n\t\tif ((n == 2)) && [[ $cur != -* ]]; then\n\t\t\t"
			"_fetchctl_offer",
			first_len(&commands[i]), commands[i].name);
		for (k = i; k < n && is_of_group(&commands[k], &commands[i]); k++) {
			buffer_printf(out, " %s", command_second_word(&commands[k]));
		}
		buffer_puts(out, "\n\t\t\treturn\n\t\tfi\n\t\tcommand+=\" ${words[2]}\"\n");
		for (k = i; k < n && is_of_group(&commands[k], &commands[i]); k++) {
			if (commands[k].is_default) {
				buffer_printf(out, "\t\t[[ ${words[2]} == -* ]] && command='%s'\n",
					commands[k].name);
			}
		}
		buffer_puts(out, "\t\t;;\n");
	}
}

static void
bash_put_option(struct buffer *out, const struct command *command, const struct option_row *row)
{
	buffer_printf(out, "\t'%s --%s'", command->name, row->name);
	if (row->letter) {
		buffer_printf(out, " | '%s -%c'", command->name, row->letter);
	}
	buffer_puts(out, ") ");
	if (row->words) {
		buffer_puts(out, "_fetchctl_offer ");
		put_words(out, row->words);
		buffer_puts(out, "; ");
	} else if (takes_file(row)) {
		buffer_puts(out, "_fetchctl_files; ");
	}
	buffer_puts(out, "return ;;\n");
}

static void
bash_put_values(struct buffer *out, const struct command *commands, size_t n)
{
	const struct option_row *row;
	size_t i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; (row = options_at(&commands[i], k)); k++) {
			if (row->value) {
				bash_put_option(out, &commands[i], row);
			}
		}
	}
}

static void
bash_put_command(struct buffer *out, const struct command *command)
{
	const struct option_row *row;
	size_t i;

	buffer_printf(out, "\t'%s')\n\t\tif [[ $cur == -* ]]; then\n\t\t\t_fetchctl_offer",
		command->name);
	for (i = 0; (row = options_at(command, i)); i++) {
		buffer_printf(out, " --%s", row->name);
	}
	buffer_putc(out, '\n');
	if (command->words) {
		buffer_puts(out, "\t\telse\n\t\t\t_fetchctl_offer ");
		put_words(out, command->words);
		buffer_putc(out, '\n');
	} else if (command->words_from) {
		buffer_printf(out,
			"\t\telse\n\t\t\tmapfile -t words < <(fetchctl %s 2>/dev/null)\n"
			"\t\t\t_fetchctl_offer \"${words[@]}\"\n",
			command->words_from);
	} else if (command->has_files) {
		buffer_puts(out, "\t\telse\n\t\t\t_fetchctl_files\n");
	}
	buffer_puts(out, "\t\tfi\n\t\t;;\n");
}

void
completion_put_bash(struct buffer *out, const struct command *commands, size_t n)
{
	size_t i;

	buffer_puts(out,
		MADE_BY("bash") "\n_fetchctl_offer()\n{\n\tlocal word\n\tfor word in \"$@\"; do\n"
				"\t\tif [[ $word == \"$cur\"* ]]; then\n\t\t\tprintf -v word %q "
				"\"$word\"\n"
				"\t\t\tCOMPREPLY+=(\"$word\")\n\t\tfi\n\tdone\n}\n\n"
				"_fetchctl_files()\n{\n\tcompopt -o filenames\n"
				"\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n}\n\n"
				"_fetchctl()\n{\n\tlocal n=$COMP_CWORD "
				"words=(\"${COMP_WORDS[@]}\")\n"
				"\tlocal cur=${words[n]} prev=${words[n - 1]} command=${words[1]}\n"
				"\tCOMPREPLY=()\n"
				"\t# bash takes --option=value apart\n"
				"\tif [[ $cur == = ]]; then\n\t\tcur=\n"
				"\telif [[ $prev == = ]]; then\n\t\tprev=${words[n - 2]}\n\tfi\n"
				"\tif ((n == 1)); then\n\t\t_fetchctl_offer");
	bash_put_first_words(out, commands, n);
	buffer_puts(out, " --help --version\n\t\treturn\n\tfi\n\tcase $command in\n");
	bash_put_groups(out, commands, n);
	buffer_puts(out, "\tesac\n\tcase \"$command $prev\" in\n");
	bash_put_values(out, commands, n);
	buffer_puts(out, "\tesac\n\tcase $command in\n");
	for (i = 0; i < n; i++) {
		bash_put_command(out, &commands[i]);
	}
	buffer_puts(out, "\tesac\n}\n\ncomplete -F _fetchctl fetchctl\n");
}

/* ---- zsh ---- */

/* Items of _describe: "word:summary" */
static void
zsh_put_first_words(struct buffer *out, const struct command *commands, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (is_first(commands, i)) {
			buffer_printf(
				out, "\t\t\t'%.*s:", first_len(&commands[i]), commands[i].name);
			put_quoted(out, summary_of(commands, n, i), "");
			buffer_puts(out, "'\n");
		}
	}
}

static void
zsh_put_groups(struct buffer *out, const struct command *commands, size_t n)
{
	const char *default_name = "";
	size_t i, k;

	for (i = 0; i < n; i++) {
		if (!command_second_word(&commands[i]) || !is_first(commands, i)) {
			continue;
		}
		buffer_printf(out,
			"\t%.*s)\n\t\tif ((CURRENT == 3)) && [[ $words[3] != -* ]]; then\n"
			"\t\t\tcommands=(\n",
			first_len(&commands[i]), commands[i].name);
		for (k = i; k < n && is_of_group(&commands[k], &commands[i]); k++) {
			buffer_printf(out, "\t\t\t\t'%s:", command_second_word(&commands[k]));
			put_quoted(out, commands[k].summary, "");
			buffer_puts(out, "'\n");
			default_name = commands[k].is_default ? commands[k].name : default_name;
		}
		buffer_printf(out,
			"\t\t\t)\n\t\t\t_describe command commands\n\t\t\treturn\n\t\tfi\n"
			"\t\tif [[ $words[3] == -* ]]; then\n\t\t\tcommand='%s'\n"
			"\t\telse\n\t\t\tcommand=\"$words[2] $words[3]\"\n\t\t\tshift words\n"
			"\t\t\t((CURRENT--))\n\t\tfi\n\t\t;;\n",
			default_name);
	}
}

static void
zsh_put_option(struct buffer *out, const struct option_row *row)
{
	const char *short_mark = row->value ? "+" : "";
	const char *long_mark = row->value ? "=" : "";

	buffer_puts(out, " \\\n\t\t\t'*'");
	if (row->letter) {
		buffer_printf(out, "{-%c%s,--%s%s}", row->letter, short_mark, row->name, long_mark);
	} else {
		buffer_printf(out, "--%s%s", row->name, long_mark);
	}
	buffer_puts(out, "'[");
	put_quoted(out, row->help, "[]\\");
	buffer_putc(out, ']');
	if (row->value) {
		buffer_putc(out, ':');
		put_quoted(out, row->value, ":\\");
		buffer_putc(out, ':');
		if (row->words) {
			buffer_putc(out, '(');
			put_words(out, row->words);
			buffer_putc(out, ')');
		} else {
			buffer_puts(out, takes_file(row) ? "_files" : " ");
		}
	}
	buffer_putc(out, '\'');
}

static void
zsh_put_arguments(struct buffer *out, const struct command *command)
{
	if (command->max_args == 0) {
		return;
	}
	buffer_puts(out, " \\\n\t\t\t'*:");
	put_quoted(out, command->synopsis, ":\\");
	buffer_putc(out, ':');
	if (command->words) {
		buffer_putc(out, '(');
		put_words(out, command->words);
		buffer_putc(out, ')');
	} else if (command->words_from) {
		buffer_printf(out, "{compadd -- ${(f)\"$(fetchctl %s 2>/dev/null)\"}}",
			command->words_from);
	} else {
		buffer_puts(out, command->has_files ? "_files" : " ");
	}
	buffer_putc(out, '\'');
}

void
completion_put_zsh(struct buffer *out, const struct command *commands, size_t n)
{
	const struct option_row *row;
	size_t i, k;

	buffer_puts(out,
		"#compdef fetchctl\n" MADE_BY(
			"zsh") "\n_fetchctl()\n{\n\tlocal command=$words[2]\n\tlocal -a commands\n"
			       "\tif ((CURRENT == 2)); then\n\t\tcommands=(\n");
	zsh_put_first_words(out, commands, n);
	buffer_puts(out, "\t\t)\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
			 "\tcase $words[2] in\n");
	zsh_put_groups(out, commands, n);
	buffer_puts(out, "\tesac\n\tshift words\n\t((CURRENT--))\n\tcase $command in\n");
	for (i = 0; i < n; i++) {
		buffer_printf(out, "\t'%s')\n\t\t_arguments", commands[i].name);
		for (k = 0; (row = options_at(&commands[i], k)); k++) {
			zsh_put_option(out, row);
		}
		zsh_put_arguments(out, &commands[i]);
		buffer_puts(out, "\n\t\t;;\n");
	}
	/* The file is the function when it is found in $fpath, and defines it when it is sourced. */
	buffer_puts(out, "\tesac\n}\n\nif [[ $funcstack[1] == _fetchctl ]]; then\n"
			 "\t_fetchctl \"$@\"\nelse\n\tcompdef _fetchctl fetchctl\nfi\n");
}

/* ---- fish ---- */

static void
fish_put_summary(struct buffer *out, const char *summary)
{
	buffer_puts(out, " -d '");
	for (; *summary; summary++) {
		if (*summary == '\'' || *summary == '\\') {
			buffer_putc(out, '\\');
		}
		buffer_putc(out, *summary);
	}
	buffer_puts(out, "'\n");
}

static void
fish_put_condition(struct buffer *out, const struct command *command)
{
	buffer_printf(out, "complete -c fetchctl -n '__fetchctl_is %s", command->name);
	if (command->is_default) {
		buffer_printf(
			out, "; or __fetchctl_default %.*s", first_len(command), command->name);
	}
	buffer_putc(out, '\'');
}

static void
fish_put_option(struct buffer *out, const struct command *command, const struct option_row *row)
{
	fish_put_condition(out, command);
	if (row->letter) {
		buffer_printf(out, " -s %c", row->letter);
	}
	buffer_printf(out, " -l %s", row->name);
	if (row->words) {
		buffer_puts(out, " -x -a '");
		put_words(out, row->words);
		buffer_putc(out, '\'');
	} else if (row->value) {
		buffer_puts(out, takes_file(row) ? " -r -F" : " -x");
	}
	fish_put_summary(out, row->help);
}

static void
fish_put_command(struct buffer *out, const struct command *command)
{
	const struct option_row *row;
	size_t i;

	if (command_second_word(command)) {
		buffer_printf(out, "complete -c fetchctl -n '__fetchctl_needs %.*s' -a %s",
			first_len(command), command->name, command_second_word(command));
		fish_put_summary(out, command->summary);
	}
	for (i = 0; (row = options_at(command, i)); i++) {
		fish_put_option(out, command, row);
	}
	if (!command->words && !command->words_from && !command->has_files) {
		return;
	}
	fish_put_condition(out, command);
	if (command->words) {
		buffer_puts(out, " -a '");
		put_words(out, command->words);
		buffer_puts(out, "'\n");
	} else if (command->words_from) {
		buffer_printf(out, " -a '(fetchctl %s 2>/dev/null)'\n", command->words_from);
	} else {
		buffer_puts(out, " -F\n");
	}
}

void
completion_put_fish(struct buffer *out, const struct command *commands, size_t n)
{
	size_t i;

	buffer_puts(out,
		MADE_BY("fish") "\n# whether the words so far are these and no more\n"
				"function __fetchctl_needs\n\tset -l words (commandline -opc)\n"
				"\ttest \"$words[2..]\" = \"$argv\"\nend\n\n"
				"# whether they begin with these\n"
				"function __fetchctl_is\n\tset -l words (commandline -opc)\n"
				"\tset -l end (math (count $argv) + 1)\n"
				"\ttest \"$words[2..$end]\" = \"$argv\"\nend\n\n"
				"# whether the second word of this group was left out\n"
				"function __fetchctl_default\n\tset -l words (commandline -opc)\n"
				"\ttest \"$words[2]\" = \"$argv[1]\"\n"
				"\tand string match -q -- '-*' \"$words[3]-\"\nend\n\n"
				"complete -c fetchctl -f\n");
	for (i = 0; i < n; i++) {
		if (is_first(commands, i)) {
			buffer_printf(out, "complete -c fetchctl -n '__fetchctl_needs' -a %.*s",
				first_len(&commands[i]), commands[i].name);
			fish_put_summary(out, summary_of(commands, n, i));
		}
	}
	for (i = 0; i < n; i++) {
		fish_put_command(out, &commands[i]);
	}
}
