/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/kube/client_internal.h"
#include "lib/kube/object.h"
#include "lib/kube/path.h"

struct kube_pages {
	struct kube_type type; /* its strings are static */
	char *ns;
	char *label_selector;
	char *field_selector;
	uint32_t page_objects; /* 0: all at once */
	json_t *list;          /* what has come, or NULL */
};

void kube_pages_free(struct kube_pages *p)
{
	if (p == NULL)
		return;
	free(p->ns);
	free(p->label_selector);
	free(p->field_selector);
	json_decref(p->list);
	free(p);
}

static int pages_copy(char **ret_copy, const char *text)
{
	if (text == NULL)
		return 0;
	*ret_copy = strdup(text);
	return *ret_copy != NULL ? 0 : -1;
}

static struct kube_pages *pages_new(const struct kube_ref *ref, const struct kube_list_opts *opts)
{
	struct kube_pages *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->type = *ref->type;
	p->page_objects = KUBE_LIST_PAGE_OBJECTS;
	if (opts != NULL && opts->page_objects > 0)
		p->page_objects = opts->page_objects;
	if (pages_copy(&p->ns, ref->ns) < 0 ||
	    (opts != NULL && (pages_copy(&p->label_selector, opts->label_selector) < 0 ||
	                      pages_copy(&p->field_selector, opts->field_selector) < 0))) {
		kube_pages_free(p);
		return NULL;
	}
	return p;
}

static int pages_ask(struct kube_call *call, const char *token)
{
	const struct kube_pages *p = call->pages;
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
static void items_complete(const struct kube_type *type, json_t *items)
{
	json_t *version = *type->group != '\0' ? json_sprintf("%s/%s", type->group, type->version)
	                                       : json_string(type->version);
	json_t *kind = json_string(type->kind);
	json_t *v;
	size_t i;

	json_array_foreach(items, i, v) {
		(void)json_object_del(json_object_get(v, "metadata"), "managedFields");
		(void)json_object_set(v, "apiVersion", version);
		(void)json_object_set(v, "kind", kind);
	}
	json_decref(version);
	json_decref(kind);
}

/* Moves the page's items over to the list. */
static int pages_append(struct kube_pages *p, json_t *page, struct err *err)
{
	json_t *items = json_object_get(page, "items");
	json_t *all;

	if (!json_is_array(items))
		return err_set(err, ERR_UNAVAILABLE, 0, "answer is no list");
	items_complete(&p->type, items);
	if (p->list == NULL) {
		p->list = json_incref(page);
		return 0;
	}
	all = json_object_get(p->list, "items");
	if (json_array_size(all) + json_array_size(items) > KUBE_LIST_OBJECTS_MAX)
		return err_set(err, ERR_INVALID, 0, "list of more than %d objects",
		               KUBE_LIST_OBJECTS_MAX);
	if (json_array_extend(all, items) < 0)
		return err_set(err, ERR_NOMEM, 0, "list");
	return 0;
}

int kube_pages_take(struct kube_call *call, struct kube_result *res, struct err *err)
{
	struct kube_pages *p = call->pages;
	const char *token;

	/* API concepts, "Retrieving large result sets in chunks": the snapshot is gone */
	if (res->err != NULL && res->err->code == ERR_GONE && p->list != NULL) {
		json_decref(p->list);
		p->list = NULL;
		p->page_objects = 0;
		return pages_ask(call, NULL) < 0 ? err_set(err, ERR_NOMEM, 0, "list") : 1;
	}
	if (res->err != NULL)
		return 0;
	if (pages_append(p, res->body, err) < 0)
		return -1;
	token = json_str_at(res->body, "", "metadata", "continue", NULL);
	if (*token != '\0')
		return pages_ask(call, token) < 0 ? err_set(err, ERR_NOMEM, 0, "list") : 1;
	(void)json_object_del(json_object_get(p->list, "metadata"), "continue");
	res->body = p->list;
	return 0;
}

struct kube_call *kube_list(struct kube_client *c, const struct kube_ref *ref,
                            const struct kube_list_opts *opts, kube_done_fn done, void *arg)
{
	struct kube_call *call = kube_call_new(c, done, arg);

	if (call == NULL)
		return NULL;
	call->pages = pages_new(ref, opts);
	if (call->pages == NULL || pages_ask(call, NULL) < 0) {
		kube_call_free(call);
		return NULL;
	}
	return call;
}
