/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/engine/agent/tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const layers[] = {T "/layer", NULL};
const struct overlay_paths paths = {layers, T "/state/upper", T "/state/work", T "/merged",
                                    T,      "uid-1"};

void tree_must(int rc, const struct err *err)
{
	if (rc < 0)
		fail_msg("%s", err->text);
}

int tree_setup(void **state)
{
	static const char *const folders[] = {
	        T "/layer",     T "/layer/bin", T "/layer/etc", T "/layer/proc",
	        T "/layer/dev", T "/layer/tmp", T "/state",     T "/state/work",
	        T "/merged",    T "/a",         T "/b",
	};
	struct err err;
	int fd;

	(void)state;
	assert_int_equal(mount("tmpfs", "/run", "tmpfs", 0, "size=64m"), 0);
	assert_int_equal(mkdir(T, 0755), 0);
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
		assert_int_equal(mkdir(folders[i], 0755), 0);
	assert_int_equal(system("cp /bin/busybox " T "/layer/bin/busybox && "
	                        "for c in sh sleep cat touch mkdir id ps kill; do "
	                        "ln -s busybox " T "/layer/bin/$c; done"),
	                 0);
	assert_int_equal(chmod(T "/layer", 0751), 0);
	assert_int_equal(mkdir(paths.upper, 0700), 0);
	fd = open(paths.upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tree_must(overlay_upper_init(fd, layers[0], &err), &err);
	tree_must(overlay_mark(fd, paths.mark, &err), &err);
	(void)close(fd);
	return 0;
}

int tree_teardown(void **state)
{
	(void)state;
	(void)umount2(paths.target, MNT_DETACH);
	return umount2("/run", MNT_DETACH);
}

void tree_mount(void)
{
	struct err err;

	tree_must(overlay_mount(&paths, &err), &err);
}
