/* SPDX-License-Identifier: MIT */
/*
 * The loop of the scripted name server (in the child) and the test's end of it. poll() over the UDP
 * socket, the TCP listener, a few TCP connections and the commands; answers that wait for a moment or a
 * release lie in a small table, and what does not fit is answered at once.
 */
#include "tests/support/name_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/commands.h"
#include "tests/support/name_answers.h"
#include "tests/support/server_child.h"
#include "tests/support/test.h"

#define MAX_MESSAGE     4096
#define MAX_CONNECTIONS 32
#define MAX_WAITING     1024
#define MAX_LABELS      32
#define WAIT_MS         20000

/* Where an answer goes: back by UDP, or down a connection. */
struct client {
	struct sockaddr_in address;
	int fd; /* of the connection, or -1 */
};

struct waiting {
	bool is_used;
	bool is_held;
	char label[T_MAX_LABEL + 1];
	uint64_t due_ms;
	struct client client;
	struct buffer message;
};

struct connection {
	int fd;
	size_t len;
	uint8_t bytes[MAX_MESSAGE];
};

struct server {
	int udp;
	int tcp;
	struct connection connections[MAX_CONNECTIONS];
	struct waiting waiting[MAX_WAITING];
	char released[MAX_LABELS][T_MAX_LABEL + 1];
	unsigned int n_released;
	unsigned int n_rebinds;
	struct t_name_counts counts;
	struct t_counter counters[7];
	bool has_come_from[UINT16_MAX + 1];
	struct t_commands commands;
};

static uint64_t
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A client that is gone does not hear the answer; that is its affair. */
static void
send_answer(struct server *server, const struct client *client, const struct buffer *message)
{
	uint8_t length[2] = { (uint8_t)(message->len >> 8), (uint8_t)message->len };

	if (client->fd >= 0) {
		(void)send(client->fd, length, sizeof(length), MSG_NOSIGNAL | MSG_MORE);
		(void)send(client->fd, message->data, message->len, MSG_NOSIGNAL);
	} else {
		(void)sendto(server->udp, message->data, message->len, MSG_NOSIGNAL,
			(const struct sockaddr *)&client->address, sizeof(client->address));
	}
}

static bool
is_released(const struct server *server, const char *label)
{
	unsigned int i;

	for (i = 0; i < server->n_released; i++) {
		if (strcmp(server->released[i], label) == 0) {
			return true;
		}
	}
	return false;
}

static struct waiting *
find_free(struct server *server)
{
	size_t i;

	for (i = 0; i < MAX_WAITING; i++) {
		if (!server->waiting[i].is_used) {
			return &server->waiting[i];
		}
	}
	return NULL;
}

/* Sends the answer, or puts it aside; then it owns the message. */
static void
dispose(struct server *server, const struct client *client, const struct t_name_query *query,
	struct t_name_answer *answer)
{
	bool is_held = answer->is_held && !is_released(server, query->label);
	struct waiting *waiting = is_held || answer->delay_ms ? find_free(server) : NULL;

	if (!waiting) {
		send_answer(server, client, &answer->message);
		return;
	}
	*waiting = (struct waiting){
		.is_used = true,
		.is_held = is_held,
		.due_ms = now_ms() + answer->delay_ms,
		.client = *client,
		.message = answer->message,
	};
	memcpy(waiting->label, query->label, sizeof(waiting->label));
	answer->message = (struct buffer)BUFFER_INIT;
	server->counts.n_held++;
}

static void
count_port(struct server *server, const struct client *client)
{
	bool *has_come = &server->has_come_from[client->address.sin_port];

	if (client->fd < 0) {
		server->counts.n_ports += !*has_come;
		*has_come = true;
	}
}

static void
take_query(struct server *server, const struct client *client, const uint8_t *message, size_t len)
{
	struct t_name_query query = { .is_tcp = client->fd >= 0 };
	struct t_name_answer answer = { 0 };
	unsigned int n_earlier = server->n_rebinds;

	if (!t_name_query_parse(message, len, &query)) {
		return;
	}
	server->counts.n_queries++;
	server->counts.n_a += query.type == T_TYPE_A;
	server->counts.n_aaaa += query.type == T_TYPE_AAAA;
	server->counts.n_tcp += query.is_tcp;
	server->counts.n_edns += query.has_edns;
	count_port(server, client);
	server->n_rebinds += query.type == T_TYPE_A && strcmp(query.label, "rebind") == 0;
	if (t_name_answer_make(&query, n_earlier, &answer) == 0 && !answer.is_silent) {
		dispose(server, client, &query, &answer);
	}
	buffer_fini(&answer.message);
}

static void
udp_event(struct server *server)
{
	uint8_t message[MAX_MESSAGE];
	struct client client = { .fd = -1 };
	socklen_t len = sizeof(client.address);
	ssize_t n;

	n = recvfrom(server->udp, message, sizeof(message), MSG_DONTWAIT,
		(struct sockaddr *)&client.address, &len);
	if (n > 0) {
		take_query(server, &client, message, (size_t)n);
	}
}

static void
tcp_event(struct server *server)
{
	int fd = accept4(server->tcp, NULL, NULL, SOCK_CLOEXEC);
	size_t i;

	for (i = 0; fd >= 0 && i < MAX_CONNECTIONS; i++) {
		if (server->connections[i].fd < 0) {
			server->connections[i].fd = steal_fd(&fd);
			server->connections[i].len = 0;
		}
	}
	closep(&fd); /* none was free */
}

/* A closed connection's number may come back, so nothing may be left waiting to be sent to it. */
static void
connection_close(struct server *server, struct connection *connection)
{
	size_t i;

	for (i = 0; i < MAX_WAITING; i++) {
		struct waiting *waiting = &server->waiting[i];

		if (waiting->is_used && waiting->client.fd == connection->fd) {
			buffer_fini(&waiting->message);
			waiting->is_used = false;
			server->counts.n_held--;
		}
	}
	(void)close(connection->fd);
	connection->fd = -1;
}

static void
connection_event(struct server *server, struct connection *connection)
{
	struct client client = { .fd = connection->fd };
	size_t len;
	ssize_t n;

	n = recv(connection->fd, connection->bytes + connection->len,
		sizeof(connection->bytes) - connection->len, MSG_DONTWAIT);
	if (n <= 0) {
		connection_close(server, connection);
		return;
	}
	connection->len += (size_t)n;
	while (connection->len >= 2) {
		len = 2 + ((size_t)connection->bytes[0] << 8 | connection->bytes[1]);
		if (connection->len < len) {
			break;
		}
		take_query(server, &client, connection->bytes + 2, len - 2);
		connection->len -= len;
		memmove(connection->bytes, connection->bytes + len, connection->len);
	}
}

static void
send_waiting(struct server *server, struct waiting *waiting)
{
	send_answer(server, &waiting->client, &waiting->message);
	buffer_fini(&waiting->message);
	waiting->is_used = false;
	server->counts.n_held--;
}

static void
run_timers(struct server *server)
{
	uint64_t now = now_ms();
	size_t i;

	for (i = 0; i < MAX_WAITING; i++) {
		struct waiting *waiting = &server->waiting[i];

		if (waiting->is_used && !waiting->is_held && waiting->due_ms <= now) {
			send_waiting(server, waiting);
		}
	}
}

static bool
run_command(void *data, const char *name, const char *label)
{
	struct server *server = data;
	unsigned int n = 0;
	size_t i;

	if (strcmp(name, "release") != 0) {
		return false;
	}
	if (!is_released(server, label) && server->n_released < MAX_LABELS) {
		(void)snprintf(server->released[server->n_released++], sizeof(server->released[0]),
			"%.*s", T_MAX_LABEL, label);
	}
	for (i = 0; i < MAX_WAITING; i++) {
		if (server->waiting[i].is_used && strcmp(server->waiting[i].label, label) == 0) {
			send_waiting(server, &server->waiting[i]);
			n++;
		}
	}
	t_commands_reply(&server->commands, "released %u", n);
	return true;
}

static int
turn(struct server *server)
{
	struct pollfd fds[3 + MAX_CONNECTIONS] = {
		{ .fd = server->commands.in, .events = POLLIN },
		{ .fd = server->udp, .events = POLLIN },
		{ .fd = server->tcp, .events = POLLIN },
	};
	int timeout = server->counts.n_held > 0 || server->commands.is_waiting ? 1 : -1;
	size_t i;

	for (i = 0; i < MAX_CONNECTIONS; i++) {
		fds[3 + i] = (struct pollfd){ .fd = server->connections[i].fd, .events = POLLIN };
	}
	if (poll(fds, ARRAY_LEN(fds), timeout) < 0) {
		return errno == EINTR ? 0 : -errno;
	}
	if (fds[0].revents) {
		t_commands_read(&server->commands, now_ms());
	}
	if (fds[1].revents) {
		udp_event(server);
	}
	for (i = 0; i < MAX_CONNECTIONS; i++) {
		if (fds[3 + i].revents && server->connections[i].fd == fds[3 + i].fd) {
			connection_event(server, &server->connections[i]);
		}
	}
	if (fds[2].revents) {
		tcp_event(server);
	}
	run_timers(server);
	t_commands_look(&server->commands, now_ms());
	return 0;
}

static void
server_init(struct server *server, const int *sockets, int command_fd)
{
	const struct t_counter counters[] = {
		{ "queries", &server->counts.n_queries },
		{ "a", &server->counts.n_a },
		{ "aaaa", &server->counts.n_aaaa },
		{ "tcp", &server->counts.n_tcp },
		{ "edns", &server->counts.n_edns },
		{ "ports", &server->counts.n_ports },
		{ "held", &server->counts.n_held },
	};
	size_t i;

	_Static_assert(sizeof(counters) == sizeof(server->counters), "a counter is missing");
	memcpy(server->counters, counters, sizeof(counters));
	server->udp = sockets[0];
	server->tcp = sockets[1];
	server->commands = (struct t_commands){
		.in = command_fd,
		.out = command_fd,
		.counters = server->counters,
		.n_counters = ARRAY_LEN(server->counters),
		.run = run_command,
		.server = server,
	};
	for (i = 0; i < MAX_CONNECTIONS; i++) {
		server->connections[i].fd = -1;
	}
}

/* The child: what it has goes with it. */
static int
serve(void *sockets, int command_fd)
{
	struct server *server = calloc(1, sizeof(*server));
	size_t i;
	int r = 0;

	if (!server) {
		return -ENOMEM;
	}
	server_init(server, sockets, command_fd);
	while (r == 0 && !server->commands.is_over) {
		r = turn(server);
	}
	for (i = 0; i < MAX_WAITING; i++) {
		buffer_fini(&server->waiting[i].message);
	}
	t_commands_fini(&server->commands);
	free(server);
	return r;
}

/* The test's end */

struct t_name_server {
	struct t_server server;
	char address[32];
	char condition[64];
};

/* TCP's number is the kernel's choice; where UDP's is taken by somebody, another is tried. */
static uint16_t
open_sockets(int sockets[3])
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int buffer_len = 4 << 20;
	socklen_t len = sizeof(in);
	int tries;

	for (tries = 20; tries > 0; tries--) {
		in.sin_port = 0;
		sockets[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		sockets[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert(sockets[0] >= 0 && sockets[1] >= 0);
		ck_assert_int_eq(bind(sockets[1], (struct sockaddr *)&in, sizeof(in)), 0);
		ck_assert_int_eq(getsockname(sockets[1], (struct sockaddr *)&in, &len), 0);
		if (bind(sockets[0], (struct sockaddr *)&in, sizeof(in)) == 0) {
			break;
		}
		(void)close(sockets[0]);
		(void)close(sockets[1]);
	}
	ck_assert_int_gt(tries, 0);
	/* as much as one gets: some tests ask for hundreds of names at once */
	(void)setsockopt(sockets[0], SOL_SOCKET, SO_RCVBUF, &buffer_len, sizeof(buffer_len));
	ck_assert_int_eq(listen(sockets[1], MAX_CONNECTIONS), 0);
	sockets[2] = -1;
	return ntohs(in.sin_port);
}

struct t_name_server *
t_name_server_create(void)
{
	struct t_name_server *names = calloc(1, sizeof(*names));
	int sockets[3];

	ck_assert_ptr_nonnull(names);
	(void)snprintf(
		names->address, sizeof(names->address), "127.0.0.1:%u", open_sockets(sockets));
	t_server_start(&names->server, serve, sockets, sockets);
	(void)close(sockets[0]);
	(void)close(sockets[1]);
	return names;
}

void
t_name_server_destroy(struct t_name_server *names)
{
	if (names) {
		t_server_stop(&names->server);
		free(names);
	}
}

const char *
t_name_server_address(const struct t_name_server *names)
{
	return names->address;
}

unsigned int
t_name_server_release(struct t_name_server *names, const char *label)
{
	return t_server_release(&names->server, label);
}

struct t_name_counts
t_name_server_counts(struct t_name_server *names)
{
	struct t_name_counts c;
	char line[256];
	int n;

	t_server_tell(&names->server, "counts\n");
	t_server_hear(&names->server, line, sizeof(line));
	n = sscanf(line,
		"counts queries=%" SCNu64 " a=%" SCNu64 " aaaa=%" SCNu64 " tcp=%" SCNu64
		" edns=%" SCNu64 " ports=%" SCNu64 " held=%" SCNu64,
		&c.n_queries, &c.n_a, &c.n_aaaa, &c.n_tcp, &c.n_edns, &c.n_ports, &c.n_held);
	ck_assert_int_eq(n, 7);
	return c;
}

void
t_name_server_wait_start(struct t_name_server *names, const char *condition)
{
	(void)snprintf(names->condition, sizeof(names->condition), "%s", condition);
	t_server_tell(&names->server, "wait %s %u\n", condition, WAIT_MS);
}

int
t_name_server_fd(const struct t_name_server *names)
{
	return names->server.fd;
}

void
t_name_server_wait_finish(struct t_name_server *names)
{
	char line[128];

	t_server_hear(&names->server, line, sizeof(line));
	ck_assert_msg(strcmp(line, "reached\n") == 0, "name server: waited for %s: %s",
		names->condition, line);
}

void
t_name_server_wait(struct t_name_server *names, const char *condition)
{
	t_name_server_wait_start(names, condition);
	t_name_server_wait_finish(names);
}
