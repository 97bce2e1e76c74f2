/* SPDX-License-Identifier: MIT */
/* GET /v1/tree: the live task tree, as nested JSON or drawn as text. */
#pragma once

struct exchange;

int tree_route(struct exchange *exchange, const char *name);
