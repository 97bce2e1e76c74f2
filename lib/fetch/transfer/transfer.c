/* SPDX-License-Identifier: MIT */
/*
 * libcurl's multi interface on the run's loop.
 *
 * Tasks never call into it. A task queues its transfer under "adds" and waits; on_call(), on the
 * loop's stack, does the queued work: all removals together first (a batch that fails gives its
 * thousand sockets back before anything new begins), then at most ADDS_A_PASS additions, because
 * libcurl runs all of them at once. Callbacks of sockets and timers enter libcurl, too; each entry
 * is followed by drain(), which takes finished transfers out and wakes their tasks. libcurl's own
 * callbacks (callbacks.c) only take notes: it refuses to be entered again from them.
 *
 * What a handle is told before a transfer begins is in handle_settings.c, what it tells afterwards in
 * outcome.c.
 */
#include "lib/fetch/transfer/transfer.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fetch/transfer/handle.h"
#include "lib/fetch/transfer/multi.h"
#include "lib/fetch/transfer/outcome.h"
#include "lib/fetch/transfer/sockets.h"

#define ADDS_A_PASS  32
#define REAPS_A_PASS 32
#define REAP_DELAY   NUR_MSEC(20)

/* What libcurl gets to notice a passed connect timeout by itself. */
#define CONNECT_GRACE_MS 250

/*
 * The oldest first, whether they come in that order or in its reverse: libcurl searches the
 * connections of an origin from their oldest for the one that it closes.
 */
static void
queue_up(struct list *queue, struct fetch_handle *handle)
{
	struct list *first;

	list_unlink(&handle->node);
	first = queue->next;
	if (first != queue &&
		list_entry(first, struct fetch_handle, node)->serial > handle->serial) {
		list_prepend(queue, &handle->node);
	} else {
		list_append(queue, &handle->node);
	}
}

static void
remove_soon(struct fetch_transfers *transfers, struct fetch_handle *handle)
{
	queue_up(&transfers->removes, handle);
	nur_call_soon(&transfers->call);
}

/*
 * libcurl gives each of several addresses half of the time that is left. When that is less than a
 * millisecond it moves on to the next one and forgets to ask for another call (seen in 7.88.1, of a
 * name with sixty addresses that all refuse).
 */
static void
on_connect_guard(void *arg)
{
	struct fetch_transfer *transfer = arg;

	if (transfer->handle && !transfer->handle->has_asked && !transfer->is_removed) {
		fetch_outcome_note(transfer, FETCH_ERROR_CONNECT_TIMEOUT, "no connection in time");
		remove_soon(transfer->transfers, transfer->handle);
	}
}

void
fetch_transfer_guard_connect(struct fetch_transfer *transfer)
{
	if (!transfer->is_guarded) {
		transfer->is_guarded = true;
		nur_timer_set(&transfer->connect_guard,
			nur_time_add(nur_now(),
				NUR_MSEC(transfer->handle->connect_timeout_ms + CONNECT_GRACE_MS)));
	}
}

/* The handle goes, and the task goes on. */
static void
finish(struct fetch_transfers *transfers, struct fetch_transfer *transfer, int result)
{
	list_unlink(&transfer->node);
	if (transfer->handle) {
		list_unlink(&transfer->handle->node);
		(void)curl_multi_remove_handle(transfers->multi, transfer->handle->easy);
		fetch_handle_put(steal(&transfer->handle), transfer->is_done);
		transfers->statistics.n_transfers--;
	}
	nur_reschedule(transfer->task, result);
}

/*
 * When all connections that were kept are dead and libcurl could not know it (7.88 takes even one that
 * was reset for alive), it gives up after six of them. Then one that is new has not been tried.
 * Whether a request may be sent again was decided before: others never use what was kept.
 */
static bool
has_met_only_dead(const struct fetch_transfer *transfer, CURLcode code)
{
	long n_connects = 0;

	if (transfer->is_afresh || transfer->is_removed || transfer->noted != FETCH_ERROR_NONE ||
		transfer->head.n_lines > 0 ||
		(code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR)) {
		return false;
	}
	(void)curl_easy_getinfo(transfer->handle->easy, CURLINFO_NUM_CONNECTS, &n_connects);
	return n_connects == 0;
}

static void
begin_afresh(struct fetch_transfers *transfers, struct fetch_transfer *transfer)
{
	list_unlink(&transfer->handle->node);
	(void)curl_multi_remove_handle(transfers->multi, transfer->handle->easy);
	fetch_handle_put(steal(&transfer->handle), false);
	transfers->statistics.n_transfers--;
	transfer->is_afresh = true;
	list_append(&transfers->adds, &transfer->node);
	nur_call_soon(&transfers->call);
}

/* The end of a handle whose task has gone on: its socket is closed, all the rest goes now. */
static void
reap(struct fetch_transfers *transfers, struct fetch_handle *handle)
{
	bool was_removing = transfers->is_removing;

	list_unlink(&handle->node);
	transfers->n_dead--;
	transfers->is_removing = true;
	(void)curl_multi_remove_handle(transfers->multi, handle->easy);
	transfers->is_removing = was_removing;
	fetch_handle_put(handle, false);
}

static void
reap_some(struct fetch_transfers *transfers, size_t n)
{
	while (n-- > 0 && !list_is_empty(&transfers->dead)) {
		reap(transfers, list_entry(transfers->dead.next, struct fetch_handle, node));
	}
}

/* The loop's side. */

static void
count(struct fetch_transfers_statistics *statistics, const struct fetch_transfer *transfer)
{
	statistics->total_transfers++;
	statistics->total_reused += transfer->is_reused;
	statistics->total_bytes += transfer->bytes;
}

static void
drain(struct fetch_transfers *transfers)
{
	CURLMsg *message;
	int n_left;

	while ((message = curl_multi_info_read(transfers->multi, &n_left))) {
		struct fetch_handle *handle = NULL;
		struct fetch_transfer *transfer;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE) {
			continue;
		}
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle);
		transfer = handle->transfer;
		if (!transfer) {
			reap(transfers, handle);
			continue;
		}
		if (has_met_only_dead(transfer, code)) {
			begin_afresh(transfers, transfer);
			continue;
		}
		transfer->is_done = code == CURLE_OK;
		fetch_outcome_collect(transfer, code);
		count(&transfers->statistics, transfer);
		finish(transfers, transfer, 0);
	}
}

/*
 * When an address refuses, 7.88 makes ready to connect to the next one, and then waits for its timers: 200 ms,
 * and half of the connect timeout after that. Pausing for no time at all is the way to say that it shall run.
 */
static void
try_next_addresses(struct fetch_transfers *transfers)
{
	struct list *node;

	while ((node = list_take_first(&transfers->stuck))) {
		CURL *easy = list_entry(node, struct fetch_handle, node)->easy;

		/* those that have no address left are over and refuse */
		if (curl_easy_pause(easy, CURLPAUSE_RECV) == CURLE_OK) {
			(void)curl_easy_pause(easy, CURLPAUSE_CONT);
		}
	}
}

/* The one entry: all that runs transfers passes here. */
static void
act(struct fetch_transfers *transfers, int fd, int events)
{
	int n_running;

	assert(!transfers->is_inside);
	transfers->is_inside = true;
	fetch_sockets_enter(&transfers->sockets);
	fetch_tls_flood_begin(&transfers->flood);
	(void)curl_multi_socket_action(transfers->multi, fd, events, &n_running);
	try_next_addresses(transfers);
	fetch_sockets_leave();
	transfers->is_inside = false;
	drain(transfers);
}

static void
on_ready(int fd, unsigned events, void *user)
{
	act(user, fd,
		(events & NUR_WATCH_READ ? CURL_CSELECT_IN : 0) |
			(events & NUR_WATCH_WRITE ? CURL_CSELECT_OUT : 0));
}

static void
on_timer_due(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct fetch_transfers *transfers = user;

	if (timeout_ms == 0) {
		/* "at once" must not be from in here */
		nur_timer_stop(&transfers->timer);
		transfers->is_due = true;
		nur_call_soon(&transfers->call);
		return 0;
	}
	nur_timer_set(&transfers->timer,
		timeout_ms < 0 ? NUR_FOREVER : nur_time_add(nur_now(), NUR_MSEC(timeout_ms)));
	return 0;
}

static void
on_reap_due(void *arg)
{
	struct fetch_transfers *transfers = arg;

	transfers->is_reaping = true;
	nur_call_soon(&transfers->call);
}

/*
 * A request that waits for its response is given up in two steps. Its socket is closed here, and
 * its task goes on; taking the handle out of libcurl, which is more work than that, comes when
 * whoever waits for the outcome has got it. Not when libcurl borrows the caller's body, nor with
 * TLS, where a last word is owed and others may share the connection.
 */
static bool
give_up(struct fetch_transfers *transfers, struct fetch_transfer *transfer)
{
	struct fetch_handle *handle = transfer->handle;

	if (handle->is_tls || handle->has_body || handle->fd < 0 ||
		fetch_sockets_sever(&transfers->sockets, handle->fd) < 0) {
		return false;
	}
	if (transfers->n_dead++ == 0) {
		nur_timer_set(&transfers->reap_timer, nur_time_add(nur_now(), REAP_DELAY));
	}
	queue_up(&transfers->dead, handle);
	handle->transfer = NULL;
	transfer->handle = NULL;
	transfers->statistics.n_transfers--;
	return true;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
	struct fetch_transfers *transfers = user;
	struct fetch_handle *handle = NULL;
	int r;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &handle);
	if (what == CURL_POLL_REMOVE) {
		if (handle && handle->fd == fd) {
			handle->fd = -1;
		}
		if (handle && handle->polled_fd == fd) {
			handle->polled_fd = -1;
		}
		if (handle && handle->transfer && !handle->has_asked && transfers->is_inside &&
			!list_is_linked(&handle->node)) {
			list_append(&transfers->stuck, &handle->node);
		}
		fetch_sockets_rest(&transfers->sockets, fd, !transfers->is_removing);
		return 0;
	}
	assert(handle); /* NULL: a handle of libcurl's own, which only closes */
	handle->polled_fd = fd;
	if (handle->has_asked) {
		handle->fd = fd;
	}
	r = fetch_sockets_want(&transfers->sockets, fd,
		(what & CURL_POLL_IN ? NUR_WATCH_READ : 0) |
			(what & CURL_POLL_OUT ? NUR_WATCH_WRITE : 0));
	if (r < 0 && handle->transfer) {
		/* -1 would end all transfers; this one would wait for ever */
		fetch_outcome_note(
			handle->transfer, FETCH_ERROR_RESOURCES, "epoll: %s", nur_strerror(r));
		remove_soon(transfers, handle);
	}
	return 0;
}

static void
add(struct fetch_transfers *transfers, struct fetch_transfer *transfer)
{
	int r;

	reap_some(transfers, 1); /* the dead take up descriptors and memory, too */
	transfer->is_pool_empty = transfers->sockets.n_resting == 0;
	r = fetch_handle_get(&transfers->handles, transfer, &transfer->handle);
	if (r == 0) {
		transfers->statistics.n_transfers++;
	}
	if (r < 0 || curl_multi_add_handle(transfers->multi, transfer->handle->easy) != CURLM_OK) {
		transfer->error = FETCH_ERROR_RESOURCES;
		(void)snprintf(transfer->detail, sizeof(transfer->detail), "no memory");
		finish(transfers, transfer, 0);
	}
}

static void
remove_all(struct fetch_transfers *transfers)
{
	transfers->is_removing = true;
	while (!list_is_empty(&transfers->removes)) {
		struct fetch_transfer *transfer =
			list_entry(transfers->removes.next, struct fetch_handle, node)->transfer;

		transfer->error = transfer->noted;
		finish(transfers, transfer, transfer->is_removed ? NUR_ECANCELED : 0);
	}
	transfers->is_removing = false;
}

static void
on_call(void *arg)
{
	struct fetch_transfers *transfers = arg;
	int n_added = 0;

	remove_all(transfers);
	if (transfers->is_reaping) {
		reap_some(transfers, REAPS_A_PASS);
		transfers->is_reaping = !list_is_empty(&transfers->dead);
	}
	while (n_added < ADDS_A_PASS && !list_is_empty(&transfers->adds)) {
		add(transfers,
			list_entry(list_take_first(&transfers->adds), struct fetch_transfer, node));
		n_added++;
	}
	if (!list_is_empty(&transfers->adds) || transfers->is_reaping) {
		nur_call_soon(&transfers->call);
	}
	/* counts the busy ones, too; with fewer it would close what is still of use */
	(void)curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS,
		(long)(transfers->max_idle + transfers->statistics.n_transfers +
			transfers->n_dead));
	if (transfers->is_due) {
		transfers->is_due = false;
		act(transfers, CURL_SOCKET_TIMEOUT, 0);
	}
}

/* The tasks' side. */

static enum nur_abort
abort_transfer(struct nur_task *task, void *arg)
{
	struct fetch_transfer *transfer = arg;

	list_unlink(&transfer->node);
	if (!transfer->handle || give_up(transfer->transfers, transfer)) {
		return NUR_ABORT_SUCCEEDED;
	}
	transfer->is_removed = true;
	remove_soon(transfer->transfers, transfer->handle);
	return NUR_ABORT_FAILED; /* finish() wakes the task when the socket is closed */
}

int
fetch_transfer_run(struct fetch_transfers *transfers, struct fetch_transfer *transfer)
{
	int r;

	transfer->transfers = transfers;
	transfer->task = nur_current_task();
	nur_timer_init(&transfer->connect_guard, on_connect_guard, transfer);
	list_append(&transfers->adds, &transfer->node);
	nur_call_soon(&transfers->call);
	r = nur_wait_task_rescheduled("transfer", abort_transfer, transfer);
	if (transfer->is_guarded) {
		nur_timer_stop(&transfer->connect_guard);
	}
	/* not in fini(), which may be another thread's: a count without a lock */
	fetch_tls_end_unwatch(steal(&transfer->tls_end));
	return r;
}

void
fetch_transfer_fini(struct fetch_transfer *transfer)
{
	fetch_head_fini(&transfer->head);
	fetch_body_fini(&transfer->body);
	free(transfer->tls_issuer);
	*transfer = (struct fetch_transfer){
		.connect_ns = FETCH_ABSENT,
		.tls_ns = FETCH_ABSENT,
		.first_byte_ns = FETCH_ABSENT,
		.head = FETCH_HEAD_INIT,
	};
}

void
fetch_transfers_note_policies(struct fetch_transfers *transfers)
{
	transfers->has_other_policy = true;
}

void
fetch_transfers_statistics(
	const struct fetch_transfers *transfers, struct fetch_transfers_statistics *ret_statistics)
{
	*ret_statistics = transfers->statistics;
	ret_statistics->n_connections = transfers->sockets.n_open;
}

int
fetch_transfers_create(
	const struct fetch_transfers_options *options, struct fetch_transfers **ret_transfers)
{
	struct fetch_transfers *transfers;
	int r = 0;

	if (!nur_in_run()) {
		return NUR_ENOTINTASK;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return NUR_EINTERNAL;
	}
	transfers = calloc(1, sizeof(*transfers));
	if (!transfers) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	list_init(&transfers->adds);
	list_init(&transfers->removes);
	list_init(&transfers->dead);
	list_init(&transfers->stuck);
	nur_timer_init(&transfers->timer, on_timer_due, transfers);
	nur_timer_init(&transfers->reap_timer, on_reap_due, transfers);
	nur_call_init(&transfers->call, on_call, transfers);
	r = fetch_sockets_init(&transfers->sockets, on_ready, transfers);
	if (r < 0) {
		fetch_transfers_destroy(transfers);
		return r;
	}
	transfers->max_idle = options->max_idle;
	transfers->multi = curl_multi_init();
	r = fetch_handles_init(&transfers->handles, options, &fetch_callbacks, transfers);
	if (r < 0 || !transfers->multi) {
		fetch_transfers_destroy(transfers);
		return -ENOMEM;
	}
	r |= curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	r |= curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
	r |= curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	r |= curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
	if (r) {
		fetch_transfers_destroy(transfers);
		return NUR_EINTERNAL;
	}
	*ret_transfers = transfers;
	return 0;
}

void
fetch_transfers_destroy(struct fetch_transfers *transfers)
{
	if (!transfers) {
		return;
	}
	assert(transfers->statistics.n_transfers == 0 && list_is_empty(&transfers->adds));
	transfers->is_removing = true;
	reap_some(transfers, SIZE_MAX);
	fetch_handles_fini(&transfers->handles);
	(void)curl_multi_cleanup(transfers->multi);
	nur_timer_stop(&transfers->timer);
	nur_timer_stop(&transfers->reap_timer);
	nur_call_cancel(&transfers->call);
	fetch_sockets_fini(&transfers->sockets);
	free(transfers);
	curl_global_cleanup();
}

void
fetch_transfers_versions(struct fetch_versions *ret_versions)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
	static const struct {
		unsigned first;
		unsigned last;
		const char *warning;
	} known_bad[] = {
		{ 0x080900, 0x080900, "libcurl 8.9.0 never stops watching some sockets" },
		{ 0x081000, 0x081000, "libcurl 8.16.0 hangs when threads are cancelled" },
		{ 0x081500, 0x081500, "libcurl 8.21.0 leaks closed connections" },
	};

	ret_versions->curl = info->version;
	ret_versions->ssl = info->ssl_version ? info->ssl_version : "";
	ret_versions->nghttp2 = info->nghttp2_version ? info->nghttp2_version : "";
	ret_versions->has_http2 = fetch_handles_has_http2();
	ret_versions->warning = NULL;
	for (size_t i = 0; i < ARRAY_LEN(known_bad); i++) {
		if (info->version_num >= known_bad[i].first &&
			info->version_num <= known_bad[i].last) {
			ret_versions->warning = known_bad[i].warning;
		}
	}
}
