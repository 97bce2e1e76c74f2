/* SPDX-License-Identifier: MIT */
/* The entry queue, as the run sees it. See docs/threads.md. */
#pragma once

#include <nursery/token.h>

struct nuri_run;

/* nuri_token_get() - the run's token, made when there is none yet; borrowed. 0 or an error */
int nuri_token_get(struct nuri_run *run, struct nur_token **ret_token);

/* nuri_token_ref() - hold the memory, without being counted as open; nuri_token_unref() */
struct nur_token *nuri_token_ref(struct nur_token *token);
void nuri_token_unref(struct nur_token *token);

/* nuri_token_n_open() - how often it is open outside; 0 for NULL */
size_t nuri_token_n_open(const struct nur_token *token);

/* nuri_token_n_queued() - calls that no pass has taken yet; 0 for NULL */
size_t nuri_token_n_queued(const struct nur_token *token);

/* nuri_token_make_calls() - all that are queued now */
void nuri_token_make_calls(struct nuri_run *run);

/* nuri_token_end() - refuse from now on, and make the calls that were not refused */
void nuri_token_end(struct nuri_run *run);
