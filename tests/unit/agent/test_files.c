/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/files.h"

/* What a stop has left: generation 7, after 6, told to all. */
struct fixture {
	struct files_known known;
	struct files_seen seen;
	char why[FILES_WHY_BYTES];
};

static const struct files_id six = {6, 0x66}, seven = {7, 0x77}, eight = {8, 0x88};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){
	        .known = {.reported = seven, .recorded = seven, .was_made = true},
	        .seen = {.has_upper = true,
	                 .has_mark = true,
	                 .mark = {.id = seven, .before = six.random, .folder = {11, 12, 13}},
	                 .folder = {11, 12, 13}},
	};
	*state = &f;
	return 0;
}

static void expect(struct fixture *f, enum files_verdict want, const char *why)
{
	assert_int_equal(files_judge(&f->known, &f->seen, f->why), want);
	if (strstr(f->why, why) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", f->why, why);
	assert_int_equal(files_is_refused(want), f->why[0] != '\0');
}

static void test_files_are_the_same_after_a_stop(void **state)
{
	expect(*state, FILES_SAME, "");
}

static void test_files_of_before_there_were_marks_are_taken_as_they_are(void **state)
{
	struct fixture *f = *state;

	f->known = (struct files_known){.was_made = true};
	f->seen = (struct files_seen){.has_upper = true};
	expect(f, FILES_UNMARKED, "");
	f->seen.is_empty = true; /* it never wrote anything */
	expect(f, FILES_UNMARKED, "");
	f->seen.has_upper = false;
	expect(f, FILES_MISSING, "the folder is gone");
	f->known.was_made = false;
	expect(f, FILES_NEW, "");
}

/* Killed, or without power, at each place between stop and told: nobody is locked out. */
static void test_files_of_a_stop_that_was_cut_off_are_sound(void **state)
{
	struct fixture *f = *state;

	f->seen.mark = (struct files_mark){eight, seven.random, false, false, {11, 12, 99}};
	f->seen.folder.changed_ns = 99;
	expect(f, FILES_SAME, ""); /* closed, not recorded */
	f->known.recorded = eight;
	expect(f, FILES_SAME, ""); /* not told */
	f->known.reported = eight;
	expect(f, FILES_SAME, "");
	f->known.recorded = seven; /* a copy of record.json that was put back */
	expect(f, FILES_SAME, "");
	f->known = (struct files_known){.reported = seven, .recorded = seven};
	f->seen.mark.is_open = true; /* and started again before it was recorded */
	f->seen.folder.changed_ns = 1234;
	expect(f, FILES_SAME, "");
}

static void test_files_of_a_run_that_was_cut_off_are_sound_however_they_look(void **state)
{
	struct fixture *f = *state;

	f->seen.mark.is_open = true;
	f->seen.folder.changed_ns = 14;
	expect(f, FILES_SAME, "");
	f->seen.is_empty = true;
	expect(f, FILES_SAME, "");
}

static void test_files_of_a_restored_api_server_are_sound(void **state)
{
	struct fixture *f = *state;

	f->known.reported = six;
	expect(f, FILES_SAME, "");
	f->known.reported = (struct files_id){0};
	f->known.was_made = false;
	expect(f, FILES_SAME, "");
}

static void test_files_of_an_older_generation_are_changed(void **state)
{
	struct fixture *f = *state;

	/* a disk that went back, alone or with its record */
	f->seen.mark.id = six;
	expect(f, FILES_CHANGED, "of generation 6-00000066, and the last was 7-00000077");
	f->known.recorded = six;
	expect(f, FILES_CHANGED, "of generation 6-00000066, and the last was 7-00000077");
}

static void test_files_of_another_history_are_changed(void **state)
{
	struct fixture *f = *state;

	f->seen.mark.id.random = 0x78;
	expect(f, FILES_CHANGED, "generation 7-00000078");
	/* a later one of another container's */
	f->seen.mark.id = eight;
	f->seen.mark.before = 0x99;
	expect(f, FILES_CHANGED, "generation 8-00000088");
}

static void test_files_that_changed_asleep_are_told(void **state)
{
	struct fixture *f = *state;

	f->seen.folder.changed_ns = 14;
	expect(f, FILES_CHANGED, "made, removed or renamed since generation 7");
	f->seen.is_empty = true;
	expect(f, FILES_MISSING, "upper/ is empty");
	f->seen.mark.is_empty = true; /* as it was left */
	expect(f, FILES_CHANGED, "made, removed or renamed");
}

static void test_files_without_their_mark_are_changed_or_missing(void **state)
{
	struct fixture *f = *state;

	f->seen.has_mark = false;
	expect(f, FILES_CHANGED, "without its extended attributes");
	f->seen.is_empty = true;
	expect(f, FILES_MISSING, "generation 7 was there, and the folder is empty");
	f->seen.is_mark_broken = true;
	expect(f, FILES_CHANGED, "cannot be read");
	f->seen = (struct files_seen){0};
	expect(f, FILES_MISSING, "generation 7 was there, and the folder is gone");
	f->known.reported = (struct files_id){0}; /* the record alone remembers */
	expect(f, FILES_MISSING, "generation 7 was there, and the folder is gone");
}

static void test_files_copied_whole_are_taken_and_a_torn_copy_is_not(void **state)
{
	struct fixture *f = *state;

	f->seen.folder.inode = 21;
	expect(f, FILES_COPY, "");
	f->seen.folder.inode = 11;
	f->seen.folder.born_ns = 22; /* the number was used again */
	expect(f, FILES_COPY, "");
	f->seen.mark.is_open = true;
	expect(f, FILES_CHANGED, "a copy that was taken while a process used the files");
}

static void test_files_next_is_later_than_all_that_is_known(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(files_next(&f->known, &f->seen, 5).number, 8);
	assert_int_equal(files_next(&f->known, &f->seen, 5).random, 5);
	f->seen.mark.id.number = 20;
	assert_int_equal(files_next(&f->known, &f->seen, 5).number, 21);
	f->known.recorded.number = 30;
	assert_int_equal(files_next(&f->known, &f->seen, 5).number, 31);
	f->seen.mark.id.number = UINT64_MAX;
	assert_true(files_next(&f->known, &f->seen, 5).number == UINT64_MAX);
}

static void test_files_order_is_for_one_case_only(void **state)
{
	struct fixture *f = *state;
	char order[2 * FILES_ID_BYTES];

	f->seen.mark.id = six;
	assert_string_equal(files_order(&f->known, &f->seen, order), "7-00000077:6-00000066");
	f->seen.has_mark = false;
	assert_string_equal(files_order(&f->known, &f->seen, order), "7-00000077:none");
	f->known = (struct files_known){0};
	assert_string_equal(files_order(&f->known, &f->seen, order), "none:none");
}

static void test_files_mark_is_read_as_it_was_written(void **state)
{
	static const char *const broken[] = {
	        "",
	        "1",
	        "2 7 119 102 0 0 11 12 13",
	        "1 0 119 102 0 0 11 12 13",
	        "1 7 119 102 2 0 11 12 13",
	        "1 7 119 102 0 0 11 12",
	        "1 7 119 102 0 0 11 12 13 ",
	        "1 7 119 102 0 0 11 12 13 14",
	        "1 7 4294967296 102 0 0 11 12 13",
	        "1 7 119 102 0 0 11 12 99999999999999999999999999999999999999999",
	};
	const struct files_mark mark = {seven, 6, true, true, {UINT64_MAX, UINT64_MAX, UINT64_MAX}};
	struct files_mark read;
	char text[FILES_MARK_BYTES];
	struct err err;
	size_t bytes = files_mark_format(&mark, text);

	(void)state;
	assert_int_equal(bytes, strlen(text));
	assert_int_equal(files_mark_parse(text, &read, &err), 0);
	assert_true(files_id_is(read.id, seven) && read.before == 6 && read.is_open &&
	            read.is_empty && read.folder.inode == UINT64_MAX &&
	            read.folder.changed_ns == UINT64_MAX);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		assert_int_equal(files_mark_parse(broken[i], &read, &err), -1);
}

static void test_files_id_is_read_as_it_was_written(void **state)
{
	static const char *const broken[] = {"7",          "7-",          "-00000077", "7-0000007",
	                                     "7-0000007g", "7-000000771", "0-00000077"};
	const struct files_id most = {UINT64_MAX, UINT32_MAX};
	char text[FILES_ID_BYTES];
	struct files_id id;
	struct err err;

	(void)state;
	(void)files_id_format(most, text);
	assert_int_equal(files_id_parse(text, &id, &err), 0);
	assert_true(files_id_is(id, most));
	assert_int_equal(files_id_parse("", &id, &err), 0);
	assert_int_equal(id.number, 0);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		assert_int_equal(files_id_parse(broken[i], &id, &err), -1);
}

#define FILES_TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        FILES_TEST(test_files_are_the_same_after_a_stop),
	        FILES_TEST(test_files_of_before_there_were_marks_are_taken_as_they_are),
	        FILES_TEST(test_files_of_a_stop_that_was_cut_off_are_sound),
	        FILES_TEST(test_files_of_a_run_that_was_cut_off_are_sound_however_they_look),
	        FILES_TEST(test_files_of_a_restored_api_server_are_sound),
	        FILES_TEST(test_files_of_an_older_generation_are_changed),
	        FILES_TEST(test_files_of_another_history_are_changed),
	        FILES_TEST(test_files_that_changed_asleep_are_told),
	        FILES_TEST(test_files_without_their_mark_are_changed_or_missing),
	        FILES_TEST(test_files_copied_whole_are_taken_and_a_torn_copy_is_not),
	        FILES_TEST(test_files_next_is_later_than_all_that_is_known),
	        FILES_TEST(test_files_order_is_for_one_case_only),
	        FILES_TEST(test_files_mark_is_read_as_it_was_written),
	        FILES_TEST(test_files_id_is_read_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
