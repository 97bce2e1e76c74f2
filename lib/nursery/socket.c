/* SPDX-License-Identifier: MIT */
#include "lib/nursery/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

int
nuri_socket_option(int fd, int name, int *ret_value)
{
	socklen_t len = sizeof(*ret_value);

	return getsockopt(fd, SOL_SOCKET, name, ret_value, &len) < 0 ? -errno : 0;
}

int
nuri_fd_prepare(int fd)
{
	int status = fcntl(fd, F_GETFL);
	int flags = fcntl(fd, F_GETFD);

	if (status < 0 || flags < 0 || fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0 ||
		fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0) {
		return -errno;
	}
	return 0;
}
