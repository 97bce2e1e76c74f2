/* SPDX-License-Identifier: MIT */
/* fetchd: the command line, the process's surroundings, and the exit status. */
#include <errno.h>
#include <fetch/fetch.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon/accounts.h"
#include "daemon/config/config.h"
#include "daemon/config/lint.h"
#include "daemon/descriptors.h"
#include "daemon/listen.h"
#include "daemon/ops/listen_fds.h"
#include "daemon/ops/log.h"
#include "daemon/ops/notify.h"
#include "daemon/server.h"
#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"
#include "lib/base/standard_fds.h"
#include "lib/fetch/rules/address.h"
#include "lib/protocol/json.h"

#define DEFAULT_CONFIG "/etc/fetchd/fetchd.yaml"
#define DEFAULT_SOCKET "/run/fetchd/api.sock"

/* Of sysexits.h: the service manager must not restart us after it. */
enum {
	exit_usage = 2,
	exit_warnings = 9, /* of no header: it is never an end of the service */
	exit_config = 78
};

struct arguments {
	const char *config_path;
	const char *socket_path;
	bool check;
	bool is_strict;
	bool show_config;
};

static const char help[] =
	"usage: fetchd [--config FILE] [--socket PATH] [--check [--strict]] [--show-config] "
	"[--schema] "
	"[--version] [--help]\n"
	"\n"
	"Fetches batches of URLs over HTTP, each as one unit of work.\n"
	"\n"
	"  --config FILE   configuration (" DEFAULT_CONFIG ", if it is there)\n"
	"  --socket PATH   where to serve, in place of listen.socket\n"
	"  --check         read the configuration, say all that is wrong or doubtful, exit\n"
	"  --strict        with --check: fail (9) when there is anything doubtful\n"
	"  --show-config   print the configuration in effect, exit\n"
	"  --schema        print the JSON Schema of the configuration, exit\n"
	"  --version       print the versions, exit\n"
	"\n"
	"fetchd(8) and fetchd.yaml(5) have the details.\n";

/* @text has been made, or (@r) not. Return: the exit status; a file that is cut short is no success. */
static int
print(int r, struct buffer *text)
{
	if (r == 0 && (fputs(text->data, stdout) < 0 || fflush(stdout) != 0)) {
		r = -errno;
	}
	if (r < 0) {
		(void)fprintf(stderr, "fetchd: cannot write the output: %s\n", strerror(-r));
	}
	buffer_fini(text);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
print_help(void)
{
	struct buffer text = BUFFER_INIT;

	buffer_puts(&text, help);
	return print(buffer_error(&text), &text);
}

static int
print_version(void)
{
	struct fetch_versions versions;
	struct buffer text = BUFFER_INIT;

	fetch_engine_versions(&versions);
	buffer_printf(&text, "fetchd %s (libcurl %s, %s, c-ares %s)\n", FETCHD_VERSION,
		versions.curl, versions.ssl, versions.cares);
	return print(buffer_error(&text), &text);
}

static int
print_schema(void)
{
	struct buffer text = BUFFER_INIT;

	return print(config_write_json_schema(&text), &text);
}

/* Return: -1 to go on, else the exit status. */
static int
parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	enum {
		opt_config = 256,
		opt_socket,
		opt_check,
		opt_strict,
		opt_show,
		opt_schema,
		opt_version,
		opt_help
	};
	static const struct option options[] = {
		{ "config", required_argument, NULL, opt_config },
		{ "socket", required_argument, NULL, opt_socket },
		{ "check", no_argument, NULL, opt_check },
		{ "strict", no_argument, NULL, opt_strict },
		{ "show-config", no_argument, NULL, opt_show },
		{ "schema", no_argument, NULL, opt_schema },
		{ "version", no_argument, NULL, opt_version },
		{ "help", no_argument, NULL, opt_help },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case opt_config:
			arguments->config_path = optarg;
			break;
		case opt_socket:
			arguments->socket_path = optarg;
			break;
		case opt_check:
			arguments->check = true;
			break;
		case opt_strict:
			arguments->is_strict = true;
			break;
		case opt_show:
			arguments->show_config = true;
			break;
		case opt_schema:
			return print_schema();
		case opt_version:
			return print_version();
		case opt_help:
			return print_help();
		default:
			(void)fputs(help, stderr);
			return exit_usage;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "fetchd: unexpected argument \"%s\"\n%s", argv[optind], help);
		return exit_usage;
	}
	if (arguments->is_strict && !arguments->check) {
		(void)fprintf(stderr, "fetchd: --strict belongs to --check\n%s", help);
		return exit_usage;
	}
	if (!arguments->config_path && access(DEFAULT_CONFIG, F_OK) == 0) {
		arguments->config_path = DEFAULT_CONFIG;
	}
	return -1;
}

/* What others could steer us with: proxies, keys written to files, resolver switches. */
static void
clean_environment(void)
{
	static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
		"all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "SSLKEYLOGFILE", "RES_OPTIONS",
		"LOCALDOMAIN", "HOSTALIASES", "CARES_HOSTS", "OPENSSL_CONF", "SSL_CERT_FILE",
		"SSL_CERT_DIR", "CURL_CA_BUNDLE", "NETRC" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)unsetenv(names[i]); /* fails only on a bad name */
	}
}

/* Return: 1 with one, 0 when none was passed. */
static int
take_listener(struct nur_listener **ret_listener)
{
	int fd, r = listen_fds_take(LISTEN_FDS_START, "api", &fd);

	if (r > 0) {
		r = nur_listener_open(fd, ret_listener);
		return r < 0 ? r : 1;
	}
	return r;
}

static int
open_listener(const struct config *config, const struct arguments *arguments,
	struct nur_listener **ret_listener)
{
	struct listen_options options = {
		.path = arguments->socket_path ? arguments->socket_path
			: config->socket_path  ? config->socket_path
					       : DEFAULT_SOCKET,
		.mode = config->socket_mode,
		.group = config->socket_group,
	};
	char why[256];
	int r = take_listener(ret_listener);

	if (r < 0) {
		log_error("the socket passed by the service manager: %s", strerror(-r));
		return r;
	}
	if (r > 0) {
		log_info("listening on the socket of the service manager");
		return 0;
	}
	r = listen_open(&options, ret_listener, why, sizeof(why));
	if (r < 0) {
		log_error("%s", why);
		return r;
	}
	log_info("listening on %s", options.path);
	return 0;
}

/* Return: 0, also when none is wanted. */
static int
open_metrics_listener(const struct config *config, struct nur_listener **ret_listener)
{
	char host[FETCH_ADDRESS_CAP];
	char text[FETCH_ADDRESS_CAP + 8];
	struct nur_address address;
	int r;

	if (config->metrics.address.family == AF_UNSPEC) {
		return 0;
	}
	fetch_address_format(&config->metrics.address, host);
	r = nur_address_parse(host, config->metrics.port, &address);
	if (r >= 0) {
		r = nur_listen_tcp(&address, 1, 0, ret_listener);
	}
	if (r >= 0) {
		r = nur_address_of_socket(nur_listener_fd(*ret_listener), &address);
	}
	if (r < 0) {
		log_error("listen.metrics: %s", nur_strerror(r));
		return r;
	}
	(void)nur_address_format(&address, text, sizeof(text));
	log_info("metrics on %s", text);
	return 0;
}

/* The first of those that the service manager made for us, or NULL. */
static const char *
state_folder(void)
{
	static char folder[4096];
	const char *folders = getenv("STATE_DIRECTORY");

	if (!folders || *folders != '/') {
		return NULL;
	}
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)strcspn(folders, ":"), folders);
	return folder;
}

static int
serve(struct config *config, const struct arguments *arguments)
{
	struct notify notify = NOTIFY_INIT;
	struct server_options options = {
		.config = config,
		.config_path = arguments->config_path,
		.state_folder = state_folder(),
		.notify = &notify,
	};
	int r = notify_open(&notify);

	if (r < 0) {
		log_warning("the service manager cannot be told: %s", strerror(-r));
	}
	r = open_listener(config, arguments, &options.listener);
	if (r == 0) {
		r = open_metrics_listener(config, &options.metrics_listener);
	}
	if (r == 0) {
		accounts_find(config);
		accounts_log_unknown(config);
		descriptors_fit(config);
		r = server_run(&options);
		log_info("stopped");
	}
	notify_fini(&notify);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Return: -1 with a configuration, else the exit status. */
static int
read_config(const struct arguments *arguments, struct config **ret_config)
{
	struct faults faults = FAULTS_INIT;
	struct buffer text = BUFFER_INIT;
	int r = config_load(arguments->config_path, ret_config, &faults);

	if (r < 0) {
		config_print_faults(&faults, &text);
		(void)fputs(text.data ? text.data : "", stderr);
		if (faults_count(&faults) == 0) {
			(void)fprintf(stderr, "fetchd: %s: %s\n",
				arguments->config_path ? arguments->config_path : "configuration",
				strerror(-r));
		}
	}
	buffer_fini(&text);
	faults_fini(&faults);
	return r < 0 ? exit_config : -1;
}

/* What is legal, but hardly meant. Return: the exit status. */
static int
check(struct config *config, const struct arguments *arguments)
{
	struct faults warnings = FAULTS_INIT;
	struct buffer text = BUFFER_INIT;
	int status = EXIT_SUCCESS;
	int r;

	accounts_find(config);
	r = config_lint(config, arguments->config_path, &warnings);
	if (r < 0) {
		(void)fprintf(stderr, "fetchd: %s\n", strerror(-r));
		status = EXIT_FAILURE;
	} else {
		config_print_faults(&warnings, &text);
		(void)fputs(text.data ? text.data : "", stderr);
		if (arguments->is_strict && faults_count(&warnings) > 0) {
			status = exit_warnings;
		}
	}
	buffer_fini(&text);
	faults_fini(&warnings);
	return status;
}

static int
show(const struct config *config)
{
	struct buffer text = BUFFER_INIT;

	return print(config_print(config, &text), &text);
}

/*
 * A batch's memory is the next batch's: the C library would give it back to the kernel from 128 KiB on, to
 * get it again page by page. What many URLs have taken goes back in daemon/batches/batch.c.
 */
static void
keep_memory(void)
{
	enum {
		enough_for_a_batch = 1024 * 1024
	};

	(void)mallopt(M_TRIM_THRESHOLD, enough_for_a_batch);
	(void)mallopt(M_MMAP_THRESHOLD, enough_for_a_batch);
}

int
main(int argc, char **argv)
{
	struct arguments arguments = { .check = false };
	_cleanup_(config_unrefp) struct config *config = NULL;
	size_t seed = 0;
	int status;

	standard_fds_hold();
	status = parse_arguments(argc, argv, &arguments);
	if (status >= 0) {
		return status;
	}
	clean_environment();
	keep_memory();
	(void)signal(SIGPIPE, SIG_IGN); /* writers look at EPIPE, */
	(void)signal(SIGXFSZ, SIG_IGN); /* and at EFBIG */
	/* Without randomness the hash tables' order can be guessed; the kernel has it by the time we start. */
	(void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	json_seed(seed);

	status = read_config(&arguments, &config);
	if (status >= 0) {
		return status;
	}
	if (arguments.show_config) {
		return show(config);
	}
	if (arguments.check) {
		return check(config, &arguments);
	}
	log_open(LOG_JOURNAL_SOCKET, STDERR_FILENO);
	log_set_level(LOG_ERR + (int)config->log_level);
	log_set_format(config->log_format);
	status = serve(config, &arguments);
	log_close();
	return status;
}
