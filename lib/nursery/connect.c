/* SPDX-License-Identifier: MIT */
/*
 * Connecting.
 *
 * The socket is a stream from birth: waiting for the connection is waiting for room to send. Over TCP
 * an attempt is a task, and the race is the nursery of the attempts. An attempt's failure is no failure
 * of that nursery, only one more entry of the group; its success cancels the nursery. What is left open
 * when it closes is the winner, which the caller gets, or which is closed when the caller was cancelled.
 */
#include <nursery/cancel_scope.h>
#include <nursery/checkpoint.h>
#include <nursery/connect.h>
#include <nursery/event.h>
#include <nursery/nursery.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/nursery/failure.h"
#include "lib/nursery/socket.h"
#include "lib/nursery/stream.h"

enum {
	max_resolved = 16
};

DEFINE_CLEANUP(struct nur_stream *, nur_stream_destroy);

/* ---- one connection ---- */

static int
open_socket(int family, struct nur_stream **ret_stream)
{
	_cleanup_(closep) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0) {
		return -errno;
	}
	r = nuri_stream_open_socket(fd, family, ret_stream);
	if (r == 0) {
		(void)steal_fd(&fd); /* the stream's */
	}
	return r;
}

static int
bind_local(int fd, const struct nur_address *local)
{
	const int on = 1;

	/* The port is chosen when the peer is known: then many connections can share one. As good without. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, &local->any, local->len) < 0 ? -errno : 0;
}

static int
wait_connected(struct nur_stream *stream)
{
	int error = 0, r = nur_stream_wait_send_all_might_not_block(stream);

	if (r == 0) {
		r = nuri_socket_option(nur_stream_fd(stream), SO_ERROR, &error);
	}
	return r < 0 ? r : -error;
}

/* *@ret_has_waited: whether others have run. */
static int
connect_stream(struct nur_stream *stream, const struct nur_address *address, bool *ret_has_waited)
{
	if (connect(nur_stream_fd(stream), &address->any, address->len) == 0) {
		return 0;
	}
	if (errno != EINPROGRESS && errno != EINTR) {
		return -errno;
	}
	*ret_has_waited = true;
	return wait_connected(stream);
}

/* A checkpoint, always. */
static int
connect_one(const struct nur_address *address, const struct nur_address *local,
	struct nur_stream **ret_stream)
{
	_cleanup_(nur_stream_destroyp) struct nur_stream *stream = NULL;
	bool has_waited = false;
	int r = nur_checkpoint_if_cancelled();

	if (r < 0) {
		return r;
	}
	r = open_socket(address->any.sa_family, &stream);
	if (r == 0 && local) {
		r = bind_local(nur_stream_fd(stream), local);
	}
	if (r == 0) {
		r = connect_stream(stream, address, &has_waited);
	}
	if (!has_waited) {
		(void)nur_cancel_shielded_checkpoint(); /* in a task it cannot fail */
	}
	if (r == 0) {
		*ret_stream = steal(&stream);
	}
	return r;
}

/* ---- the race ---- */

/*
 * name    of its task, and of its failure in the group
 * failed  set: the next one may begin
 */
struct attempt {
	struct race *race;
	const struct nur_address *address;
	struct nur_event failed;
	char name[sizeof("connect to ") + NUR_ADDRESS_TEXT_CAP];
};

/*
 * attempts    in the order of their turns
 * first_code  of the first that failed, also when there is no memory for its record
 */
struct race {
	const struct nur_connect_options *options;
	struct attempt *attempts;
	size_t n;
	struct nur_nursery *nursery;
	struct nur_stream *winner;
	struct nur_errors errors;
	int first_code;
};

static int
attempt(void *arg)
{
	struct attempt *attempt = arg;
	struct race *race = attempt->race;
	struct nur_stream *stream = NULL;
	int r = connect_one(attempt->address, race->options->local, &stream);

	if (r == NUR_ECANCELED) {
		return r;
	}
	if (r < 0) {
		race->first_code = race->first_code ? race->first_code : r;
		nuri_errors_add(&race->errors, r, attempt->name, false, NULL);
		nur_event_set(&attempt->failed);
		return 0;
	}
	if (race->winner) { /* both in one pass of the loop */
		nur_stream_destroy(stream);
		return 0;
	}
	race->winner = stream;
	nur_nursery_cancel(race->nursery, "another attempt has connected");
	return 0;
}

static int
wait_failed(void *arg)
{
	struct attempt *attempt = arg;

	return nur_event_wait(&attempt->failed);
}

static int
run_race(struct nur_nursery *nursery, void *arg)
{
	struct race *race = arg;
	nur_time delay = race->options->delay ? race->options->delay : NUR_CONNECT_DELAY;
	int r = 0;

	race->nursery = nursery;
	for (size_t i = 0; i < race->n && r == 0; i++) {
		struct attempt *next = &race->attempts[i];

		r = nur_start_soon(nursery, next->name, attempt, next);
		if (r == 0 && i + 1 < race->n) {
			r = nur_move_on_after(delay, 0, wait_failed, next, NULL);
		}
	}
	return r;
}

/* The first address from @from on whose family is, or is not, @family; @n: none. */
static size_t
find_family(const struct nur_address *addresses, size_t n, size_t from, int family, bool is_same)
{
	while (from < n && (addresses[from].any.sa_family == family) != is_same) {
		from++;
	}
	return from;
}

/* The family of the first address and all others take turns, each in the order given. */
static void
line_up(struct race *race, const struct nur_address *addresses)
{
	int family = addresses[0].any.sa_family;
	size_t next[2] = { find_family(addresses, race->n, 0, family, false), 0 };
	bool is_same = true;

	for (size_t i = 0; i < race->n; i++) {
		struct attempt *attempt = &race->attempts[i];

		if (next[is_same] == race->n) {
			is_same = !is_same;
		}
		attempt->race = race;
		attempt->address = &addresses[next[is_same]];
		nur_event_init(&attempt->failed);
		(void)strcpy(attempt->name, "connect to ");
		(void)nur_address_format(attempt->address, attempt->name + strlen(attempt->name),
			NUR_ADDRESS_TEXT_CAP);
		next[is_same] = find_family(addresses, race->n, next[is_same] + 1, family, is_same);
		is_same = !is_same;
	}
}

/* What comes out when the nursery of the race has closed with @rc. */
static int
finish(struct race *race, int rc, struct nur_stream **ret_stream)
{
	struct nur_errors *errors = race->options->errors;

	if (rc == 0 && race->winner) {
		nur_errors_fini(&race->errors);
		*ret_stream = race->winner;
		return 0;
	}
	nur_stream_destroy(race->winner); /* cancelled from further out at the same time */
	if (rc < 0) {
		nur_errors_fini(&race->errors);
		return rc;
	}
	if (!errors) {
		return nur_fail_with(race->first_code, &race->errors);
	}
	*errors = race->errors;
	return race->first_code;
}

int
nur_connect_addresses(const struct nur_address *addresses, size_t n,
	const struct nur_connect_options *options, struct nur_stream **ret_stream)
{
	static const struct nur_connect_options defaults = { 0 };
	_cleanup_(freep) struct attempt *attempts = NULL;
	struct race race = { .options = options ? options : &defaults, .n = n };

	if (race.options->errors) {
		*race.options->errors = (struct nur_errors)NUR_ERRORS_INIT;
	}
	if (n == 0 || race.options->delay < 0) {
		return -EINVAL;
	}
	attempts = calloc(n, sizeof(*attempts));
	if (!attempts) {
		return -ENOMEM;
	}
	race.attempts = attempts;
	line_up(&race, addresses);
	return finish(&race, nur_nursery_run(run_race, &race, NULL), ret_stream);
}

/* ---- names and paths ---- */

static int
find_addresses(const char *host, uint16_t port, const struct nur_connect_options *options,
	struct nur_address *addresses)
{
	int r = nur_address_parse(host, port, &addresses[0]);

	if (r != -EINVAL) {
		return r < 0 ? r : 1;
	}
	if (strcasecmp(host, "localhost") == 0) {
		nur_address_loopbacks(port, addresses);
		return 2;
	}
	if (options && options->resolve) {
		r = options->resolve(host, port, addresses, max_resolved, options->resolve_arg);
		return r == 0 ? -EADDRNOTAVAIL : r;
	}
	return nur_resolve(host, port, addresses, max_resolved, NULL);
}

int
nur_connect_tcp(const char *host, uint16_t port, const struct nur_connect_options *options,
	struct nur_stream **ret_stream)
{
	_cleanup_(freep) struct nur_address *addresses = NULL;
	int n;

	if (options && options->errors) {
		*options->errors = (struct nur_errors)NUR_ERRORS_INIT;
	}
	addresses = calloc(max_resolved, sizeof(*addresses));
	if (!addresses) {
		return -ENOMEM;
	}
	n = find_addresses(host, port, options, addresses);
	return n < 0 ? n : nur_connect_addresses(addresses, (size_t)n, options, ret_stream);
}

int
nur_connect_unix(const char *path, struct nur_stream **ret_stream)
{
	struct nur_address address;
	int r = nur_address_unix(path, &address);

	return r < 0 ? r : connect_one(&address, NULL, ret_stream);
}
