/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto - the texts between sc-wrapper and sc-node-agent (docs/protocols.md, "Agent and wrapper")
 *
 * Pure and without stdio: it is part of the wrapper, whose resident memory is counted in pages.
 * One text is one packet. The same code is in both programs, so they cannot disagree.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { PROTO_TEXT_BYTES_MAX = 512, PROTO_VERSION = 1 };

enum proto_kind {
	PROTO_UNKNOWN, /* not of this version: ignored, so that a later version may say more */
	PROTO_HELLO_WAITING,
	PROTO_HELLO_RUNNING, /* number: pid */
	PROTO_GO,
	PROTO_REFUSE,   /* text: why */
	PROTO_BECOMES,  /* the process takes the wrapper's place; only `failed` may follow
	                 */
	PROTO_STARTED,  /* number: pid */
	PROTO_FAILED,   /* number: errno, text: path */
	PROTO_EXITED,   /* number: code */
	PROTO_SIGNALED, /* number: signal */
};

struct proto_message {
	enum proto_kind kind;
	int number;
	const char *text; /* borrowed from the packet; "" without one */
};

/**
 * proto_number() - decimal digits; moves @text past them
 * Return: true when there was a number that fits.
 */
bool proto_number(const char **text, int *ret_number);

/** proto_parse() - @packet: NUL-terminated by the reader. Anything odd is PROTO_UNKNOWN. */
struct proto_message proto_parse(const char *packet);

/**
 * proto_format() - one packet; a text that does not fit is cut
 * Return: its bytes, without the NUL.
 */
size_t proto_format(char buf[PROTO_TEXT_BYTES_MAX], const struct proto_message *m);
