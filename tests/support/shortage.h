/* SPDX-License-Identifier: MIT */
/*
 * Memory, mappings and descriptors run out at one call of libnursery at a time.
 *
 * The programs that use this are linked with a copy of the library in which the calls that can run short
 * have other names (shortage.syms): they come here, whoever else allocates in the program does not. What
 * libevent allocates comes here too, for it is allocated on the library's behalf.
 *
 * What the library and libevent hold is counted, so that a test can ask whether all of it went back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* t_shortage_at() - the call number @n from here on fails, the first one being 0; negative: none does */
void t_shortage_at(int n);

/* t_shortage_came() - whether that call was made; t_shortage_n_calls() - calls since t_shortage_at() */
bool t_shortage_came(void);
size_t t_shortage_n_calls(void);

/* t_shortage_n_held() - blocks and mappings that were got and not given back */
int64_t t_shortage_n_held(void);

/* t_is_shortage() - whether @code is what a failing call may be reported as */
bool t_is_shortage(int code);
