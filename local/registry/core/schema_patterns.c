/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_patterns - compiles the patterns of schemas with PCRE2, and matches strings
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "local/registry/core/schema_patterns.h"

#include <assert.h>
#include <pcre2.h>
#include <string.h>

#include "local/registry/core/pattern.h"

int schema_patterns_init(struct schema_patterns *p, struct err *err)
{
	*p = (struct schema_patterns){
	        .index = json_object(),
	        .limits = pcre2_match_context_create(NULL),
	        .scratch = pcre2_match_data_create(1, NULL),
	};
	if (p->index == NULL || p->limits == NULL || p->scratch == NULL)
		return err_set(err, ERR_NOMEM, 0, "patterns");
	(void)pcre2_set_match_limit(p->limits, SCHEMA_MATCH_STEPS_MAX);
	(void)pcre2_set_heap_limit(p->limits, SCHEMA_MATCH_KIB_MAX);
	return 0;
}

void schema_patterns_done(struct schema_patterns *p)
{
	for (size_t i = 0; i < p->count; i++)
		pcre2_code_free(p->codes[i]);
	pcre2_match_context_free(p->limits);
	pcre2_match_data_free(p->scratch);
	json_decref(p->index);
	*p = (struct schema_patterns){0};
}

/*
 * Without PCRE2_UCP, \d \w and \b are of ASCII, as in Go; $ is the end of the text alone, and a dot
 * is all but a line feed.
 */
static pcre2_code *compile(const char *pattern, struct err *err)
{
	static const uint32_t options = PCRE2_UTF | PCRE2_NEVER_UCP | PCRE2_DOLLAR_ENDONLY |
	                                PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_BACKSLASH_C;
	pcre2_compile_context *context;
	char text[PATTERN_BYTES_MAX];
	PCRE2_UCHAR why[128] = "no memory";
	PCRE2_SIZE where = 0;
	pcre2_code *code;
	int number = 0;

	if (pattern_of_re2(pattern, text, err) < 0)
		return NULL;
	context = pcre2_compile_context_create(NULL);
	if (context != NULL)
		(void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &number, &where,
	                     context);
	pcre2_compile_context_free(context);
	if (code == NULL) {
		(void)pcre2_get_error_message(number, why, sizeof why);
		err_set(err, ERR_INVALID, 0, "error parsing regexp: %s", (const char *)why);
	}
	return code;
}

static int add(struct schema_patterns *p, const char *pattern, struct err *err)
{
	pcre2_code *code;

	if (json_object_get(p->index, pattern))
		return 0;
	if (p->count == SCHEMA_PATTERNS_MAX)
		return err_set(err, ERR_INVALID, 0, "more than %d different patterns",
		               SCHEMA_PATTERNS_MAX);
	code = compile(pattern, err);
	if (code == NULL)
		return err_wrap(err, "pattern \"%.256s\"", pattern);
	if (json_object_set_new(p->index, pattern, json_integer((json_int_t)p->count)) < 0) {
		pcre2_code_free(code);
		return err_set(err, ERR_NOMEM, 0, "patterns");
	}
	p->codes[p->count++] = code;
	return 0;
}

/* Their values are data, in which "pattern" is any member's name. */
static bool is_data(const char *key)
{
	return strcmp(key, "default") == 0 || strcmp(key, "enum") == 0 ||
	       strcmp(key, "example") == 0;
}

/* Below "properties" keys are names: @is_map. */
static int add_all(struct schema_patterns *p, const json_t *schema, bool is_map, struct err *err)
{
	const char *key;
	json_t *child;
	size_t i;

	json_array_foreach(schema, i, child) {
		if (add_all(p, child, false, err) < 0)
			return -1;
	}
	json_object_foreach((json_t *)(uintptr_t)schema, key, child) {
		bool names = !is_map && strcmp(key, "properties") == 0;

		if (!is_map && is_data(key))
			continue;
		if (!is_map && strcmp(key, "pattern") == 0 && json_is_string(child) &&
		    add(p, json_string_value(child), err) < 0)
			return -1;
		if (add_all(p, child, names, err) < 0)
			return -1;
	}
	return 0;
}

int schema_patterns_add(struct schema_patterns *p, const json_t *schema, struct err *err)
{
	return add_all(p, schema, false, err);
}

enum schema_match schema_patterns_match(const struct schema_patterns *p, const char *pattern,
                                        const json_t *text)
{
	const json_t *at = json_object_get(p->index, pattern);
	int r;

	assert(at != NULL); /* a schema is used after its patterns were added */
	r = pcre2_match(p->codes[json_integer_value(at)], (PCRE2_SPTR)json_string_value(text),
	                json_string_length(text), 0, PCRE2_NO_UTF_CHECK, p->scratch, p->limits);
	if (r == PCRE2_ERROR_NOMATCH)
		return SCHEMA_MATCH_NO;
	return r < 0 ? SCHEMA_MATCH_TOO_LONG : SCHEMA_MATCH_YES;
}
