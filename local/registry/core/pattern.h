/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern - a regular expression of a schema, in the syntax of Kubernetes, made one of PCRE2
 *
 * Kubernetes takes the RE2 syntax of Go (https://github.com/google/re2/wiki/Syntax). Almost all of
 * it means the same in PCRE2. What does not is written differently. What only PCRE2 knows (back
 * references, look-around, possessive repetition ...) is refused, as Kubernetes refuses it.
 */
#pragma once

#include <stddef.h>

#include "lib/base/err.h"

enum { PATTERN_BYTES_MAX = 4096, PATTERN_REPEAT_MAX = 1000 };

/**
 * pattern_of_re2() - the same in PCRE2's syntax
 * @out: PATTERN_BYTES_MAX. Return: 0; negative: Kubernetes has no such pattern, or it is too long
 */
int pattern_of_re2(const char *re2, char out[PATTERN_BYTES_MAX], struct err *err);
