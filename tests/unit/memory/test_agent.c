/* SPDX-License-Identifier: Apache-2.0 */
/* What the node agent writes on the disk and into the API, and what it reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/image.h"
#include "agent/core/record.h"
#include "lib/base/err.h"
#include "tests/unit/memory/short_memory.h"

static const char *const layers[] = {"/l/3", "/l/2", "/l/1", NULL};
static const struct record_parts parts = {"uid-1", "sha256:one", layers, {7, 0x1f3a9c02}, true};

static enum outcome write_record(void)
{
	static char want[RECORD_BYTES_MAX];
	char *text = record_format(&parts);
	enum outcome outcome = OUTCOME_TOLD;

	if (text != NULL && want[0] == '\0')
		(void)snprintf(want, sizeof want, "%s", text);
	if (text != NULL)
		outcome = strcmp(text, want) == 0 ? OUTCOME_WHOLE : OUTCOME_WRONG;
	free(text);
	return outcome;
}

static enum outcome read_record(void)
{
	struct record record = {0};
	struct err err = {0};
	char *text, *next = NULL;
	enum outcome outcome = OUTCOME_TOLD;

	short_memory_pause(true);
	text = record_format(&parts);
	short_memory_pause(false);
	if (record_parse(text, &record, &err) == 0) {
		outcome = record_is(&record, &parts) ? OUTCOME_WHOLE : OUTCOME_WRONG;
		next = record_format_files(&record, (struct files_id){8, 1});
		if (next == NULL)
			outcome = OUTCOME_TOLD;
		else if (strstr(next, "8-00000001") == NULL || strstr(next, "/l/1") == NULL ||
		         strstr(next, "/l/3") == NULL)
			outcome = OUTCOME_WRONG;
	} else if (err.text[0] == '\0') {
		outcome = OUTCOME_WRONG;
	}
	free(next);
	free(text);
	record_done(&record);
	return outcome;
}

static enum outcome tell_image(void)
{
	static const struct passwd_user user = {
	        .uid = 7, .gid = 8, .groups = {9, 10}, .groups_count = 2, .home = "/srv/app"};
	static json_t *want;
	json_t *config, *status;

	short_memory_pause(true);
	config = json_pack("{s:[s,s], s:[s], s:[s,s], s:s, s:{s:{}}, s:s}", "Entrypoint", "/a", "b",
	                   "Cmd", "c", "Env", "A=1", "B=2", "WorkingDir", "/w", "ExposedPorts",
	                   "8080/tcp", "StopSignal", "SIGQUIT");
	short_memory_pause(false);
	status = image_status(config, NULL);
	if (status != NULL)
		image_status_user(status, &user);
	json_decref(config);
	return short_memory_same(status, &want);
}

static void test_agent_short_of_memory(void **state)
{
	short_memory_json_ends();
	short_memory_try_ending("a record that is written", write_record);
	short_memory_try_ending("a record that is read", read_record);
	short_memory_try_ending("what is told of an image", tell_image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_agent_short_of_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
