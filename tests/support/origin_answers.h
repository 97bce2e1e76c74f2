/* SPDX-License-Identifier: MIT */
/*
 * What the scripted origin answers to which path, well-formed or not. Pure: a request in, a plan
 * out; origin_server.c carries plans out. The paths are documented in origin.h.
 */
#pragma once

#include <lib/base/buffer.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What happens to the connection after the last byte of the plan. */
enum t_ending {
	T_ENDING_KEEP,  /* the next request is read */
	T_ENDING_CLOSE, /* FIN */
	T_ENDING_RESET, /* RST */
	T_ENDING_STALL, /* nothing, until the peer closes */
};

/* When the first byte of the plan is sent. */
enum t_start {
	T_START_NOW,
	T_START_DELAYED, /* delay_ms later */
	T_START_NAMED,   /* when `name` is released */
	T_START_CROWD,   /* as soon as `crowd` requests wait at this server, this one included */
	T_START_NEVER,
};

/*
 * head       sent first
 * fill       a pattern sent over and over behind the head, n_fill bytes of it altogether
 * step       bytes at a time with step_ms between; 0: as fast as the peer reads
 * tail       sent last, a literal; NULL: nothing
 * status     what the answer claims; from 400 on the moment of sending is recorded
 */
struct t_plan {
	enum t_start start;
	unsigned int delay_ms;
	unsigned int crowd;
	char name[24];
	struct buffer head;
	const char *fill;
	size_t fill_len;
	uint64_t n_fill;
	size_t step;
	unsigned int step_ms;
	const char *tail;
	enum t_ending ending;
	unsigned int status;
};

/*
 * method, target    NUL-terminated; the target as it stood in the request line
 * head, head_len    the head as received, request line included
 * body, body_len    the body
 * n_earlier         requests answered before on this connection
 */
struct t_request {
	const char *method;
	const char *target;
	const char *head;
	size_t head_len;
	const char *body;
	size_t body_len;
	unsigned int n_earlier;
};

/* A /flaky/NAME remembers how often it was asked. */
struct t_flaky {
	char name[24];
	unsigned int n_asked;
};

#define T_MAX_FLAKY 64

struct t_memory {
	struct t_flaky flaky[T_MAX_FLAKY];
	unsigned int n_flaky;
};

/**
 * t_plan_make() - the plan for a request
 * @memory:     of the whole server, zeroed at its start
 * @plan:       zeroed; to be ended with t_plan_fini()
 *
 * Return: 0, or -ENOMEM.
 */
int t_plan_make(struct t_memory *memory, const struct t_request *request, struct t_plan *plan);

void t_plan_fini(struct t_plan *plan);
