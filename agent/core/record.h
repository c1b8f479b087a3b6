/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - what a root filesystem was made from: record.json beside its upper directory
 *
 * Written before the overlay is first mounted. An upper directory means nothing over other layers
 * than these, so a record that can't be read is an error and never guessed.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "agent/core/files.h"
#include "lib/base/err.h"

enum { RECORD_VERSION = 1, RECORD_BYTES_MAX = 256 * 1024 };

struct record {
	json_t *json; /* owned; the rest is borrowed from it */
	const char *instance_uid;
	const char *image_digest;
	const json_t *layers;  /* borrowed: absolute paths, uppermost first, at least one */
	struct files_id files; /* the last generation that is on the disk for sure; or none */
	bool is_dropping;      /* the files are being dropped, by an order or as there were none */
};

/* What a record is made of; borrowed. */
struct record_parts {
	const char *instance_uid;
	const char *image_digest;
	const char *const *layers; /* NULL-terminated */
	struct files_id files;
	bool is_dropping;
};

/** record_parse() - ERR_PARSE for what is not a record of this version */
int record_parse(const char *text, struct record *ret_record, struct err *err);
/** record_done() - drops what record_parse() made; of a zeroed one, too */
void record_done(struct record *r);

/** record_format() - Return: text to be freed, NULL out of memory */
char *record_format(const struct record_parts *parts);

/** record_format_files() - the same with another generation. Return: as record_format() */
char *record_format_files(const struct record *r, struct files_id files);

/** record_is() - it has these parts already */
bool record_is(const struct record *r, const struct record_parts *parts);
