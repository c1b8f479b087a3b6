/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubectl - the command line for kubectl, which carries out exec, logs and cp
 */
#include "cli/core/kubectl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/num.h"

static void add(struct kubectl *k, const char *arg)
{
	assert(k->argc + 1 < KUBECTL_ARGS_MAX);
	k->argv[k->argc++] = arg;
	k->argv[k->argc] = NULL;
}

static void add_pair(struct kubectl *k, const char *flag, const char *value)
{
	if (value == NULL)
		return;
	add(k, flag);
	add(k, value);
}

/* The same server, user and namespace that we spoke with. */
static void begin(struct kubectl *k, const struct args *args, const struct kubectl_pod *pod,
                  const char *verb)
{
	*k = (struct kubectl){0};
	add(k, "kubectl");
	add(k, verb);
	add_pair(k, "--kubeconfig", args->kubeconfig);
	add_pair(k, "--context", args->context);
	add_pair(k, "--namespace", pod->ns);
	add_pair(k, "--container", pod->container);
}

void kubectl_exec(const struct args *args, const struct kubectl_pod *pod, struct kubectl *ret)
{
	begin(ret, args, pod, "exec");
	if (args->use_stdin)
		add(ret, "--stdin");
	if (args->tty)
		add(ret, "--tty");
	add(ret, pod->name);
	add(ret, "--");
	ret->command = args->command;
}

int kubectl_logs(const struct args *args, const struct kubectl_pod *pod, struct kubectl *ret,
                 struct err *err)
{
	uint64_t lines;

	begin(ret, args, pod, "logs");
	if (args->follow)
		add(ret, "--follow");
	if (args->previous)
		add(ret, "--previous");
	if (args->timestamps)
		add(ret, "--timestamps");
	if (args->tail != NULL && strcmp(args->tail, "-1") != 0) {
		if (num_parse_u64(args->tail, 0, UINT32_MAX, &lines, err) < 0)
			return err_wrap(err, "--tail");
		add_pair(ret, "--tail", args->tail);
	}
	add(ret, pod->name);
	return 0;
}

/* The colon of NAME:PATH; a path has a slash or a dot before any colon. */
static const char *cp_colon(const char *text)
{
	const char *colon = strpbrk(text, ":/.");

	return colon != NULL && *colon == ':' && colon != text ? colon : NULL;
}

int kubectl_cp_parse(const char *src, const char *dst, struct kubectl_cp *ret_cp, struct err *err)
{
	const char *from = cp_colon(src);
	const char *to = cp_colon(dst);
	const char *inside = from != NULL ? src : dst;
	const char *colon = from != NULL ? from : to;

	if ((from != NULL) == (to != NULL))
		return err_set(err, ERR_INVALID, 0,
		               "cp: one of \"%.80s\" and \"%.80s\" must be NAME:PATH, the other a "
		               "path here",
		               src, dst);
	if (colon[1] == '\0')
		return err_set(err, ERR_INVALID, 0, "cp: \"%.80s\": want a path behind the \":\"",
		               inside);
	*ret_cp = (struct kubectl_cp){
	        .name = inside,
	        .name_bytes = (size_t)(colon - inside),
	        .from_pod = from != NULL,
	        .inside = colon + 1,
	        .outside = from != NULL ? dst : src,
	};
	return 0;
}

int kubectl_cp(const struct args *args, const struct kubectl_pod *pod, const struct kubectl_cp *cp,
               struct kubectl *ret, struct err *err)
{
	const char *outside = cp->outside;
	int inside_bytes, outside_bytes;

	begin(ret, args, pod, "cp");
	inside_bytes = snprintf(ret->text[0], sizeof ret->text[0], "%s:%s", pod->name, cp->inside);
	/* kubectl would take a colon in it for a Pod, and a dash for a flag */
	outside_bytes = snprintf(ret->text[1], sizeof ret->text[1], "%s%s",
	                         *outside != '/' && *outside != '.' ? "./" : "", outside);
	if (inside_bytes < 0 || inside_bytes >= KUBECTL_TEXT_BYTES || outside_bytes < 0 ||
	    outside_bytes >= KUBECTL_TEXT_BYTES)
		return err_set(err, ERR_INVALID, 0, "cp: a path is too long");
	add(ret, ret->text[!cp->from_pod]);
	add(ret, ret->text[cp->from_pod]);
	return 0;
}
