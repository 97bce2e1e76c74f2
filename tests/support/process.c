/* SPDX-License-Identifier: MIT */
#include "tests/support/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/test.h"

#define EXIT_MS 120000 /* only a failure takes that long */

static const struct {
	const char *name;
	const char *variable;
	const char *path; /* from the folder of the test program */
} programs[] = {
	{ "fetchd", "FETCHD", "../../daemon/fetchd" },
	{ "fetchctl", "FETCHCTL", "../../client/fetchctl" },
};

char *
t_program(const char *name)
{
	char self[512];
	const char *given;
	char *path = NULL;
	ssize_t len;
	size_t i;

	for (i = 0; i < ARRAY_LEN(programs) && strcmp(programs[i].name, name) != 0; i++) {
	}
	ck_assert_uint_lt(i, ARRAY_LEN(programs));
	given = getenv(programs[i].variable);
	if (given) {
		path = strdup(given);
	} else {
		len = readlink("/proc/self/exe", self, sizeof(self) - 1);
		ck_assert_int_gt(len, 0);
		self[len] = '\0';
		ck_assert_int_gt(asprintf(&path, "%s/%s", dirname(self), programs[i].path), 0);
	}
	ck_assert_msg(path && access(path, X_OK) == 0, "%s is no program", path);
	return path;
}

static int
make_input(const char *text)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	if (text) {
		ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
		ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	}
	return fd;
}

static void __attribute__((noreturn))
exec_child(const struct t_spawn *spawn, int input, pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(EXIT_FAILURE); /* it died before the line above */
	}
	(void)signal(SIGPIPE, SIG_DFL); /* ours is ignored, and that would be inherited */
	if (dup2(input, STDIN_FILENO) < 0 || dup2(spawn->out, STDOUT_FILENO) < 0 ||
		dup2(spawn->err, STDERR_FILENO) < 0) {
		_exit(126);
	}
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	if (spawn->env) {
		(void)putenv((char *)(uintptr_t)spawn->env);
	}
	(void)execv(spawn->argv[0], (char *const *)(uintptr_t)spawn->argv);
	_exit(127);
}

pid_t
t_spawn(const struct t_spawn *spawn, int *ret_pidfd)
{
	_cleanup_(closep) int input = make_input(spawn->input);
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		exec_child(spawn, input, parent); /* asserts nothing: Check's file is shared */
	}
	ck_assert_int_gt(pid, 0);
	*ret_pidfd = pidfd_open(pid, 0);
	ck_assert(*ret_pidfd >= 0 || errno == ENOSYS); /* valgrind 3.19 has none */
	return pid;
}

static bool
has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	return info.si_pid == pid;
}

/* The pidfd wakes us at once; without one (valgrind) the poll is no more than a pause. */
static bool
wait_for_end(pid_t pid, int pidfd)
{
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };
	int pause_ms = pidfd < 0 ? 10 : EXIT_MS;
	int left_ms = EXIT_MS;

	while (left_ms > 0 && !has_ended(pid)) {
		if (poll(&poll_fd, 1, pause_ms) == 0) {
			left_ms -= pause_ms;
		}
	}
	return has_ended(pid);
}

int
t_wait_exit(pid_t pid, int pidfd)
{
	bool is_over = wait_for_end(pid, pidfd);
	int status;

	if (!is_over) {
		(void)kill(pid, SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(is_over, "process %d has not ended", (int)pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
t_read_fd(int fd, struct buffer *buffer)
{
	char bytes[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, bytes, sizeof(bytes), at)) > 0) {
		buffer_append(buffer, bytes, (size_t)n);
		at += n;
	}
	ck_assert_int_eq(n, 0);
	buffer_puts(buffer, ""); /* data is a string, also when there was nothing */
	ck_assert_int_eq(buffer_error(buffer), 0);
}

void
t_run(const char *const *argv, const char *input, struct t_output *output)
{
	_cleanup_(closep) int out = memfd_create("out", MFD_CLOEXEC);
	_cleanup_(closep) int err = memfd_create("err", MFD_CLOEXEC);
	_cleanup_(closep) int pidfd = -1;
	const struct t_spawn spawn = { .argv = argv, .input = input, .out = out, .err = err };
	pid_t pid;

	ck_assert(out >= 0 && err >= 0);
	t_output_fini(output);
	pid = t_spawn(&spawn, &pidfd);
	output->status = t_wait_exit(pid, pidfd);
	t_read_fd(out, &output->out);
	t_read_fd(err, &output->err);
}

void
t_output_fini(struct t_output *output)
{
	buffer_fini(&output->out);
	buffer_fini(&output->err);
	*output = (struct t_output)T_OUTPUT_INIT;
}

static DIR *
open_fds(pid_t pid)
{
	char path[64];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	ck_assert_msg(dir != NULL, "%s: %s", path, strerror(errno));
	return dir;
}

unsigned int
t_proc_n_fds(pid_t pid)
{
	DIR *dir = open_fds(pid);
	struct dirent *entry;
	unsigned int n = 0;

	while ((entry = readdir(dir))) {
		n += entry->d_name[0] != '.';
	}
	(void)closedir(dir);
	return n;
}

void
t_proc_list_fds(pid_t pid, struct buffer *text)
{
	DIR *dir = open_fds(pid);
	struct dirent *entry;
	char target[256];
	ssize_t len;

	while ((entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (len > 0) {
			buffer_printf(text, " %s=%.*s", entry->d_name, (int)len, target);
		}
	}
	(void)closedir(dir);
}

unsigned int
t_proc_n_sockets(pid_t pid)
{
	_cleanup_(buffer_fini) struct buffer list = BUFFER_INIT;
	unsigned int n = 0;

	t_proc_list_fds(pid, &list);
	for (const char *at = list.data; at && (at = strstr(at, "=socket:")); at++) {
		n++;
	}
	return n;
}

uint64_t
t_proc_rss_kib(pid_t pid)
{
	_cleanup_(fclosep) FILE *file = NULL;
	char path[64];
	char line[256];
	unsigned long long kib;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "VmRSS: %llu kB", &kib) == 1) {
			return kib;
		}
	}
	ck_abort_msg("%s has no VmRSS", path);
}

/* schedstat counts in nanoseconds, where stat counts in ticks of 10 ms. */
static uint64_t
thread_cpu_ns(pid_t pid, const char *thread)
{
	_cleanup_(fclosep) FILE *file = NULL;
	char path[300];
	unsigned long long ns = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, thread);
	file = fopen(path, "re");
	if (file && fscanf(file, "%llu", &ns) != 1) {
		ns = 0;
	}
	return ns; /* 0 of a thread that has just ended */
}

uint64_t
t_proc_cpu_ns(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	uint64_t ns = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	ck_assert_msg(dir != NULL, "%s: %s", path, strerror(errno));
	while ((entry = readdir(dir))) {
		ns += entry->d_name[0] == '.' ? 0 : thread_cpu_ns(pid, entry->d_name);
	}
	(void)closedir(dir);
	return ns;
}
