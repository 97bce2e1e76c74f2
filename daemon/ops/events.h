/* SPDX-License-Identifier: MIT */
/*
 * What operators wait for, by numbers that stay: the MESSAGE_ID of a message in the journal.
 *
 *	journalctl MESSAGE_ID=…      all of one kind
 *	journalctl -x                with what systemd/fetchd.catalog says of them
 */
#pragma once

#define EVENT_SERVING      "53fadd0faf7b405ca8a8462fba7848fa"
#define EVENT_STOPPING     "e1244c97a56a4729b620597cb03fa19b"
#define EVENT_DRAIN_LATE   "e43cdb2abff54cbeaa0abbf5741c830c"
#define EVENT_RELOADED     "3b0af841518b4efb9c2e1e6bf9dc41df"
#define EVENT_NOT_RELOADED "906ed96e3bd0463dadd6b4dd05e2a37c"
#define EVENT_CALLERS_AWAY "02ec15ca780d43d09c367dd2f555ebaf"
#define EVENT_FORBIDDEN    "ce83449ddb7444ba8da0ec8943be6052"
#define EVENT_JOB_FAILED   "5704524634184eed88747c4d1367750a"
#define EVENT_JOB_OK       "44c4589975914b41981d8677402d8270"
#define EVENT_STORE_FAILED "079349a3d2ca4252be6e71ec32840ab5"

/* EVENT() - the field of a message that says which it is */
#define EVENT(name) \
	{ \
		"MESSAGE_ID", EVENT_##name \
	}
