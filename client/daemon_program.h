/* SPDX-License-Identifier: MIT */
/* fetchd, the program, for what only it knows: whether a configuration is valid, and its schema. */
#pragma once

/**
 * daemon_program_run() - run fetchd, with our standard output and error, and wait for its end
 * @argv: its words, NULL at the end; the first is ignored
 *
 * Looked for in the installation that this program is of (beside it, and in ../sbin), then in $PATH, then where
 * it was to be installed: users rarely have sbin in their $PATH.
 *
 * Errors:  -ENOENT  there is none
 *          -errno   it cannot be started; -EINTR: a signal ended it
 *
 * Return: its exit status, or a negative error code from the list.
 */
int daemon_program_run(char *const *argv);
