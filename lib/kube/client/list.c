/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list - asks for a list page by page, and reads each page item by item as its bytes arrive
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/kube/client/call.h"
#include "lib/kube/client/list_frame.h"
#include "lib/kube/client/object.h"
#include "lib/kube/client/path.h"

enum {
	LIST_PAGE_OBJECTS = 500,
	LIST_OBJECTS_MAX = 200000,
};

struct pages {
	struct kube_type type; /* its strings are static */
	char *ns;
	char *label_selector;
	char *field_selector;
	uint32_t page_objects; /* 0: all at once */
	void (*on_begin)(void *arg);
	/* or NULL: they are put into the list */
	int (*on_item)(void *arg, const char *text, size_t bytes);
	struct list_frame frame; /* of the page that is coming */
	struct err why;          /* what is wrong with it */
	size_t items_count;
	json_t *list; /* the first page without its items, then all items; NULL: none has come */
	json_t *items;
};

static void pages_free(void *state)
{
	struct pages *p = state;

	free(p->ns);
	free(p->label_selector);
	free(p->field_selector);
	list_frame_done(&p->frame);
	json_decref(p->list);
	json_decref(p->items);
	free(p);
}

static struct pages *pages_new(const struct kube_ref *ref, const struct kube_list_opts *opts)
{
	struct pages *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->type = *ref->type;
	p->page_objects = LIST_PAGE_OBJECTS;
	if (opts != NULL && opts->page_objects > 0)
		p->page_objects = opts->page_objects;
	if (opts != NULL) {
		p->on_begin = opts->on_begin;
		p->on_item = opts->on_item;
	}
	p->items = json_array();
	if (p->items == NULL || str_copy(&p->ns, ref->ns) < 0 ||
	    (opts != NULL && (str_copy(&p->label_selector, opts->label_selector) < 0 ||
	                      str_copy(&p->field_selector, opts->field_selector) < 0))) {
		pages_free(p);
		return NULL;
	}
	return p;
}

static int pages_ask(struct kube_call *call, const char *token)
{
	const struct pages *p = call->state;
	const struct kube_ref ref = {.type = &p->type, .ns = p->ns};
	char limit[16];
	const struct kube_query query[] = {
	        {"labelSelector", p->label_selector},
	        {"fieldSelector", p->field_selector},
	        {"limit", p->page_objects ? limit : NULL},
	        {"continue", token},
	        {NULL, NULL},
	};
	CLEANUP(free_var) char *path = NULL;

	(void)snprintf(limit, sizeof limit, "%u", p->page_objects);
	path = kube_path(&ref, query);
	if (path == NULL)
		return -1;
	return kube_call_send(call, "GET", path, NULL, NULL);
}

/*
 * A server leaves apiVersion and kind out of a list's items when the type is its own. An object
 * must be the same whether it came by a list, a watch or a call.
 */
static void item_complete(const struct kube_type *type, json_t *item)
{
	json_t *version = *type->group != '\0' ? json_sprintf("%s/%s", type->group, type->version)
	                                       : json_string(type->version);

	(void)json_object_del(json_object_get(item, "metadata"), "managedFields");
	(void)json_object_set_new(item, "apiVersion", version);
	(void)json_object_set_new(item, "kind", json_string(type->kind));
}

/* Return: 0, -1 with why set. */
static int pages_keep(struct pages *p, const char *text, size_t bytes)
{
	json_error_t where;
	json_t *item = json_loadb(text, bytes, 0, &where);

	if (item == NULL)
		return err_set(&p->why, ERR_UNAVAILABLE, 0, "answer is not JSON: %s", where.text);
	item_complete(&p->type, item);
	if (json_array_append_new(p->items, item) < 0)
		return err_set(&p->why, ERR_NOMEM, 0, "list");
	return 0;
}

/* Return: 0, 1 when the call was cancelled meanwhile, -1 with why set. */
static int on_item_text(void *arg, const char *text, size_t bytes)
{
	struct kube_call *call = arg;
	struct pages *p = call->state;
	int r;

	if (++p->items_count > LIST_OBJECTS_MAX)
		return err_set(&p->why, ERR_INVALID, 0, "list of more than %d objects",
		               LIST_OBJECTS_MAX);
	if (p->on_item == NULL)
		return pages_keep(p, text, bytes);
	r = p->on_item(call->arg, text, bytes);
	if (r < 0)
		return err_set(&p->why, ERR_UNAVAILABLE, 0, "answer is not JSON: \"%.*s\"",
		               (int)(bytes < 80 ? bytes : 80), text);
	return r;
}

static int on_data(void *arg, const char *data, size_t bytes)
{
	struct kube_call *call = arg;
	struct pages *p = call->state;
	int r;

	call->is_reading = true;
	r = list_frame_feed(&p->frame, data, bytes, &p->why);
	call->is_reading = false;
	if (r == 1 && !call->is_cancelled)
		kube_cancel(call);
	else if (call->is_cancelled)
		kube_call_destroy(call);
	return r == 0 ? 0 : -1;
}

/* The page without its items, when all of it came. Return: new reference, or NULL */
static json_t *pages_envelope(const struct pages *p)
{
	const struct buf *t = &p->frame.envelope;

	return t->bytes > 0 ? json_loadb(t->data, t->bytes, 0, NULL) : NULL;
}

/* The first page is the list. */
static int pages_append(struct pages *p, json_t *page, struct err *err)
{
	if (!json_is_array(json_object_get(page, "items")))
		return err_set(err, ERR_UNAVAILABLE, 0, "answer is no list");
	if (p->list == NULL)
		p->list = json_incref(page);
	return 0;
}

static int pages_ask_first(struct kube_call *call)
{
	const struct pages *p = call->state;

	if (p->on_begin != NULL)
		p->on_begin(call->arg);
	return pages_ask(call, NULL);
}

/* API concepts, "Retrieving large result sets in chunks": the snapshot is gone */
static int pages_again(struct kube_call *call, struct err *err)
{
	struct pages *p = call->state;

	json_decref(p->list);
	p->list = NULL;
	(void)json_array_clear(p->items);
	p->items_count = 0;
	p->page_objects = 0;
	return pages_ask_first(call) < 0 ? err_set(err, ERR_NOMEM, 0, "list") : 1;
}

/*
 * A page has come.
 * Return: 0 the list is whole and in res->body, 1 another request is under way, negative with err
 * set.
 */
static int pages_take(struct kube_call *call, struct kube_result *res, struct err *err)
{
	struct pages *p = call->state;
	const char *token;

	list_frame_done(&p->frame);
	if (res->err != NULL && res->err->code == ERR_GONE && p->list != NULL)
		return pages_again(call, err);
	if (p->why.code != ERR_NONE) {
		*err = p->why;
		return -1;
	}
	if (res->err != NULL)
		return 0;
	if (pages_append(p, res->body, err) < 0)
		return -1;
	token = json_str_at(res->body, "", "metadata", "continue", NULL);
	if (*token != '\0')
		return pages_ask(call, token) < 0 ? err_set(err, ERR_NOMEM, 0, "list") : 1;
	(void)json_object_del(json_object_get(p->list, "metadata"), "continue");
	(void)json_object_set(p->list, "items", p->items);
	res->body = p->list;
	return 0;
}

static void on_page(void *arg, const struct http_response *http)
{
	struct kube_call *call = arg;
	struct kube_result res;
	struct err why = {0};
	json_t *page = NULL;
	json_t *list;
	int r;

	call->http = NULL;
	if (http->err == NULL && http->status >= 200 && http->status <= 299)
		page = pages_envelope(call->state);
	else if (http->err == NULL)
		page = json_loadb(http->body, http->body_bytes, 0, NULL);
	kube_call_result(http, page, "", &why, &res);
	r = pages_take(call, &res, &why);
	if (r < 0) {
		res.body = NULL;
		res.err = &why;
	}
	if (r != 1) {
		/* the pages hold it and end with the call, before anybody is told */
		list = json_incref(res.body);
		kube_call_end(call, &res);
		json_decref(list);
	}
	json_decref(page);
}

struct kube_call *kube_list(struct kube_client *c, const struct kube_ref *ref,
                            const struct kube_list_opts *opts, kube_done_fn done, void *arg)
{
	struct kube_call *call = kube_call_new(c, done, arg);

	if (call == NULL)
		return NULL;
	call->on_data = on_data;
	call->on_answer = on_page;
	call->state = pages_new(ref, opts);
	call->state_free = call->state != NULL ? pages_free : NULL;
	if (call->state != NULL)
		list_frame_init(&((struct pages *)call->state)->frame, on_item_text, call);
	if (call->state == NULL || pages_ask_first(call) < 0) {
		kube_call_free(call);
		return NULL;
	}
	return call;
}
