/* SPDX-License-Identifier: MIT */
/*
 * Which requests of a batch are one and the same fetch. Pure.
 *
 * Twins are plain GETs of one canonical URL with equal options. The first of them is fetched, the
 * others get its result.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <fetch/fetch.h>

#include "lib/base/cleanup.h"

#define FETCH_NO_TWIN UINT32_MAX

struct fetch_twins;

/**
 * fetch_twins_create() - nobody is anybody's twin yet
 * @requests: @n of them, fewer than UINT32_MAX; borrowed
 * @seed:     random, so that nobody can choose URLs that collide
 * Return: 0 or -ENOMEM.
 */
int fetch_twins_create(const struct fetch_url_request *requests, size_t n, uint64_t seed,
	struct fetch_twins **ret_twins);

/*
 * fetch_twins_look() - is the request, the next one in order, like one before; a URL that cannot be
 * parsed is nobody's twin, nor is one that there is no memory to compare with
 */
void fetch_twins_look(struct fetch_twins *twins, uint32_t index);

/* fetch_twins_are_complete() - all have been looked at; what was only needed for that goes */
void fetch_twins_are_complete(struct fetch_twins *twins);

/* fetch_twins_is_later() - a request before it is its twin */
bool fetch_twins_is_later(const struct fetch_twins *twins, uint32_t index);

/* fetch_twins_next() - the next one of the same fetch, in order, or FETCH_NO_TWIN */
uint32_t fetch_twins_next(const struct fetch_twins *twins, uint32_t index);

/* fetch_options_equal() - both mean the same fetch; judges are equal when they are the same */
bool fetch_options_equal(const struct fetch_options *a, const struct fetch_options *b);

/* fetch_twins_destroy() - accepts NULL */
void fetch_twins_destroy(struct fetch_twins *twins);

DEFINE_CLEANUP(struct fetch_twins *, fetch_twins_destroy);
