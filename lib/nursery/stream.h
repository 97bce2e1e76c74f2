/* SPDX-License-Identifier: MIT */
/* Streams as listeners and connects make them. */
#pragma once

#include <nursery/stream.h>

/*
 * nuri_stream_open_socket() - nur_stream_open() of a stream socket that was non-blocking and
 * close-on-exec from birth: half a dozen system calls less
 * @family:     the socket's
 */
int nuri_stream_open_socket(int fd, int family, struct nur_stream **ret_stream);
