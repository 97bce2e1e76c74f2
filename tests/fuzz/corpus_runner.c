/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over files: with any compiler, each finding is an ordinary test that way. The
 * arguments are files and folders; a target that sees something wrong aborts.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/buffer.h"
#include "lib/base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int n_inputs;

static int
run_file(const char *path)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	struct buffer bytes = BUFFER_INIT;
	_cleanup_(freep) uint8_t *exact = NULL;
	char piece[512];
	size_t n;

	if (!file) {
		perror(path);
		return -1;
	}
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0) {
		buffer_append(&bytes, piece, n);
	}
	/* A block of the exact size, so that the sanitizer sees a read of the byte behind it. */
	exact = malloc(bytes.len ? bytes.len : 1);
	if (ferror(file) || buffer_error(&bytes) < 0 || !exact) {
		buffer_fini(&bytes);
		return -1;
	}
	if (bytes.len > 0) {
		memcpy(exact, bytes.data, bytes.len);
	}
	(void)LLVMFuzzerTestOneInput(exact, bytes.len);
	n_inputs++;
	buffer_fini(&bytes);
	return 0;
}

static void
closedirp(DIR **dir)
{
	if (*dir) {
		(void)closedir(*dir); /* a reader */
	}
}

static int
run_folder(const char *path)
{
	_cleanup_(closedirp) DIR *dir = opendir(path);
	struct dirent *entry;
	int r = dir ? 0 : -1;

	while (r == 0 && (entry = readdir(dir))) {
		_cleanup_(freep) char *name = NULL;

		if (entry->d_name[0] == '.') {
			continue;
		}
		if (asprintf(&name, "%s/%s", path, entry->d_name) < 0) {
			name = NULL;
			return -1;
		}
		r = run_file(name);
	}
	return r;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat status;
		int r = stat(argv[i], &status);

		if (r == 0) {
			r = S_ISDIR(status.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
		}
		if (r < 0) {
			(void)fprintf(stderr, "%s: cannot be read\n", argv[i]);
			return EXIT_FAILURE;
		}
	}
	(void)printf("%d inputs\n", n_inputs);
	return n_inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
