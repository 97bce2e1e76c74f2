#include <event2/event.h>
#include <nursery.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The other world: a thread that owns an event_base and answers each line it reads. */
static void
on_line(evutil_socket_t fd, short what, void *arg)
{
	char line[64];
	ssize_t len = recv(fd, line, sizeof(line), 0);

	if (len <= 0 || send(fd, line, (size_t)len, MSG_NOSIGNAL) != len) {
		(void)event_base_loopbreak(arg); /* the tasks have hung up */
	}
}

static void *
own_loop(void *arg)
{
	struct event_base *base = event_base_new();
	struct event *event;

	event = base ? event_new(base, *(int *)arg, EV_READ | EV_PERSIST, on_line, base) : NULL;
	if (event && event_add(event, NULL) == 0) {
		(void)event_base_dispatch(base);
	}
	if (event) {
		event_free(event);
	}
	if (base) {
		event_base_free(base);
	}
	(void)shutdown(*(int *)arg, SHUT_RDWR); /* a task that waits for an answer gets the end */
	return NULL;
}

/* This world: tasks, and a stream to the other. */
static int
ask(struct nur_stream *stream)
{
	static const char question[] = "is anybody there?";
	char answer[64];
	int64_t len;
	int r = nur_stream_send_all(stream, question, strlen(question));

	if (r < 0) {
		return r;
	}
	len = nur_stream_receive_some(stream, answer, sizeof(answer));
	if (len <= 0) {
		return len < 0 ? (int)len : NUR_EBROKEN;
	}
	printf("the other loop says: %.*s\n", (int)len, answer);
	return 0;
}

static int
program(void *arg)
{
	struct nur_stream *stream = NULL;
	int r = nur_stream_open(*(int *)arg, &stream);

	if (r < 0) {
		return r;
	}
	r = ask(stream);
	nur_stream_destroy(stream); /* the other loop sees the end, and stops */
	return r;
}

int
main(void)
{
	pthread_t thread;
	int fds[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
		return 1;
	}
	if (pthread_create(&thread, NULL, own_loop, &fds[0]) != 0) {
		return 1;
	}
	r = nur_run(program, &fds[1], NULL, NULL);
	(void)shutdown(fds[0], SHUT_RDWR); /* also when no stream could be made */
	(void)pthread_join(thread, NULL);
	(void)close(fds[0]);
	printf("both loops have ended: %s\n", nur_strerror(r));
	return r < 0;
}
