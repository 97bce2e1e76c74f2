/* SPDX-License-Identifier: MIT */
/* Telling of a job's run: a line for its report, a POST for whom it notifies. */
#pragma once

struct fetch_engine;
struct jobs_news;

/**
 * jobs_tell() - struct jobs_options.tell
 * @user: the struct fetch_engine that posts
 *
 * A report that cannot be written and a notification that does not arrive are logged; both are tried whatever
 * becomes of the other. A report is written on a thread, and to its end also when the caller is cancelled.
 *
 * Checkpoint: always
 * Errors:     NUR_ECANCELED
 *             -ENOMEM
 */
int jobs_tell(void *user, const struct jobs_news *news);
