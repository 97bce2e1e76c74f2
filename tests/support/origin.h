/* SPDX-License-Identifier: MIT */
/*
 * A scripted, hostile HTTP/1.1 origin for tests. It runs in a child process of the test program
 * (its descriptors and memory are not the test's), listens on loopback on a port the kernel chose,
 * and ends when it is destroyed or when the test program dies, however it dies.
 *
 * It copes with as many connections as the descriptor limit allows (10,000 and more), and closes a
 * connection as soon as the peer does, so t_origin_wait("open<=0") means: the client has closed
 * every socket.
 *
 * The path chooses the behaviour. What follows the arguments is ignored, so /ok/1 and /ok/2 are two
 * URLs with one behaviour. STATUS may be nonsense (0, 99, 1000). Text behind ? is percent-decoded
 * where it is called TEXT or URL.
 *
 *   good        /ok  /status/STATUS  /bytes/N  /body?TEXT  /echo (head and body of the request)
 *               /chunked  /close-delimited  /gzip  /folded-header  /bare-lf  /close-after
 *   in time     /slow/MS?STATUS     after so many milliseconds; without STATUS 200, here and below
 *               /never              no answer
 *               /hold/NAME?STATUS   when t_origin_release(NAME) has been called
 *               /crowd/N?STATUS     as soon as N requests wait for their answers, this one included
 *               /drip/N/MS          N bytes, one each MS
 *               /drip-headers/N/MS  N lines, a byte each MS
 *   redirects   /redirect/N         N hops
 *               /redirect-to/STATUS?URL   302 without STATUS
 *               /loop  /no-location  /two-locations  /long-location/N
 *   again       /flaky/NAME/N?HOW   N times HOW (a status, reset, close, never), then 200
 *               /retry-after/STATUS?TEXT
 *               /close-on-reuse     closed instead of the 2nd answer
 *   cut         /reset  /close-before-response  /close-mid-status  /close-mid-headers
 *               /reset-mid-body  /stall-mid-headers  /stall-mid-body  /truncated-length
 *               /truncated-chunk  /truncated-chunked  /truncated-close-delimited
 *   lies        /short-length  /negative-length  /junk-length  /huge-length  /two-lengths
 *               /length-and-chunked  /bad-chunk  /negative-chunk  /huge-chunk  /wrong-encoding
 *   no HTTP     /garbage  /http09  /bad-version  /nul-header
 *   too much    /header-bomb/N (lines)  /long-header/N (bytes)  /gzip-bomb/N (bytes unpacked)
 *               /long-status/N  /long-trailer/N (bytes)
 *               /endless-headers  /endless-1xx  /endless-body  /endless-chunks  /endless-trailers
 *   anything else is 404
 *
 * Other misbehaviours belong to a port, not to a path: enum t_port.
 *
 * Every call fails the running test (ck_abort) when the origin does not answer.
 */
#pragma once

#include <stdint.h>

#include "tests/support/origin_server.h"

struct t_origin;

/*
 * n_accepted, n_requests   connections and whole requests since the start
 * n_open, n_held           connections now; requests received and not yet answered, now
 * max_open, max_held       the most at once
 * failed_ns                CLOCK_MONOTONIC when the last answer of 400 or more was sent, or 0
 * last_close_ns            the same of the last connection's end, or 0
 */
struct t_origin_counts {
	uint64_t n_accepted;
	uint64_t n_open;
	uint64_t n_held;
	uint64_t n_requests;
	uint64_t max_open;
	uint64_t max_held;
	int64_t failed_ns;
	int64_t last_close_ns;
};

/**
 * t_origin_create() - start an origin
 *
 * Call it before the program has threads, for it forks.
 *
 * Return: the origin, never NULL; to be given to t_origin_destroy().
 */
struct t_origin *t_origin_create(void);

/* t_origin_destroy() - stop it and wait for its end; accepts NULL */
void t_origin_destroy(struct t_origin *origin);

uint16_t t_origin_port(const struct t_origin *origin, enum t_port port);
bool t_origin_has_ipv6(const struct t_origin *origin);

/**
 * t_origin_url() - "http://127.0.0.1:PORT" and a path
 * @format:     of the path, as for printf()
 *
 * The HTTP port is served at 127.0.0.1 to 127.0.0.8, too; those are other origins.
 *
 * Return: a string to free().
 */
char *t_origin_url(const struct t_origin *origin, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* t_origin_url_at() - the same at another port */
char *t_origin_url_at(const struct t_origin *origin, enum t_port port, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * t_origin_release() - answer the requests for /hold/NAME, those that come later at once
 * Return: how many were waiting.
 */
unsigned int t_origin_release(struct t_origin *origin, const char *name);

/**
 * t_origin_drop() - close the connections on which nothing is under way, by FIN or by RST
 * Return: how many. On loopback the peer's kernel knows of it then.
 */
unsigned int t_origin_drop(struct t_origin *origin, bool by_reset);

struct t_origin_counts t_origin_counts(struct t_origin *origin);

/* t_origin_forget() - start the maxima and the times anew */
void t_origin_forget(struct t_origin *origin);

/**
 * t_origin_wait() - block until a count has reached a value; fail the test when it has not within
 * 60 s
 * @condition:  "open<=0", "held>=1000": a field of struct t_origin_counts without n_
 *
 * The calling thread blocks. Where the client under test runs on that thread, start the wait, let a
 * task wait until t_origin_fd() is readable, and finish it.
 */
void t_origin_wait(struct t_origin *origin, const char *condition);

void t_origin_wait_start(struct t_origin *origin, const char *condition);
int t_origin_fd(const struct t_origin *origin);
void t_origin_wait_finish(struct t_origin *origin);
