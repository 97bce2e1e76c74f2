#include <errno.h>
#include <netinet/in.h>
#include <nursery.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int
greet_callers(int fd)
{
	for (;;) {
		int r = nur_wait_readable(fd);
		int caller;

		if (r < 0) {
			return r;
		}
		caller = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (caller < 0) {
			return -errno;
		}
		(void)send(caller, "hello", 5, MSG_NOSIGNAL); /* or the caller has hung up */
		(void)close(caller);
	}
}

static int
serve(struct nur_task_status *status, void *arg)
{
	struct sockaddr_in *address = arg;
	socklen_t len = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd < 0) {
		return -errno;
	}
	if (bind(fd, (struct sockaddr *)address, len) < 0 || listen(fd, 8) < 0 ||
		getsockname(fd, (struct sockaddr *)address, &len) < 0) {
		r = -errno; /* the failure of nur_start() */
	}
	if (r == 0) {
		r = nur_started(status, address); /* nur_start() returns */
	}
	if (r == 0) {
		r = greet_callers(fd); /* from here on the nursery's task */
	}
	(void)close(fd);
	return r;
}

static int
call(const struct sockaddr_in *server)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[16];
	ssize_t len;
	int r;

	if (fd < 0) {
		return -errno;
	}
	r = connect(fd, (const struct sockaddr *)server, sizeof(*server)) < 0 ? -errno : 0;
	if (r == 0) {
		r = nur_wait_readable(fd);
	}
	if (r == 0) {
		len = recv(fd, text, sizeof(text), 0);
		printf("the server says: %.*s\n", len > 0 ? (int)len : 0, text);
	}
	(void)close(fd);
	return r;
}

static int
body(struct nur_nursery *nursery, void *arg)
{
	void *address; /* with the port that the system chose */
	int r = nur_start(nursery, "server", serve, arg, &address);

	if (r == 0) {
		r = call(address);
	}
	if (r < 0) {
		return r;
	}

	r = nur_start(nursery, "second server", serve, address, NULL);
	printf("a second one there: %s\n", nur_strerror(r));
	r = call(address); /* the first has not noticed */
	nur_nursery_cancel(nursery, "enough");
	return r;
}

static int
program(void *arg)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	return nur_nursery_run(body, &address, NULL);
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
