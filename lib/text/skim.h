/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skim - of an object's text, what a program reads
 *
 * An API server sends whole objects; the most of a Pod is read by nobody here. What is left out is
 * passed over without having been parsed, and what is kept is the text as it came. That is JSON
 * wherever the parts that are kept are: for the rest it finds the ends of values, no more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct skim_member;

/* Members of an object; of a list it means each of its elements. */
struct skim {
	/* Whether those that are not named are kept whole, or left out. */
	bool keeps_rest;
	const struct skim_member *members; /* ended by a NULL key */
};

struct skim_member {
	const char *key;
	/* What of its value is kept; NULL: the other of what happens to those that are not named */
	const struct skim *in;
};

/* A table NAME, static, of the members that are kept, or of those that are not, or not whole. */
#define SKIM_ONLY(name, ...)                                                                       \
	static const struct skim_member name##_members[] = {__VA_ARGS__, {NULL, NULL}};            \
	static const struct skim name = {false, name##_members}
#define SKIM_ALL_BUT(name, ...)                                                                    \
	static const struct skim_member name##_members[] = {__VA_ARGS__, {NULL, NULL}};            \
	static const struct skim name = {true, name##_members}
/* Members of metadata that tell which object it is, and which version of it. */
#define SKIM_IDENTITY                                                                              \
	{"name", NULL}, {"namespace", NULL}, {"uid", NULL},                                        \
	{                                                                                          \
		"resourceVersion", NULL                                                            \
	}

/* All but metadata.managedFields and what kubectl apply last saw: nobody here reads these. */
extern const struct skim SKIM_COMMON;

/**
 * skim_object() - @text of one object, as far as @of says
 * @ret_text: room for @bytes; what is kept is never longer
 * Return: the bytes of what is kept, 0 when it is no JSON object
 */
size_t skim_object(const struct skim *of, const char *text, size_t bytes, char *ret_text);
