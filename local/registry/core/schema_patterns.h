/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_patterns - the patterns of all schemas, each compiled once, when its schema is loaded
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

enum {
	SCHEMA_PATTERNS_MAX = 256,
	/* Steps of one match, some 10 ms: Go's expressions need no limit, those of PCRE2 do. */
	SCHEMA_MATCH_STEPS_MAX = 1000000,
	SCHEMA_MATCH_KIB_MAX = 1024,
};

struct schema_patterns {
	json_t *index; /* of a pattern's text: where its code is */
	struct pcre2_real_code_8 *codes[SCHEMA_PATTERNS_MAX];
	size_t count;
	struct pcre2_real_match_context_8 *limits;
	struct pcre2_real_match_data_8 *scratch;
};

/** schema_patterns_init() - Return: 0; negative: no memory */
int schema_patterns_init(struct schema_patterns *p, struct err *err);
void schema_patterns_done(struct schema_patterns *p);

/**
 * schema_patterns_add() - all that @schema has
 * Return: 0; negative: one is no regular expression of Kubernetes, which err says
 */
int schema_patterns_add(struct schema_patterns *p, const json_t *schema, struct err *err);

enum schema_match { SCHEMA_MATCH_YES = 1, SCHEMA_MATCH_NO, SCHEMA_MATCH_TOO_LONG };

/** schema_patterns_match() - @pattern was added; @text: a string. TOO_LONG: the limit was met */
enum schema_match schema_patterns_match(const struct schema_patterns *p, const char *pattern,
                                        const json_t *text);
