/* SPDX-License-Identifier: MIT */
/* The calls below /v1/batches. Errors of all: as routes_dispatch(). @id is the segment of the path. */
#pragma once

struct exchange;

int batch_route_list(struct exchange *exchange, const char *id);
int batch_route_show(struct exchange *exchange, const char *id);
int batch_route_results(struct exchange *exchange, const char *id);
int batch_route_cancel(struct exchange *exchange, const char *id);
