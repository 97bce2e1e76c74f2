/* SPDX-License-Identifier: MIT */
/* What is asked of descriptors that others opened. */
#pragma once

/* nuri_socket_option() - a number at level SOL_SOCKET; 0 or -errno */
int nuri_socket_option(int fd, int name, int *ret_value);

/* nuri_fd_prepare() - non-blocking and close-on-exec from now on; 0 or -errno */
int nuri_fd_prepare(int fd);
