/* SPDX-License-Identifier: MIT */
/* The watchdog that names tasks which keep the loop busy. */
#pragma once

#include <nursery/clock.h>

struct nuri_run;

/*
 * nuri_hog_begin() - watch the steps of the calling thread's run
 * @after:      how long a step may take, real ns; 0: do not watch
 *
 * Return: 0; -EINVAL: @after is negative; -ENOMEM, or -EAGAIN: no thread for the watchdog.
 */
int nuri_hog_begin(struct nuri_run *run, nur_time after);

/*
 * nuri_hog_hold() - the watchdog reads no task's name until nuri_hog_release(); both do nothing without one
 */
void nuri_hog_hold(struct nuri_run *run);
void nuri_hog_release(struct nuri_run *run);

/* nuri_hog_end() - no longer, if it was; after nuri_instruments_end(). Nothing is reported after it. */
void nuri_hog_end(struct nuri_run *run);
