/* SPDX-License-Identifier: MIT */
/* GET /metrics: the daemon, counted. */
#pragma once

struct exchange;

int metrics_route(struct exchange *exchange, const char *unused);
