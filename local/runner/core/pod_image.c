/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_image - names of images, and when they are pulled
 */
#include "local/runner/core/pod_image.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/kube/client/object.h"

/* The tag's colon: the last one that is not in a registry's host:port. NULL: no tag */
static const char *tag_colon(const char *image)
{
	const char *slash = strrchr(image, '/');

	return strchr(slash ? slash : image, ':');
}

enum pod_image_pull pod_image_pull_policy(const json_t *container)
{
	const char *policy = json_str_at(container, "", "imagePullPolicy", NULL);
	const char *image = json_str_at(container, "", "image", NULL);
	const char *colon;

	if (strcmp(policy, "Always") == 0)
		return POD_IMAGE_ALWAYS;
	if (strcmp(policy, "Never") == 0)
		return POD_IMAGE_NEVER;
	if (*policy != '\0' || strchr(image, '@') != NULL)
		return POD_IMAGE_IF_NOT_PRESENT;
	colon = tag_colon(image);
	return colon == NULL || strcmp(colon, ":latest") == 0 ? POD_IMAGE_ALWAYS
	                                                      : POD_IMAGE_IF_NOT_PRESENT;
}

/* The characters of distribution's reference grammar; its finer rules the runtime tells. */
static bool is_image_name(const char *image)
{
	const char *first_slash = strchr(image, '/');
	const char *at = strchr(image, '@');

	if (!isalnum((unsigned char)image[0]) || strlen(image) > 255 || strstr(image, "//") != NULL)
		return false;
	for (const char *c = image; *c != '\0'; c++) {
		bool in_repository = (first_slash == NULL || c > first_slash) &&
		                     (at == NULL || c < at) &&
		                     (tag_colon(image) == NULL || c < tag_colon(image));

		if (!isalnum((unsigned char)*c) && strchr("._-/:@", *c) == NULL)
			return false;
		if (in_repository && isupper((unsigned char)*c))
			return false;
	}
	return at == NULL || strncmp(at, "@sha256:", 8) == 0;
}

bool pod_image_normalize(const char *image, char *buf, size_t size)
{
	const char *slash = strchr(image, '/');
	size_t host_len = slash ? (size_t)(slash - image) : 0;
	bool has_host = slash != NULL && (memchr(image, '.', host_len) != NULL ||
	                                  memchr(image, ':', host_len) != NULL ||
	                                  strncmp(image, "localhost/", 10) == 0);
	bool has_tag = tag_colon(image) != NULL || strchr(image, '@') != NULL;

	if (!is_image_name(image))
		return false;
	(void)snprintf(buf, size, "%s%s%s%s", has_host ? "" : "docker.io/",
	               has_host || slash ? "" : "library/", image, has_tag ? "" : ":latest");
	return true;
}

void pod_image_repository(const char *image, char *buf, size_t size)
{
	const char *at = strchr(image, '@');
	const char *end = at ? at : image + strlen(image);
	const char *colon = tag_colon(image);

	if (colon != NULL && colon < end)
		end = colon;
	(void)snprintf(buf, size, "%.*s", (int)(end - image), image);
}
