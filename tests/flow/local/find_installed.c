/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find_installed DIR NAME… - print where sc-local in DIR looks for these programs, and the CRDs
 */
#include <stdio.h>

#include "local/engine/io/installed.h"

int main(int argc, char **argv)
{
	char path[PATH_MAX];

	if (argc < 2)
		return 2;
	for (int i = 2; i < argc; i++) {
		installed_program(argv[1], argv[i], path);
		puts(path);
	}
	installed_crds(argv[1], path);
	puts(path);
	return 0;
}
