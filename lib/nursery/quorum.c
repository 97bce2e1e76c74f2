/* SPDX-License-Identifier: MIT */
/*
 * Quorums.
 *
 * A nursery whose tasks do not return their failures: each is recorded in the nursery's group
 * without cancelling anybody, until there are too many. So what the nursery does with groups, with
 * cancellations from further out and with bugs of its tasks stays its own.
 */
#include <nursery/nursery.h>
#include <nursery/quorum.h>

#include <errno.h>
#include <limits.h>

#include "lib/nursery/scheduler.h"

/*
 * n_open      branches that may still succeed
 * n_wanted    successes that are still missing
 * first_code  of the first failure
 * winner      the branch that ended first and so as it should, or NULL
 * is_race     any end is as it should be
 */
struct quorum {
	struct nur_branch *branches;
	size_t n;
	size_t n_open;
	size_t n_wanted;
	struct nur_nursery nursery;
	const struct nur_branch *winner;
	int first_code;
	bool is_race;
	bool is_decided;
};

static const char *
name_of(const struct nur_branch *branch)
{
	return branch->name ? branch->name : nuri_function_name((uintptr_t)branch->fn);
}

static void
decide(struct quorum *quorum)
{
	if (quorum->is_decided) {
		return;
	}
	if (quorum->n_wanted == 0) {
		quorum->is_decided = true;
		nur_nursery_cancel(&quorum->nursery, "enough have succeeded");
	} else if (quorum->n_open < quorum->n_wanted) {
		quorum->is_decided = true;
		nuri_nursery_fail(&quorum->nursery, quorum->first_code, "too many have failed");
	}
}

/* @branch has ended by itself, or could not begin. */
static void
count(struct quorum *quorum, struct nur_branch *branch, int rc)
{
	branch->result = rc;
	quorum->n_open--;
	if (rc < 0) {
		nuri_nursery_tolerate(&quorum->nursery, name_of(branch), rc);
		if (quorum->first_code == 0) {
			quorum->first_code = rc;
		}
	}
	if (rc >= 0 || quorum->is_race) {
		quorum->n_wanted -= quorum->n_wanted > 0;
		if (!quorum->winner) {
			quorum->winner = branch;
		}
	}
	decide(quorum);
}

static int
run_branch(void *arg)
{
	struct nur_branch *branch = arg;
	int rc = branch->fn(branch->arg);

	if (rc == NUR_ECANCELED) {
		return rc; /* the nursery knows whose cancellation it is */
	}
	count(branch->quorum, branch, rc);
	return 0;
}

static void
start_all(struct quorum *quorum)
{
	for (size_t i = 0; i < quorum->n && !quorum->is_decided; i++) {
		struct nur_branch *branch = &quorum->branches[i];
		int r = nur_start_soon(&quorum->nursery, name_of(branch), run_branch, branch);

		if (r < 0) {
			count(quorum, branch, r);
		}
	}
}

static int
check_branches(struct nur_branch *branches, size_t n, size_t wanted)
{
	if (wanted == 0 || wanted > n || n > INT_MAX) {
		return -EINVAL;
	}
	for (size_t i = 0; i < n; i++) {
		if (!branches[i].fn) {
			return -EINVAL;
		}
	}
	return 0;
}

/* Runs a quorum that has its rules; 0 or an error. */
static int
run_quorum(struct quorum *quorum, struct nur_errors *errors)
{
	int r = check_branches(quorum->branches, quorum->n, quorum->n_wanted);

	if (errors) {
		*errors = (struct nur_errors)NUR_ERRORS_INIT;
	}
	if (r < 0) {
		return r;
	}
	r = nur_nursery_open(&quorum->nursery);
	if (r < 0) {
		return r;
	}
	quorum->n_open = quorum->n;
	for (size_t i = 0; i < quorum->n; i++) {
		quorum->branches[i].result = NUR_ECANCELED;
		quorum->branches[i].quorum = quorum;
	}
	start_all(quorum);
	r = nur_nursery_close(&quorum->nursery, 0, errors);
	if (r == 0 && !quorum->is_decided) {
		return nur_fail(NUR_ESTRAYCANCEL, "a branch cancelled the nursery around it");
	}
	return r;
}

static int
winner_of(const struct quorum *quorum, int r)
{
	return r < 0 ? r : (int)(quorum->winner - quorum->branches);
}

int
nur_quorum(struct nur_branch *branches, size_t n, size_t wanted, struct nur_errors *errors)
{
	struct quorum quorum = { .branches = branches, .n = n, .n_wanted = wanted };

	return run_quorum(&quorum, errors);
}

int
nur_first_success(struct nur_branch *branches, size_t n, struct nur_errors *errors)
{
	struct quorum quorum = { .branches = branches, .n = n, .n_wanted = 1 };

	return winner_of(&quorum, run_quorum(&quorum, errors));
}

int
nur_first_done(struct nur_branch *branches, size_t n, struct nur_errors *errors)
{
	struct quorum quorum = { .branches = branches, .n = n, .n_wanted = 1, .is_race = true };

	return winner_of(&quorum, run_quorum(&quorum, errors));
}
