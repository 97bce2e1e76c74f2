/* SPDX-License-Identifier: MIT */
/*
 * The scripted origin as a program, for shell, Python and the benchmarks. Its first line names the
 * ports; after that it takes the commands of commands.h and origin_server.h on standard input, answers them on
 * standard output, and ends with the input.
 *
 *     ports http=N refusing=N deaf=N resetting=N speaks_first=N silent=N ipv6=0|1
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/origin_server.h"

int
main(void)
{
	struct t_origin_sockets sockets;
	int r;

	(void)signal(SIGPIPE, SIG_IGN); /* a reader that is gone ends us in an orderly way */
	r = t_origin_sockets_open(&sockets);
	if (r == 0) {
		(void)printf("ports http=%u refusing=%u deaf=%u resetting=%u speaks_first=%u "
			     "silent=%u ipv6=%d\n",
			sockets.ports[T_PORT_HTTP], sockets.ports[T_PORT_REFUSING],
			sockets.ports[T_PORT_DEAF], sockets.ports[T_PORT_RESETTING],
			sockets.ports[T_PORT_SPEAKS_FIRST], sockets.ports[T_PORT_SILENT],
			sockets.has_ipv6);
		(void)fflush(stdout);
		r = t_origin_serve(&sockets, STDIN_FILENO, STDOUT_FILENO);
		t_origin_sockets_close(&sockets);
	}
	if (r < 0) {
		(void)fprintf(stderr, "t_origin: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
