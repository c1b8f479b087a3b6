/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_list - answers a list: selectors, pages, tables
 *
 * The token of a page names the resourceVersion of the first page and the last object. Later pages
 * show the objects as they are by then ("inconsistent continue"). The resourceVersion stays that of
 * the first page, so a watch from it tells what changed meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "local/api/io/api_internal.h"
#include "local/registry/core/status.h"

enum {
	TOKEN_BYTES = 600,
	LIST_ROWS = 256, /* are read at once: a page must not cost more than what it shows */
};

struct list {
	struct api_call *call;
	struct api_selection selection;
	json_t *items;
	json_t *last; /* row that was looked at, or NULL */
	unsigned rows_count;
	uint64_t limit; /* 0: no limit */
	bool more;
};

static bool on_object(void *arg, const json_t *object)
{
	struct list *list = arg;

	list->rows_count++;
	json_decref(list->last);
	list->last = json_incref((json_t *)object);
	if (!api_selection_matches(&list->selection, object))
		return true;
	if (list->limit && json_array_size(list->items) == list->limit) {
		list->more = true;
		return false;
	}
	registry_read_defaults(list->call->type, (json_t *)object);
	(void)json_array_append(list->items, (json_t *)object);
	return true;
}

/* "REVISION/NAMESPACE/NAME", of characters that need no escaping in a query. Return: 0, or -1 */
static int token_parse(const char *token, char buf[TOKEN_BYTES], uint64_t *ret_revision,
                       struct store_key *ret_after)
{
	char *rest = buf, *revision;

	if (strlen(token) >= TOKEN_BYTES)
		return -1;
	(void)snprintf(buf, TOKEN_BYTES, "%s", token);
	revision = strsep(&rest, "/");
	ret_after->ns = strsep(&rest, "/");
	ret_after->name = rest;
	return rest && num_parse_u64(revision, 0, UINT64_MAX, ret_revision, NULL) == 0 ? 0 : -1;
}

static int list_read(struct list *list, const struct store_key *after, struct err *err)
{
	char resource[API_NAME_BYTES];
	struct store_range range = {
	        .type = api_type_resource(list->call->type, resource, sizeof resource),
	        .ns = list->call->req.ns,
	        .after_ns = after->ns,
	        .after_name = after->name,
	        .max_count = LIST_ROWS,
	};
	struct store *store = registry_store(list->call->api->registry);

	do {
		list->rows_count = 0;
		if (store_list(store, &range, on_object, list, err) < 0)
			return -1;
		range.after_ns = kube_namespace(list->last);
		range.after_name = kube_name(list->last);
	} while (!list->more && list->rows_count == LIST_ROWS);
	return 0;
}

static json_t *list_metadata(const struct list *list, uint64_t revision)
{
	json_t *metadata = json_pack("{s:o}", "resourceVersion",
	                             json_sprintf("%llu", (unsigned long long)revision));
	const json_t *last = json_array_get(list->items, json_array_size(list->items) - 1);

	if (list->more)
		(void)json_object_set_new(metadata, "continue",
		                          json_sprintf("%llu/%s/%s", (unsigned long long)revision,
		                                       kube_namespace(last), kube_name(last)));
	return metadata;
}

static void send_list(struct list *list, uint64_t revision)
{
	struct api_call *call = list->call;
	char version[API_NAME_BYTES];
	json_t *metadata = list_metadata(list, revision), *body;

	if (call->table.wanted)
		body = table_of_list(&call->table, list->items, metadata);
	else
		body = json_pack("{s:o, s:s, s:O, s:O}", "kind",
		                 json_sprintf("%sList", call->type->kube.kind), "apiVersion",
		                 api_type_version(call->type, version, sizeof version), "metadata",
		                 metadata, "items", list->items);
	json_decref(metadata);
	api_send_new(call, 200, body);
}

void api_list(struct api_call *call)
{
	const char *token = request_query(&call->req, "continue");
	const char *limit = request_query(&call->req, "limit");
	struct store *store = registry_store(call->api->registry);
	struct list list = {.call = call};
	struct store_key after = {0};
	uint64_t revision = store_revision(store);
	char buf[TOKEN_BYTES];
	struct err err = {0};

	if (token && *token && token_parse(token, buf, &revision, &after) < 0) {
		api_send_status(call, status_bad_request("continue key is not valid"));
		return;
	}
	if (token && *token && revision < store_floor(store)) {
		api_send_status(call,
		                status_expired("The provided continue parameter is too old to "
		                               "display a consistent list result. You must "
		                               "start a new list without the continue "
		                               "parameter."));
		return;
	}
	if (limit && num_parse_u64(limit, 0, UINT32_MAX, &list.limit, &err) < 0) {
		api_send_status(call, status_bad_request("limit: %s", err.text));
		return;
	}
	if (api_selection_parse(call, &list.selection) < 0)
		return;
	list.items = json_array();
	if (list_read(&list, &after, &err) < 0)
		api_send_status(call, status_new(500, "InternalError", NULL, NULL, "%s", err.text));
	else
		send_list(&list, revision);
	json_decref(list.items);
	json_decref(list.last);
	api_selection_done(&list.selection);
}
