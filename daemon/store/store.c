/* SPDX-License-Identifier: MIT */
/*
 * The only file that knows SQLite. Each statement is prepared once and kept; a call binds, steps and resets
 * it. A failed call leaves the transaction to its caller, who rolls it back: nothing here goes on after an
 * error.
 */
#include "daemon/store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	application_id = 0x66646264, /* "fdbd": file(1) and we know the file by it */
	results_a_step = 500,
	path_cap = 4096,
};

/* ---- the schema ---- */

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
};

#define BATCH_COLUMNS \
	"number, id, uid, key, key_hash, name, policy, accepted_ns, deadline_ns, n_urls," \
	" outcome, elapsed_ns, n_ok, n_failed, n_timeout, n_cancelled"

#define STATEMENTS(X) \
	X(BEGIN, "BEGIN IMMEDIATE") \
	X(COMMIT, "COMMIT") \
	X(ROLLBACK, "ROLLBACK") \
	X(TRIM_LOG, "PRAGMA wal_checkpoint(TRUNCATE)") \
	X(USED, "SELECT (p.page_count - f.freelist_count) * s.page_size" \
		" FROM pragma_page_count() AS p, pragma_freelist_count() AS f," \
		" pragma_page_size() AS s") \
	X(FIND_NAMESAKE, "SELECT id, key_hash FROM batch WHERE uid = ?1 AND key = ?2") \
	X(ADD_BATCH, "INSERT INTO batch (id, uid, key, key_hash, name, policy, accepted_ns," \
		     " deadline_ns, n_urls) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
	X(ADD_REQUEST, "INSERT INTO request VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11," \
		       " ?12, ?13, ?14)") \
	X(START_URL, "INSERT OR IGNORE INTO started VALUES (?1, ?2)") \
	X(ADD_RESULT, "INSERT INTO result VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(END_BATCH, "UPDATE batch SET outcome = ?2, elapsed_ns = ?3, n_ok = ?4, n_failed = ?5," \
		     " n_timeout = ?6, n_cancelled = ?7, ended_ns = ?8 WHERE number = ?1") \
	X(ERASE_REQUEST, "DELETE FROM request WHERE batch = ?1") \
	X(ERASE_STARTED, "DELETE FROM started WHERE batch = ?1") \
	X(EXPIRE_OLD, "UPDATE batch SET is_expired = 1, key = NULL" \
		      " WHERE outcome >= 0 AND NOT is_expired AND ended_ns < ?1") \
	X(EXPIRE_OLDEST, "UPDATE batch SET is_expired = 1, key = NULL WHERE number =" \
			 " (SELECT number FROM batch WHERE outcome >= 0 AND NOT is_expired" \
			 " ORDER BY ended_ns LIMIT 1)") \
	X(FIND_EXPIRED, "SELECT number FROM batch WHERE is_expired LIMIT 1") \
	X(DELETE_RESULTS, "DELETE FROM result WHERE batch = ?1 AND seq IN" \
			  " (SELECT seq FROM result WHERE batch = ?1 LIMIT ?2)") \
	X(DELETE_BATCH, "DELETE FROM batch WHERE number = ?1") \
	X(EACH_UNFINISHED, "SELECT " BATCH_COLUMNS " FROM batch WHERE outcome < 0 ORDER BY id") \
	X(EACH_ENDED, "SELECT " BATCH_COLUMNS " FROM batch" \
		      " WHERE (?1 IS NULL OR id < ?1) AND (?2 < 0 OR uid = ?2)" \
		      " AND outcome >= 0 AND NOT is_expired ORDER BY id DESC LIMIT ?3") \
	X(FIND_ENDED, "SELECT " BATCH_COLUMNS " FROM batch" \
		      " WHERE id = ?1 AND outcome >= 0 AND NOT is_expired") \
	X(EACH_RESULT, "SELECT seq, idx, outcome, text FROM result WHERE batch = ?1 ORDER BY seq") \
	X(EACH_STARTED, "SELECT idx FROM started WHERE batch = ?1 ORDER BY idx") \
	X(READ_REQUEST, "SELECT kind, query, body, deadline_ns, timeout_ns, connect_timeout_ns," \
			" concurrency, per_origin, redirects, max_urls, max_in_flight," \
			" max_per_origin, max_body FROM request WHERE batch = ?1") \
	X(LAST_ID, "SELECT max(id) FROM batch")

enum statement {
#define X(name, sql) STATEMENT_##name,
	STATEMENTS(X)
#undef X
	N_STATEMENTS,
};

static const char *const statement_texts[] = {
#define X(name, sql) sql,
	STATEMENTS(X)
#undef X
};

/*
 * is_open     a transaction is
 * has_erased  something, since the log was cut
 * why         of the last error
 */
struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[N_STATEMENTS];
	int64_t max_size;
	bool is_open;
	bool has_erased;
	char why[256];
};

/* ---- errors ---- */

static int
code_of(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EROFS;
	case SQLITE_TOOBIG:
		return -EFBIG;
	default:
		return sqlite_code == SQLITE_IOERR_NOMEM ? -ENOMEM : -EIO;
	}
}

/* Writes down what SQLite says, while it does. */
static int
fail(struct store *store)
{
	int number = sqlite3_system_errno(store->db);

	(void)snprintf(store->why, sizeof(store->why), "%s%s%s", sqlite3_errmsg(store->db),
		number ? ": " : "", number ? strerror(number) : "");
	return code_of(sqlite3_extended_errcode(store->db));
}

const char *
store_why(struct store *store)
{
	return store->why;
}

/* ---- statements ---- */

/* An absent text is NULL; an absent blob would be an empty one. */
struct binding {
	sqlite3_stmt *statement;
	int n;
	int error;
};

static void
note(struct binding *binding, int r)
{
	if (r != SQLITE_OK) {
		binding->error = r;
	}
}

static struct binding
use(struct store *store, enum statement which)
{
	return (struct binding){ store->statements[which], 0, SQLITE_OK };
}

static void
bind_integer(struct binding *binding, int64_t value)
{
	note(binding, sqlite3_bind_int64(binding->statement, ++binding->n, value));
}

static void
bind_text(struct binding *binding, const char *text)
{
	note(binding, sqlite3_bind_text(binding->statement, ++binding->n, text, -1, SQLITE_STATIC));
}

static void
bind_text_of(struct binding *binding, const char *text, size_t len)
{
	note(binding, sqlite3_bind_text64(binding->statement, ++binding->n, text, len,
			      SQLITE_STATIC, SQLITE_UTF8));
}

static void
bind_blob(struct binding *binding, const char *data, size_t len)
{
	note(binding, sqlite3_bind_blob64(binding->statement, ++binding->n, len ? data : "", len,
			      SQLITE_STATIC));
}

/* Return: 1 with a row, 0 at the end, or an error; after 0 or an error nothing is bound any more. */
static int
step(struct store *store, struct binding *binding)
{
	int r = binding->error;

	if (r == SQLITE_OK) {
		r = sqlite3_step(binding->statement);
	}
	if (r == SQLITE_ROW) {
		return 1;
	}
	r = r == SQLITE_DONE ? 0 : fail(store);
	(void)sqlite3_reset(binding->statement); /* repeats the error of the step */
	(void)sqlite3_clear_bindings(binding->statement);
	return r;
}

/* After a row, when no more is wanted. */
static void
leave(struct binding *binding)
{
	(void)sqlite3_reset(binding->statement);
	(void)sqlite3_clear_bindings(binding->statement);
}

static int
run(struct store *store, enum statement which)
{
	struct binding binding = use(store, which);
	int r;

	do {
		r = step(store, &binding);
	} while (r == 1);
	return r;
}

/* Of a statement with one integer as its argument. */
static int
run_for(struct store *store, enum statement which, int64_t argument)
{
	struct binding binding = use(store, which);

	bind_integer(&binding, argument);
	return step(store, &binding);
}

static int64_t
integer_at(const struct binding *binding, int column)
{
	return sqlite3_column_int64(binding->statement, column);
}

static const char *
text_at(const struct binding *binding, int column)
{
	return (const char *)sqlite3_column_text(binding->statement, column);
}

/* ---- transactions ---- */

int
store_begin(struct store *store)
{
	int r = run(store, STATEMENT_BEGIN);

	store->is_open = r == 0;
	return r;
}

int
store_commit(struct store *store)
{
	int r = run(store, STATEMENT_COMMIT);

	store->is_open = r < 0;
	return r;
}

void
store_rollback(struct store *store)
{
	char why[sizeof(store->why)];

	memcpy(why, store->why, sizeof(why));
	if (store->is_open && !sqlite3_get_autocommit(store->db)) {
		(void)run(store, STATEMENT_ROLLBACK); /* what fails now is gone by itself */
	}
	store->is_open = false;
	memcpy(store->why, why, sizeof(why));
}

bool
store_needs_trim(const struct store *store)
{
	return store->has_erased;
}

int
store_trim_log(struct store *store)
{
	store->has_erased = false;
	return run(store, STATEMENT_TRIM_LOG);
}

/* What cannot be found out is no reason to refuse: the next write says more. */
static int64_t
used(struct store *store)
{
	struct binding binding = use(store, STATEMENT_USED);
	int64_t size = 0;

	if (step(store, &binding) == 1) {
		size = integer_at(&binding, 0);
		leave(&binding);
	}
	return size;
}

bool
store_is_full(struct store *store)
{
	return used(store) >= store->max_size;
}

bool
store_is_filling(struct store *store)
{
	return used(store) >= store->max_size / 10 * 9;
}

/* ---- writing ---- */

static int
find_namesake(
	struct store *store, const struct store_batch *batch, struct store_namesake *ret_namesake)
{
	struct binding binding = use(store, STATEMENT_FIND_NAMESAKE);
	int r;

	bind_integer(&binding, batch->uid);
	bind_text(&binding, batch->key);
	r = step(store, &binding);
	if (r == 1) {
		(void)snprintf(
			ret_namesake->id, sizeof(ret_namesake->id), "%s", text_at(&binding, 0));
		ret_namesake->key_hash = integer_at(&binding, 1);
		leave(&binding);
	}
	return r;
}

static int
add_batch(struct store *store, const struct store_batch *batch)
{
	struct binding binding = use(store, STATEMENT_ADD_BATCH);

	bind_text(&binding, batch->id);
	bind_integer(&binding, batch->uid);
	bind_text(&binding, batch->key);
	bind_integer(&binding, batch->key_hash);
	bind_text(&binding, batch->name);
	bind_integer(&binding, batch->policy);
	bind_integer(&binding, batch->accepted_ns);
	bind_integer(&binding, batch->deadline_ns);
	bind_integer(&binding, batch->n_urls);
	return step(store, &binding);
}

static int
add_request(struct store *store, int64_t number, const struct store_request *request)
{
	struct binding binding = use(store, STATEMENT_ADD_REQUEST);

	bind_integer(&binding, number);
	bind_integer(&binding, request->kind);
	bind_text(&binding, request->query);
	bind_blob(&binding, request->body, request->body_len);
	bind_integer(&binding, request->deadline_ns);
	bind_integer(&binding, request->timeout_ns);
	bind_integer(&binding, request->connect_timeout_ns);
	bind_integer(&binding, request->concurrency);
	bind_integer(&binding, request->per_origin);
	bind_integer(&binding, request->redirects);
	bind_integer(&binding, request->max_urls);
	bind_integer(&binding, request->max_in_flight);
	bind_integer(&binding, request->max_per_origin);
	bind_integer(&binding, request->max_body);
	return step(store, &binding);
}

int
store_accept(struct store *store, const struct store_batch *batch,
	const struct store_request *request, int64_t *ret_number,
	struct store_namesake *ret_namesake)
{
	int r = batch->key ? find_namesake(store, batch, ret_namesake) : 0;

	if (r != 0) {
		return r < 0 ? r : 0;
	}
	r = add_batch(store, batch);
	if (r < 0) {
		return r;
	}
	*ret_number = sqlite3_last_insert_rowid(store->db);
	r = add_request(store, *ret_number, request);
	return r < 0 ? r : 1;
}

int
store_start_url(struct store *store, int64_t number, size_t index)
{
	struct binding binding = use(store, STATEMENT_START_URL);

	bind_integer(&binding, number);
	bind_integer(&binding, (int64_t)index);
	return step(store, &binding);
}

int
store_add_result(struct store *store, int64_t number, const struct store_result *result)
{
	struct binding binding = use(store, STATEMENT_ADD_RESULT);

	bind_integer(&binding, number);
	bind_integer(&binding, (int64_t)result->seq);
	bind_integer(&binding, (int64_t)result->index);
	bind_integer(&binding, result->outcome);
	bind_text_of(&binding, result->text, result->len);
	return step(store, &binding);
}

int
store_end_batch(struct store *store, const struct store_batch *batch, int64_t ended_ns)
{
	struct binding binding = use(store, STATEMENT_END_BATCH);
	int r;

	store->has_erased = true;
	bind_integer(&binding, batch->number);
	bind_integer(&binding, batch->outcome);
	bind_integer(&binding, batch->elapsed_ns);
	for (size_t i = 0; i < ARRAY_LEN(batch->n_outcomes); i++) {
		bind_integer(&binding, batch->n_outcomes[i]);
	}
	bind_integer(&binding, ended_ns);
	r = step(store, &binding);
	if (r == 0) {
		r = run_for(store, STATEMENT_ERASE_REQUEST, batch->number);
	}
	if (r == 0) {
		r = run_for(store, STATEMENT_ERASE_STARTED, batch->number);
	}
	return r;
}

/* Return: 1 with the number of a batch that is to go, 0 without, or an error. */
static int
find_expired(struct store *store, int64_t *ret_number)
{
	struct binding binding = use(store, STATEMENT_FIND_EXPIRED);
	int r = step(store, &binding);

	if (r == 1) {
		*ret_number = integer_at(&binding, 0);
		leave(&binding);
	}
	return r;
}

static int
delete_some(struct store *store, int64_t number)
{
	struct binding binding = use(store, STATEMENT_DELETE_RESULTS);
	int r;

	bind_integer(&binding, number);
	bind_integer(&binding, results_a_step);
	r = step(store, &binding);
	if (r == 0 && sqlite3_changes(store->db) < results_a_step) {
		r = run_for(store, STATEMENT_DELETE_BATCH, number);
	}
	return r < 0 ? r : 1;
}

int
store_expire(struct store *store, int64_t ended_before)
{
	int64_t number = 0;
	int r = run_for(store, STATEMENT_EXPIRE_OLD, ended_before);

	if (r == 0) {
		r = find_expired(store, &number);
	}
	if (r == 0 && store_is_filling(store)) {
		r = run(store, STATEMENT_EXPIRE_OLDEST);
		if (r == 0) {
			r = find_expired(store, &number);
		}
	}
	return r == 1 ? delete_some(store, number) : r;
}

/* ---- reading ---- */

static struct store_batch
batch_at(const struct binding *row)
{
	return (struct store_batch){
		.number = integer_at(row, 0),
		.id = text_at(row, 1),
		.uid = (uid_t)integer_at(row, 2),
		.key = text_at(row, 3),
		.key_hash = integer_at(row, 4),
		.name = text_at(row, 5),
		.policy = (int)integer_at(row, 6),
		.accepted_ns = integer_at(row, 7),
		.deadline_ns = integer_at(row, 8),
		.n_urls = integer_at(row, 9),
		.outcome = (int)integer_at(row, 10),
		.elapsed_ns = integer_at(row, 11),
		.n_outcomes = { integer_at(row, 12), integer_at(row, 13), integer_at(row, 14),
			integer_at(row, 15) },
	};
}

/* Return: how many there were, or an error. */
static int
each_batch(struct store *store, struct binding *binding, store_batch_fn fn, void *user)
{
	int n = 0;
	int r;

	while ((r = step(store, binding)) == 1) {
		const struct store_batch batch = batch_at(binding);

		r = fn(user, &batch);
		if (r < 0) {
			leave(binding);
			return r;
		}
		n++;
	}
	return r < 0 ? r : n;
}

int
store_each_unfinished(struct store *store, store_batch_fn fn, void *user)
{
	struct binding binding = use(store, STATEMENT_EACH_UNFINISHED);
	int r = each_batch(store, &binding, fn, user);

	return r < 0 ? r : 0;
}

int
store_each_ended(struct store *store, const char *id, int64_t uid, size_t limit, store_batch_fn fn,
	void *user)
{
	struct binding binding = use(store, STATEMENT_EACH_ENDED);
	int r;

	bind_text(&binding, id);
	bind_integer(&binding, uid);
	bind_integer(&binding, (int64_t)limit);
	r = each_batch(store, &binding, fn, user);
	return r < 0 ? r : 0;
}

int
store_find_ended(struct store *store, const char *id, store_batch_fn fn, void *user)
{
	struct binding binding = use(store, STATEMENT_FIND_ENDED);

	bind_text(&binding, id);
	return each_batch(store, &binding, fn, user);
}

int
store_each_result(struct store *store, int64_t number, store_result_fn fn, void *user)
{
	struct binding binding = use(store, STATEMENT_EACH_RESULT);
	int r;

	bind_integer(&binding, number);
	while ((r = step(store, &binding)) == 1) {
		const struct store_result result = {
			.seq = (size_t)integer_at(&binding, 0),
			.index = (size_t)integer_at(&binding, 1),
			.outcome = (int)integer_at(&binding, 2),
			.text = text_at(&binding, 3),
			.len = (size_t)sqlite3_column_bytes(binding.statement, 3),
		};

		r = fn(user, &result);
		if (r < 0) {
			leave(&binding);
			return r;
		}
	}
	return r;
}

int
store_each_started(struct store *store, int64_t number, store_index_fn fn, void *user)
{
	struct binding binding = use(store, STATEMENT_EACH_STARTED);
	int r;

	bind_integer(&binding, number);
	while ((r = step(store, &binding)) == 1) {
		r = fn(user, (size_t)integer_at(&binding, 0));
		if (r < 0) {
			leave(&binding);
			return r;
		}
	}
	return r;
}

int
store_read_request(struct store *store, int64_t number,
	int (*fn)(void *user, const struct store_request *request), void *user)
{
	struct binding binding = use(store, STATEMENT_READ_REQUEST);
	int r;

	bind_integer(&binding, number);
	r = step(store, &binding);
	if (r == 1) {
		const struct store_request request = {
			.kind = (int)integer_at(&binding, 0),
			.query = text_at(&binding, 1),
			.body = sqlite3_column_blob(binding.statement, 2),
			.body_len = (size_t)sqlite3_column_bytes(binding.statement, 2),
			.deadline_ns = integer_at(&binding, 3),
			.timeout_ns = integer_at(&binding, 4),
			.connect_timeout_ns = integer_at(&binding, 5),
			.concurrency = integer_at(&binding, 6),
			.per_origin = integer_at(&binding, 7),
			.redirects = integer_at(&binding, 8),
			.max_urls = integer_at(&binding, 9),
			.max_in_flight = integer_at(&binding, 10),
			.max_per_origin = integer_at(&binding, 11),
			.max_body = integer_at(&binding, 12),
		};

		r = fn(user, &request);
		leave(&binding);
		return r < 0 ? r : 1;
	}
	return r;
}

int
store_last_id(struct store *store, char *id, size_t cap)
{
	struct binding binding = use(store, STATEMENT_LAST_ID);
	int r = step(store, &binding);

	if (r == 1) {
		const char *text = text_at(&binding, 0);

		(void)snprintf(id, cap, "%s", text ? text : "");
		leave(&binding);
		r = 0;
	}
	return r;
}

/* ---- opening ---- */

static int
sync_folder(const char *folder)
{
	_cleanup_(closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* The files that SQLite makes beside it get its mode. */
static int
make_file(const char *folder, const char *path)
{
	_cleanup_(closep) int fd = -1;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
		return -errno;
	}
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 0600) < 0) {
		return -errno;
	}
	return sync_folder(folder);
}

static int
execute(struct store *store, const char *sql)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(store);
}

static int
query_integer(struct store *store, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *statement = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK ||
		sqlite3_step(statement) != SQLITE_ROW) {
		r = fail(store);
	} else {
		*ret_value = sqlite3_column_int64(statement, 0);
	}
	(void)sqlite3_finalize(statement); /* repeats the error of the step */
	return r;
}

/* Inside a transaction, so that a start that is cut short leaves the version it found. */
static int
bring_up(struct store *store)
{
	char sql[64];
	int64_t version = 0;
	int64_t owner = 0;
	int64_t n_tables = 0;
	int r = query_integer(store, "PRAGMA user_version", &version);

	if (r == 0) {
		r = query_integer(store, "PRAGMA application_id", &owner);
	}
	if (r == 0) {
		r = query_integer(store, "SELECT count(*) FROM sqlite_schema", &n_tables);
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
		r = execute(store, versions[i]);
	}
	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %zu",
		(int)application_id, ARRAY_LEN(versions));
	return r < 0 ? r : execute(store, sql);
}

static int
prepare_all(struct store *store)
{
	for (size_t i = 0; i < N_STATEMENTS; i++) {
		if (sqlite3_prepare_v3(store->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &store->statements[i], NULL) != SQLITE_OK) {
			return fail(store);
		}
	}
	return 0;
}

static int
set_up(struct store *store)
{
	int r = execute(store, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
			       "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
			       "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
			       "PRAGMA cell_size_check = ON; BEGIN IMMEDIATE");

	if (r == 0) {
		r = bring_up(store);
	}
	if (r == 0) {
		r = execute(store, "COMMIT");
	}
	return r < 0 ? r : prepare_all(store);
}

static int
open_file(struct store *store, const char *path)
{
	int r = sqlite3_open_v2(path, &store->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
			SQLITE_OPEN_EXRESCODE,
		NULL);

	if (!store->db) {
		return -ENOMEM;
	}
	return r == SQLITE_OK ? set_up(store) : fail(store);
}

int
store_open(const char *folder, int64_t max_size, struct store **ret_store, char *why, size_t cap)
{
	_cleanup_(store_closep) struct store *store = calloc(1, sizeof(*store));
	_cleanup_(freep) char *path = malloc(path_cap);
	int r;

	if (!store || !path) {
		(void)snprintf(why, cap, "out of memory");
		return -ENOMEM;
	}
	store->max_size = max_size;
	if ((size_t)snprintf(path, path_cap, "%s/" STORE_FILE, folder) >= path_cap) {
		(void)snprintf(why, cap, "%s: %s", folder, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	r = make_file(folder, path);
	if (r < 0) {
		(void)snprintf(why, cap, "%s: %s", path, strerror(-r));
		return r;
	}
	r = open_file(store, path);
	if (r < 0) {
		(void)snprintf(why, cap, "%s: %s", path,
			r == -EBUSY ? "another process has it" : store->why);
		return r;
	}
	*ret_store = steal(&store);
	return 0;
}

void
store_close(struct store *store)
{
	if (!store) {
		return;
	}
	for (size_t i = 0; i < N_STATEMENTS; i++) {
		(void)sqlite3_finalize(store->statements[i]); /* repeats old errors */
	}
	(void)sqlite3_close(store->db); /* what was committed is in the log, at the least */
	free(store);
}
