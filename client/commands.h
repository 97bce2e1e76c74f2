/* SPDX-License-Identifier: MIT */
/* What the commands are, and what they do: each in the file of its name, each returns the exit code. */
#pragma once

#include "client/options.h"

extern const struct command commands[];
extern const size_t n_commands;

int cmd_submit(const struct options *options);
int cmd_list(const struct options *options);
int cmd_show(const struct options *options);
int cmd_cancel(const struct options *options);
int cmd_completion(const struct options *options);
int cmd_config_check(const struct options *options);
int cmd_config_schema(const struct options *options);
int cmd_config_show(const struct options *options);
int cmd_jobs_list(const struct options *options);
int cmd_jobs_pause(const struct options *options);
int cmd_jobs_resume(const struct options *options);
int cmd_jobs_run(const struct options *options);
int cmd_jobs_show(const struct options *options);
int cmd_reload(const struct options *options);
int cmd_results(const struct options *options);
int cmd_wait(const struct options *options);
int cmd_stats(const struct options *options);
int cmd_tree(const struct options *options);
int cmd_health(const struct options *options);
int cmd_version(const struct options *options);
