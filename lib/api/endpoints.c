/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoints - keeps the endpoint list of one Service current with an informer on its slices
 */
#include "lib/api/endpoints.h"

#include <string.h>

#include "lib/api/names.h"
#include "lib/kube/cache/informer.h"
#include "lib/kube/client/object.h"

enum { SELECTOR_BYTES = 256 };

struct endpoints {
	struct endpoints_opts opts;
	struct informer *slices;
	struct endpoint_set set;
	char ns[64], name[64];
	char selector[SELECTOR_BYTES];
	bool was_told;
};

DEFINE_CLEANUP(struct endpoints *, endpoints_free);

struct collecting {
	struct endpoint_set set;
	const char *port_name;
};

/* Slices that we make lead to the Service's endpoints: they are no source of them. */
static bool collect(void *arg, const json_t *slice)
{
	struct collecting *c = arg;

	if (strcmp(kube_label(slice, SC_LABEL_MANAGED_BY), SC_MANAGED_BY) != 0)
		endpoint_set_add_slice(&c->set, slice, c->port_name);
	return true;
}

static void look(struct endpoints *e)
{
	struct collecting now = {.port_name = e->opts.port_name};

	if (!informer_is_synced(e->slices))
		return;
	informer_foreach(e->slices, collect, &now);
	if (e->was_told && endpoint_set_equal(&now.set, &e->set))
		return;
	e->set = now.set;
	e->was_told = true;
	e->opts.on_change(e->opts.arg);
}

static void on_change(void *arg, const json_t *old_object, const json_t *new_object)
{
	(void)old_object;
	(void)new_object;
	look(arg);
}

static void on_synced(void *arg)
{
	look(arg);
}

int endpoints_new(struct event_base *base, struct kube_client *client,
                  const struct endpoints_opts *opts, struct endpoints **ret_endpoints,
                  struct err *err)
{
	CLEANUP(endpoints_free_var) struct endpoints *e = calloc(1, sizeof *e);
	struct informer_opts informer = {
	        .ref = {.type = &KUBE_ENDPOINTSLICES},
	        .on_change = on_change,
	        .on_synced = on_synced,
	        .arg = e,
	};

	if (e == NULL)
		return err_set(err, ERR_NOMEM, 0, "endpoints");
	e->opts = *opts;
	if (!endpoint_service_parse(opts->service, e->ns, e->name))
		return err_set(err, ERR_PARSE, 0,
		               "activatorService \"%s\": want NAMESPACE/NAME of a Service",
		               opts->service);
	(void)snprintf(e->selector, sizeof e->selector, "kubernetes.io/service-name=%s", e->name);
	informer.ref.ns = e->ns;
	informer.label_selector = e->selector;
	if (informer_new(base, client, &informer, &e->slices, err) < 0)
		return -1;
	*ret_endpoints = TAKE_PTR(e);
	return 0;
}

void endpoints_free(struct endpoints *e)
{
	if (e == NULL)
		return;
	informer_free(e->slices);
	free(e);
}

bool endpoints_is_synced(const struct endpoints *e)
{
	return e->was_told;
}

uint64_t endpoints_lost_ms(const struct endpoints *e, uint64_t now_ms)
{
	return informer_lost_ms(e->slices, now_ms);
}

const struct endpoint_set *endpoints_set(const struct endpoints *e)
{
	return &e->set;
}

const char *endpoints_namespace(const struct endpoints *e)
{
	return e->ns;
}
