/* SPDX-License-Identifier: MIT */
/*
 * The daemon's log. Levels are those of syslog(3). A message may carry fields, by which an operator
 * finds it: `journalctl FETCHD_BATCH_ID=…`.
 *
 *	log_info("listening on %s", path);
 *	log_at(LOG_WARNING, LOG_FIELDS({ "FETCHD_BATCH_ID", id }), "cannot store: %s", why);
 *
 * Logging never waits: what the reader of the log cannot take in is dropped and counted. Each place
 * in the source may write LOG_BURST messages in LOG_WINDOW_NS; the next one after that says how
 * many similar ones were suppressed. No line per URL: result records say that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#define LOG_BURST     20
#define LOG_WINDOW_NS UINT64_C(10000000000)
#define LOG_RARE_WINDOW_NS UINT64_C(60000000000)

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* A field: key in capitals, as the journal wants it. One whose value is NULL is left out; MESSAGE_ID is for it alone. */
struct log_field {
	const char *key;
	const char *value;
};

/* The fields of one message, for log_at(). */
#define LOG_FIELDS(...) ((const struct log_field[]){ __VA_ARGS__, { NULL, NULL } })

/* One place in the source that logs: what the limit counts. log_at() makes it. */
struct log_site {
	const char *file;
	const char *function;
	int line;
	unsigned int n_written;
	unsigned int n_suppressed;
	uint64_t window_ns;
	bool is_rare;
};

#define log_at(level, fields, ...) \
	do { \
		static struct log_site log_site_ = { __FILE__, __func__, __LINE__, 0, 0, 0, \
			false }; \
		log_write(&log_site_, (level), (fields), __VA_ARGS__); \
	} while (0)

/* log_rarely() - for what lasts, and would be told again and again: one message in LOG_RARE_WINDOW_NS */
#define log_rarely(level, fields, ...) \
	do { \
		static struct log_site log_site_ = { __FILE__, __func__, __LINE__, 0, 0, 0, \
			true }; \
		log_write(&log_site_, (level), (fields), __VA_ARGS__); \
	} while (0)

#define log_error(...)   log_at(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...)    log_at(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_DEBUG, NULL, __VA_ARGS__)

/* What lines look like, where the log is not the journal. */
enum log_format {
	LOG_PLAIN, /* for people: fetchd: warning: message key=value */
	LOG_JSON,  /* an object a line: time, level, message, fields */
};

/**
 * log_open() - choose where messages go
 * @journal:    path of the journal's socket: LOG_JOURNAL_SOCKET
 * @fd:         where lines go otherwise: STDERR_FILENO; borrowed until log_close()
 *
 * When $JOURNAL_STREAM names @fd, messages are sent to the journal with their fields. Otherwise
 * they are lines on @fd: plain ones with the `<N>` prefix that a service manager understands when one
 * has started us, else for people. Until log_open(), they are lines for people on the standard error.
 */
void log_open(const char *journal, int fd);
void log_close(void);

/* log_set_level() - the least urgent level that is written; LOG_INFO from the start */
void log_set_level(int level);

/* log_set_format() - LOG_PLAIN from the start */
void log_set_format(enum log_format format);

/* log_n_dropped() - messages lost since the start because the log's reader was behind */
uint64_t log_n_dropped(void);

/* log_write() - log_at() calls it; from any thread */
void log_write(struct log_site *site, int level, const struct log_field *fields, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/*
 * log_site_admit() - whether @site may write at @now_ns; pure, and apart for its tests
 *
 * When it may, @ret_n_suppressed is how many could not since the last one that could.
 */
bool log_site_admit(struct log_site *site, uint64_t now_ns, unsigned int *ret_n_suppressed);
