/* SPDX-License-Identifier: MIT */
/*
 * A scripted, hostile name server for tests, over UDP and TCP on one port of 127.0.0.1, in a child
 * process. The first label of a name chooses what happens; what follows it is ignored.
 *
 *   ok               A 127.0.0.1, no AAAA, TTL 60
 *   ip-A-B-C-D       A A.B.C.D                   v6       AAAA ::1, no A      both   A 127.0.0.1, AAAA ::1
 *   ttl-N            A 127.0.0.1 with a TTL of N seconds, up to 4294967295
 *   alias            CNAME to ok, and its A      loop     CNAME to itself
 *   truncated        cut over UDP, 60 addresses (127.0.1.1 and on) over TCP
 *   cut              cut over UDP and TCP
 *   rebind           A 127.0.0.1 the first time, A 169.254.169.254 from then on
 *   empty            no error, no address        nxdomain, servfail, refused, notimp   that code
 *   no-edns          "format error" to a query with EDNS, else as ok
 *   silent           no answer                   garbage  bytes that are no message
 *   wrong-id         the answer to another query           wrong-name   the answer to another question
 *   slow-MS          as ok, MS milliseconds later
 *   hold, hold-X     as ok, when the label has been released
 *   anything else is nxdomain
 */
#pragma once

#include <stdint.h>

struct t_name_server;

/*
 * n_a, n_aaaa: questions by type. n_tcp: over TCP. n_edns: with EDNS. n_ports: ports they came from, by UDP.
 * n_held: waiting for their answers, now
 */
struct t_name_counts {
	uint64_t n_queries;
	uint64_t n_a;
	uint64_t n_aaaa;
	uint64_t n_tcp;
	uint64_t n_edns;
	uint64_t n_ports;
	uint64_t n_held;
};

/**
 * t_name_server_create() - start one; before the program has threads, for it forks
 * Return: the server, never NULL; to be given to t_name_server_destroy().
 */
struct t_name_server *t_name_server_create(void);

/* t_name_server_destroy() - stop it and wait for its end; accepts NULL */
void t_name_server_destroy(struct t_name_server *names);

/* t_name_server_address() - "127.0.0.1:PORT"; lives as long as the server */
const char *t_name_server_address(const struct t_name_server *names);

/* t_name_server_release() - answer what waits for this label, and later queries at once; how many */
unsigned int t_name_server_release(struct t_name_server *names, const char *label);

struct t_name_counts t_name_server_counts(struct t_name_server *names);

/**
 * t_name_server_wait() - block until a count has been reached; fail the test after 20 s
 * @condition:  "queries>=3", "held<=0"; names without n_
 *
 * Blocks the thread. Where the resolver under test runs on it, start, wait for the descriptor, finish.
 */
void t_name_server_wait(struct t_name_server *names, const char *condition);

void t_name_server_wait_start(struct t_name_server *names, const char *condition);
int t_name_server_fd(const struct t_name_server *names);
void t_name_server_wait_finish(struct t_name_server *names);
