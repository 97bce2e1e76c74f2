/* SPDX-License-Identifier: MIT */
/*
 * TLS in front of the scripted origin, in a child process: bytes go through as they come, and when the origin
 * ends a connection, however it does, this end is told as chosen. Its certificate is nobody's: do not verify.
 */
#pragma once

#include <stdint.h>

enum t_tls_manner {
	T_TLS_NOTIFIED, /* ends with a close_notify: all was sent */
	T_TLS_CUT,      /* without: somebody may have cut the connection */
	/* by TLS 1.2, with a close_notify: */
	T_TLS_RENEGOTIATING,      /* asks for another handshake before each piece of a response */
	T_TLS_RENEGOTIATING_ON,   /* … and after it for the next one, and never answers */
	T_TLS_RENEGOTIATING_MUTE, /* … and does its own part no more */
};

struct t_tls_front;

/**
 * t_tls_front_create() - start one; before the program has threads, for it forks
 * @port:  of the origin, on 127.0.0.1
 *
 * Return: the front, never NULL; to be given to t_tls_front_destroy().
 */
struct t_tls_front *t_tls_front_create(uint16_t port, enum t_tls_manner manner);

/* t_tls_front_destroy() - stop it and wait for its end; accepts NULL */
void t_tls_front_destroy(struct t_tls_front *front);

/* t_tls_front_port() - where it listens, on 127.0.0.1 */
uint16_t t_tls_front_port(const struct t_tls_front *front);
