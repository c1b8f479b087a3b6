/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cri - the bytes of CRI requests and answers
 */
#include "agent/core/cri.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cri.pb-c.h> /* made of cri.proto */

#include "lib/base/num.h"
#include "lib/kube/client/object.h"

enum { CRI_PREFIX_BYTES = 5, CRI_DIGEST_DIGITS = 64 };

/* --- frames --- */

static int cri_pack(const ProtobufCMessage *m, char buf[CRI_QUESTION_BYTES_MAX], size_t *ret_bytes,
                    struct err *err)
{
	size_t bytes = protobuf_c_message_get_packed_size(m);
	uint8_t *to = (uint8_t *)buf;

	if (bytes > CRI_QUESTION_BYTES_MAX - CRI_PREFIX_BYTES)
		return err_set(err, ERR_INVALID, 0, "a name of more than %d bytes", CRI_NAME_BYTES);
	to[0] = 0;
	to[1] = to[2] = 0;
	to[3] = (uint8_t)(bytes >> 8);
	to[4] = (uint8_t)(bytes & 0xff);
	*ret_bytes = CRI_PREFIX_BYTES + protobuf_c_message_pack(m, to + CRI_PREFIX_BYTES);
	return 0;
}

/* The one message of an answer. Return: NULL with err. */
static ProtobufCMessage *cri_unpack(const ProtobufCMessageDescriptor *type, const char *bytes,
                                    size_t count, struct err *err)
{
	const uint8_t *from = (const uint8_t *)bytes;
	ProtobufCMessage *m;
	uint32_t length;

	if (count < CRI_PREFIX_BYTES || from[0] != 0) {
		(void)err_set(err, ERR_PARSE, 0, "the runtime's answer is no plain gRPC message");
		return NULL;
	}
	length = (uint32_t)from[1] << 24 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 8 |
	         from[4];
	if (length != count - CRI_PREFIX_BYTES) {
		(void)err_set(err, ERR_PARSE, 0, "the runtime's answer has another length");
		return NULL;
	}
	m = protobuf_c_message_unpack(type, NULL, length, from + CRI_PREFIX_BYTES);
	if (m == NULL)
		(void)err_set(err, ERR_PARSE, 0, "the runtime's answer can't be read");
	return m;
}

static bool cri_is_name(const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return len > 0 && len < max;
}

/* --- containers --- */

int cri_container_question(const char *container_id, char buf[CRI_QUESTION_BYTES_MAX],
                           size_t *ret_bytes, struct err *err)
{
	Cri__ContainerStatusRequest m = CRI__CONTAINER_STATUS_REQUEST__INIT;
	const char *scheme_end = strstr(container_id, "://");

	if (scheme_end == NULL || strncmp(container_id, "podman://", 9) == 0 ||
	    !cri_is_name(scheme_end + 3, CRI_NAME_BYTES))
		return err_set(err, ERR_INVALID, 0, "\"%.200s\" is no container of a CRI runtime",
		               container_id);
	m.container_id = (char *)(uintptr_t)(scheme_end + 3);
	return cri_pack(&m.base, buf, ret_bytes, err);
}

int cri_container_answer(const char *bytes, size_t count, char image[CRI_NAME_BYTES],
                         struct err *err)
{
	Cri__ContainerStatusResponse *m = (Cri__ContainerStatusResponse *)cri_unpack(
	        &cri__container_status_response__descriptor, bytes, count, err);
	const Cri__ContainerStatus *s;
	const char *found = "";
	int rc = 0;

	if (m == NULL)
		return -1;
	s = m->status;
	/* newer runtimes say it; the reference of older ones has a digest in it, or is the id */
	if (s != NULL)
		found = s->image_id[0] != '\0' ? s->image_id : s->image_ref;
	if (cri_is_name(found, CRI_NAME_BYTES))
		(void)snprintf(image, CRI_NAME_BYTES, "%s", found);
	else
		rc = err_set(err, ERR_PARSE, 0,
		             "the runtime does not say which image a container has");
	protobuf_c_message_free_unpacked(&m->base, NULL);
	return rc;
}

/* --- images --- */

int cri_image_question(const char *image, char buf[CRI_QUESTION_BYTES_MAX], size_t *ret_bytes,
                       struct err *err)
{
	Cri__ImageSpec spec = CRI__IMAGE_SPEC__INIT;
	Cri__ImageStatusRequest m = CRI__IMAGE_STATUS_REQUEST__INIT;

	spec.image = (char *)(uintptr_t)image;
	m.image = &spec;
	m.verbose = 1;
	return cri_pack(&m.base, buf, ret_bytes, err);
}

/* Some runtimes leave the algorithm out. */
static bool cri_digest(const char *id, char digest[CRI_DIGEST_BYTES])
{
	const char *digits = strncmp(id, "sha256:", 7) == 0 ? id + 7 : id;

	if (strlen(digits) != CRI_DIGEST_DIGITS ||
	    strspn(digits, "0123456789abcdef") != CRI_DIGEST_DIGITS)
		return false;
	(void)snprintf(digest, CRI_DIGEST_BYTES, "sha256:%s", digits);
	return true;
}

/* containerd and CRI-O put the image's specification into the entry "info". NULL: they did not. */
static json_t *cri_image_config(const Cri__ImageStatusResponse *m)
{
	json_t *config = NULL;

	for (size_t i = 0; i < m->n_info && config == NULL; i++) {
		json_t *info = strcmp(m->info[i]->key, "info") == 0
		                       ? json_loads(m->info[i]->value, 0, NULL)
		                       : NULL;
		const json_t *spec = json_object_get(info, "imageSpec");

		if (json_is_object(spec))
			config = json_is_object(json_object_get(spec, "config"))
			                 ? json_incref(json_object_get(spec, "config"))
			                 : json_object(); /* an image may say nothing */
		json_decref(info);
	}
	return config;
}

int cri_image_answer(const char *bytes, size_t count, char digest[CRI_DIGEST_BYTES],
                     json_t **ret_config, struct err *err)
{
	Cri__ImageStatusResponse *m = (Cri__ImageStatusResponse *)cri_unpack(
	        &cri__image_status_response__descriptor, bytes, count, err);
	json_t *config;
	int rc = 0;

	if (m == NULL)
		return -1;
	config = cri_image_config(m);
	if (m->image == NULL)
		rc = err_set(err, ERR_NOT_FOUND, 0, "the image is not on the node any more");
	else if (!cri_digest(m->image->id, digest))
		rc = err_set(err, ERR_PARSE, 0, "\"%.100s\" is no digest of an image",
		             m->image->id);
	else if (config == NULL)
		rc = err_set(err, ERR_PARSE, 0,
		             "the runtime does not tell the image's configuration");
	else
		*ret_config = json_incref(config);
	json_decref(config);
	protobuf_c_message_free_unpacked(&m->base, NULL);
	return rc;
}

/* --- the end of a call --- */

int cri_status_error(const char *status, const char *message, struct err *err)
{
	/* of the table in gRPC's statuscodes.md: DEADLINE_EXCEEDED, NOT_FOUND, UNIMPLEMENTED */
	static const struct {
		const char *status;
		enum err_code code;
		const char *text;
	} known[] = {
	        {"4", ERR_TIMEOUT, "deadline exceeded"},
	        {"5", ERR_NOT_FOUND, "not found"},
	        {"12", ERR_UNAVAILABLE, "the runtime does not speak runtime.v1"},
	};

	if (strcmp(status, "0") == 0)
		return 0;
	if (*status == '\0')
		return err_set(err, ERR_PARSE, 0, "the runtime's answer has no grpc-status");
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(status, known[i].status) == 0)
			return err_set(err, known[i].code, 0, "%s: %.180s", known[i].text, message);
	}
	return err_set(err, ERR_UNAVAILABLE, 0, "grpc-status %.8s: %.180s", status, message);
}
