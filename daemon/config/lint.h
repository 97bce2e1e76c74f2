/* SPDX-License-Identifier: MIT */
/*
 * Warnings about a configuration that is valid: what was hardly meant. Nothing is refused for them; fetchd --check and
 * the answer to a reload have them.
 *
 * A value that nobody has written is never warned about, but it may be what makes a written one doubtful.
 */
#pragma once

#include "daemon/config/config.h"
#include "lib/protocol/faults.h"

/* id, the name that is printed and that the manual explains */
#define LINT_CODES(X) \
	X(NEVER_REACHED, "never-reached") \
	X(TIMEOUT_OVER_DEADLINE, "timeout-over-deadline") \
	X(INTERVAL_UNDER_DEADLINE, "interval-under-deadline") \
	X(LARGE_BODY, "large-body") \
	X(RULE_NAMES_NOBODY, "rule-names-nobody") \
	X(RULE_WITHOUT_EFFECT, "rule-without-effect") \
	X(SOCKET_SHUTS_OUT, "socket-shuts-out") \
	X(ALLOWED_BUT_DENIED, "allowed-but-denied") \
	X(FILE_NOT_READ, "file-not-read") \
	X(READABLE_SECRET, "readable-secret") \
	X(SECRET_OVER_HTTP, "secret-over-http") \
	X(CERTIFICATE_NOT_VERIFIED, "certificate-not-verified") \
	X(SHARED_REPORT, "shared-report")

enum lint_code {
#define X(id, name) LINT_##id,
	LINT_CODES(X)
#undef X
	LINT_N_CODES
};

/* Their names. */
extern const char *const lint_names[LINT_N_CODES];

/**
 * config_lint() - look for what is legal, but hardly meant
 * @config:   the numbers of accounts are known
 * @path:     what it was loaded from: folders beside it are looked at, and who may read the files; NULL: nothing
 * @warnings: an empty list, filled with faults that have a code, in the order of their places; borrows from @config
 *
 * Errors: -ENOMEM
 */
int config_lint(const struct config *config, const char *path, struct faults *warnings);
