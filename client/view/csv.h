/* SPDX-License-Identifier: MIT */
/* Results as CSV (RFC 4180, but lines end with a newline alone), pure. */
#pragma once

#include "lib/base/buffer.h"
#include "lib/protocol/result.h"

/* csv_put_head() - the line of the columns' names */
void csv_put_head(struct buffer *out);

/* csv_put_row() - the line of one result */
void csv_put_row(struct buffer *out, const struct result_record *record);
