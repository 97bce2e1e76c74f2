/* SPDX-License-Identifier: MIT */
/*
 * One process has one standard error and so one log: `logger` is the daemon's only global object. A
 * mutex guards it and the sites; nothing in here waits while holding it.
 *
 * A message is formatted into one buffer and leaves by one call: a datagram to the journal (its
 * native protocol, NAME=value lines), or a line of less than PIPE_BUF bytes. The standard error
 * belongs to others too, so it cannot be made non-blocking; poll() is asked instead, which for a
 * pipe promises room for PIPE_BUF bytes. Messages are cut to MAX_TEXT, which also keeps the
 * datagram small enough to need no memfd. A line of JSON is made again with shorter values until it
 * fits, since one that is cut is none.
 */
#include "daemon/ops/log.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/protocol/json_writer.h"

#define MAX_TEXT 2000 /* of a message; with fields a line still fits into PIPE_BUF */
#define MAX_LINE 4000

static struct {
	pthread_mutex_t mutex;
	int level;
	enum log_format format;
	int fd;
	bool has_prefix; /* "<N>" in front of lines */
	int journal_fd;  /* -1: lines on fd */
	struct sockaddr_un journal;
	uint64_t n_dropped;
} logger = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.level = LOG_INFO,
	.fd = STDERR_FILENO,
	.journal_fd = -1,
};

static const char *const level_names[] = {
	[LOG_EMERG] = "emergency",
	[LOG_ALERT] = "alert",
	[LOG_CRIT] = "critical",
	[LOG_ERR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

/* Whether $JOURNAL_STREAM, "device:inode", is @fd: it may have been redirected since. */
static bool
is_journal_stream(int fd)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device;
	unsigned long long inode;
	struct stat st;
	char *end;

	if (!text || fstat(fd, &st) < 0) {
		return false;
	}
	device = strtoull(text, &end, 10);
	if (*end != ':') {
		return false;
	}
	inode = strtoull(end + 1, &end, 10);
	return !*end && device == st.st_dev && inode == st.st_ino;
}

static int
journal_connect(const char *path)
{
	if (strlen(path) >= sizeof(logger.journal.sun_path)) {
		return -1;
	}
	logger.journal = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(logger.journal.sun_path, path, strlen(path));
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void
log_open(const char *journal, int fd)
{
	log_close();
	(void)pthread_mutex_lock(&logger.mutex); /* cannot fail: not recursive, not held */
	logger.fd = fd;
	logger.journal_fd = is_journal_stream(fd) ? journal_connect(journal) : -1;
	logger.has_prefix = getenv("INVOCATION_ID") && !isatty(fd);
	(void)pthread_mutex_unlock(&logger.mutex);
}

void
log_close(void)
{
	(void)pthread_mutex_lock(&logger.mutex);
	closep(&logger.journal_fd);
	logger.journal_fd = -1;
	logger.fd = STDERR_FILENO;
	logger.has_prefix = false;
	(void)pthread_mutex_unlock(&logger.mutex);
}

void
log_set_level(int level)
{
	(void)pthread_mutex_lock(&logger.mutex);
	logger.level = level;
	(void)pthread_mutex_unlock(&logger.mutex);
}

void
log_set_format(enum log_format format)
{
	(void)pthread_mutex_lock(&logger.mutex);
	logger.format = format;
	(void)pthread_mutex_unlock(&logger.mutex);
}

uint64_t
log_n_dropped(void)
{
	uint64_t n;

	(void)pthread_mutex_lock(&logger.mutex);
	n = logger.n_dropped;
	(void)pthread_mutex_unlock(&logger.mutex);
	return n;
}

bool
log_site_admit(struct log_site *site, uint64_t now_ns, unsigned int *ret_n_suppressed)
{
	uint64_t window_ns = site->is_rare ? LOG_RARE_WINDOW_NS : LOG_WINDOW_NS;
	unsigned int burst = site->is_rare ? 1 : LOG_BURST;

	if (now_ns - site->window_ns >= window_ns) {
		site->window_ns = now_ns;
		site->n_written = 0;
	}
	if (site->n_written >= burst) {
		site->n_suppressed++;
		return false;
	}

	site->n_written++;
	*ret_n_suppressed = site->n_suppressed;
	site->n_suppressed = 0;
	return true;
}

/* A value with a newline is written as its length, little-endian, and its bytes. */
static void
journal_field(struct buffer *out, const char *key, const char *value)
{
	if (!strchr(value, '\n')) {
		buffer_printf(out, "%s=%s\n", key, value);
	} else {
		uint64_t len = htole64(strlen(value));

		buffer_printf(out, "%s\n", key);
		buffer_append(out, &len, sizeof(len));
		buffer_printf(out, "%s\n", value);
	}
}

static void
journal_format(struct buffer *out, const struct log_site *site, int level,
	const struct log_field *fields, const char *message)
{
	buffer_printf(out, "PRIORITY=%d\nSYSLOG_IDENTIFIER=fetchd\n", level);
	buffer_printf(out, "CODE_FILE=%s\nCODE_LINE=%d\nCODE_FUNC=%s\n", site->file, site->line,
		site->function);
	for (const struct log_field *field = fields; field && field->key; field++) {
		if (field->value) {
			journal_field(out, field->key, field->value);
		}
	}
	journal_field(out, "MESSAGE", message);
}

/* FETCHD_BATCH_ID is batch_id in a line. */
static void
line_key(struct buffer *out, const char *key)
{
	key += strncmp(key, "FETCHD_", 7) ? 0 : 7;
	for (; *key; key++) {
		buffer_putc(out, (char)tolower((unsigned char)*key));
	}
}

static void
line_format(struct buffer *out, int level, const struct log_field *fields, const char *message)
{
	if (logger.has_prefix) {
		buffer_printf(out, "<%d>", level);
	} else {
		buffer_puts(out, "fetchd: ");
	}
	if (!logger.has_prefix && level < LOG_NOTICE) { /* what is less urgent needs no word */
		buffer_printf(out, "%s: ", level_names[level]);
	}
	buffer_puts(out, message);
	for (const struct log_field *field = fields; field && field->key; field++) {
		if (field->value && strcmp(field->key, "MESSAGE_ID") != 0) {
			buffer_putc(out, ' ');
			line_key(out, field->key);
			buffer_printf(out, "=%s", field->value);
		}
	}

	out->len = MIN(out->len, MAX_LINE);
	for (size_t i = 0; i < out->len; i++) {
		if (iscntrl((unsigned char)out->data[i])) {
			out->data[i] = ' '; /* these would forge lines and colour terminals */
		}
	}
	buffer_putc(out, '\n');
}

static void
json_text(struct json_writer *w, const char *text, size_t max)
{
	json_write_bytes(w, text, strnlen(text, max));
}

/* No value has more than @max bytes of its own. */
static void
json_format(struct buffer *out, int level, const struct log_field *fields, const char *message,
	size_t max)
{
	struct json_writer w = JSON_WRITER_INIT(out);
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail: the clock exists */
	json_begin_object(&w);
	json_write_key(&w, "time");
	json_write_time(&w, ts.tv_sec, ts.tv_nsec);
	json_write_key(&w, "level");
	json_write_text(&w, level_names[level]);
	json_write_key(&w, "message");
	json_text(&w, message, max);
	for (const struct log_field *field = fields; field && field->key; field++) {
		_cleanup_(buffer_fini) struct buffer key = BUFFER_INIT;

		if (field->value) {
			line_key(&key, field->key);
			json_write_name(&w, key.data ? key.data : "", key.len);
			json_text(&w, field->value, max);
		}
	}
	json_end_object(&w);
	json_end_line(&w);
}

static void
json_line_format(struct buffer *out, int level, const struct log_field *fields, const char *message)
{
	size_t max = MAX_TEXT;

	json_format(out, level, fields, message, max);
	while (out->len > MAX_LINE && max > 0) {
		max /= 2;
		buffer_clear(out);
		json_format(out, level, fields, message, max);
	}
}

/* Return: 0, or -errno. */
static int
journal_send(const struct buffer *out)
{
	ssize_t n = sendto(logger.journal_fd, out->data, out->len, MSG_NOSIGNAL | MSG_DONTWAIT,
		(const struct sockaddr *)&logger.journal, sizeof(logger.journal));

	return n < 0 ? -errno : 0;
}

static int
line_send(const struct buffer *out)
{
	struct pollfd pollfd = { .fd = logger.fd, .events = POLLOUT };

	if (poll(&pollfd, 1, 0) < 0) {
		return -errno;
	}
	if (!(pollfd.revents & POLLOUT)) {
		return -EAGAIN;
	}
	return write(logger.fd, out->data, out->len) < 0 ? -errno : 0;
}

/*
 * A journal that is away (being restarted) leaves the lines; one that is behind loses the message.
 */
static int
message_send(
	const struct log_site *site, int level, const struct log_field *fields, const char *message)
{
	_cleanup_(buffer_fini) struct buffer out = BUFFER_INIT;
	int r = -ENOTCONN;

	if (logger.journal_fd >= 0) {
		journal_format(&out, site, level, fields, message);
		r = buffer_error(&out) ? -ENOMEM : journal_send(&out);
	}
	if (r == 0 || r == -EAGAIN || r == -ENOMEM) {
		return r;
	}

	buffer_clear(&out);
	if (logger.format == LOG_JSON) {
		json_line_format(&out, level, fields, message);
	} else {
		line_format(&out, level, fields, message);
	}
	return buffer_error(&out) ? -ENOMEM : line_send(&out);
}

__attribute__((format(printf, 4, 0))) static void
message_write(struct log_site *site, int level, const struct log_field *fields, const char *format,
	va_list ap)
{
	_cleanup_(buffer_fini) struct buffer message = BUFFER_INIT;
	unsigned int n_suppressed;
	struct timespec ts;

	if (level > logger.level) {
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts); /* cannot fail: the clock exists */
	if (!log_site_admit(
		    site, (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec, &n_suppressed)) {
		return;
	}

	buffer_vprintf(&message, format, ap);
	if (message.len > MAX_TEXT) {
		message.len = MAX_TEXT;
		message.data[MAX_TEXT] = '\0';
	}
	if (n_suppressed) {
		buffer_printf(&message, " (suppressed %u similar)", n_suppressed);
	}
	if (buffer_error(&message) || message_send(site, level, fields, message.data) < 0) {
		logger.n_dropped++;
	}
}

void
log_write(struct log_site *site, int level, const struct log_field *fields, const char *format, ...)
{
	int saved_errno = errno; /* so that a caller may log between a call and its error */
	va_list ap;

	va_start(ap, format);
	(void)pthread_mutex_lock(&logger.mutex);
	message_write(site, level, fields, format, ap);
	(void)pthread_mutex_unlock(&logger.mutex);
	va_end(ap);
	errno = saved_errno;
}
