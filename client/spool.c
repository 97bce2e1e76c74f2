/* SPDX-License-Identifier: MIT */
#include "client/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define MAX_INDEX 100000000 /* more is no daemon of ours */

int
spool_open(struct spool *spool)
{
	spool->file = tmpfile();
	return spool->file ? 0 : -errno;
}

static int
make_room(struct spool *spool, size_t index)
{
	size_t n = spool->n_places ? spool->n_places : 64;
	long *places;

	if (index < spool->n_places) {
		return 0;
	}
	if (index > MAX_INDEX) {
		return -EPROTO;
	}
	while (n <= index) {
		n *= 2;
	}
	places = realloc(spool->places, n * sizeof(*places));
	if (!places) {
		return -ENOMEM;
	}
	memset(places + spool->n_places, 0, (n - spool->n_places) * sizeof(*places));
	spool->places = places;
	spool->n_places = n;
	return 0;
}

int
spool_add(struct spool *spool, size_t index, const char *text, size_t len)
{
	long at;
	int r = make_room(spool, index);

	if (r < 0) {
		return r;
	}
	at = ftell(spool->file);
	if (at < 0 || fwrite(text, 1, len, spool->file) != len || fputc('\n', spool->file) == EOF) {
		return -errno;
	}
	spool->places[index] = at + 1;
	return 0;
}

ssize_t
spool_get(struct spool *spool, size_t index, const char **ret_text)
{
	ssize_t len;

	if (index >= spool->n_places || spool->places[index] == 0) {
		return -ENOENT;
	}
	if (fseek(spool->file, spool->places[index] - 1, SEEK_SET) < 0) {
		return -errno;
	}
	len = getline(&spool->line, &spool->line_cap, spool->file);
	if (len <= 0) {
		return -EIO;
	}
	*ret_text = spool->line;
	return len - 1;
}

void
spool_fini(struct spool *spool)
{
	fclosep(&spool->file); /* nothing in it is wanted any more */
	free(spool->places);
	free(spool->line);
	*spool = (struct spool)SPOOL_INIT;
}
