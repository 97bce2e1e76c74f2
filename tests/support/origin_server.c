/* SPDX-License-Identifier: MIT */
/*
 * One thread, one epoll set, level-triggered. Three kinds of source are in it: listeners,
 * connections and the command descriptor.
 *
 * A connection goes round
 *
 *     READING -> WAITING -> SENDING -> READING      (or closed, or STALLED until the peer closes)
 *
 * and in each state it is in at most one list: waiting ones in the list of what they wait for,
 * delayed and dripping ones in a wheel of one-millisecond slots. A connection that ends is moved to
 * `dead` and freed at the end of the turn: an event for it may still lie in this turn's batch.
 *
 * The peer's end of file closes a connection in each state, so `open` counts what the peer holds
 * open apart from what the kernel has not delivered yet.
 */
#include "tests/support/origin_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/list.h"
#include "tests/support/commands.h"
#include "tests/support/origin_answers.h"

#define N_SLOTS     4096
#define MAX_HEAD    (64 << 10)
#define MAX_BODY    (16 << 20)
#define MAX_NAMES   64
#define EVENTS_TURN 256
#define SEND_CHUNK  (64 << 10)
#define MAX_CHUNKS  16 /* of one connection at a time; then the others have their turn */

enum source_kind {
	SOURCE_COMMAND,
	SOURCE_LISTENER,
	SOURCE_CONNECTION,
};

struct source {
	enum source_kind kind;
	int fd;
};

struct listener {
	struct source source;
	enum t_port port;
};

enum state {
	STATE_READING,
	STATE_WAITING,
	STATE_SENDING,
	STATE_STALLED,
};

/*
 * all      in server->connections or server->dead
 * queue    in a slot of the wheel, server->named or server->crowd; or in none
 * sent     bytes of plan.head already sent
 * filled   bytes of the pattern already sent
 * budget   bytes of the pattern that may be sent before the next step
 * tailed   bytes of plan.tail already sent
 */
struct connection {
	struct source source;
	struct list all;
	struct list queue;
	uint64_t due_ms;
	enum state state;
	bool is_timed;
	bool has_continued;
	unsigned int n_answered;
	uint32_t events;
	struct buffer in;
	struct t_plan plan;
	size_t sent;
	uint64_t filled;
	uint64_t budget;
	size_t tailed;
};

struct counts {
	uint64_t n_accepted;
	uint64_t n_open;
	uint64_t n_held;
	uint64_t n_requests;
	uint64_t max_open;
	uint64_t max_held;
	uint64_t failed_ns;
	uint64_t last_close_ns;
};

struct server {
	int epoll;
	int error;
	struct source command;
	struct listener listeners[T_ORIGIN_ADDRESSES + 1 + T_N_PORTS];
	struct list connections;
	struct list dead;
	struct list named;
	struct list crowd;
	struct list slots[N_SLOTS];
	uint64_t tick_ms;
	unsigned int n_timed;
	struct t_commands commands;
	struct t_counter counters[8];
	char released[MAX_NAMES][24];
	unsigned int n_released;
	struct counts counts;
	struct t_memory memory;
};

static int64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static uint64_t
now_ms(void)
{
	return (uint64_t)(now_ns() / 1000000);
}

/* The wheel */

static void
timer_start(struct server *server, struct connection *c, unsigned int ms)
{
	c->due_ms = now_ms() + (ms ? ms : 1);
	c->is_timed = true;
	server->n_timed++;
	list_append(&server->slots[c->due_ms % N_SLOTS], &c->queue);
}

static void
queue_leave(struct server *server, struct connection *c)
{
	list_unlink(&c->queue);
	if (c->is_timed) {
		c->is_timed = false;
		server->n_timed--;
	}
}

/* Connections */

/* The one function that changes a connection's state, because `held` counts the waiting ones. */
static void
enter(struct server *server, struct connection *c, enum state next)
{
	if (c->state == STATE_WAITING && next != STATE_WAITING) {
		server->counts.n_held--;
	} else if (c->state != STATE_WAITING && next == STATE_WAITING) {
		server->counts.n_held++;
		if (server->counts.n_held > server->counts.max_held) {
			server->counts.max_held = server->counts.n_held;
		}
	}
	c->state = next;
}

static void
connection_close(struct server *server, struct connection *c)
{
	if (c->source.fd < 0) {
		return;
	}
	queue_leave(server, c);
	enter(server, c, STATE_STALLED);
	(void)close(c->source.fd); /* leaves the epoll set by itself: nobody else has this socket */
	c->source.fd = -1;
	list_unlink(&c->all);
	list_append(&server->dead, &c->all);
	server->counts.n_open--;
	server->counts.last_close_ns = (uint64_t)now_ns();
}

static void
connection_reset(struct server *server, struct connection *c)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(c->source.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	connection_close(server, c);
}

static void
bury(struct server *server)
{
	struct list *node;

	while ((node = list_take_first(&server->dead))) {
		struct connection *c = list_entry(node, struct connection, all);

		buffer_fini(&c->in);
		t_plan_fini(&c->plan);
		free(c);
	}
}

static void
want(struct server *server, struct connection *c, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = &c->source };

	if (c->events == events) {
		return;
	}
	if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, c->source.fd, &event) < 0) {
		connection_close(server, c);
		return;
	}
	c->events = events;
}

/* Sends what it can of @len bytes; returns how many, or -1 when the connection has been closed. */
static ssize_t
send_some(struct server *server, struct connection *c, const char *bytes, size_t len)
{
	ssize_t n = send(c->source.fd, bytes, len, MSG_NOSIGNAL);

	if (n >= 0) {
		return n;
	}
	if (errno == EAGAIN || errno == EINTR) {
		return 0;
	}
	connection_close(server, c);
	return -1;
}

static void
finish(struct server *server, struct connection *c)
{
	enum t_ending ending = c->plan.ending;

	t_plan_fini(&c->plan);
	c->n_answered++;
	switch (ending) {
	case T_ENDING_KEEP:
		want(server, c, EPOLLIN | EPOLLRDHUP);
		enter(server, c, STATE_READING);
		break;
	case T_ENDING_CLOSE:
		connection_close(server, c);
		break;
	case T_ENDING_RESET:
		connection_reset(server, c);
		break;
	case T_ENDING_STALL:
		want(server, c, EPOLLIN | EPOLLRDHUP);
		enter(server, c, STATE_STALLED);
		break;
	}
}

/* Sends from the repeating pattern: from where the last send stopped, at most to its end. */
static ssize_t
send_fill(struct server *server, struct connection *c)
{
	static char chunk[SEND_CHUNK];
	const struct t_plan *plan = &c->plan;
	uint64_t left = plan->n_fill - c->filled;
	size_t offset = (size_t)(c->filled % plan->fill_len);
	size_t len = 0;

	if (left > c->budget) {
		left = c->budget;
	}
	while (len < sizeof(chunk) && len < left) {
		chunk[len++] = plan->fill[offset++];
		offset = offset == plan->fill_len ? 0 : offset;
	}
	return send_some(server, c, chunk, len);
}

/*
 * Carries the plan on as far as socket and step allow: head, pattern, tail. A plan that has to wait
 * waits for EPOLLOUT or, between steps, for the wheel.
 */
static void
connection_send(struct server *server, struct connection *c)
{
	struct t_plan *plan = &c->plan;
	size_t tail_len = plan->tail ? strlen(plan->tail) : 0;
	unsigned int n_chunks = 0;
	ssize_t n;

	if (c->sent < plan->head.len) {
		n = send_some(server, c, plan->head.data + c->sent, plan->head.len - c->sent);
		if (n < 0) {
			return;
		}
		c->sent += (size_t)n;
	}
	while (c->sent == plan->head.len && c->filled < plan->n_fill && c->budget > 0 &&
		n_chunks++ < MAX_CHUNKS) {
		n = send_fill(server, c);
		if (n < 0) {
			return;
		}
		if (n == 0) {
			break;
		}
		c->filled += (uint64_t)n;
		c->budget -= (uint64_t)n;
	}
	if (c->sent == plan->head.len && c->filled < plan->n_fill && c->budget == 0) {
		timer_start(server, c, plan->step_ms);
		want(server, c, EPOLLIN | EPOLLRDHUP);
		return;
	}
	if (c->sent == plan->head.len && c->filled == plan->n_fill && c->tailed < tail_len) {
		n = send_some(server, c, plan->tail + c->tailed, tail_len - c->tailed);
		if (n < 0) {
			return;
		}
		c->tailed += (size_t)n;
	}
	if (c->sent < plan->head.len || c->filled < plan->n_fill || c->tailed < tail_len) {
		want(server, c, EPOLLIN | EPOLLRDHUP | EPOLLOUT);
		return;
	}
	finish(server, c);
}

static void
begin_sending(struct server *server, struct connection *c)
{
	queue_leave(server, c);
	enter(server, c, STATE_SENDING);
	c->sent = 0;
	c->filled = 0;
	c->tailed = 0;
	c->budget = c->plan.step ? c->plan.step : UINT64_MAX;
	if (c->plan.status >= 400) {
		server->counts.failed_ns = (uint64_t)now_ns();
	}
	connection_send(server, c);
}

static bool
is_released(const struct server *server, const char *name)
{
	unsigned int i;

	for (i = 0; i < server->n_released; i++) {
		if (strcmp(server->released[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static void
begin_answer(struct server *server, struct connection *c)
{
	enter(server, c, STATE_WAITING);
	switch (c->plan.start) {
	case T_START_NOW:
		begin_sending(server, c);
		break;
	case T_START_DELAYED:
		timer_start(server, c, c->plan.delay_ms);
		break;
	case T_START_NAMED:
		if (is_released(server, c->plan.name)) {
			begin_sending(server, c);
		} else {
			list_append(&server->named, &c->queue);
		}
		break;
	case T_START_CROWD:
		list_append(&server->crowd, &c->queue);
		break;
	case T_START_NEVER:
		break;
	}
}

/* Requests */

/* The value of a header field, or NULL. @head ends with an empty line. */
static const char *
find_field(const char *head, const char *name)
{
	size_t len = strlen(name);
	const char *line;

	for (line = strstr(head, "\r\n"); line && strncmp(line, "\r\n\r\n", 4) != 0;
		line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
			return line + 2 + len + 1 + strspn(line + 2 + len + 1, " ");
		}
	}
	return NULL;
}

/*
 * Splits the request line in place: "METHOD SP TARGET SP VERSION". The bytes of @line are
 * overwritten after the head has been copied for /echo.
 */
static int
split_line(char *line, char **ret_method, char **ret_target)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version || version > strstr(line, "\r\n")) {
		return -EBADMSG;
	}
	*target++ = '\0';
	*version = '\0';
	*ret_method = line;
	*ret_target = target;
	return 0;
}

static int
take_request(struct server *server, struct connection *c, size_t head_len, size_t body_len)
{
	_cleanup_(buffer_fini) struct buffer head = BUFFER_INIT;
	struct t_request request = { .n_earlier = c->n_answered };
	char *method;
	char *target;
	int r;

	buffer_append(&head, c->in.data, head_len);
	if (buffer_error(&head)) {
		return -ENOMEM;
	}
	r = split_line(c->in.data, &method, &target);
	if (r < 0) {
		return r;
	}
	request.method = method;
	request.target = target;
	request.head = head.data;
	request.head_len = head_len;
	request.body = c->in.data + head_len;
	request.body_len = body_len;
	r = t_plan_make(&server->memory, &request, &c->plan);
	if (r < 0) {
		return r;
	}
	buffer_consume(&c->in, head_len + body_len);
	c->has_continued = false;
	server->counts.n_requests++;
	return 0;
}

static int
say_continue(struct server *server, struct connection *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (c->has_continued || !find_field(c->in.data, "Expect")) {
		return 0;
	}
	c->has_continued = true;
	return send_some(server, c, text, sizeof(text) - 1) < 0 ? -ECONNRESET : 0;
}

/*
 * Looks for a whole request in the input.
 * Return: 1 and the plan in @c, 0 when more bytes are needed, or a negative code when it is no
 * request.
 */
static int
find_request(struct server *server, struct connection *c)
{
	const char *end;
	const char *field;
	unsigned long long body_len = 0;
	size_t head_len;
	int r;

	end = c->in.len ? memmem(c->in.data, c->in.len, "\r\n\r\n", 4) : NULL;
	if (!end) {
		return c->in.len > MAX_HEAD ? -E2BIG : 0;
	}
	head_len = (size_t)(end - c->in.data) + 4;
	field = find_field(c->in.data, "Content-Length");
	if (field) {
		body_len = strtoull(field, NULL, 10);
	}
	if (body_len > MAX_BODY) {
		return -E2BIG;
	}
	if (c->in.len < head_len + body_len) {
		return say_continue(server, c);
	}
	r = take_request(server, c, head_len, (size_t)body_len);
	return r < 0 ? r : 1;
}

/*
 * Serves what the input holds, one request after the other, until one has to wait or more is
 * needed.
 */
static void
go_on(struct server *server, struct connection *c)
{
	int r = 1;

	while (r > 0 && c->source.fd >= 0 && c->state == STATE_READING) {
		r = find_request(server, c);
		if (r < 0) {
			connection_close(server, c);
		} else if (r > 0) {
			begin_answer(server, c);
		}
	}
}

static void
connection_input(struct server *server, struct connection *c)
{
	static char bytes[SEND_CHUNK];
	ssize_t n = recv(c->source.fd, bytes, sizeof(bytes), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n <= 0) {
		connection_close(server, c);
		return;
	}
	buffer_append(&c->in, bytes, (size_t)n);
	if (buffer_error(&c->in) || c->in.len > MAX_HEAD + MAX_BODY) {
		connection_close(server, c);
		return;
	}
	go_on(server, c);
}

static void
connection_event(struct server *server, struct connection *c, uint32_t events)
{
	if (c->source.fd >= 0 && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))) {
		connection_input(server, c);
	}
	if (c->source.fd >= 0 && c->state == STATE_SENDING && (events & EPOLLOUT)) {
		connection_send(server, c);
		go_on(server, c);
	}
}

/* Listeners */

static int
watch(struct server *server, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

static int
connection_create(struct server *server, int fd, struct connection **ret_connection)
{
	struct connection *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		(void)close(fd);
		return -ENOMEM;
	}
	c->source = (struct source){ .kind = SOURCE_CONNECTION, .fd = fd };
	c->events = EPOLLIN | EPOLLRDHUP;
	c->state = STATE_READING;
	list_init(&c->queue);
	r = watch(server, &c->source, c->events);
	if (r < 0) {
		(void)close(fd);
		free(c);
		return r;
	}
	list_append(&server->connections, &c->all);
	server->counts.n_accepted++;
	server->counts.n_open++;
	if (server->counts.n_open > server->counts.max_open) {
		server->counts.max_open = server->counts.n_open;
	}
	*ret_connection = c;
	return 0;
}

static void
welcome(struct server *server, struct connection *c, enum t_port port)
{
	switch (port) {
	case T_PORT_RESETTING:
		connection_reset(server, c);
		break;
	case T_PORT_SPEAKS_FIRST:
		buffer_puts(&c->plan.head, "220 who speaks first?\r\n");
		c->plan.ending = T_ENDING_STALL;
		begin_sending(server, c);
		break;
	case T_PORT_SILENT:
		enter(server, c, STATE_STALLED);
		break;
	default:
		break;
	}
}

/*
 * A full descriptor table ends the server: it is a test that has asked for too much, and must
 * notice.
 */
static void
listener_event(struct server *server, struct listener *listener)
{
	struct connection *c;
	int one = 1;
	int fd;
	int r;

	for (;;) {
		fd = accept4(listener->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) {
			continue;
		}
		if (fd < 0) {
			if (errno != EAGAIN) {
				server->error = -errno;
			}
			return;
		}
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		r = connection_create(server, fd, &c);
		if (r < 0) {
			server->error = r;
			return;
		}
		welcome(server, c, listener->port);
	}
}

/* Commands */

static void
command_release(struct server *server, const char *name)
{
	struct list *node;
	struct list *after;
	struct list ready = LIST_INIT(ready);
	unsigned int n = 0;

	if (!is_released(server, name) && server->n_released < MAX_NAMES) {
		(void)snprintf(server->released[server->n_released++], sizeof(server->released[0]),
			"%.*s", (int)sizeof(server->released[0]) - 1, name);
	}
	list_for_each_safe(node, after, &server->named) {
		if (strcmp(list_entry(node, struct connection, queue)->plan.name, name) == 0) {
			list_unlink(node);
			list_append(&ready, node);
		}
	}
	while ((node = list_take_first(&ready))) {
		struct connection *c = list_entry(node, struct connection, queue);

		begin_sending(server, c);
		go_on(server, c);
		n++;
	}
	t_commands_reply(&server->commands, "released %u", n);
}

/* Connections on which nothing is under way, as a server ends them that is tired of waiting. */
static void
command_drop(struct server *server, const char *how)
{
	struct list *node;
	struct list *after;
	unsigned int n = 0;

	list_for_each_safe(node, after, &server->connections) {
		struct connection *c = list_entry(node, struct connection, all);

		if (c->state != STATE_READING || c->in.len > 0) {
			continue;
		}
		if (strcmp(how, "reset") == 0) {
			connection_reset(server, c);
		} else {
			connection_close(server, c);
		}
		n++;
	}
	t_commands_reply(&server->commands, "dropped %u", n);
}

static void
command_forget(struct server *server)
{
	server->counts.max_open = server->counts.n_open;
	server->counts.max_held = server->counts.n_held;
	server->counts.failed_ns = 0;
	server->counts.last_close_ns = 0;
	t_commands_reply(&server->commands, "forgotten");
}

static bool
run_command(void *data, const char *name, const char *argument)
{
	struct server *server = data;

	if (strcmp(name, "forget") == 0) {
		command_forget(server);
	} else if (strcmp(name, "release") == 0) {
		command_release(server, argument);
	} else if (strcmp(name, "drop") == 0) {
		command_drop(server, argument);
	} else {
		return false;
	}
	return true;
}

static void
commands_init(struct server *server, int command_fd, int reply_fd)
{
	const struct t_counter counters[] = {
		{ "accepted", &server->counts.n_accepted },
		{ "open", &server->counts.n_open },
		{ "held", &server->counts.n_held },
		{ "requests", &server->counts.n_requests },
		{ "max_open", &server->counts.max_open },
		{ "max_held", &server->counts.max_held },
		{ "failed_ns", &server->counts.failed_ns },
		{ "last_close_ns", &server->counts.last_close_ns },
	};

	_Static_assert(sizeof(counters) == sizeof(server->counters), "a counter is missing");
	memcpy(server->counters, counters, sizeof(counters));
	server->commands = (struct t_commands){
		.in = command_fd,
		.out = reply_fd,
		.counters = server->counters,
		.n_counters = ARRAY_LEN(server->counters),
		.run = run_command,
		.server = server,
	};
}

/* The loop */

static void
run_timers(struct server *server)
{
	struct list *node;
	struct list *after;
	struct list due = LIST_INIT(due);
	uint64_t now = now_ms();

	/* a slot holds what is due in this round of the wheel and in later ones */
	for (; server->n_timed > 0 && server->tick_ms <= now; server->tick_ms++) {
		list_for_each_safe(node, after, &server->slots[server->tick_ms % N_SLOTS]) {
			if (list_entry(node, struct connection, queue)->due_ms <= now) {
				list_unlink(node);
				list_append(&due, node);
			}
		}
	}
	server->tick_ms = now + 1;
	while (!list_is_empty(&due)) {
		struct connection *c = list_entry(due.next, struct connection, queue);

		queue_leave(server, c);
		if (c->state == STATE_WAITING) {
			begin_sending(server, c);
		} else {
			c->budget = c->plan.step;
			connection_send(server, c);
		}
		go_on(server, c);
	}
}

static void
run_crowd(struct server *server)
{
	struct list *node;
	struct list *after;
	uint64_t n_held = server->counts.n_held;

	/* the number is taken once: the first that goes must not hold back the second */
	list_for_each_safe(node, after, &server->crowd) {
		struct connection *c = list_entry(node, struct connection, queue);

		if (n_held >= c->plan.crowd) {
			begin_sending(server, c);
			go_on(server, c);
		}
	}
}

static void
dispatch(struct server *server, struct source *source, uint32_t events)
{
	switch (source->kind) {
	case SOURCE_COMMAND:
		t_commands_read(&server->commands, now_ms());
		break;
	case SOURCE_LISTENER:
		listener_event(server, container_of(source, struct listener, source));
		break;
	case SOURCE_CONNECTION:
		connection_event(server, container_of(source, struct connection, source), events);
		break;
	}
}

/* A wheel of milliseconds turns by polling each millisecond, when somebody is on it. */
static int
turn(struct server *server)
{
	struct epoll_event events[EVENTS_TURN];
	int timeout = server->n_timed > 0 || server->commands.is_waiting ? 1 : -1;
	int n = epoll_wait(server->epoll, events, EVENTS_TURN, timeout);
	int i;

	if (n < 0) {
		return errno == EINTR ? 0 : -errno;
	}
	for (i = 0; i < n; i++) {
		dispatch(server, events[i].data.ptr, events[i].events);
	}
	run_timers(server);
	run_crowd(server);
	bury(server);
	t_commands_look(&server->commands, now_ms());
	return server->error;
}

static int
watch_listeners(struct server *server, const struct t_origin_sockets *sockets)
{
	struct listener *listener = server->listeners;
	int fd;
	int i;
	int r;

	for (i = 0; i < T_ORIGIN_ADDRESSES + 1 + T_N_PORTS; i++, listener++) {
		bool is_http = i <= T_ORIGIN_ADDRESSES;
		enum t_port port =
			is_http ? T_PORT_HTTP : (enum t_port)(i - T_ORIGIN_ADDRESSES - 1);

		fd = is_http ? sockets->http[i] : sockets->other[port];
		if (fd < 0 || port == T_PORT_REFUSING || port == T_PORT_DEAF) {
			continue;
		}
		listener->source = (struct source){ .kind = SOURCE_LISTENER, .fd = fd };
		listener->port = port;
		r = watch(server, &listener->source, EPOLLIN);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int
server_init(
	struct server *server, const struct t_origin_sockets *sockets, int command_fd, int reply_fd)
{
	size_t i;
	int r;

	list_init(&server->connections);
	list_init(&server->dead);
	list_init(&server->named);
	list_init(&server->crowd);
	for (i = 0; i < N_SLOTS; i++) {
		list_init(&server->slots[i]);
	}
	server->tick_ms = now_ms();
	commands_init(server, command_fd, reply_fd);
	server->command = (struct source){ .kind = SOURCE_COMMAND, .fd = command_fd };
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0) {
		return -errno;
	}
	r = watch(server, &server->command, EPOLLIN);
	return r < 0 ? r : watch_listeners(server, sockets);
}

static void
server_fini(struct server *server)
{
	struct list *node;
	struct list *after;

	list_for_each_safe(node, after, &server->connections) {
		connection_close(server, list_entry(node, struct connection, all));
	}
	bury(server);
	t_commands_fini(&server->commands);
	closep(&server->epoll);
}

static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(
			RLIMIT_NOFILE, &limit); /* a test that needs more sees accept() fail */
	}
}

int
t_origin_serve(const struct t_origin_sockets *sockets, int command_fd, int reply_fd)
{
	struct server *server = calloc(1, sizeof(*server));
	int r;

	if (!server) {
		return -ENOMEM;
	}
	raise_descriptor_limit();
	r = server_init(server, sockets, command_fd, reply_fd);
	while (r == 0 && !server->commands.is_over) {
		r = turn(server);
	}
	server_fini(server);
	free(server);
	return r;
}
