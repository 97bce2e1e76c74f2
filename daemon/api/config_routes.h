/* SPDX-License-Identifier: MIT */
/* The configuration in effect, and another one. Errors of all: as routes_dispatch(). */
#pragma once

struct exchange;

int config_route_show(struct exchange *exchange, const char *unused);
int config_route_reload(struct exchange *exchange, const char *unused);
