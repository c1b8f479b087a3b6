/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-local status - the engine's programs: pid, state, restarts, memory, address
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/num.h"
#include "lib/config/config.h"
#include "local/commands.h"
#include "local/engine/io/engine.h"
#include "local/engine/io/made.h"

DEFINE_CLEANUP(struct config *, config_free);

enum { PROC_TEXT_BYTES = 8192 };

/* VmRSS of /proc/<pid>/status. Return: 0 when there is no such process */
static uint64_t rss_kib(json_int_t pid)
{
	char path[64], text[PROC_TEXT_BYTES] = "", digits[24];
	CLEANUP(fclose_var) FILE *f = NULL;
	const char *at;
	uint64_t kib = 0;

	(void)snprintf(path, sizeof path, "/proc/%" JSON_INTEGER_FORMAT "/status", pid);
	f = pid > 0 ? fopen(path, "re") : NULL;
	if (f == NULL)
		return 0;
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	at = strstr(text, "VmRSS:");
	if (at == NULL)
		return 0;
	at += strspn(at, "VmRSS: \t");
	(void)snprintf(digits, sizeof digits, "%.*s", (int)strspn(at, "0123456789"), at);
	(void)num_parse_u64(digits, 0, UINT64_MAX, &kib, NULL);
	return kib;
}

static void print_table(const json_t *list)
{
	json_t *entry;
	size_t i;

	printf("%-16s %-9s %8s %9s %12s  %s\n", "PROGRAM", "STATE", "PID", "RESTARTS", "RSS",
	       "ADDRESS");
	json_array_foreach(list, i, entry) {
		json_t *value = json_object_get(entry, "rssKiB");
		const char *address = json_string_value(json_object_get(entry, "address"));

		printf("%-16s %-9s %8" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT
		       " %8" JSON_INTEGER_FORMAT " KiB  %s\n",
		       json_string_value(json_object_get(entry, "name")),
		       json_string_value(json_object_get(entry, "state")),
		       json_integer_value(json_object_get(entry, "pid")),
		       json_integer_value(json_object_get(entry, "restarts")),
		       json_integer_value(value), address ? address : "");
	}
}

static json_t *status_read(const struct engine *e, bool *ret_ready)
{
	char path[PATH_MAX];
	json_t *list, *entry;
	size_t i;

	(void)snprintf(path, sizeof path, "%s/status.json", e->run_dir);
	list = json_load_file(path, 0, NULL);
	*ret_ready = json_array_size(list) > 0;
	json_array_foreach(list, i, entry) {
		const char *state = json_string_value(json_object_get(entry, "state"));
		json_int_t pid = json_integer_value(json_object_get(entry, "pid"));

		json_object_set_new(entry, "rssKiB", json_integer((json_int_t)rss_kib(pid)));
		if (state == NULL || strcmp(state, "ready") != 0)
			*ret_ready = false;
	}
	return list;
}

int cmd_status(int argc, char **argv)
{
	struct engine e = {0};
	struct made made;
	const char *output;
	const struct config_option options[] = {
	        ENGINE_OPTIONS(&e),
	        {"output", CONFIG_STR, &output, "table", 0, 0, "table or json"},
	};
	const struct config_program program = {
	        .name = "sc-local status",
	        .synopsis =
	                "Show the engine's programs. Exit code 0: all ready; 3: not all; 4: down.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	CLEANUP(config_free_var) struct config *config = NULL;
	struct err err = {0};
	int r = config_load(&program, argc, argv, &config, &err);
	bool ready = false;
	pid_t pid = 0;
	json_t *list;

	if (r == 0 && !engine_is_permitted("status"))
		return 1;
	if (r == 0 && made_recall(&e, &made, &err) < 0)
		r = -1;
	if (r == 0 && engine_pid(&e, &pid, &err) < 0)
		r = -1;
	if (r < 0)
		fprintf(stderr, "sc-local: %s\n", err.text);
	if (r != 0)
		return r < 0 ? 2 : 0;
	if (pid == 0) {
		fprintf(stderr, "sc-local: no engine runs on %s\n", e.state_dir);
		return 4;
	}
	list = status_read(&e, &ready);
	if (strcmp(output, "json") == 0) {
		(void)json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_table(list);
	}
	json_decref(list);
	return ready ? 0 : 3;
}
