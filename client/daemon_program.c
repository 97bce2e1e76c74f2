/* SPDX-License-Identifier: MIT */
#include "client/daemon_program.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

/* The folder of this program, or "" where /proc is not there. */
static void
put_own_folder(struct buffer *out)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));
	const char *slash = len > 0 ? memrchr(path, '/', (size_t)len) : NULL;

	buffer_append(out, path, slash ? (size_t)(slash - path) : 0);
}

/* Tries one place. Return: 0 and its process, or -errno */
static int
spawn_at(const char *folder, const char *rest, char *const *argv, pid_t *ret_pid)
{
	_cleanup_(buffer_fini) struct buffer path = BUFFER_INIT;

	buffer_printf(&path, "%s%s", folder, rest);
	if (buffer_error(&path) < 0) {
		return buffer_error(&path);
	}
	return -posix_spawn(ret_pid, path.data, NULL, NULL, argv, environ);
}

static int
spawn(char *const *argv, pid_t *ret_pid)
{
	_cleanup_(buffer_fini) struct buffer folder = BUFFER_INIT;
	int r;

	put_own_folder(&folder);
	r = buffer_error(&folder);
	if (r == 0 && folder.len > 0) {
		r = spawn_at(folder.data, "/fetchd", argv, ret_pid);
		r = r == -ENOENT ? spawn_at(folder.data, "/../sbin/fetchd", argv, ret_pid) : r;
	} else if (r == 0) {
		r = -ENOENT;
	}
	r = r == -ENOENT ? -posix_spawnp(ret_pid, "fetchd", NULL, NULL, argv, environ) : r;
	return r == -ENOENT ? spawn_at(FETCHD_PATH, "", argv, ret_pid) : r;
}

int
daemon_program_run(char *const *argv)
{
	pid_t pid = -1;
	int status;
	int r = spawn(argv, &pid);

	if (r < 0) {
		return r;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return -errno;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}
