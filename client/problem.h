/* SPDX-License-Identifier: MIT */
/*
 * What went wrong, told to people: what, where, and the next command to run; and what it makes of
 * the exit status. Everything goes to standard error.
 */
#pragma once

#include "client/exit_code.h"
#include "client/http.h"
#include "client/input.h"
#include "client/options.h"

/* say() - "fetchctl: " and a line on standard error */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* problem_say_usage() - a mistake on the command line. Return: EXIT_USAGE */
int problem_say_usage(const char *command, const char *why);

/* problem_say_error() - the exchange failed with @error, from http.h. Return: the exit code */
int problem_say_error(int error, const char *socket);

/* problem_say_warnings() - places in the configuration, a line each; NULL: none */
void problem_say_warnings(const struct value *warnings);

/**
 * problem_say_answer() - the daemon answered with a status from 300 on
 * @target: what was asked for
 * @input:  names the places of faults in the body; NULL = the request had none
 * Return: the exit code
 */
int problem_say_answer(const struct http *http, const char *target, const struct input *input);
