/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events - the Events about one container, its instance and its Pods
 */
#include <string.h>

#include "cli/commands.h"
#include "cli/core/rows.h"
#include "cli/io/print.h"
#include "lib/base/clk.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

struct events {
	json_t *container; /* or only its name, when it is gone */
	struct rows_widths widths;
	bool headed;
};

static int compare_times(const void *a, const void *b)
{
	return strcmp(event_time(*(const json_t *const *)a), event_time(*(const json_t *const *)b));
}

/* RFC 3339 in UTC sorts as text. Return: to be freed; NULL when there is none, or no memory */
static const json_t **sorted(const struct events *e, const json_t *items, size_t *ret_count)
{
	const json_t **list = calloc(json_array_size(items) + 1, sizeof *list);
	const json_t *event;
	size_t i, n = 0;

	json_array_foreach(items, i, event) {
		if (list != NULL && event_is_about(event, e->container))
			list[n++] = event;
	}
	if (list != NULL)
		qsort(list, n, sizeof *list, compare_times);
	*ret_count = n;
	return list;
}

static int print_rows_of(struct events *e, const json_t **list, size_t count, struct err *err)
{
	json_t *rows = json_array();

	if (!e->headed && count > 0) {
		(void)json_array_append_new(rows, event_header());
		e->headed = true;
	}
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(rows, event_row(list[i], clk_wall_ms()));
	return print_rows(&e->widths, rows, err);
}

static int on_list(void *arg, const json_t *items, struct err *err)
{
	struct events *e = arg;
	size_t count;
	CLEANUP(free_var) const json_t **list = sorted(e, items, &count);

	return print_rows_of(e, list, count, err);
}

static int on_event(void *arg, enum kube_watch_event event, json_t *object, struct err *err)
{
	struct events *e = arg;

	if (event == KUBE_WATCH_DELETED || !event_is_about(object, e->container))
		return 0;
	return print_rows_of(e, (const json_t *[]){object}, 1, err);
}

int cmd_events(struct session *s, struct err *err)
{
	const struct args *args = session_args(s);
	struct events e = {0};
	CLEANUP(json_decref_var) json_t *container = NULL;
	CLEANUP(json_decref_var) json_t *list = NULL;
	const struct kube_ref ref = session_ref(s, &KUBE_EVENTS, NULL);
	const struct session_follow follow = {
	        .type = &KUBE_EVENTS,
	        .ns = session_namespace(s),
	        .on_list = on_list,
	        .on_event = on_event,
	        .arg = &e,
	};

	if (sc_get(s, args->operands[0], &container, err) < 0)
		return -1;
	e.container = container;
	if (args->watch)
		return session_follow(s, &follow, err);
	if (session_list(s, &ref, NULL, &list, err) < 0 ||
	    on_list(&e, json_object_get(list, "items"), err) < 0)
		return -1;
	if (!e.headed)
		fprintf(stderr, "There are no Events about %s: none in the last hour or so.\n",
		        args->operands[0]);
	return 0;
}
