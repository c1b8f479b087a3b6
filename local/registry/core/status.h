/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - Kubernetes Status objects in the API server's wording
 *
 * Every refusal travels as a Status object from where it is found to the client; programs inside
 * the process get it as an err (status_to_err()). All functions return new references.
 */
#pragma once

#include <jansson.h>

#include "lib/base/err.h"
#include "local/registry/core/api_types.h"

/** status_new() - @type and @name may be NULL */
json_t *status_new(int http_code, const char *reason, const struct api_type *type, const char *name,
                   const char *fmt, ...) PRINTF_LIKE(5, 6);
json_t *status_bad_request(const char *fmt, ...) PRINTF_LIKE(1, 2);
json_t *status_not_found(const struct api_type *type, const char *name);
json_t *status_exists(const struct api_type *type, const char *name);
/** status_conflict() - @why follows "Operation cannot be fulfilled on …: " */
json_t *status_conflict(const struct api_type *type, const char *name, const char *why);
/** status_invalid() - @causes: array of status_cause() objects */
json_t *status_invalid(const struct api_type *type, const char *name, json_t *causes);
/** status_expired() - 410: @what is "too old resource version: 1 (5)" or alike */
json_t *status_expired(const char *what);
/** status_deleted() - the success that ends a delete */
json_t *status_deleted(const struct api_type *type, const char *name, const char *uid);

/* Causes of status_invalid(), field.ErrorType's names. */
enum { STATUS_CAUSES_MAX = 50 };
void status_cause_add(json_t *causes, const char *reason, const char *field, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
/* The same with "Invalid value: <value as JSON>: " in front. */
void status_cause_add_value(json_t *causes, const char *field, const json_t *value, const char *fmt,
                            ...) PRINTF_LIKE(4, 5);

int status_http_code(const json_t *status);

/** status_to_err() - Return: always -1 */
int status_to_err(const json_t *status, struct err *err);
