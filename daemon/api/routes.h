/* SPDX-License-Identifier: MIT */
/* The API's calls: a table of paths, and what each does. */
#pragma once

struct exchange;

/**
 * routes_dispatch() - answer one request
 *
 * Checkpoint: always
 * Errors: NUR_ECANCELED, or the connection broke (response_flush()): nothing more can be said on it
 *
 * Return: 0 when an answer was given, whichever, or an error.
 */
int routes_dispatch(struct exchange *exchange);
