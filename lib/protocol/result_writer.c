/* SPDX-License-Identifier: MIT */
/* Results and batches as JSON. What was not, is not written: a URL that never started has no attempts. */
#include <assert.h>

#include "lib/protocol/result.h"

#define SHA256_LEN 32

static void
write_sha256(struct json_writer *w, const char *sum, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * SHA256_LEN];
	size_t i;

	assert(len == SHA256_LEN);
	for (i = 0; i < SHA256_LEN; i++) {
		hex[2 * i] = digits[(unsigned char)sum[i] >> 4];
		hex[2 * i + 1] = digits[sum[i] & 15];
	}
	json_write_key(w, "sha256");
	json_write_bytes(w, hex, sizeof(hex));
}

static void
write_capture(struct json_writer *w, const struct result_record *record)
{
	if (!record->body) {
		return;
	}
	switch (record->capture) {
	case BATCH_CAPTURE_NONE:
		break;
	case BATCH_CAPTURE_SHA256:
		write_sha256(w, record->body, record->body_len);
		break;
	case BATCH_CAPTURE_TEXT:
		json_write_key(w, "body");
		json_write_bytes(w, record->body, record->body_len);
		break;
	case BATCH_CAPTURE_BASE64:
		json_write_key(w, "body_base64");
		json_write_base64(w, record->body, record->body_len);
		break;
	}
}

/* What the URL's attempts brought, whether it ended well or not. */
static void
write_attempts(struct json_writer *w, const struct result_record *record)
{
	json_write_key(w, "attempts");
	json_write_uint(w, record->attempts);
	if (record->attempts == 0) {
		return;
	}
	json_write_key(w, "redirects");
	json_write_uint(w, record->redirects);
	if (record->final_url) {
		json_write_key(w, "final_url");
		json_write_text(w, record->final_url);
	}
	json_write_key(w, "bytes");
	json_write_int(w, record->bytes);
	if (record->http_version) {
		json_write_key(w, "http_version");
		json_write_text(w, record->http_version);
	}
	if (record->remote) {
		json_write_key(w, "remote");
		json_write_text(w, record->remote);
	}
	json_write_key(w, "reused");
	json_write_bool(w, record->reused);
}

static void
write_tls(struct json_writer *w, const struct result_record *record)
{
	if (!record->tls_issuer) {
		return;
	}
	json_write_key(w, "tls");
	json_begin_object(w);
	json_write_key(w, "issuer");
	json_write_text(w, record->tls_issuer);
	if (record->tls_expires > 0) {
		json_write_key(w, "expires");
		json_write_time(w, record->tls_expires, 0);
	}
	json_end_object(w);
}

static void
write_timing(struct json_writer *w, const struct result_timing *timing)
{
	if (timing->total_ns < 0) {
		return;
	}
	json_write_key(w, "timing_ms");
	json_begin_object(w);
	json_write_key(w, "queue");
	json_write_ms(w, timing->queue_ns);
	json_write_key(w, "dns");
	json_write_ms(w, timing->dns_ns);
	json_write_key(w, "connect");
	json_write_ms(w, timing->connect_ns);
	json_write_key(w, "tls");
	json_write_ms(w, timing->tls_ns);
	json_write_key(w, "first_byte");
	json_write_ms(w, timing->first_byte_ns);
	json_write_key(w, "total");
	json_write_ms(w, timing->total_ns);
	json_end_object(w);
}

static void
write_error(struct json_writer *w, const struct result_record *record)
{
	if (record->error == ERROR_NONE) {
		return;
	}
	json_write_key(w, "error");
	json_begin_object(w);
	json_write_key(w, "code");
	json_write_text(w, error_code_name(record->error));
	if (record->error_detail) {
		json_write_key(w, "detail");
		json_write_text(w, record->error_detail);
	}
	json_end_object(w);
}

static void
write_cancel(struct json_writer *w, const struct result_record *record)
{
	if (record->cancel_reason == CANCEL_NONE) {
		return;
	}
	json_write_key(w, "cancel");
	json_begin_object(w);
	json_write_key(w, "reason");
	json_write_text(w, cancel_reason_name(record->cancel_reason));
	if (record->cancel_cause >= 0) {
		json_write_key(w, "cause");
		json_write_int(w, record->cancel_cause);
	}
	json_end_object(w);
}

void
result_write(struct json_writer *w, const struct result_record *record)
{
	json_begin_object(w);
	json_write_key(w, "index");
	json_write_uint(w, record->index);
	json_write_key(w, "url");
	json_write_text(w, record->url);
	json_write_key(w, "outcome");
	json_write_text(w, result_outcome_name(record->outcome));
	if (record->is_twin) {
		json_write_key(w, "same_as");
		json_write_uint(w, record->twin_of);
	}
	if (record->status > 0) {
		json_write_key(w, "status");
		json_write_int(w, record->status);
	}
	write_error(w, record);
	write_cancel(w, record);
	write_attempts(w, record);
	write_tls(w, record);
	write_capture(w, record);
	write_timing(w, &record->timing);
	json_end_object(w);
}

static void
write_counts(struct json_writer *w, const struct batch_summary *summary)
{
	json_write_key(w, "counts");
	json_begin_object(w);
	json_write_key(w, "ok");
	json_write_uint(w, summary->counts.ok);
	json_write_key(w, "failed");
	json_write_uint(w, summary->counts.failed);
	json_write_key(w, "timeout");
	json_write_uint(w, summary->counts.timeout);
	json_write_key(w, "cancelled");
	json_write_uint(w, summary->counts.cancelled);
	if (summary->state != BATCH_DONE) {
		json_write_key(w, "pending");
		json_write_uint(w, summary->counts.pending);
	}
	json_end_object(w);
}

void
batch_summary_write_members(struct json_writer *w, const struct batch_summary *summary)
{
	json_write_key(w, "id");
	json_write_text(w, summary->id);
	if (summary->name) {
		json_write_key(w, "name");
		json_write_text(w, summary->name);
	}
	if (summary->state == BATCH_DONE) {
		json_write_key(w, "outcome");
		json_write_text(w, batch_outcome_name(summary->outcome));
	} else {
		json_write_key(w, "state");
		json_write_text(w, batch_state_name(summary->state));
	}
	json_write_key(w, "policy");
	json_write_text(w, batch_policy_name(summary->policy));
	json_write_key(w, "started");
	json_write_time(w, summary->started_sec, summary->started_nsec);
	if (summary->elapsed_ns >= 0) {
		json_write_key(w, "elapsed_ms");
		json_write_ms(w, summary->elapsed_ns);
	}
	if (summary->deadline_ns > 0) {
		json_write_key(w, "deadline_ms");
		json_write_ms(w, summary->deadline_ns);
	}
	if (summary->n_urls > 0) {
		json_write_key(w, "urls");
		json_write_uint(w, summary->n_urls);
	}
	write_counts(w, summary);
}

static void
write_summary_line(struct json_writer *w, const char *type, const struct batch_summary *summary)
{
	json_begin_object(w);
	json_write_key(w, "type");
	json_write_text(w, type);
	batch_summary_write_members(w, summary);
	json_end_object(w);
	json_end_line(w);
}

void
batch_write_begin_line(struct json_writer *w, const struct batch_summary *summary)
{
	write_summary_line(w, "batch", summary);
}

void
batch_write_heartbeat_line(struct json_writer *w)
{
	json_begin_object(w);
	json_write_key(w, "type");
	json_write_text(w, "heartbeat");
	json_end_object(w);
	json_end_line(w);
}

void
batch_write_end_line(struct json_writer *w, const struct batch_summary *summary)
{
	write_summary_line(w, "end", summary);
}
