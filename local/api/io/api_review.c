/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_review - answers questions about the caller: `kubectl auth can-i`, `kubectl auth whoami`
 *
 * Reviews are posted, answered and not stored. There is one user: who has the token may do
 * everything.
 */
#include <string.h>

#include "local/api/io/api_internal.h"
#include "local/registry/core/status.h"

static json_t *access_status(void)
{
	return json_pack("{s:b, s:s}", "allowed", 1, "reason",
	                 "the token of this engine may do everything");
}

static json_t *user_status(void)
{
	return json_pack("{s:{s:s, s:[s,s]}}", "userInfo", "username", "sc-local", "groups",
	                 "system:masters", "system:authenticated");
}

static const struct {
	const char *group, *plural, *kind;
	json_t *(*status)(void);
} reviews[] = {
        {"authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview",
         access_status},
        {"authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", user_status},
};

bool api_review(struct api_call *call)
{
	const struct request *req = &call->req;
	json_t *body;

	if (!req->is_resource || req->ns || req->name || strcmp(req->version, "v1") != 0 ||
	    strcmp(call->message->method, "POST") != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(reviews); i++) {
		if (strcmp(req->group, reviews[i].group) != 0 ||
		    strcmp(req->plural, reviews[i].plural) != 0)
			continue;
		body = api_body_parse(call);
		if (body == NULL)
			return true;
		(void)json_object_set_new(body, "apiVersion",
		                          json_sprintf("%s/v1", reviews[i].group));
		(void)json_object_set_new(body, "kind", json_string(reviews[i].kind));
		(void)json_object_set_new(body, "status", reviews[i].status());
		api_send_new(call, 201, body);
		return true;
	}
	return false;
}
