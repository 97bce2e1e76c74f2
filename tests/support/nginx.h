/* SPDX-License-Identifier: MIT */
/*
 * A real nginx for tests, on loopback, with TLS servers good and bad. It is started and stopped by
 * nginx.sh, which tells what it serves, and ends with the test however that ends. Tests that use it
 * skip themselves where there is no nginx: if (!t_nginx_is_there()) return;
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Ports on 127.0.0.1, the file of the authority that signed good, expired and misnamed, and that of
 * a client's certificate and key.
 */
struct t_nginx {
	pid_t pid;
	int input;
	char folder[64];
	unsigned int http;
	unsigned int https;
	unsigned int expired;
	unsigned int misnamed;
	unsigned int self_signed;
	unsigned int old_tls;
	unsigned int asking;
	char ca[128];
	char client[128];
};

bool t_nginx_is_there(void);

/*
 * t_nginx_start() - start one and wait until it accepts connections; fail the test if it does not
 */
void t_nginx_start(struct t_nginx *nginx);

/* t_nginx_stop() - stop it, wait for its end, remove its folder; accepts a zeroed one */
void t_nginx_stop(struct t_nginx *nginx);
