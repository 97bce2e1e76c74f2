#include <nursery.h>
#include <stdio.h>
#include <string.h>

struct client {
	const char *says;
	const struct nur_address *server;
	char hears[64];
};

/* The server's side of one connection, in a task of its own. */
static int
echo(struct nur_stream *stream, void *arg)
{
	char bytes[16];
	int64_t n;
	int r = 0;

	while (r == 0 && (n = nur_stream_receive_some(stream, bytes, sizeof(bytes))) != 0) {
		r = n < 0 ? (int)n : nur_stream_send_all(stream, bytes, (size_t)n);
	}
	return r == NUR_EBROKEN ? 0 : r; /* a caller who hangs up is no failure of the server */
}

static int
serve(void *listener)
{
	static const struct nur_server server = { .handle = echo };

	return nur_serve((struct nur_listener **)listener, 1, &server);
}

static int
talk(struct nur_stream *stream, struct client *client)
{
	size_t len = 0;
	int64_t n = 1;
	int r = nur_stream_send_all(stream, client->says, strlen(client->says));

	if (r == 0) {
		r = nur_stream_send_eof(
			stream); /* the server's loop ends, and so does what it sends */
	}
	while (r == 0 && n > 0) {
		n = nur_stream_receive_some(
			stream, client->hears + len, sizeof(client->hears) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	return r < 0 ? r : (int)n;
}

static int
call(void *arg)
{
	struct client *client = arg;
	struct nur_stream *stream = NULL;
	int r = nur_connect_addresses(client->server, 1, NULL, &stream);

	if (r == 0) {
		r = talk(stream, client);
	}
	nur_stream_destroy(stream);
	return r;
}

static int
call_all(struct nur_nursery *nursery, void *arg)
{
	struct client *clients = arg;
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		r = nur_start_soon(nursery, "client", call, &clients[i]);
	}
	return r;
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	struct nur_listener **listener = arg;
	struct nur_address address;
	struct client clients[] = { { "good morning", &address, "" },
		{ "a line of more than sixteen bytes", &address, "" },
		{ "good night", &address, "" } };
	int r = nur_address_of_socket(nur_listener_fd(*listener), &address);

	if (r == 0) {
		r = nur_start_soon(nursery, "server", serve, listener);
	}
	if (r == 0) {
		r = nur_nursery_run(call_all, clients, NULL);
	}
	for (int i = 0; i < 3 && r == 0; i++) {
		printf("%s\n", clients[i].hears);
	}
	nur_nursery_cancel(nursery, "all clients have ended");
	return r;
}

static int
program(void *arg)
{
	struct nur_listener *listener = NULL;
	struct nur_address address;
	int r = nur_address_parse("127.0.0.1", 0, &address); /* port 0: one that is free */

	if (r == 0) {
		r = nur_listen_tcp(&address, 1, 0, &listener);
	}
	if (r < 0) {
		return r;
	}
	r = nur_nursery_run(body, &listener, NULL);
	nur_listener_destroy(listener);
	return r;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
