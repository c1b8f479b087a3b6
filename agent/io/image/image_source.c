/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_source - passes a question on to the kind of source that is configured
 */
#include <stdbool.h>

#include "agent/io/image/image_source_internal.h"

int image_source_open(struct event_base *base, const char *runtime_endpoint,
                      const char *podman_socket, struct image_source **ret_source, struct err *err)
{
	bool has_cri = runtime_endpoint != NULL && runtime_endpoint[0] != '\0';
	bool has_podman = podman_socket != NULL && podman_socket[0] != '\0';

	if (has_cri == has_podman)
		return err_set(err, ERR_INVALID, 0,
		               "want one of --runtime-endpoint (containerd, CRI-O) and "
		               "--podman-socket: %s set",
		               has_cri ? "both are" : "neither is");
	return has_cri ? image_source_cri(base, runtime_endpoint, ret_source, err)
	               : image_source_podman(base, podman_socket, ret_source, err);
}

void image_source_free(struct image_source *s)
{
	if (s != NULL)
		s->free(s);
}

int image_query_start(struct image_source *source, const struct image_question *question,
                      struct image_query **ret_query, struct err *err)
{
	return source->start(source, question, ret_query, err);
}

void image_query_cancel(struct image_query *q)
{
	if (q != NULL)
		q->source->cancel(q);
}
