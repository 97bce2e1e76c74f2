/* SPDX-License-Identifier: MIT */
/* What the commands do: each in the file of its name, each returns the exit code. */
#pragma once

#include "client/options.h"

int cmd_submit(const struct options *options);
int cmd_list(const struct options *options);
int cmd_show(const struct options *options);
int cmd_cancel(const struct options *options);
int cmd_tree(const struct options *options);
int cmd_health(const struct options *options);
int cmd_version(const struct options *options);
