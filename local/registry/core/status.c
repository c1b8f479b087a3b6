/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - makes Kubernetes Status objects in the wording of the API server
 */
#include "local/registry/core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/kube/client/object.h"

static json_t *status_object(int http_code, const char *reason, const char *message)
{
	return json_pack("{s:s, s:s, s:{}, s:s, s:o, s:s, s:i}", "kind", "Status", "apiVersion",
	                 "v1", "metadata", "status", "Failure", "message", json_text(message),
	                 "reason", reason, "code", http_code);
}

static json_t *status_details(const char *name, const char *group, const char *kind)
{
	json_t *details = json_object();

	if (name && *name)
		(void)json_object_set_new(details, "name", json_string(name));
	if (*group)
		(void)json_object_set_new(details, "group", json_string(group));
	(void)json_object_set_new(details, "kind", json_string(kind));
	return details;
}

json_t *status_new(int http_code, const char *reason, const struct api_type *type, const char *name,
                   const char *fmt, ...)
{
	char message[2048];
	json_t *status;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	status = status_object(http_code, reason, message);
	if (type)
		(void)json_object_set_new(
		        status, "details",
		        status_details(name, type->kube.group, type->kube.plural));
	return status;
}

json_t *status_bad_request(const char *fmt, ...)
{
	char message[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	return status_object(400, "BadRequest", message);
}

json_t *status_not_found(const struct api_type *type, const char *name)
{
	char resource[API_NAME_BYTES];

	return status_new(404, "NotFound", type, name, "%s \"%s\" not found",
	                  api_type_resource(type, resource, sizeof resource), name);
}

json_t *status_exists(const struct api_type *type, const char *name)
{
	char resource[API_NAME_BYTES];

	return status_new(409, "AlreadyExists", type, name, "%s \"%s\" already exists",
	                  api_type_resource(type, resource, sizeof resource), name);
}

json_t *status_conflict(const struct api_type *type, const char *name, const char *why)
{
	char resource[API_NAME_BYTES];

	return status_new(409, "Conflict", type, name,
	                  "Operation cannot be fulfilled on %s \"%s\": %s",
	                  api_type_resource(type, resource, sizeof resource), name, why);
}

json_t *status_expired(const char *what)
{
	return status_object(410, "Expired", what);
}

json_t *status_deleted(const struct api_type *type, const char *name, const char *uid)
{
	json_t *details = status_details(name, type->kube.group, type->kube.plural);

	(void)json_object_set_new(details, "uid", json_string(uid));
	return json_pack("{s:s, s:s, s:{}, s:s, s:o}", "kind", "Status", "apiVersion", "v1",
	                 "metadata", "status", "Success", "details", details);
}

/* "field: message", or "[a, b]" for several: field.ErrorList's aggregate. */
static json_t *causes_text(const json_t *causes)
{
	json_t *text = json_string(json_array_size(causes) == 1 ? "" : "["), *cause, *longer;
	size_t i;

	json_array_foreach(causes, i, cause) {
		longer = json_sprintf("%s%s%s: %s", json_string_value(text), i ? ", " : "",
		                      json_string_value(json_object_get(cause, "field")),
		                      json_string_value(json_object_get(cause, "message")));
		json_decref(text);
		text = longer;
	}
	if (json_array_size(causes) == 1)
		return text;
	longer = json_sprintf("%s]", json_string_value(text));
	json_decref(text);
	return longer;
}

json_t *status_invalid(const struct api_type *type, const char *name, json_t *causes)
{
	json_t *all = causes_text(causes);
	json_t *message = json_sprintf("%s%s%s \"%s\" is invalid: %s", type->kube.kind,
	                               *type->kube.group ? "." : "", type->kube.group, name,
	                               json_string_value(all));
	json_t *status = status_object(422, "Invalid", json_string_value(message));
	json_t *details = status_details(name, type->kube.group, type->kube.kind);

	(void)json_object_set(details, "causes", causes);
	(void)json_object_set_new(status, "details", details);
	json_decref(all);
	json_decref(message);
	return status;
}

static void cause_append(json_t *causes, const char *reason, const char *field, const char *message)
{
	if (json_array_size(causes) >= STATUS_CAUSES_MAX)
		return;
	(void)json_array_append_new(causes,
	                            json_pack("{s:s, s:o, s:o}", "reason", reason, "message",
	                                      json_text(message), "field", json_text(field)));
}

void status_cause_add(json_t *causes, const char *reason, const char *field, const char *fmt, ...)
{
	char message[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	cause_append(causes, reason, field, message);
}

/* Long values are cut: a message is for a reader. */
static void value_text(const json_t *value, char *buf, size_t size)
{
	size_t n = value ? json_dumpb(value, buf, size - 1, JSON_ENCODE_ANY | JSON_COMPACT) : 0;

	if (n >= size) { /* jansson wrote the first size - 1 bytes */
		n = size - 1;
		memcpy(buf + n - 3, "...", 3);
	}
	buf[n] = 0;
}

void status_cause_add_value(json_t *causes, const char *field, const json_t *value, const char *fmt,
                            ...)
{
	char message[1100], shown[256], why[768];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	value_text(value, shown, sizeof shown);
	(void)snprintf(message, sizeof message, "Invalid value: %s: %s", shown, why);
	cause_append(causes, "FieldValueInvalid", field, message);
}

int status_http_code(const json_t *status)
{
	return (int)json_integer_value(json_object_get(status, "code"));
}

int status_to_err(const json_t *status, struct err *err)
{
	const char *message = json_string_value(json_object_get(status, "message"));
	const char *reason = json_string_value(json_object_get(status, "reason"));
	enum err_code code;

	switch (status_http_code(status)) {
	case 400:
	case 422:
		code = ERR_INVALID;
		break;
	case 401:
	case 403:
		code = ERR_DENIED;
		break;
	case 404:
		code = ERR_NOT_FOUND;
		break;
	case 409:
		code = reason && strcmp(reason, "AlreadyExists") == 0 ? ERR_EXISTS : ERR_CONFLICT;
		break;
	case 410:
		code = ERR_GONE;
		break;
	default:
		code = ERR_UNAVAILABLE;
	}
	return err_set(err, code, 0, "%s", message ? message : "failed");
}
