/* SPDX-License-Identifier: MIT */
/* Questions to the system: getaddrinfo(3), on threads. See system_names.c. */
#pragma once

#include "lib/fetch/names/question.h"

#define FETCH_SYSTEM_THREADS 8
#define FETCH_SYSTEM_TTL_S   30 /* getaddrinfo() says nothing of it */

struct fetch_system_names;

/* fetch_system_names_create() - inside a run. Errors: -ENOMEM */
int fetch_system_names_create(struct fetch_system_names **ret_names);

/*
 * fetch_system_names_destroy() - questions under way are answered with NULL; their threads end when
 * getaddrinfo() does. Accepts NULL.
 */
void fetch_system_names_destroy(struct fetch_system_names *names);

/*
 * fetch_system_names_ask() - from the loop's stack, at most FETCH_SYSTEM_THREADS at a time; more
 * wait. @question stays where it is until it is answered: 0, -ENOENT no such name or no address,
 * -EHOSTUNREACH no usable answer
 */
void fetch_system_names_ask(struct fetch_system_names *names, struct fetch_question *question);
