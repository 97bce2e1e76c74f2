/* SPDX-License-Identifier: MIT */
#include "lib/fetch/names/answer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
fetch_answer_create(const struct fetch_address *addresses, size_t n_addresses, int error,
	struct fetch_answer **ret_answer)
{
	struct fetch_answer *answer;

	assert(error <= 0);
	assert(error == 0 || n_addresses == 0);

	if (n_addresses > FETCH_ANSWER_MAX) {
		n_addresses = FETCH_ANSWER_MAX;
	}
	answer = malloc(sizeof(*answer) + n_addresses * sizeof(*addresses));
	if (!answer) {
		return -ENOMEM;
	}
	answer->n_refs = 1;
	answer->error = error;
	answer->n_addresses = n_addresses;
	if (n_addresses > 0) {
		memcpy(answer->addresses, addresses, n_addresses * sizeof(*addresses));
	}
	*ret_answer = answer;
	return 0;
}

struct fetch_answer *
fetch_answer_ref(struct fetch_answer *answer)
{
	assert(answer->n_refs > 0);

	answer->n_refs++;
	return answer;
}

void
fetch_answer_unref(struct fetch_answer *answer)
{
	if (!answer) {
		return;
	}
	assert(answer->n_refs > 0);
	if (--answer->n_refs == 0) {
		free(answer);
	}
}
