/* SPDX-License-Identifier: MIT */
/*
 * What shells complete, made from the table of commands, pure: a command or an option that is added there is
 * completed without another line. Names of jobs are asked of the daemon when the key is pressed.
 */
#pragma once

#include <stddef.h>

#include "client/options.h"
#include "lib/base/buffer.h"

void completion_put_bash(struct buffer *out, const struct command *commands, size_t n);
void completion_put_zsh(struct buffer *out, const struct command *commands, size_t n);
void completion_put_fish(struct buffer *out, const struct command *commands, size_t n);
