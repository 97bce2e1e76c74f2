/* SPDX-License-Identifier: MIT */
/* The API's calls: a table of paths, and what each does. */
#pragma once

struct exchange;

#define ROUTES_NONE 0 /* the number of a request that took none */

/* routes_name() - the pattern of a route's path, which is no path; "other" for ROUTES_NONE */
const char *routes_name(unsigned route);

/**
 * routes_dispatch() - answer one request
 *
 * Checkpoint: always
 * Errors: NUR_ECANCELED, or the connection broke (response_flush()): nothing more can be said on it
 *
 * Return: 0 when an answer was given, whichever, or an error.
 */
int routes_dispatch(struct exchange *exchange);
