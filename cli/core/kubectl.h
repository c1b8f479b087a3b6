/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubectl - the command line for kubectl, which carries out exec, logs and cp
 */
#pragma once

#include "cli/core/args.h"

enum { KUBECTL_ARGS_MAX = 64, KUBECTL_TEXT_BYTES = 4400 };

struct kubectl {
	const char *argv[KUBECTL_ARGS_MAX]; /* without the command; NULL-terminated */
	size_t argc;
	char **command; /* to be put behind, or NULL */
	char text[2][KUBECTL_TEXT_BYTES];
};

struct kubectl_pod {
	const char *ns;
	const char *name;
	const char *container;
};

/* What the operands of cp say. */
struct kubectl_cp {
	const char *name; /* of the container; bytes */
	size_t name_bytes;
	bool from_pod;       /* SRC is the one in the container */
	const char *inside;  /* its path there */
	const char *outside; /* the path here */
};

/** kubectl_cp_parse() - exactly one of the two is NAME:PATH */
int kubectl_cp_parse(const char *src, const char *dst, struct kubectl_cp *ret_cp, struct err *err);

/* Strings are borrowed from args, pod and cp. */
void kubectl_exec(const struct args *args, const struct kubectl_pod *pod, struct kubectl *ret);
int kubectl_logs(const struct args *args, const struct kubectl_pod *pod, struct kubectl *ret,
                 struct err *err);
int kubectl_cp(const struct args *args, const struct kubectl_pod *pod, const struct kubectl_cp *cp,
               struct kubectl *ret, struct err *err);
