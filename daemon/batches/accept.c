/* SPDX-License-Identifier: MIT */
/*
 * The door of detached batches. What has come in is entered with its task, which takes it to the store (detached.c):
 * who waits here for the verdict may go away, and the batch is there or not all the same.
 */
#include <errno.h>
#include <string.h>

#include "daemon/batches/detached.h"
#include "lib/base/hash.h"

/* Who makes two bodies of one hash deceives nobody but himself. */
static int64_t
hash_of(const struct batch_submission *submission)
{
	const unsigned char kind = (unsigned char)submission->kind;
	const char *query = submission->query ? submission->query : "";
	uint64_t hash = hash_bytes(HASH_START, &kind, 1);

	hash = hash_bytes(hash, query, strlen(query) + 1);
	return (int64_t)hash_bytes(hash, submission->body.data, submission->body.len);
}

static int
take_submission(struct batch *batch, struct batch_submission *submission)
{
	struct detachment *detachment;
	int r = detachment_create(batch, &batch->detachment);

	if (r < 0) {
		return r;
	}
	detachment = batch->detachment;
	detachment->query = submission->query ? strdup(submission->query) : NULL;
	detachment->key = submission->key ? strdup(submission->key) : NULL;
	if ((submission->query && !detachment->query) || (submission->key && !detachment->key)) {
		return -ENOMEM;
	}
	detachment->uid = submission->uid;
	detachment->key_hash = hash_of(submission);
	detachment->kind = submission->kind;
	detachment->defaults = submission->defaults;
	detachment->limits = submission->limits;
	detachment->max_stored = submission->max_stored;
	detachment->body = submission->body;
	submission->body = (struct buffer)BUFFER_INIT;
	for (size_t i = 0; i < batch->n_urls; i++) {
		detachment->picked[i] = (uint32_t)i;
	}
	return 0;
}

static bool
is_being_accepted(const struct batches *batches, const struct batch_submission *submission)
{
	struct list *node;

	list_for_each(node, &batches->all) {
		const struct detachment *detachment =
			list_entry(node, struct batch, node)->detachment;

		if (detachment && !detachment->is_decided && detachment->key &&
			detachment->uid == submission->uid &&
			strcmp(detachment->key, submission->key) == 0) {
			return true;
		}
	}
	return false;
}

static int
may_accept(const struct batches *batches, const struct batch_submission *submission)
{
	if (!batches->store) {
		return -ENOSYS;
	}
	if (batches->is_draining) {
		return -ESHUTDOWN;
	}
	if (store_queue_error(batches->store) < 0) {
		return -EIO;
	}
	if (!batches->detached || batches->n_running >= batches->options.max_running) {
		return -EAGAIN;
	}
	if (submission->key && is_being_accepted(batches, submission)) {
		return -EBUSY;
	}
	return 0;
}

/* Enters it, with its task. */
static int
begin(struct batches *batches, struct batch_submission *submission, struct batch **ret_batch)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	int r = batch_create(batches, submission->description, &batch);

	if (r < 0) {
		return r;
	}
	(void)steal(&submission->description);
	batch_set_owner(batch, submission->uid, submission->level);
	r = take_submission(batch, submission);
	if (r < 0) {
		return r;
	}
	batches_enter(batches, batch);
	r = detached_start(batch);
	if (r < 0) {
		detached_withdraw(batch);
		return r;
	}
	*ret_batch = steal(&batch);
	return 0;
}

static int
wait_for_verdict(struct batch *batch, struct batch **ret_batch)
{
	struct detachment *detachment = batch->detachment;
	int r = 0;

	while (r >= 0 && !detachment->is_decided) {
		r = nur_parking_lot_park(&batch->progress, "acceptance");
	}
	if (r < 0) {
		return r;
	}
	switch (detachment->verdict) {
	case STORE_ACCEPTED:
		*ret_batch = batch_ref(batch);
		return 0;
	case STORE_FULL:
		return -ENOSPC;
	case STORE_OVER_QUOTA:
		return -EDQUOT;
	case STORE_NAMESAKE:
		if (detachment->namesake.key_hash != detachment->key_hash) {
			return -EEXIST;
		}
		r = batches_look_up(batch->owner, detachment->namesake.id, ret_batch);
		return r < 0 ? r : 1;
	default:
		return -EIO;
	}
}

int
batches_accept(
	struct batches *batches, struct batch_submission *submission, struct batch **ret_batch)
{
	_cleanup_(batch_unrefp) struct batch *batch = NULL;
	int r = may_accept(batches, submission);

	if (r == 0) {
		r = begin(batches, submission, &batch);
	}
	if (r == 0) {
		r = wait_for_verdict(batch, ret_batch);
	}
	batch_description_destroy(steal(&submission->description));
	buffer_fini(&submission->body);
	return r;
}
