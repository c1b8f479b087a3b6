/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_tree - refuses an image whose tree would lead a runtime's writes to the host
 */
#include "local/runner/io/image_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/kube/client/object.h"

static const char *const folders[] = {"dev", "proc", "sys"};

/*
 * Look at one layer for what no layer above it has. @seen: by index of folders.
 * A whiteout is a character device 0/0: nothing below it counts.
 */
static int layer_check(const char *layer, bool seen[], struct err *err)
{
	CLEANUP(fd_close_var) int fd = open(layer, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_set(err, ERR_SYS, errno, "layer %s", layer);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		if (seen[i] || fstatat(fd, folders[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		seen[i] = true;
		if (!S_ISDIR(st.st_mode) && !(S_ISCHR(st.st_mode) && st.st_rdev == 0))
			return err_set(
			        err, ERR_INVALID, 0,
			        "UnsafeMountPoint: /%s in the image is %s: make it a folder, or "
			        "take it out",
			        folders[i],
			        S_ISLNK(st.st_mode) ? "a symbolic link" : "not a folder");
	}
	return 0;
}

int image_tree_check(const json_t *graph_driver, struct err *err)
{
	CLEANUP(free_var)
	char *lower = strdup(json_str_at(graph_driver, "", "Data", "LowerDir", NULL));
	bool seen[ARRAY_LEN(folders)] = {false};
	char *rest = lower;
	char *layer;

	if (lower == NULL)
		return err_set(err, ERR_NOMEM, 0, "layers");
	if (*lower == '\0')
		return err_set(err, ERR_INVALID, 0, "Podman names no layers of the image");
	while ((layer = strsep(&rest, ":")) != NULL) {
		if (layer_check(layer, seen, err) < 0)
			return -1;
	}
	return 0;
}
