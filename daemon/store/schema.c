/* SPDX-License-Identifier: MIT */
#include "daemon/store/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/store/sql.h"
#include "lib/base/cleanup.h"

enum {
	application_id = 0x66646264, /* "fdbd": file(1) and we know the file by it */
};

/* One script from each version to the next. What has been released is not changed any more: append. */
static const char *const versions[] = {
	"CREATE TABLE batch ("
	" number INTEGER PRIMARY KEY,"
	" id TEXT NOT NULL UNIQUE,"
	" uid INTEGER NOT NULL,"
	" key TEXT,"
	" key_hash INTEGER NOT NULL,"
	" name TEXT,"
	" policy INTEGER NOT NULL,"
	" accepted_ns INTEGER NOT NULL,"
	" deadline_ns INTEGER NOT NULL,"
	" n_urls INTEGER NOT NULL,"
	" outcome INTEGER NOT NULL DEFAULT -1,"
	" elapsed_ns INTEGER NOT NULL DEFAULT 0,"
	" n_ok INTEGER NOT NULL DEFAULT 0,"
	" n_failed INTEGER NOT NULL DEFAULT 0,"
	" n_timeout INTEGER NOT NULL DEFAULT 0,"
	" n_cancelled INTEGER NOT NULL DEFAULT 0,"
	" ended_ns INTEGER NOT NULL DEFAULT 0,"
	" is_expired INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE UNIQUE INDEX batch_key ON batch (uid, key) WHERE key IS NOT NULL;"
	"CREATE INDEX batch_unfinished ON batch (id) WHERE outcome < 0;"
	"CREATE INDEX batch_ended ON batch (ended_ns) WHERE outcome >= 0 AND NOT is_expired;"
	"CREATE INDEX batch_expired ON batch (number) WHERE is_expired;"
	"CREATE TABLE request ("
	" batch INTEGER PRIMARY KEY,"
	" kind INTEGER NOT NULL,"
	" query TEXT,"
	" body BLOB NOT NULL,"
	" deadline_ns INTEGER NOT NULL,"
	" timeout_ns INTEGER NOT NULL,"
	" connect_timeout_ns INTEGER NOT NULL,"
	" concurrency INTEGER NOT NULL,"
	" per_origin INTEGER NOT NULL,"
	" redirects INTEGER NOT NULL,"
	" max_urls INTEGER NOT NULL,"
	" max_in_flight INTEGER NOT NULL,"
	" max_per_origin INTEGER NOT NULL,"
	" max_body INTEGER NOT NULL) STRICT;"
	"CREATE TABLE started (batch INTEGER NOT NULL, idx INTEGER NOT NULL,"
	" PRIMARY KEY (batch, idx)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE result (batch INTEGER NOT NULL, seq INTEGER NOT NULL, idx INTEGER NOT NULL,"
	" outcome INTEGER NOT NULL, text TEXT NOT NULL,"
	" PRIMARY KEY (batch, seq), UNIQUE (batch, idx)) STRICT, WITHOUT ROWID;",

	/* usage is the sum of its users' batches, whoever changes those: it need not be counted at a start. */
	"ALTER TABLE batch ADD COLUMN n_bytes INTEGER NOT NULL DEFAULT 0;"
	"UPDATE batch SET n_bytes ="
	" ifnull((SELECT sum(length(CAST(text AS BLOB))) FROM result WHERE batch = number), 0) +"
	" ifnull((SELECT length(body) + ifnull(length(CAST(query AS BLOB)), 0)"
	" FROM request WHERE batch = number), 0);"
	"CREATE TABLE usage (uid INTEGER PRIMARY KEY, n_bytes INTEGER NOT NULL) STRICT;"
	"INSERT INTO usage SELECT uid, sum(n_bytes) FROM batch GROUP BY uid;"
	"CREATE TRIGGER batch_comes AFTER INSERT ON batch BEGIN"
	" INSERT INTO usage VALUES (new.uid, new.n_bytes)"
	" ON CONFLICT (uid) DO UPDATE SET n_bytes = n_bytes + new.n_bytes;"
	" END;"
	"CREATE TRIGGER batch_changes AFTER UPDATE OF n_bytes ON batch BEGIN"
	" UPDATE usage SET n_bytes = n_bytes + new.n_bytes - old.n_bytes WHERE uid = new.uid;"
	" END;"
	"CREATE TRIGGER batch_goes AFTER DELETE ON batch BEGIN"
	" UPDATE usage SET n_bytes = n_bytes - old.n_bytes WHERE uid = old.uid;"
	" END;",

	/* Of what was accepted before there were levels, the one that may do the least. */
	"ALTER TABLE request ADD COLUMN level INTEGER NOT NULL DEFAULT 2;",

	"CREATE TABLE paused (job TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;",

	/* Who has few batches among many of others' must not have all of them looked at. */
	"CREATE INDEX batch_of_user ON batch (uid, id) WHERE outcome >= 0 AND NOT is_expired;",
};

/* Inside a transaction, so that a start that is cut short leaves the version it found. */
int
schema_bring_up(struct store *store)
{
	char sql[64];
	int64_t version = 0;
	int64_t owner = 0;
	int64_t n_tables = 0;
	int r = sql_query_integer(store, "PRAGMA user_version", &version);

	if (r == 0) {
		r = sql_query_integer(store, "PRAGMA application_id", &owner);
	}
	if (r == 0) {
		r = sql_query_integer(store, "SELECT count(*) FROM sqlite_schema", &n_tables);
	}
	if (r < 0) {
		return r;
	}
	if (owner != application_id && (owner != 0 || version != 0 || n_tables != 0)) {
		(void)snprintf(store->why, sizeof(store->why), "this is no store of fetchd");
		return -EBADMSG;
	}
	if (version > (int64_t)ARRAY_LEN(versions)) {
		(void)snprintf(store->why, sizeof(store->why),
			"made by a later fetchd (version %" PRId64 " of the store, %zu is known)",
			version, ARRAY_LEN(versions));
		return -EPROTONOSUPPORT;
	}
	if (version == (int64_t)ARRAY_LEN(versions)) {
		return 0; /* nothing is written: a full disk is no reason not to start */
	}
	for (size_t i = (size_t)version; r == 0 && i < ARRAY_LEN(versions); i++) {
		r = sql_execute(store, versions[i]);
	}
	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %zu",
		(int)application_id, ARRAY_LEN(versions));
	return r < 0 ? r : sql_execute(store, sql);
}
