/* SPDX-License-Identifier: MIT */
/* The times in certificates, as TLS libraries print them. Pure. */
#pragma once

#include <stdint.h>

/*
 * fetch_certificate_time() - "Dec 31 23:59:59 2049 GMT" (OpenSSL) or "2049-12-31 23:59:59 GMT" (the
 * others) in seconds since 1970; 0 when it is neither, or before
 */
int64_t fetch_certificate_time(const char *text);
