/* SPDX-License-Identifier: MIT */
/*
 * What is asked of SQLite while the store is in use: a name and its text. Each is prepared once and kept.
 */
#pragma once

#define BATCH_COLUMNS \
	"number, id, uid, key, key_hash, name, policy, accepted_ns, deadline_ns, n_urls," \
	" outcome, elapsed_ns, n_ok, n_failed, n_timeout, n_cancelled"

#define SQL_STATEMENTS(X) \
	X(BEGIN, "BEGIN IMMEDIATE") \
	X(COMMIT, "COMMIT") \
	X(ROLLBACK, "ROLLBACK") \
	X(TRIM_LOG, "PRAGMA wal_checkpoint(TRUNCATE)") \
	X(USED, "SELECT (p.page_count - f.freelist_count) * s.page_size" \
		" FROM pragma_page_count() AS p, pragma_freelist_count() AS f," \
		" pragma_page_size() AS s") \
	X(FIND_NAMESAKE, "SELECT id, key_hash FROM batch WHERE uid = ?1 AND key = ?2") \
	X(USED_BY, "SELECT n_bytes FROM usage WHERE uid = ?1") \
	X(ADD_BATCH, "INSERT INTO batch (id, uid, key, key_hash, name, policy, accepted_ns," \
		     " deadline_ns, n_urls, n_bytes)" \
		     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)") \
	X(ADD_REQUEST, "INSERT INTO request VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11," \
		       " ?12, ?13, ?14, ?15)") \
	X(START_URL, "INSERT OR IGNORE INTO started VALUES (?1, ?2)") \
	X(ADD_RESULT, "INSERT INTO result VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(CHARGE, "UPDATE batch SET n_bytes = n_bytes + ?2 WHERE number = ?1") \
	X(CREDIT_REQUEST, \
		"UPDATE batch SET n_bytes = n_bytes -" \
		" (SELECT length(body) + ifnull(length(CAST(query AS BLOB)), 0)" \
		" FROM request WHERE batch = ?1)" \
		" WHERE number = ?1 AND EXISTS (SELECT 1 FROM request WHERE batch = ?1)") \
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
		      " WHERE id < ?1 AND outcome >= 0 AND NOT is_expired" \
		      " ORDER BY id DESC LIMIT ?2") \
	X(EACH_ENDED_OF, "SELECT " BATCH_COLUMNS " FROM batch" \
			 " WHERE uid = ?3 AND id < ?1 AND outcome >= 0 AND NOT is_expired" \
			 " ORDER BY id DESC LIMIT ?2") \
	X(FIND_ENDED, "SELECT " BATCH_COLUMNS " FROM batch" \
		      " WHERE id = ?1 AND outcome >= 0 AND NOT is_expired") \
	X(RESULTS_AFTER, "SELECT seq, idx, outcome, text FROM result" \
			 " WHERE batch = ?1 AND seq > ?2 ORDER BY seq") \
	X(RESULTS_FROM, "SELECT seq, idx, outcome, text FROM result" \
			" WHERE batch = ?1 AND idx >= ?2 ORDER BY idx") \
	X(EACH_STARTED, "SELECT idx FROM started WHERE batch = ?1 ORDER BY idx") \
	X(READ_REQUEST, "SELECT kind, query, body, deadline_ns, timeout_ns, connect_timeout_ns," \
			" concurrency, per_origin, redirects, max_urls, max_in_flight," \
			" max_per_origin, max_body, level FROM request WHERE batch = ?1") \
	X(CLEAR_PAUSED, "DELETE FROM paused") \
	X(ADD_PAUSED, "INSERT INTO paused VALUES (?1)") \
	X(EACH_PAUSED, "SELECT job FROM paused ORDER BY job") \
	X(LAST_ID, "SELECT max(id) FROM batch")
