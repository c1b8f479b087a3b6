/* SPDX-License-Identifier: Apache-2.0 */
/*
 * installed - finds the other programs and the CRDs beside this one, wherever it is installed
 */
#include "local/engine/io/installed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/num.h"

static void own_dir(char dir[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	char *slash;

	dir[n > 0 ? n : 0] = '\0';
	slash = strrchr(dir, '/');
	if (slash != NULL)
		*slash = '\0';
}

/* @place: absolute, or as seen from @dir */
static void path_join(char path[PATH_MAX], const char *dir, const char *place, const char *name)
{
	if (*place == '/')
		(void)snprintf(path, PATH_MAX, "%s/%s", place, name);
	else
		(void)snprintf(path, PATH_MAX, "%.*s/%s/%s", PATH_MAX / 2, dir, place, name);
}

void installed_program(const char *dir, const char *name, char path[PATH_MAX])
{
	/* of an installation; of a build tree, where each is in its component's */
	static const char *const places[] = {".",
	                                     SC_TO_SBIN,
	                                     SC_TO_LIBEXEC,
	                                     "../controller",
	                                     "../activator",
	                                     "../idle-monitor",
	                                     "../wrapper",
	                                     "../agent"};
	char self[PATH_MAX];

	if (dir == NULL) {
		own_dir(self);
		dir = self;
	}
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		path_join(path, dir, places[i], name);
		if (access(path, X_OK) == 0)
			return;
	}
	path_join(path, dir, ".", name);
}

void installed_crds(const char *dir, char path[PATH_MAX])
{
	char self[PATH_MAX];

	if (dir == NULL) {
		own_dir(self);
		dir = self;
	}
	path_join(path, dir, SC_TO_CRDS, "");
}
