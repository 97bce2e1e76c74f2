/* SPDX-License-Identifier: MIT */
/* The tables, in the version of this program. */
#pragma once

struct store;

/* schema_bring_up() - to this version, inside a transaction; -EBADMSG, -EPROTONOSUPPORT, as store_open() */
int schema_bring_up(struct store *store);
