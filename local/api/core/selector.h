/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector - label selectors and field selectors of list and watch
 *
 * A parsed selector is a JSON array of requirements, so that it needs no destructor of its own.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"

enum { SELECTOR_REQUIREMENTS_MAX = 100 };

/**
 * selector_parse_labels() - "a=b,c!=d,e in (f,g),h notin (i),j,!k"; empty: everything
 * @ret_selector: new reference
 */
int selector_parse_labels(const char *text, json_t **ret_selector, struct err *err);

/** selector_parse_fields() - "metadata.name=x,status.phase!=y" with the fields that are known */
int selector_parse_fields(const char *text, json_t **ret_selector, struct err *err);

bool selector_matches_labels(const json_t *selector, const json_t *object);
bool selector_matches_fields(const json_t *selector, const json_t *object);
