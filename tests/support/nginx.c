/* SPDX-License-Identifier: MIT */
/*
 * "nginx.sh hold" stops nginx at the end of its standard input. That is a pipe whose other end only
 * the test has, so the end comes with the test's death, too.
 */
#include "tests/support/nginx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "tests/support/process.h"
#include "tests/support/test.h"

bool
t_nginx_is_there(void)
{
	return access("/usr/sbin/nginx", X_OK) == 0 &&
	       access("/usr/lib/nginx/modules/ngx_http_echo_module.so", R_OK) == 0;
}

static void __attribute__((noreturn)) exec_script(const char *folder, int input, int output)
{
	if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0) {
		_exit(126);
	}
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	(void)execl("/bin/bash", "bash", T_NGINX_SH, "hold", folder, (char *)NULL);
	_exit(127);
}

static void
read_ports(struct t_nginx *nginx, int fd)
{
	_cleanup_(fclosep) FILE *file = fdopen(fd, "r");
	char line[512];
	int n;

	ck_assert_ptr_nonnull(file);
	ck_assert_msg(fgets(line, sizeof(line), file) != NULL, "nginx has not started");
	n = sscanf(line,
		"NGINX_HTTP=%u NGINX_HTTPS=%u NGINX_EXPIRED=%u NGINX_MISNAMED=%u "
		"NGINX_SELF_SIGNED=%u NGINX_OLD_TLS=%u NGINX_CA=%127s NGINX_ASKING=%u "
		"NGINX_CLIENT=%127s",
		&nginx->http, &nginx->https, &nginx->expired, &nginx->misnamed, &nginx->self_signed,
		&nginx->old_tls, nginx->ca, &nginx->asking, nginx->client);
	ck_assert_int_eq(n, 9);
}

void
t_nginx_start(struct t_nginx *nginx)
{
	int input[2];
	int output[2];

	*nginx = (struct t_nginx){ .input = -1 };
	(void)snprintf(nginx->folder, sizeof(nginx->folder), "/tmp/fetchd-nginx-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(nginx->folder));
	ck_assert_int_eq(pipe2(input, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(output, O_CLOEXEC), 0);
	nginx->pid = fork();
	if (nginx->pid == 0) {
		exec_script(nginx->folder, input[0], output[1]);
	}
	ck_assert_int_gt(nginx->pid, 0);
	(void)close(input[0]);
	(void)close(output[1]);
	nginx->input = input[1];
	read_ports(nginx, output[0]);
}

void
t_nginx_stop(struct t_nginx *nginx)
{
	const char *argv[] = { "/bin/rm", "-rf", nginx->folder, NULL };
	_cleanup_(t_output_fini) struct t_output output = T_OUTPUT_INIT;

	if (nginx->pid == 0) {
		return;
	}
	(void)close(nginx->input);
	while (waitpid(nginx->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	t_run(argv, NULL, &output);
	*nginx = (struct t_nginx){ 0 };
}
