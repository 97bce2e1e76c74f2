/* SPDX-License-Identifier: MIT */
#include "client/http.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define MAX_EXCHANGES 2
#define READ_SIZE     65536

static int
connect_to(const char *path, int *ret_fd)
{
	_cleanup_(closep) int fd = -1;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	/* Waits when the backlog is full, which is what the user would do. */
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		return -errno;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static void
put_head(struct buffer *out, const struct http_request *request)
{
	buffer_printf(out, "%s %s HTTP/1.1\r\nHost: fetchd\r\nConnection: close\r\n",
		request->method, request->target);
	if (request->accept) {
		buffer_printf(out, "Accept: %s\r\n", request->accept);
	}
	if (request->prefer) {
		buffer_printf(out, "Prefer: %s\r\n", request->prefer);
	}
	if (request->idempotency_key) {
		buffer_printf(out, "Idempotency-Key: %s\r\n", request->idempotency_key);
	}
	if (request->content_type) {
		buffer_printf(out, "Content-Type: %s\r\nTransfer-Encoding: chunked\r\n",
			request->content_type);
	} else if (strcmp(request->method, "GET") != 0) {
		buffer_puts(out, "Content-Length: 0\r\n");
	}
	buffer_puts(out, "\r\n");
}

int
http_open(struct http *http, const char *path, const struct http_request *request)
{
	int r;

	*http = (struct http)HTTP_INIT;
	r = connect_to(path, &http->fd);
	if (r < 0) {
		return r;
	}
	put_head(&http->out, request);
	http->source = request->source;
	r = buffer_error(&http->out);
	if (r < 0) {
		http_fini(http);
	}
	return r;
}

/* Fetches a piece of the content and frames it (RFC 9112, 7.1). */
static int
refill(struct http *http)
{
	int r;

	buffer_clear(&http->piece);
	r = http->source->next(http->source->arg, &http->piece);
	if (r < 0) {
		return -EIO;
	}
	if (http->piece.len > 0) {
		buffer_printf(&http->out, "%zx\r\n", http->piece.len);
		buffer_append(&http->out, http->piece.data, http->piece.len);
		buffer_puts(&http->out, "\r\n");
	}
	if (r == 0) {
		buffer_puts(&http->out, "0\r\n\r\n");
		http->source = NULL;
	}
	if (buffer_error(&http->piece) < 0) {
		return buffer_error(&http->piece);
	}
	return buffer_error(&http->out);
}

static void
stop_sending(struct http *http)
{
	buffer_clear(&http->out);
	http->source = NULL;
}

static int
send_some(struct http *http)
{
	ssize_t n = send(http->fd, http->out.data, http->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0) {
		buffer_consume(&http->out, (size_t)n);
		return 0;
	}
	if (errno == EAGAIN || errno == EINTR) {
		return 0;
	}
	if (errno == EPIPE || errno == ECONNRESET) {
		stop_sending(http); /* it may have answered before it hung up: look */
		return 0;
	}
	return -errno;
}

static int
receive_some(struct http *http)
{
	static char data[READ_SIZE];
	ssize_t n = recv(http->fd, data, sizeof(data), MSG_DONTWAIT);
	int r;

	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	r = n == 0 ? http_answer_close(&http->answer)
		   : http_answer_feed(&http->answer, data, (size_t)n, &http->content);
	if (r < 0) {
		return r;
	}
	if (http_answer_has_head(&http->answer) && http->answer.status >= 400) {
		stop_sending(http);
	}
	http->is_done = http->answer.state == ANSWER_DONE;
	return 0;
}

static struct pollfd
prepare(const struct http *http)
{
	bool has_more = http->source || http->out.len > 0;

	return (struct pollfd){
		.fd = http->is_done ? -1 : http->fd,
		.events = (short)(has_more ? POLLIN | POLLOUT : POLLIN),
	};
}

static int
advance(struct http *http, short events)
{
	int r = 0;

	if (http->source && http->out.len == 0 && (events & POLLOUT)) {
		r = refill(http);
	}
	if (r == 0 && http->out.len > 0 && (events & (POLLOUT | POLLERR | POLLHUP))) {
		r = send_some(http);
	}
	if (r == 0 && (events & (POLLIN | POLLERR | POLLHUP))) {
		r = receive_some(http);
	}
	return r;
}

int
http_wait(struct http *const *list, size_t n, int timeout_ms, const sigset_t *mask)
{
	struct pollfd fds[MAX_EXCHANGES];
	struct timespec timeout = { timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000 };
	size_t i;
	int n_ready;
	int r;

	assert(n <= MAX_EXCHANGES);
	for (i = 0; i < n; i++) {
		fds[i] = prepare(list[i]);
	}
	n_ready = ppoll(fds, n, timeout_ms < 0 ? NULL : &timeout, mask);
	if (n_ready <= 0) {
		return n_ready < 0 ? -errno : 0;
	}
	for (i = 0; i < n; i++) {
		if (list[i]->is_done) {
			continue;
		}
		r = advance(list[i], fds[i].revents);
		if (r < 0) {
			list[i]->error = r;
			list[i]->is_done = true;
		}
	}
	return 1;
}

int
http_call(struct http *http, const char *path, const struct http_request *request)
{
	int r = http_open(http, path, request);

	while (r >= 0 && !http->is_done) {
		r = http_wait(&http, 1, -1, NULL);
	}
	return r < 0 ? r : http->error;
}

void
http_fini(struct http *http)
{
	closep(&http->fd);
	http_answer_fini(&http->answer);
	buffer_fini(&http->content);
	buffer_fini(&http->out);
	buffer_fini(&http->piece);
	*http = (struct http)HTTP_INIT;
}
