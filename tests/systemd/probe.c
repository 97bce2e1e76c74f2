/* SPDX-License-Identifier: MIT */
/*
 * Tries what the service shall not be able to do, and what it must, as a process in its place. Prints a line for
 * each: the name, and "yes" or the error that the kernel gave.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the C library's call would say: 0, or -1 with errno. */
static int
can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : close(fd);
}

static int
write_state(void)
{
	char path[4096];
	const char *folder = getenv("STATE_DIRECTORY");

	(void)snprintf(path, sizeof(path), "%s/probe", folder ? folder : "/nowhere");
	return can_open(path, O_WRONLY | O_CREAT) < 0 ? -1 : unlink(path);
}

static int
set_user_id_bit(void)
{
	char path[4096];
	const char *folder = getenv("STATE_DIRECTORY");
	int r;

	(void)snprintf(path, sizeof(path), "%s/probe-suid", folder ? folder : "/nowhere");
	if (can_open(path, O_WRONLY | O_CREAT) < 0) {
		return -1;
	}
	r = chmod(path, 04700);
	return unlink(path) < 0 ? -1 : r;
}

static int
execute(const char *path)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		(void)execl(path, path, (char *)NULL);
		_exit(errno);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0) {
		return -1;
	}
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	return errno == 0 ? 0 : -1;
}

static int
can_socket(int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -1 : close(fd);
}

/* A datagram by the loopback interface; whether anybody receives it does not matter. */
static int
send_to(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct in_addr loopback = { htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof(loopback)) < 0) {
		return -1;
	}
	n = sendto(fd, "", 1, 0, (const struct sockaddr *)&to, sizeof(to));
	return n < 0 ? -1 : close(fd);
}

static int
map_writable_code(void)
{
	void *page = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? -1 : 0;
}

static int
real_time(void)
{
	const struct sched_param param = { .sched_priority = 1 };

	return sched_setscheduler(0, SCHED_FIFO, &param);
}

#define PROBE(name, call) \
	do { \
		errno = 0; \
		(void)printf("%s: %s\n", name, (call) < 0 ? strerrorname_np(errno) : "yes"); \
	} while (0)

int
main(void)
{
	PROBE("write state", write_state());
	PROBE("write /tmp", can_open("/tmp/probe", O_WRONLY | O_CREAT));
	PROBE("TCP", can_socket(AF_INET, SOCK_STREAM, 0));
	PROBE("TCP on IPv6", can_socket(AF_INET6, SOCK_STREAM, 0));
	PROBE("send to loopback", send_to("127.0.0.1"));

	PROBE("write /usr", can_open("/usr/probe", O_WRONLY | O_CREAT));
	PROBE("write /etc", can_open("/etc/probe", O_WRONLY | O_CREAT));
	PROBE("write /run", can_open("/run/fetchd/probe", O_WRONLY | O_CREAT));
	PROBE("read /root", can_open("/root", O_RDONLY | O_DIRECTORY));
	PROBE("list /home", can_open("/home", O_RDONLY | O_DIRECTORY));
	PROBE("read of init", can_open("/proc/1/status", O_RDONLY));
	PROBE("read /proc/meminfo", can_open("/proc/meminfo", O_RDONLY));
	PROBE("set-user-ID bit", set_user_id_bit());

	PROBE("netlink", can_socket(AF_NETLINK, SOCK_RAW, 0));
	PROBE("packet socket", can_socket(AF_PACKET, SOCK_RAW, 0));
	PROBE("raw socket", can_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	PROBE("vsock", can_socket(AF_VSOCK, SOCK_STREAM, 0));
	PROBE("send to multicast", send_to("224.0.0.251"));

	PROBE("execute a program", execute("/usr/bin/true"));
	PROBE("writable code", map_writable_code());
	PROBE("user namespace", unshare(CLONE_NEWUSER));
	PROBE("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
	PROBE("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	PROBE("personality", personality(PER_LINUX32));
	PROBE("real time", real_time());
	PROBE("io_uring", (int)syscall(SYS_io_uring_setup, 8, NULL));
	PROBE("keyring", (int)syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 1));
	PROBE("bpf", (int)syscall(SYS_bpf, 0, NULL, 0));
	PROBE("kexec", (int)syscall(SYS_kexec_load, 0, 0, NULL, 0));
	return EXIT_SUCCESS;
}
