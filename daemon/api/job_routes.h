/* SPDX-License-Identifier: MIT */
/* The calls below /v1/jobs. Errors of all: as routes_dispatch(). @name is the segment of the path. */
#pragma once

struct exchange;

int job_route_list(struct exchange *exchange, const char *name);
int job_route_show(struct exchange *exchange, const char *name);
int job_route_run(struct exchange *exchange, const char *name);
int job_route_pause(struct exchange *exchange, const char *name);
int job_route_resume(struct exchange *exchange, const char *name);
