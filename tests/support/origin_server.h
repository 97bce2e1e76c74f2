/* SPDX-License-Identifier: MIT */
/* The scripted origin as a server: its sockets, and the loop that serves them. See origin.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a connection to a port meets. */
enum t_port {
	T_PORT_HTTP,         /* the scripted origin */
	T_PORT_REFUSING,     /* nobody listens */
	T_PORT_DEAF,         /* the handshake is never completed */
	T_PORT_RESETTING,    /* accepted and reset */
	T_PORT_SPEAKS_FIRST, /* a line of text before any request, as SMTP does */
	T_PORT_SILENT,       /* accepted; nothing is ever said (a TLS handshake stalls) */
	T_N_PORTS,
};

#define T_ORIGIN_ADDRESSES 8

/*
 * ports      of each kind, host byte order
 * has_ipv6   the HTTP port listens on ::1, too
 * fds        all sockets; http first: 127.0.0.1 to 127.0.0.8, then ::1
 */
struct t_origin_sockets {
	uint16_t ports[T_N_PORTS];
	bool has_ipv6;
	int http[T_ORIGIN_ADDRESSES + 1];
	int other[T_N_PORTS];
	int deaf_filler;
};

/**
 * t_origin_sockets_open() - bind every port on loopback
 * Return: 0, or -errno; then nothing is open.
 */
int t_origin_sockets_open(struct t_origin_sockets *sockets);

#define T_MAX_SOCKETS (T_ORIGIN_ADDRESSES + 1 + T_N_PORTS + 1)

/* t_origin_sockets_list() - all that are open, terminated by -1 */
void t_origin_sockets_list(const struct t_origin_sockets *sockets, int fds[T_MAX_SOCKETS + 1]);

void t_origin_sockets_close(struct t_origin_sockets *sockets);

/**
 * t_origin_serve() - serve until @command_fd ends
 * @command_fd:   command lines are read from it
 * @reply_fd:     a reply line for each is written to it
 *
 * Commands of its own, besides those of commands.h:
 *
 *     release NAME           released N            requests of /hold/NAME answered; later ones are, too
 *     drop close|reset       dropped N             connections without a request, closed by FIN or by RST
 *     forget                 forgotten             the maxima and times start anew
 *
 * Its counters are accepted, open, held, requests, max_open, max_held, failed_ns, last_close_ns.
 *
 * Return: 0, or -errno.
 */
int t_origin_serve(const struct t_origin_sockets *sockets, int command_fd, int reply_fd);
