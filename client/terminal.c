/* SPDX-License-Identifier: MIT */
#include "client/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_WIDTH 120
#define MIN_WIDTH     40
#define MAX_WIDTH     1000

static size_t
width_of(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	long width = DEFAULT_WIDTH;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
		width = size.ws_col;
	} else if (columns && columns[0]) {
		width = strtol(columns, NULL, 10);
	}
	if (width < MIN_WIDTH) {
		return width > 0 ? MIN_WIDTH : DEFAULT_WIDTH;
	}
	return width < MAX_WIDTH ? (size_t)width : MAX_WIDTH;
}

static size_t
height_of(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

void
terminal_look(int fd, struct terminal *ret_terminal)
{
	const char *term = getenv("TERM");
	const char *no_colour = getenv("NO_COLOR"); /* no-color.org: set and not empty */
	bool is_terminal = isatty(fd) == 1;
	bool is_dumb = !term || strcmp(term, "dumb") == 0 || !term[0];

	*ret_terminal = (struct terminal){
		.is_terminal = is_terminal,
		.can_rewrite = is_terminal && !is_dumb,
		.width = width_of(fd),
		.height = height_of(fd),
		.style = {
			.has_colour = is_terminal && !is_dumb && !(no_colour && no_colour[0]),
			.has_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		},
	};
}
