/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activity - reads what an activator answers to GET /v1/activity
 */
#include "idle-monitor/io/activity.h"

#include <jansson.h>
#include <string.h>

/* Longer than any uptime; keeps the arithmetic far from overflow. */
static const double activity_seconds_max = 1e10;

/* Return: 1 a number; 0 null or absent; negative when it is anything else. */
static int activity_seconds(const json_t *object, const char *key, uint64_t *ret_ms,
                            struct err *err)
{
	const json_t *value = json_object_get(object, key);
	double seconds = json_number_value(value);

	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_number(value) || !(seconds >= 0) || seconds > activity_seconds_max)
		return err_set(err, ERR_PARSE, 0, "%s: want seconds", key);
	*ret_ms = (uint64_t)(seconds * 1000);
	return 1;
}

static int activity_count(const json_t *object, const char *key, uint64_t *ret_count,
                          struct err *err)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return err_set(err, ERR_PARSE, 0, "%s: want a count", key);
	*ret_count = (uint64_t)json_integer_value(value);
	return 0;
}

static int activity_parse_target(const json_t *object, struct activity_target *t, struct err *err)
{
	const char *uid = json_string_value(json_object_get(object, "uid"));
	const char *client = json_string_value(json_object_get(object, "lastClient"));
	uint64_t in_flight;
	uint64_t held;
	uint64_t upgraded;
	uint64_t byte_age_ms;
	int has_byte;
	int has_request;

	if (uid == NULL || strlen(uid) >= sizeof t->uid)
		return err_set(err, ERR_PARSE, 0, "uid: want a text of less than %zu bytes",
		               sizeof t->uid);
	if (activity_count(object, "requestsInFlight", &in_flight, err) < 0 ||
	    activity_count(object, "requestsHeld", &held, err) < 0 ||
	    activity_count(object, "openUpgraded", &upgraded, err) < 0)
		return -1;
	has_request = activity_seconds(object, "secondsSinceLastRequest", &t->request_age_ms, err);
	if (has_request < 0)
		return -1;
	has_byte = activity_seconds(object, "secondsSinceLastByte", &byte_age_ms, err);
	if (has_byte < 0)
		return -1;
	if (has_byte && (!has_request || byte_age_ms < t->request_age_ms))
		t->request_age_ms = byte_age_ms;
	memcpy(t->uid, uid, strlen(uid) + 1);
	(void)snprintf(t->client, sizeof t->client, "%s", client ? client : "");
	t->busy = in_flight > 0 || held > 0;
	t->upgraded_open = upgraded > 0;
	t->has_request = has_request || has_byte;
	return 0;
}

static int activity_compare(const void *a, const void *b)
{
	const struct activity_target *ta = a;
	const struct activity_target *tb = b;

	return strcmp(ta->uid, tb->uid);
}

static int activity_parse_object(const json_t *root, struct activity **ret_activity,
                                 struct err *err)
{
	const json_t *targets = json_object_get(root, "targets");
	size_t count = json_array_size(targets);
	CLEANUP(activity_free_var) struct activity *a = NULL;

	if (!json_is_array(targets) || count > ACTIVITY_TARGETS_MAX)
		return err_set(err, ERR_PARSE, 0, "targets: want a list of at most %d",
		               ACTIVITY_TARGETS_MAX);
	a = calloc(1, sizeof *a + count * sizeof a->targets[0]);
	if (a == NULL)
		return err_set(err, ERR_NOMEM, 0, "activity");
	switch (activity_seconds(root, "uptimeSeconds", &a->uptime_ms, err)) {
	case 1:
		break;
	case 0:
		return err_set(err, ERR_PARSE, 0, "uptimeSeconds is missing");
	default:
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		if (activity_parse_target(json_array_get(targets, i), &a->targets[i], err) < 0)
			return err_wrap(err, "targets[%zu]", i);
	}
	a->targets_count = count;
	qsort(a->targets, count, sizeof a->targets[0], activity_compare);
	*ret_activity = TAKE_PTR(a);
	return 0;
}

int activity_parse(const char *text, size_t bytes, struct activity **ret_activity, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &why);
	int rc;

	if (root == NULL)
		return err_set(err, ERR_PARSE, 0, "line %d: %s", why.line, why.text);
	rc = activity_parse_object(root, ret_activity, err);
	json_decref(root);
	return rc;
}

void activity_free(struct activity *a)
{
	free(a);
}

const struct activity_target *activity_find(const struct activity *a, const char *uid)
{
	struct activity_target key;

	if (strlen(uid) >= sizeof key.uid)
		return NULL;
	memcpy(key.uid, uid, strlen(uid) + 1);
	return bsearch(&key, a->targets, a->targets_count, sizeof a->targets[0], activity_compare);
}
