/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skim - copies from the JSON text of an object the members that a program reads
 *
 * An API server sends whole objects, and a program reads few of their members. What is left out is
 * not parsed: only its end is looked for. What is kept is copied as it stands. So the result is
 * JSON if the copied parts are; whether the rest was JSON is not checked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct skim_member;

enum skim_how {
	SKIM_UNSET,
	SKIM_KEEP,   /* the member as it came */
	SKIM_DROP,   /* nothing of it */
	SKIM_INSIDE, /* the member, and of its value what another table says */
};

/* The members of an object; where the value is a list, of each object in it. */
struct skim {
	enum skim_how others;              /* of those that are not named: SKIM_KEEP, SKIM_DROP */
	const struct skim_member *members; /* ended by a NULL key */
};

struct skim_member {
	const char *key;
	enum skim_how how;
	const struct skim *in; /* with SKIM_INSIDE, else NULL */
};

/* A static table NAME: only what is named is kept, or all but what is named is kept whole. */
#define SKIM_ONLY(name, ...)                                                                       \
	static const struct skim_member name##_members[] = {__VA_ARGS__, {NULL}};                  \
	static const struct skim name = {SKIM_DROP, name##_members}
#define SKIM_ALL_BUT(name, ...)                                                                    \
	static const struct skim_member name##_members[] = {__VA_ARGS__, {NULL}};                  \
	static const struct skim name = {SKIM_KEEP, name##_members}
/* Members of metadata that tell which object it is, and which version of it. */
#define SKIM_IDENTITY                                                                              \
	{"name", SKIM_KEEP}, {"namespace", SKIM_KEEP}, {"uid", SKIM_KEEP},                         \
	{                                                                                          \
		"resourceVersion", SKIM_KEEP                                                       \
	}

/* All but metadata.managedFields and what kubectl apply last saw: nobody here reads these. */
extern const struct skim SKIM_COMMON;

/**
 * skim_object() - copies of the object @text what @of names
 * @ret_text: room for @bytes; what is kept is never longer
 * Return: the bytes of what is kept, 0 when it is no JSON object
 */
size_t skim_object(const struct skim *of, const char *text, size_t bytes, char *ret_text);
