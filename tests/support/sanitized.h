/* SPDX-License-Identifier: MIT */
/* Whether AddressSanitizer or ThreadSanitizer is in: both bring an allocator that keeps what was freed for a while. */
#pragma once

#ifdef __has_feature
#define T_HAS_FEATURE(name) __has_feature(name)
#else
#define T_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	T_HAS_FEATURE(address_sanitizer) || T_HAS_FEATURE(thread_sanitizer)
#define T_IS_SANITIZED 1
#else
#define T_IS_SANITIZED 0
#endif
