/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube object - reading objects: everything borrowed, nothing fails
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Each "" or 0 when absent. */
const char *kube_namespace(const json_t *object);
const char *kube_name(const json_t *object);
const char *kube_uid(const json_t *object);
const char *kube_resource_version(const json_t *object);
int64_t kube_generation(const json_t *object);
bool kube_is_deleting(const json_t *object); /* has a deletionTimestamp */
const char *kube_label(const json_t *object, const char *key);
const char *kube_annotation(const json_t *object, const char *key);
/** kube_annotation_number() - 0: there is none, or it is no number from 0 on */
int64_t kube_annotation_number(const json_t *object, const char *key);
bool kube_has_finalizer(const json_t *object, const char *finalizer);
const json_t *kube_owner_controller(const json_t *object); /* ownerReference, or NULL */

/** json_at() - walk keys: json_at(pod, "status", "podIP", NULL). Return: borrowed, or NULL */
json_t *json_at(const json_t *from, ...) __attribute__((sentinel));
/* The same with a type and a default. */
const char *json_str_at(const json_t *from, const char *fallback, ...) __attribute__((sentinel));
int64_t json_int_at(const json_t *from, int64_t fallback, ...) __attribute__((sentinel));
bool json_bool_at(const json_t *from, int fallback, ...) __attribute__((sentinel));

/**
 * json_text() - a string of any text: one that was cut inside a character loses that character,
 * other bytes that are not UTF-8 become "?"
 * Return: new reference; NULL out of memory.
 */
json_t *json_text(const char *text);

/** kube_condition() - the condition of that type in status.conditions, or NULL */
const json_t *kube_condition(const json_t *object, const char *type);

struct kube_condition_words {
	const char *type;
	bool status;
	const char *reason;
	const char *message;
};

/**
 * kube_condition_set() - set one condition in a list, by the API conventions
 * lastTransitionTime changes only with status. Return: true when anything changed.
 */
bool kube_condition_set(json_t *conditions, const struct kube_condition_words *is,
                        int64_t observed_generation, uint64_t now_wall_ms);

/** json_merge_patch() - RFC 7396, in place on a copy. Return: new reference, NULL out of memory */
json_t *json_merge_patch(const json_t *target, const json_t *patch);

/**
 * json_merge_diff() - the merge patch that makes @to of @from; NULL when they are equal. Out of
 * memory the program ends, since part of a patch would be a change lost.
 * A merge patch cannot put a null: a null member of @to counts as absent.
 * Return: new reference
 */
json_t *json_merge_diff(const json_t *from, const json_t *to);

/**
 * json_is_within() - all of @wanted is in @actual, which may have further members
 * Arrays are compared element by element, with the same rule.
 */
bool json_is_within(const json_t *wanted, const json_t *actual);
