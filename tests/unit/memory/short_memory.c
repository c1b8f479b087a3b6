/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/memory/short_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/program/json_memory.h"

enum { ALLOCATIONS_MAX = 5000 };

typedef enum outcome run_fn(enum outcome (*scenario)(void), unsigned long at);

static unsigned long seen_count;
static unsigned long fails_at; /* 0: none */
static bool fails_on;          /* and all after it */
static bool is_paused = true;
static bool may_end; /* by abort() */
static bool json_ends;
static jmp_buf ended;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t bytes);
void __real_abort(void) __attribute__((noreturn));
void __wrap_abort(void) __attribute__((noreturn));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static bool fails_now(void)
{
	if (is_paused)
		return false;
	seen_count++;
	return fails_at > 0 && (seen_count == fails_at || (fails_on && seen_count > fails_at));
}

void *__wrap_malloc(size_t bytes)
{
	return fails_now() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return fails_now() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	return fails_now() ? NULL : __real_realloc(old, bytes);
}

char *__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t bytes)
{
	return fails_now() ? NULL : __real_strndup(text, bytes);
}

void __wrap_abort(void)
{
	if (may_end)
		longjmp(ended, 1);
	__real_abort();
}

void short_memory_pause(bool paused)
{
	is_paused = paused;
}

json_t *short_memory_object(const char *text)
{
	json_t *value;

	short_memory_pause(true);
	value = json_loads(text, 0, NULL);
	short_memory_pause(false);
	return value;
}

void short_memory_json_ends(void)
{
	json_ends = true;
}

enum outcome short_memory_same(json_t *made, json_t **want)
{
	enum outcome outcome = OUTCOME_TOLD;

	short_memory_pause(true);
	if (made != NULL && *want == NULL)
		*want = json_deep_copy(made);
	if (made != NULL)
		outcome = json_equal(made, *want) ? OUTCOME_WHOLE : OUTCOME_WRONG;
	json_decref(made);
	short_memory_pause(false);
	return outcome;
}

static enum outcome run(enum outcome (*scenario)(void), unsigned long at)
{
	enum outcome outcome;

	seen_count = 0;
	fails_at = at;
	is_paused = false;
	outcome = scenario();
	is_paused = true;
	fails_at = 0;
	return outcome;
}

/* As run(). What abort() leaves behind is no leak: it would be gone with the program. */
static enum outcome run_to_an_end(enum outcome (*scenario)(void), unsigned long at)
{
	volatile enum outcome outcome = OUTCOME_ENDED;

	if (__lsan_disable)
		__lsan_disable();
	may_end = true;
	if (setjmp(ended) == 0)
		outcome = run(scenario, at);
	is_paused = true;
	may_end = false;
	if (__lsan_enable)
		__lsan_enable();
	return outcome;
}

static unsigned long try_each(const char *name, run_fn *run_one, enum outcome (*scenario)(void))
{
	for (unsigned long at = 1; at < ALLOCATIONS_MAX; at++) {
		enum outcome outcome = run_one(scenario, at);

		if (outcome == OUTCOME_WRONG)
			fail_msg("%s: wrong when allocation %lu fails%s", name, at,
			         fails_on ? ", and those after it" : "");
		if (seen_count < at)
			return at - 1;
	}
	fail_msg("%s: does not come to an end", name);
	return 0;
}

static void try_all(const char *name, run_fn *run_one, enum outcome (*scenario)(void))
{
	unsigned long count;

	if (json_ends)
		json_memory_or_end();
	else
		json_set_alloc_funcs(__wrap_malloc, free);
	fails_on = false;
	if (run_one(scenario, 0) != OUTCOME_WHOLE)
		fail_msg("%s: not whole without a failure", name);
	count = try_each(name, run_one, scenario);
	fails_on = true;
	(void)try_each(name, run_one, scenario);
	print_message("# %s: %lu allocations\n", name, count);
	assert_true(count > 0);
	if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0)
		fail_msg("%s: leaks", name);
}

void short_memory_try(const char *name, enum outcome (*scenario)(void))
{
	try_all(name, run, scenario);
}

void short_memory_try_ending(const char *name, enum outcome (*scenario)(void))
{
	try_all(name, run_to_an_end, scenario);
}
