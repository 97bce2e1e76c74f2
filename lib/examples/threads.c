#include <errno.h>
#include <nursery.h>
#include <stdio.h>
#include <unistd.h>

struct letter {
	int pipe[2];
	char text[16];
	ssize_t len;
};

/* In the run again, as the task that waits for the thread. */
static int
report(void *arg)
{
	struct letter *letter = arg;

	printf("%s: %zd bytes came\n", nur_task_name(nur_current_task()), letter->len);
	return 0;
}

/* On a thread: it may block, and touches nothing of the run. */
static int
read_letter(void *arg)
{
	struct letter *letter = arg;

	letter->len = read(letter->pipe[0], letter->text, sizeof(letter->text) - 1);
	if (letter->len < 0) {
		return nur_fail(-errno, "the letter cannot be read");
	}
	return nur_thread_call_back(report, letter);
}

static int
receive(void *arg)
{
	struct letter *letter = arg;
	int r;

	printf("reader: waits for a thread\n");
	r = nur_thread_run(read_letter, letter, NULL);
	if (r < 0) {
		return r;
	}
	printf("reader: %s\n", letter->text);
	return 0;
}

static int
program(void *arg)
{
	struct letter letter = { .len = 0 };
	int rc = 0;

	if (pipe(letter.pipe) < 0) {
		return -errno;
	}
	{
		NUR_NURSERY(nursery, &rc, NULL);

		rc = nur_start_soon(nursery, "reader", receive, &letter);
		if (rc == 0) {
			rc = nur_sleep(NUR_MSEC(10)); /* the others run */
		}
		printf("main: writes\n");
		if (rc == 0 && write(letter.pipe[1], "hello", 5) != 5) {
			rc = -errno;
		}
		(void)close(letter.pipe[1]); /* the reader ends, whatever went wrong */
	}
	(void)close(letter.pipe[0]);
	return rc;
}

int
main(void)
{
	return nur_run(program, NULL, NULL, NULL) < 0;
}
