/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_service - the part of a plan that is about the Service and its EndpointSlices
 */
#include "controller/core/plan_service.h"

#include <string.h>

#include "lib/kube/client/object.h"

/* By the owner reference: anybody can write labels. */
static bool is_made_by_us(const struct facts *f, const json_t *object)
{
	return strcmp(json_str_at(kube_owner_controller(object), "", "uid", NULL), f->uid) == 0;
}

/* @have can be changed into @wanted. An EndpointSlice's address family can't be. */
static bool is_version_of(const json_t *wanted, const json_t *have)
{
	return wanted != NULL && !kube_is_deleting(have) &&
	       strcmp(kube_name(have), kube_name(wanted)) == 0 &&
	       strcmp(json_str_at(have, "", "addressType", NULL),
	              json_str_at(wanted, "", "addressType", NULL)) == 0;
}

/* Changes @wanted. Return: @found is there */
static bool create_or_patch(struct making *m, enum plan_on on, const json_t *found, json_t *wanted)
{
	struct plan_action *a;

	if (found == NULL) {
		if (!making_is_held(m, HELD_SERVICE)) {
			a = making_add(m, PLAN_CREATE, on, kube_name(wanted), json_incref(wanted));
			a->held = HELD_SERVICE;
		}
		return false;
	}
	/* a list of Kubernetes' own types leaves apiVersion and kind out of what was found */
	(void)json_object_del(wanted, "apiVersion");
	(void)json_object_del(wanted, "kind");
	if (!json_is_within(wanted, found))
		making_patch(m, PLAN_PATCH, on, found, json_incref(wanted));
	return true;
}

/*
 * Make, of the kind @on, the objects in @wanted and no others. Takes what is in it; NULLs are none.
 * Return: all of them are there, and there is one.
 */
static bool make_exactly(struct making *m, enum plan_on on, const json_t *const *have, size_t count,
                         json_t *wanted[SERVICE_FAMILIES_COUNT])
{
	const json_t *found[SERVICE_FAMILIES_COUNT] = {0};
	bool has_all = wanted[0] != NULL || wanted[1] != NULL;

	for (size_t i = 0; i < count; i++) {
		if (!is_made_by_us(m->f, have[i]))
			continue;
		if (is_version_of(wanted[0], have[i]))
			found[0] = have[i];
		else if (is_version_of(wanted[1], have[i]))
			found[1] = have[i];
		else
			making_delete(m, on, have[i]);
	}
	for (int k = 0; k < SERVICE_FAMILIES_COUNT; k++) {
		if (wanted[k] != NULL && !create_or_patch(m, on, found[k], wanted[k]))
			has_all = false;
		json_decref(wanted[k]);
	}
	return has_all;
}

void plan_service(struct making *m)
{
	const struct facts *f = m->f;
	const struct service_target *target = &m->config->target;
	bool is_wanted = !f->deleting && f->resource != NULL && f->resource->activation.enabled;
	json_t *services[SERVICE_FAMILIES_COUNT] = {0};
	json_t *slices[SERVICE_FAMILIES_COUNT] = {0};

	if (f->resource == NULL && !f->deleting)
		return; /* what was wanted before stays */
	if (is_wanted && target->port == 0)
		return; /* so it does until the activators are known */
	if (f->deleting && (m->seen->instance != NULL && !f->instance_foreign))
		return; /* last of all */
	if (is_wanted)
		services[0] = service_make(f->resource, target);
	/* The slices would join any Service of that name, so they wait until that one is ours. */
	if (make_exactly(m, PLAN_ON_SERVICE, m->seen->services, m->seen->services_count, services))
		for (int family = 0; family < SERVICE_FAMILIES_COUNT; family++)
			slices[family] = service_make_slice(f->resource, target,
			                                    (enum service_family)family);
	if (make_exactly(m, PLAN_ON_SLICE, m->seen->slices, m->seen->slices_count, slices))
		memory_release(m->memory, HELD_SERVICE);
}

static bool owns_any(const struct facts *f, const json_t *const *have, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_made_by_us(f, have[i]))
			return true;
	return false;
}

bool plan_service_is_gone(const struct making *m)
{
	return !owns_any(m->f, m->seen->services, m->seen->services_count) &&
	       !owns_any(m->f, m->seen->slices, m->seen->slices_count);
}
