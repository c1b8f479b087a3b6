/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list - a table of StoppableContainers, or their objects; with --watch, what changes
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/core/rows.h"
#include "cli/io/print.h"
#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/kube/client/object.h"

struct listing {
	struct session *s;
	const struct args *args;
	const char *format; /* "": a table */
	struct list_style style;
	struct rows_widths widths;
	bool headed; /* the header was printed */
};

static bool is_wanted(const struct listing *l, const json_t *object)
{
	const struct args *a = l->args;

	for (size_t i = 0; i < a->operands_count; i++) {
		if (strcmp(a->operands[i], kube_name(object)) == 0)
			return true;
	}
	return a->operands_count == 0;
}

static int print_name(const json_t *object, struct err *err)
{
	return print_text(err, "stoppablecontainer.%s/%s", SC_GROUP, kube_name(object));
}

/* One object that came by the watch. */
static int print_one(struct listing *l, json_t *object, struct err *err)
{
	json_t *rows;

	sc_tidy(object);
	if (strcmp(l->format, "name") == 0)
		return print_name(object, err);
	if (*l->format != '\0') {
		if (strcmp(l->format, "yaml") == 0)
			(void)puts("---");
		return print_object(object, l->format, err);
	}
	rows = json_array();
	if (!l->headed)
		(void)json_array_append_new(rows, list_header(&l->style));
	l->headed = true;
	(void)json_array_append_new(rows, list_row(&l->style, object, clk_wall_ms()));
	return print_rows(&l->widths, rows, err);
}

static int print_table(struct listing *l, const json_t *items, struct err *err)
{
	json_t *rows = json_array(), *object;
	size_t i;

	if (!l->headed)
		(void)json_array_append_new(rows, list_header(&l->style));
	json_array_foreach(items, i, object) {
		(void)json_array_append_new(rows, list_row(&l->style, object, clk_wall_ms()));
	}
	l->headed = true;
	return print_rows(&l->widths, rows, err);
}

static int print_objects(struct listing *l, const json_t *items, struct err *err)
{
	json_t *list;
	int r;

	/* one that is asked for by its name is printed as itself (kubectl) */
	if (l->args->operands_count == 1)
		return print_object(json_array_get(items, 0), l->format, err);
	list = json_pack("{ss ss sO s{}}", "apiVersion", "v1", "kind", "List", "items", items,
	                 "metadata");
	r = print_object(list, l->format, err);
	json_decref(list);
	return r;
}

static int print_names(const json_t *items, struct err *err)
{
	const json_t *object;
	size_t i;

	json_array_foreach(items, i, object) {
		if (print_name(object, err) < 0)
			return -1;
	}
	return 0;
}

/* Items of a list say no kind; an object that is printed must. */
static json_t *items_of(const struct listing *l, const json_t *items)
{
	json_t *wanted = json_array(), *object;
	size_t i;

	json_array_foreach(items, i, object) {
		if (!is_wanted(l, object))
			continue;
		(void)json_object_set_new(object, "apiVersion", json_string(SC_API_VERSION));
		(void)json_object_set_new(object, "kind", json_string("StoppableContainer"));
		(void)json_array_append(wanted, object);
	}
	return wanted;
}

static int missing(const struct listing *l, const json_t *wanted, struct err *err)
{
	const struct args *a = l->args;
	const json_t *object;
	size_t i;

	for (size_t n = 0; n < a->operands_count; n++) {
		bool found = false;

		json_array_foreach(wanted, i, object) {
			found |= strcmp(kube_name(object), a->operands[n]) == 0;
		}
		if (!found)
			return err_set(err, ERR_NOT_FOUND, 0,
			               "%s: there is none of that name here; \"kubectl sc list "
			               "-A\" shows all",
			               a->operands[n]);
	}
	return 0;
}

static int print_items(struct listing *l, const json_t *items, struct err *err)
{
	json_t *wanted = items_of(l, items);
	size_t count = json_array_size(wanted);
	int r = 0;

	if (strcmp(l->format, "name") == 0)
		r = print_names(wanted, err);
	else if (*l->format != '\0' && (count > 0 || l->args->operands_count == 0))
		r = print_objects(l, wanted, err);
	else if (count > 0)
		r = print_table(l, wanted, err);
	else if (l->args->operands_count == 0 && !l->args->watch)
		fprintf(stderr, "There is no StoppableContainer in %s%s.\n",
		        l->args->all_namespaces ? "any namespace" : "namespace ",
		        l->args->all_namespaces ? "" : session_namespace(l->s));
	if (r == 0)
		r = missing(l, wanted, err);
	json_decref(wanted);
	return r;
}

static int on_list(void *arg, const json_t *items, struct err *err)
{
	struct listing *l = arg;
	json_t *wanted, *object;
	int r = 0;
	size_t i;

	if (*l->format == '\0' || strcmp(l->format, "name") == 0)
		return print_items(l, items, err);
	wanted = items_of(l, items);
	json_array_foreach(wanted, i, object) {
		if (r == 0)
			r = print_one(l, object, err);
	}
	json_decref(wanted);
	return r;
}

static int on_event(void *arg, enum kube_watch_event event, json_t *object, struct err *err)
{
	struct listing *l = arg;

	if (!is_wanted(l, object))
		return 0;
	return print_one(l, object, err);
}

int cmd_list(struct session *s, struct err *err)
{
	const struct args *args = session_args(s);
	const char *format = args->output != NULL ? args->output : "";
	const char *ns = args->all_namespaces ? NULL : session_namespace(s);
	struct listing l = {
	        .s = s,
	        .args = args,
	        .format = strcmp(format, "wide") == 0 ? "" : format,
	        .style = {.wide = strcmp(format, "wide") == 0,
	                  .with_namespace = args->all_namespaces},
	};
	const struct kube_list_opts opts = {.label_selector = args->selector};
	const struct kube_ref ref = {.type = &KUBE_STOPPABLECONTAINERS, .ns = ns};
	const struct session_follow follow = {
	        .type = &KUBE_STOPPABLECONTAINERS,
	        .ns = ns,
	        .label_selector = args->selector,
	        .on_list = on_list,
	        .on_event = on_event,
	        .arg = &l,
	};
	json_t *list = NULL;
	int r;

	if (args->watch)
		return session_follow(s, &follow, err);
	r = session_list(s, &ref, &opts, &list, err);
	if (r == 0)
		r = print_items(&l, json_object_get(list, "items"), err);
	json_decref(list);
	return r;
}
