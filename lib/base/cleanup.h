/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup - frees a variable's resource when its scope ends
 *
 * A CLEANUP variable is initialised where it is declared (NULL, -1). Destructors accept NULL.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hand a pointer on: the variable is NULL afterwards, so its cleanup does nothing. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) take_ptr_ = (p);                                                     \
		(p) = NULL;                                                                        \
		take_ptr_;                                                                         \
	})

/* Hand a descriptor on: the variable is -1 afterwards. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int take_fd_ = (fd);                                                               \
		(fd) = -1;                                                                         \
		take_fd_;                                                                          \
	})

/* Makes fn##_var(type *), to be named in CLEANUP(), from a destructor fn(type). */
#define DEFINE_CLEANUP(type, fn)                                                                   \
	static inline void fn##_var(type *p)                                                       \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}                                                                                          \
	struct fn##_cleanup_semicolon

static inline void free_var(void *p)
{
	free(*(void **)p);
}

static inline void fd_close_var(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose);

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
