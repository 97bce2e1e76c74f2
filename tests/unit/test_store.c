/* SPDX-License-Identifier: MIT */
/*
 * The store's file: what is in it after which call, and after which failure. What SQLite asks of the kernel to
 * write and to sync comes through this program, which fails one call of it at a time; so does what it asks of memory.
 */
#include "tests/support/test.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/store/store.h"
#include "lib/base/buffer.h"

/* ---- the failing kernel ---- */

/*
 * n_left    calls that succeed before one fails, and all after it; -1: none does
 * is_quick  syncs are not waited for
 */
static struct {
	int n_left;
	int error;
	int n_calls;
	bool is_quick;
} disk = { .n_left = -1 };

static bool
fails(void)
{
	disk.n_calls++;
	if (disk.n_left != 0) {
		disk.n_left -= disk.n_left > 0;
		return false;
	}
	errno = disk.error;
	return true;
}

/* With 64-bit offsets, which everybody is built with, this is pwrite64(). */
ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return fails() ? -1 : syscall(SYS_pwrite64, fd, data, len, offset);
}

int
fsync(int fd)
{
	return fails() ? -1 : disk.is_quick ? 0 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return fails() ? -1 : disk.is_quick ? 0 : (int)syscall(SYS_fdatasync, fd);
}

/* ---- failing memory ---- */

/*
 * n_left     allocations of SQLite that succeed before one fails; negative: none does
 * is_lasting  all after it fail, too
 */
static struct {
	sqlite3_mem_methods real;
	int n_left;
	bool is_lasting;
	bool has_failed;
} memory = { .n_left = -1 };

static bool
is_lacking(void)
{
	bool is = memory.n_left == 0;

	if (!is || !memory.is_lasting) {
		memory.n_left -= memory.n_left >= 0;
	}
	memory.has_failed = memory.has_failed || is;
	return is;
}

static void *
allocate(int n)
{
	return is_lacking() ? NULL : memory.real.xMalloc(n);
}

static void *
reallocate(void *p, int n)
{
	return is_lacking() ? NULL : memory.real.xRealloc(p, n);
}

/* Before SQLite is used for the first time. Each allocation is one: none comes from a pool. */
static void
take_over_memory(void)
{
	sqlite3_mem_methods ours;

	if (memory.real.xMalloc) {
		return;
	}
	ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory.real), SQLITE_OK);
	ours = memory.real;
	ours.xMalloc = allocate;
	ours.xRealloc = reallocate;
	ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours), SQLITE_OK);
	ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
}

/* ---- a store in a folder of its own ---- */

static char folder[32];
static struct store *store;
static char why[256];

static int
open_with(int64_t max_size)
{
	store = NULL;
	return store_open(folder, max_size, &store, why, sizeof(why));
}

static void
reopen(void)
{
	store_close(store);
	ck_assert_msg(open_with(INT64_C(1) << 30) == 0, "%s", why);
}

static void
setup(void)
{
	disk.n_left = -1;
	disk.is_quick = false;
	take_over_memory();
	(void)snprintf(folder, sizeof(folder), "/tmp/store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	store = NULL;
	reopen();
}

static void
remove_files(void)
{
	static const char *const names[] = { STORE_FILE, STORE_FILE "-wal", STORE_FILE "-journal" };
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path); /* it need not be there */
	}
}

static void
teardown(void)
{
	disk.n_left = -1;
	store_close(store);
	remove_files();
	ck_assert_int_eq(rmdir(folder), 0);
}

static const struct store_request plain_request = {
	.kind = 1,
	.query = "policy=collect",
	.body = "SECRET-OF-THE-BODY",
	.body_len = 18,
	.deadline_ns = 1,
	.timeout_ns = 2,
	.connect_timeout_ns = 3,
	.concurrency = 4,
	.per_origin = 5,
	.redirects = 6,
	.max_urls = 7,
	.max_in_flight = 8,
	.max_per_origin = 9,
	.max_body = 10,
	.max_stored = INT64_MAX,
	.level = 3,
};

#define REQUEST_BYTES 32 /* of its body and its query */

/* A batch by its id; the user's key is the id, too. Return: its number, 0 when it is refused, or an error. */
static int64_t
accept_one(const char *id)
{
	const struct store_batch batch = {
		.id = id, .uid = 7, .key = id, .key_hash = 70, .name = "n", .policy = 1,
		.accepted_ns = 100, .deadline_ns = 50, .n_urls = 3,
	};
	struct store_namesake namesake;
	int64_t number = 0;
	int r = store_begin(store);

	if (r == 0) {
		r = store_accept(store, &batch, &plain_request, &number, &namesake);
	}
	if (r == STORE_ACCEPTED) {
		r = store_commit(store);
		return r < 0 ? r : number;
	}
	store_rollback(store);
	return r < 0 ? r : 0;
}

static int
add_result(int64_t number, size_t seq, size_t index)
{
	const struct store_result result = {
		.seq = seq, .index = index, .outcome = 1, .text = "{\"a\":1}", .len = 7
	};
	int r = store_begin(store);

	if (r == 0) {
		r = store_add_result(store, number, &result);
	}
	if (r == 0) {
		r = store_commit(store);
	}
	if (r < 0) {
		store_rollback(store);
	}
	return r;
}

static int
end_one(int64_t number, int64_t ended_ns)
{
	const struct store_batch batch = {
		.number = number, .outcome = 1, .elapsed_ns = 9, .n_outcomes = { 1, 2, 3, 4 }
	};
	int r = store_begin(store);

	if (r == 0) {
		r = store_end_batch(store, &batch, ended_ns);
	}
	if (r == 0) {
		r = store_commit(store);
	}
	if (r < 0) {
		store_rollback(store);
	}
	return r;
}

/* What the callbacks saw, in words. */
static struct buffer seen;

static const char *
take_seen(void)
{
	static char text[512];

	(void)snprintf(text, sizeof(text), "%s", seen.data ? seen.data : "");
	buffer_fini(&seen);
	return text;
}

static int
see_batch(void *user, const struct store_batch *batch)
{
	buffer_printf(&seen, "%s:%d ", batch->id, batch->outcome);
	if (user) {
		*(struct store_batch *)user = *batch;
	}
	return 0;
}

static int
see_result(void *user, const struct store_result *result)
{
	buffer_printf(&seen, "%zu=%zu:%d:%.*s ", result->seq, result->index, result->outcome,
		(int)result->len, result->text);
	return 0;
}

static int
see_index(void *user, size_t index)
{
	buffer_printf(&seen, "%zu ", index);
	return 0;
}

static int
see_request(void *user, const struct store_request *request)
{
	buffer_printf(&seen, "%d %s %.*s %d", request->kind, request->query, (int)request->body_len,
		request->body,
		(int)(request->deadline_ns + request->timeout_ns + request->connect_timeout_ns +
			request->concurrency + request->per_origin + request->redirects +
			request->max_urls + request->max_in_flight + request->max_per_origin +
			request->max_body + request->level));
	return 0;
}

static const char *
unfinished(void)
{
	ck_assert_int_eq(store_each_unfinished(store, see_batch, NULL), 0);
	return take_seen();
}

static const char *
ended(void)
{
	ck_assert_int_eq(store_each_ended(store, NULL, -1, 100, see_batch, NULL), 0);
	return take_seen();
}

/* ---- tests ---- */

START_TEST(a_store_is_its_owners_alone)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, folder);
	ck_assert_int_eq(chmod(path, 0644), 0);
	reopen();

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_store_is_one_process_alone)
{
	struct store *second = NULL;

	ck_assert_int_eq(store_open(folder, 1 << 20, &second, why, sizeof(why)), -EBUSY);
	ck_assert_ptr_nonnull(strstr(why, "another process"));
}
END_TEST

START_TEST(what_was_accepted_is_there_as_it_came)
{
	struct store_batch batch;
	int64_t number = accept_one("a");

	reopen();

	ck_assert_int_eq(store_each_unfinished(store, see_batch, &batch), 0);
	ck_assert_str_eq(take_seen(), "a:-1 ");
	ck_assert_int_eq(batch.number, number);
	ck_assert_uint_eq(batch.uid, 7);
	ck_assert_int_eq(batch.key_hash, 70);
	ck_assert_int_eq(batch.policy, 1);
	ck_assert_int_eq(batch.accepted_ns, 100);
	ck_assert_int_eq(batch.deadline_ns, 50);
	ck_assert_int_eq(batch.n_urls, 3);
	ck_assert_int_eq(store_read_request(store, number, see_request, NULL), 1);
	ck_assert_str_eq(take_seen(), "1 policy=collect SECRET-OF-THE-BODY 58");
}
END_TEST

START_TEST(a_key_belongs_to_one_batch_of_a_user)
{
	struct store_batch batch = { .id = "b", .uid = 7, .key = "a", .key_hash = 71 };
	struct store_namesake namesake;
	int64_t number;

	ck_assert_int_gt(accept_one("a"), 0);
	ck_assert_int_eq(store_begin(store), 0);
	ck_assert_int_eq(store_accept(store, &batch, &plain_request, &number, &namesake), 0);
	ck_assert_str_eq(namesake.id, "a");
	ck_assert_int_eq(namesake.key_hash, 70);

	batch.uid = 8;
	ck_assert_int_eq(store_accept(store, &batch, &plain_request, &number, &namesake), 1);
	ck_assert_int_eq(store_commit(store), 0);
	ck_assert_str_eq(unfinished(), "a:-1 b:-1 ");
}
END_TEST

START_TEST(what_was_rolled_back_never_was)
{
	int64_t number = accept_one("a");

	ck_assert_int_eq(store_begin(store), 0);
	ck_assert_int_eq(store_start_url(store, number, 1), 0);
	store_rollback(store);

	ck_assert_int_eq(store_each_started(store, number, see_index, NULL), 0);
	ck_assert_str_eq(take_seen(), "");
}
END_TEST

START_TEST(a_url_has_one_result)
{
	int64_t number = accept_one("a");

	ck_assert_int_eq(add_result(number, 1, 2), 0);
	ck_assert_int_lt(add_result(number, 2, 2), 0);
	ck_assert_int_lt(add_result(number, 1, 0), 0);
	ck_assert_int_eq(add_result(number, 2, 0), 0);

	ck_assert_int_eq(store_each_result(store, number, see_result, NULL), 0);
	ck_assert_str_eq(take_seen(), "1=2:1:{\"a\":1} 2=0:1:{\"a\":1} ");
}
END_TEST

static bool
file_has(const char *name, const char *text)
{
	_cleanup_(buffer_fini) struct buffer content = BUFFER_INIT;
	_cleanup_(fclosep) FILE *file = NULL;
	char path[320];
	size_t n = 1;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	while (file && n > 0 && buffer_reserve(&content, 4096) == 0) {
		n = fread(content.data + content.len, 1, 4096, file);
		content.len += n;
	}
	return content.len > 0 && memmem(content.data, content.len, text, strlen(text));
}

static bool
files_have(const char *text)
{
	return file_has(STORE_FILE, text) || file_has(STORE_FILE "-wal", text);
}

/* Two of them. */
static int
see_some(void *user, const struct store_result *result)
{
	int *n_left = user;

	buffer_printf(&seen, "%zu=%zu ", result->seq, result->index);
	return --*n_left == 0;
}

START_TEST(results_are_read_in_parts)
{
	int64_t number = accept_one("a");
	int64_t other = accept_one("b");
	int n = 2;

	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(add_result(number, i + 1, 3 - i), 0);
		ck_assert_int_eq(add_result(other, i + 1, i), 0);
	}
	ck_assert_int_eq(store_results_after(store, number, 1, see_some, &n), 0);
	ck_assert_str_eq(take_seen(), "2=2 3=1 ");
	n = 2;
	ck_assert_int_eq(store_results_after(store, number, 3, see_some, &n), 0);
	ck_assert_str_eq(take_seen(), "4=0 ");
	n = 2;
	ck_assert_int_eq(store_results_from(store, number, 1, see_some, &n), 0);
	ck_assert_str_eq(take_seen(), "3=1 2=2 ");
	ck_assert_int_eq(store_results_from(store, number, 4, see_some, &n), 0);
	ck_assert_str_eq(take_seen(), "");
}
END_TEST

START_TEST(the_end_erases_what_was_asked_for)
{
	int64_t number = accept_one("a");

	ck_assert_int_eq(store_begin(store), 0);
	ck_assert_int_eq(store_start_url(store, number, 1), 0);
	ck_assert_int_eq(store_commit(store), 0);
	ck_assert(files_have("SECRET-OF-THE-BODY"));
	ck_assert(!store_needs_trim(store));

	ck_assert_int_eq(end_one(number, 200), 0);
	ck_assert(store_needs_trim(store));
	ck_assert_int_eq(store_trim_log(store), 0);

	ck_assert(!files_have("SECRET-OF-THE-BODY"));
	ck_assert(!store_needs_trim(store));
	ck_assert_int_eq(store_read_request(store, number, see_request, NULL), 0);
	ck_assert_int_eq(store_each_started(store, number, see_index, NULL), 0);
	ck_assert_str_eq(take_seen(), "");
}
END_TEST

START_TEST(the_list_goes_from_new_to_old)
{
	struct store_batch batch;

	for (int i = 0; i < 4; i++) {
		char id[2] = { (char)('a' + i), '\0' };

		ck_assert_int_eq(end_one(accept_one(id), 200 + i), 0);
	}
	ck_assert_int_gt(accept_one("e"), 0);

	ck_assert_str_eq(ended(), "d:1 c:1 b:1 a:1 ");
	ck_assert_int_eq(store_each_ended(store, "c", -1, 1, see_batch, NULL), 0);
	ck_assert_str_eq(take_seen(), "b:1 ");
	ck_assert_int_eq(store_each_ended(store, "c", 7, 1, see_batch, NULL), 0);
	ck_assert_str_eq(take_seen(), "b:1 ");
	ck_assert_int_eq(store_each_ended(store, "c", 8, 1, see_batch, NULL), 0);
	ck_assert_str_eq(take_seen(), "");
	ck_assert_int_eq(store_find_ended(store, "b", see_batch, &batch), 1);
	ck_assert_int_eq(batch.elapsed_ns, 9);
	ck_assert_int_eq(batch.n_outcomes[3], 4);
	ck_assert_int_eq(store_find_ended(store, "e", see_batch, NULL), 0);
	buffer_fini(&seen);
}
END_TEST

START_TEST(the_last_id_is_the_greatest)
{
	char id[STORE_ID_CAP];

	ck_assert_int_eq(store_last_id(store, id, sizeof(id)), 0);
	ck_assert_str_eq(id, "");
	ck_assert_int_gt(accept_one("b"), 0);
	ck_assert_int_gt(accept_one("a"), 0);
	ck_assert_int_eq(store_last_id(store, id, sizeof(id)), 0);
	ck_assert_str_eq(id, "b");
}
END_TEST

static int
expire_all(int64_t ended_before)
{
	int n = 0;
	int r;

	do {
		ck_assert_int_eq(store_begin(store), 0);
		r = store_expire(store, ended_before);
		ck_assert_int_ge(r, 0);
		ck_assert_int_eq(store_commit(store), 0);
		n++;
	} while (r == 1);
	return n;
}

START_TEST(old_batches_go_in_pieces_and_are_hidden_at_once)
{
	int64_t number = accept_one("a");
	int64_t other = accept_one("b");

	ck_assert_int_eq(store_begin(store), 0);
	for (size_t i = 0; i < 1200; i++) {
		const struct store_result result = {
			.seq = i + 1, .index = i, .text = "{}", .len = 2
		};

		ck_assert_int_eq(store_add_result(store, number, &result), 0);
	}
	ck_assert_int_eq(store_commit(store), 0);
	ck_assert_int_eq(end_one(number, 200), 0);
	ck_assert_int_eq(end_one(other, 300), 0);

	ck_assert_int_eq(store_begin(store), 0);
	ck_assert_int_eq(store_expire(store, 250), 1);
	ck_assert_int_eq(store_commit(store), 0);
	ck_assert_str_eq(ended(), "b:1 ");
	ck_assert_int_gt(accept_one("A"), 0);

	ck_assert_int_eq(expire_all(250), 3);
	ck_assert_int_eq(store_each_result(store, number, see_result, NULL), 0);
	ck_assert_str_eq(take_seen(), "");
	ck_assert_str_eq(ended(), "b:1 ");
}
END_TEST

START_TEST(a_store_that_fills_lets_the_oldest_go)
{
	static char text[32 * 1024];
	char newest[16] = "";

	memset(text, 'x', sizeof(text));
	store_close(store);
	ck_assert_int_eq(open_with(1024 * 1024), 0);
	for (int i = 0; !store_is_full(store); i++) {
		const struct store_result result = {
			.seq = 1, .index = 0, .text = text, .len = sizeof(text)
		};
		int64_t number;

		(void)snprintf(newest, sizeof(newest), "%03d", i);
		number = accept_one(newest);
		ck_assert_int_eq(store_begin(store), 0);
		ck_assert_int_eq(store_add_result(store, number, &result), 0);
		ck_assert_int_eq(store_commit(store), 0);
		ck_assert_int_eq(end_one(number, i), 0);
	}
	ck_assert(store_is_filling(store));
	ck_assert_int_eq(accept_one("more"), 0);

	(void)expire_all(INT64_MIN);

	ck_assert(!store_is_filling(store));
	ck_assert(strncmp(ended(), newest, strlen(newest)) == 0);
	ck_assert_int_gt(accept_one("more"), 0);
}
END_TEST

/* ---- what a user stands for ---- */

static int64_t
used_by(uid_t uid)
{
	int64_t n_bytes = -1;

	ck_assert_int_eq(store_used_by(store, uid, &n_bytes), 0);
	return n_bytes;
}

static void
charge(int64_t number, int64_t n_bytes)
{
	ck_assert_int_eq(store_begin(store), 0);
	ck_assert_int_eq(store_charge(store, number, n_bytes), 0);
	ck_assert_int_eq(store_commit(store), 0);
}

START_TEST(a_user_stands_for_requests_until_they_end_and_for_results_until_they_expire)
{
	int64_t number = accept_one("a");

	ck_assert_int_eq(used_by(7), REQUEST_BYTES);
	ck_assert_int_gt(accept_one("b"), 0);
	charge(number, 100);
	ck_assert_int_eq(used_by(7), 2 * REQUEST_BYTES + 100);
	ck_assert_int_eq(used_by(8), 0);

	ck_assert_int_eq(end_one(number, 200), 0);
	ck_assert_int_eq(used_by(7), REQUEST_BYTES + 100);
	reopen();
	ck_assert_int_eq(used_by(7), REQUEST_BYTES + 100);

	(void)expire_all(250);
	ck_assert_int_eq(used_by(7), REQUEST_BYTES);
}
END_TEST

/* By @bytes less than the request needs beside 100 of another batch. Return: what store_accept() says. */
static int
accept_short_of(int64_t n_bytes, const char *key)
{
	struct store_batch batch = { .id = "b", .uid = 7, .key = key, .key_hash = 70 };
	struct store_request request = plain_request;
	struct store_namesake namesake;
	int64_t number;
	int r;

	request.max_stored = 100 + REQUEST_BYTES - n_bytes;
	ck_assert_int_eq(store_begin(store), 0);
	r = store_accept(store, &batch, &request, &number, &namesake);
	store_rollback(store);
	return r;
}

static void
check_size(int64_t n_unfinished, int64_t n_done)
{
	struct store_size size;

	store_size(store, &size);
	ck_assert_int_eq(size.n_unfinished, n_unfinished);
	ck_assert_int_eq(size.n_done, n_done);
	ck_assert_int_gt(size.n_bytes, 0);
	ck_assert_int_eq(size.max_bytes, INT64_C(1) << 30);
}

START_TEST(batches_are_counted)
{
	int64_t first = accept_one("a");
	int64_t second = accept_one("b");

	check_size(2, 0);
	ck_assert_int_eq(end_one(first, 200), 0);
	ck_assert_int_eq(end_one(second, 300), 0);
	ck_assert_int_gt(accept_one("c"), 0);
	check_size(1, 2);
	(void)expire_all(250);
	check_size(1, 1);
	reopen();
	check_size(1, 1);
}
END_TEST

START_TEST(what_is_rolled_back_is_not_counted)
{
	const struct store_batch batch = { .id = "b", .uid = 8 };
	struct store_namesake namesake;
	int64_t number = accept_one("a");

	ck_assert_int_eq(store_begin(store), 0);
	ck_assert_int_eq(store_accept(store, &batch, &plain_request, &number, &namesake), 1);
	store_rollback(store);

	check_size(1, 0);
}
END_TEST

START_TEST(a_quota_is_for_those_who_have_something)
{
	int64_t number;

	ck_assert_int_eq(accept_short_of(120, "b"), STORE_ACCEPTED);
	number = accept_one("a");
	charge(number, 100);
	ck_assert_int_eq(end_one(number, 200), 0);

	ck_assert_int_eq(accept_short_of(0, "b"), STORE_ACCEPTED);
	ck_assert_int_eq(accept_short_of(1, "b"), STORE_OVER_QUOTA);
	ck_assert_int_eq(accept_short_of(1, "a"), STORE_NAMESAKE);
}
END_TEST

static void
run_sql(const char *sql)
{
	char path[64];
	sqlite3 *db;

	store_close(store);
	store = NULL;
	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, folder);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static int
see_level(void *user, const struct store_request *request)
{
	buffer_printf(&seen, "%d", request->level);
	return 0;
}

static int
see_job(void *user, const char *job)
{
	buffer_printf(&seen, "%s ", job);
	return strcmp(job, user) == 0 ? -ECHILD : 0;
}

START_TEST(paused_jobs_are_kept)
{
	ck_assert_int_eq(store_begin(store), 0);
	ck_assert_int_eq(store_add_paused(store, "b"), 0);
	ck_assert_int_eq(store_add_paused(store, "a"), 0);
	ck_assert_int_eq(store_commit(store), 0);

	reopen();
	ck_assert_int_eq(store_each_paused(store, see_job, (void *)""), 0);
	ck_assert_str_eq(take_seen(), "a b ");
	ck_assert_int_eq(store_each_paused(store, see_job, (void *)"a"), -ECHILD);
	ck_assert_str_eq(take_seen(), "a ");

	ck_assert_int_eq(store_begin(store), 0);
	ck_assert_int_eq(store_clear_paused(store), 0);
	ck_assert_int_eq(store_commit(store), 0);
	ck_assert_int_eq(store_each_paused(store, see_job, (void *)""), 0);
	ck_assert_str_eq(take_seen(), "");
}
END_TEST

START_TEST(a_file_of_the_first_version_is_brought_up)
{
	int64_t number = accept_one("a");
	int64_t other = accept_one("b");

	ck_assert_int_eq(add_result(number, 1, 2), 0);
	ck_assert_int_eq(add_result(number, 2, 0), 0);
	ck_assert_int_eq(end_one(number, 200), 0);
	run_sql("DROP TRIGGER batch_comes; DROP TRIGGER batch_changes; DROP TRIGGER batch_goes;"
		"DROP TABLE usage; DROP INDEX batch_of_user; ALTER TABLE batch DROP COLUMN n_bytes;"
		"ALTER TABLE request DROP COLUMN level; DROP TABLE paused;"
		"PRAGMA user_version = 1");

	reopen();

	ck_assert_int_eq(used_by(7), REQUEST_BYTES + (int64_t)(2 * strlen("{\"a\":1}")));
	ck_assert_str_eq(unfinished(), "b:-1 ");
	ck_assert_str_eq(ended(), "a:1 ");
	ck_assert_int_eq(store_read_request(store, other, see_level, NULL), 1);
	ck_assert_str_eq(take_seen(), "2"); /* ACCESS_SUBMIT */
}
END_TEST

START_TEST(a_file_of_a_later_version_is_refused)
{
	run_sql("PRAGMA user_version = 99");
	ck_assert_int_eq(open_with(1 << 20), -EPROTONOSUPPORT);
	ck_assert_ptr_nonnull(strstr(why, "later fetchd (version 99"));
}
END_TEST

START_TEST(somebody_elses_file_is_refused)
{
	store_close(store);
	store = NULL;
	remove_files();
	run_sql("CREATE TABLE t (a)");
	ck_assert_int_eq(open_with(1 << 20), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why, "no store of fetchd"));
}
END_TEST

START_TEST(what_is_no_database_is_refused)
{
	char path[64];
	FILE *file;

	store_close(store);
	remove_files();
	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, folder);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 1000; i++) {
		(void)fputs("not a database, ", file);
	}
	ck_assert_int_eq(fclose(file), 0);

	ck_assert_int_eq(open_with(1 << 20), -EBADMSG);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_an_error)
{
	store_close(store);
	store = NULL;

	ck_assert_int_eq(
		store_open("/proc/none/here", 1 << 20, &store, why, sizeof(why)), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "/proc/none/here"));
}
END_TEST

static const int disk_errors[] = { ENOSPC, EIO };

/* What was told to be on disk; the first failure ends the work, as it does in the daemon. */
static void
work_until_failure(int *n_accepted, int *n_results, int *n_ended)
{
	int64_t first = accept_one("a");
	int64_t second;

	*n_accepted = first > 0;
	if (first < 0) {
		return;
	}
	*n_results = add_result(first, 1, 0) == 0;
	if (*n_results == 0) {
		return;
	}
	second = accept_one("b");
	*n_accepted += second > 0;
	if (second > 0) {
		*n_ended = end_one(second, 300) == 0;
	}
}

static int
count_words(const char *text)
{
	int n = 0;

	for (; *text; text++) {
		n += *text == ' ';
	}
	return n;
}

/* For every write and sync: what was committed is there, whole; at most the transaction that failed is there besides. */
START_TEST(what_was_committed_survives_a_failure_of_the_disk)
{
	bool has_failed = true;

	for (int n = 0; has_failed; n++) {
		int n_accepted = 0;
		int n_results = 0;
		int n_ended = 0;
		int n_found;

		disk.error = disk_errors[_i];
		disk.n_left = n;
		work_until_failure(&n_accepted, &n_results, &n_ended);
		has_failed = disk.n_left == 0;
		store_close(store);
		disk.n_left = -1;
		ck_assert_msg(open_with(INT64_C(1) << 30) == 0, "%d: %s", n, why);

		n_found = count_words(unfinished());
		ck_assert_int_ge(n_found + count_words(ended()), n_accepted);
		if (n_ended) {
			ck_assert_str_eq(ended(), "b:1 ");
		}
		if (n_accepted > 0) {
			ck_assert_int_eq(store_each_result(store, 1, see_result, NULL), 0);
			ck_assert_int_ge(count_words(take_seen()), n_results);
			ck_assert_int_eq(store_read_request(store, 1, see_request, NULL), 1);
			(void)take_seen();
		}
		store_close(store);
		remove_files();
		ck_assert_int_eq(open_with(INT64_C(1) << 30), 0);
	}
	ck_assert_int_gt(disk.n_calls, 20);
}
END_TEST

START_TEST(a_full_disk_has_its_own_code)
{
	disk.error = disk_errors[_i];
	disk.n_left = 0;

	ck_assert_int_eq(accept_one("a"), -disk_errors[_i]);
	ck_assert_str_ne(store_why(store), "");
}
END_TEST

static void
lack_memory(int n, bool is_lasting)
{
	memory.n_left = n;
	memory.is_lasting = is_lasting;
	memory.has_failed = false;
}

/* As the queue does when there was no memory for a transaction. Return: whether there was none. */
static bool
is_to_be_tried_again(int64_t r)
{
	bool has_failed = memory.has_failed;

	if (r < 0) {
		ck_assert_int_eq(r, -ENOMEM);
		store_rollback(store);
	}
	lack_memory(-1, false);
	ck_assert(r >= 0 || has_failed);
	return r < 0;
}

/* For every allocation of SQLite's: what the first try has left does not harm the second. */
START_TEST(a_transaction_without_memory_can_be_tried_again)
{
	bool has_failed = true;

	disk.is_quick = true;
	for (int n = 0; has_failed; n++) {
		char id[STORE_ID_CAP];
		int64_t number;
		int r;

		(void)snprintf(id, sizeof(id), "b%d", n);
		reopen();
		check_size(0, n);

		lack_memory(n, _i);
		number = accept_one(id);
		has_failed = memory.has_failed;
		if (is_to_be_tried_again(number)) {
			number = accept_one(id);
		}
		ck_assert_int_gt(number, 0);
		check_size(1, n);

		lack_memory(n, _i);
		r = end_one(number, 300);
		has_failed = has_failed || memory.has_failed;
		if (is_to_be_tried_again(r)) {
			r = end_one(number, 300);
		}
		ck_assert_int_eq(r, 0);
		check_size(0, n + 1);
	}
}
END_TEST

Suite *
test_suite(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 50); /* each commit waits for the disk, which others may keep busy */
	tcase_add_test(tc, a_store_is_its_owners_alone);
	tcase_add_test(tc, a_store_is_one_process_alone);
	tcase_add_test(tc, what_was_accepted_is_there_as_it_came);
	tcase_add_test(tc, a_key_belongs_to_one_batch_of_a_user);
	tcase_add_test(tc, what_was_rolled_back_never_was);
	tcase_add_test(tc, a_url_has_one_result);
	tcase_add_test(tc, results_are_read_in_parts);
	tcase_add_test(tc, the_end_erases_what_was_asked_for);
	tcase_add_test(tc, the_list_goes_from_new_to_old);
	tcase_add_test(tc, the_last_id_is_the_greatest);
	tcase_add_test(tc, old_batches_go_in_pieces_and_are_hidden_at_once);
	tcase_add_test(tc, a_store_that_fills_lets_the_oldest_go);
	tcase_add_test(
		tc, a_user_stands_for_requests_until_they_end_and_for_results_until_they_expire);
	tcase_add_test(tc, batches_are_counted);
	tcase_add_test(tc, what_is_rolled_back_is_not_counted);
	tcase_add_test(tc, a_quota_is_for_those_who_have_something);
	tcase_add_test(tc, paused_jobs_are_kept);
	tcase_add_test(tc, a_file_of_the_first_version_is_brought_up);
	tcase_add_test(tc, a_file_of_a_later_version_is_refused);
	tcase_add_test(tc, somebody_elses_file_is_refused);
	tcase_add_test(tc, what_is_no_database_is_refused);
	tcase_add_test(tc, a_folder_that_cannot_be_made_is_an_error);
	tcase_add_loop_test(tc, what_was_committed_survives_a_failure_of_the_disk, 0,
		ARRAY_LEN(disk_errors));
	tcase_add_loop_test(tc, a_full_disk_has_its_own_code, 0, ARRAY_LEN(disk_errors));
	tcase_add_loop_test(tc, a_transaction_without_memory_can_be_tried_again, false, true + 1);
	suite_add_tcase(suite, tc);
	return suite;
}
