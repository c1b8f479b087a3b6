/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path - writes the API path of an object, percent-encoded
 */
#include "lib/kube/client/path.h"

#include <ctype.h>
#include <string.h>

/* RFC 3986 section 2.3: all but the unreserved characters are encoded. */
static void path_put_encoded(FILE *f, const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (isalnum(*c) || strchr("-._~", *c) != NULL)
			(void)fputc(*c, f);
		else
			(void)fprintf(f, "%%%02X", *c);
	}
}

static void path_put_segment(FILE *f, const char *before, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	(void)fputs(before, f);
	path_put_encoded(f, text);
}

char *kube_path(const struct kube_ref *ref, const struct kube_query *query)
{
	const struct kube_type *t = ref->type;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);
	const char *before = "?";

	if (f == NULL)
		return NULL;
	(void)fputs(*t->group ? "/apis" : "/api", f);
	path_put_segment(f, "/", t->group);
	path_put_segment(f, "/", t->version);
	if (!t->cluster_scoped)
		path_put_segment(f, "/namespaces/", ref->ns);
	path_put_segment(f, "/", t->plural);
	path_put_segment(f, "/", ref->name);
	path_put_segment(f, "/", ref->subresource);
	for (; query != NULL && query->key != NULL; query++) {
		if (query->value == NULL)
			continue;
		(void)fprintf(f, "%s%s=", before, query->key);
		path_put_encoded(f, query->value);
		before = "&";
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
