/* SPDX-License-Identifier: MIT */
/* The route that makes batches. */
#pragma once

struct exchange;

/* submit_route() - POST /v1/batches; errors as routes_dispatch() */
int submit_route(struct exchange *exchange, const char *name);
