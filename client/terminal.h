/* SPDX-License-Identifier: MIT */
/* What a descriptor can show. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/view/text.h"

/*
 * is_terminal  somebody looks at it
 * can_rewrite  a line may be written over (no with TERM=dumb)
 * width        columns; of what is no terminal: $COLUMNS or 120
 * height       rows; 0 = not known
 * style        colours only on terminals, without NO_COLOR and TERM=dumb; UTF-8 by the locale
 */
struct terminal {
	bool is_terminal;
	bool can_rewrite;
	size_t width;
	size_t height;
	struct style style;
};

/* terminal_look() - find out about @fd; call setlocale() before */
void terminal_look(int fd, struct terminal *ret_terminal);
