/* SPDX-License-Identifier: MIT */
/*
 * SIGTERM and SIGINT stop the server, a second one at once; SIGHUP reloads.
 */
#pragma once

struct nur_task_status;

/* signals() - a task: @arg is the server. Started when signals are received: whoever has been told that we are
 * ready may send one. */
int signals(struct nur_task_status *status, void *arg);
