/* SPDX-License-Identifier: MIT */
#include "client/view/csv.h"

#include <inttypes.h>
#include <string.h>

#include "lib/protocol/json_writer.h"

static void
put_text(struct buffer *out, const char *text)
{
	buffer_putc(out, ',');
	if (!text) {
		return;
	}
	if (!strpbrk(text, ",\"\r\n")) {
		buffer_puts(out, text);
		return;
	}
	buffer_putc(out, '"');
	for (; *text; text++) {
		if (*text == '"') {
			buffer_putc(out, '"');
		}
		buffer_putc(out, *text);
	}
	buffer_putc(out, '"');
}

/* Negative: an empty field. */
static void
put_number(struct buffer *out, int64_t number)
{
	buffer_putc(out, ',');
	if (number >= 0) {
		buffer_printf(out, "%" PRId64, number);
	}
}

static void
put_ms(struct buffer *out, int64_t ns)
{
	buffer_putc(out, ',');
	if (ns >= 0) {
		buffer_printf(out, "%" PRId64 ".%03d", ns / 1000000, (int)(ns / 1000 % 1000));
	}
}

/* In the quotes that a time has in JSON, which CSV knows as well. */
static void
put_time(struct buffer *out, int64_t seconds)
{
	struct json_writer writer = JSON_WRITER_INIT(out);

	buffer_putc(out, ',');
	if (seconds > 0) {
		json_write_time(&writer, seconds, 0);
	}
}

void
csv_put_row(struct buffer *out, const struct result_record *record)
{
	const struct result_timing *timing = &record->timing;
	bool has_started = record->attempts > 0;
	bool is_cancelled = record->outcome == RESULT_CANCELLED;

	buffer_printf(out, "%zu", record->index);
	put_text(out, record->url);
	put_text(out, result_outcome_name(record->outcome));
	put_number(out, record->status > 0 ? record->status : -1);
	put_text(out, record->error != ERROR_NONE ? error_code_name(record->error) : NULL);
	put_text(out, record->error_detail);
	put_text(out, is_cancelled ? cancel_reason_name(record->cancel_reason) : NULL);
	put_number(out, is_cancelled ? record->cancel_cause : -1);
	put_number(out, record->attempts);
	put_number(out, has_started ? (int64_t)record->redirects : -1);
	put_text(out, record->final_url);
	put_number(out, has_started ? record->bytes : -1);
	put_text(out, record->http_version);
	put_text(out, record->remote);
	put_text(out, has_started ? (record->reused ? "true" : "false") : NULL);
	put_ms(out, timing->queue_ns);
	put_ms(out, timing->dns_ns);
	put_ms(out, timing->connect_ns);
	put_ms(out, timing->tls_ns);
	put_ms(out, timing->first_byte_ns);
	put_ms(out, timing->total_ns);
	put_number(out, record->is_twin ? (int64_t)record->twin_of : -1);
	put_text(out, record->tls_issuer);
	put_time(out, record->tls_expires);
	buffer_putc(out, '\n');
}

void
csv_put_head(struct buffer *out)
{
	buffer_puts(out,
		"index,url,outcome,status,error,detail,cancel_reason,cancel_cause,attempts,"
		"redirects,"
		"final_url,bytes,http_version,remote,reused,queue_ms,dns_ms,connect_ms,tls_ms,"
		"first_byte_ms,total_ms,same_as,tls_issuer,tls_expires\n");
}
