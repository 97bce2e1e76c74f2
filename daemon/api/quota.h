/* SPDX-License-Identifier: MIT */
/* What one user may have going on: no caller's work keeps another's out. */
#pragma once

#include <stddef.h>

struct exchange;

/**
 * quota_check() - is there room for a batch of @n_urls more of the exchange's user
 *
 * If not, 429 is answered, with the quota's name.
 *
 * Checkpoint, errors: as response_flush(), when it answers; else never
 * Return: 1 when there is, 0 when it has answered, or an error.
 */
int quota_check(struct exchange *exchange, size_t n_urls);

/*
 * quota_refuse_stored() - answer 429: the user has its share of the store. Checkpoint, errors: as response_flush()
 */
int quota_refuse_stored(struct exchange *exchange);
