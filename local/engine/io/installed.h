/* SPDX-License-Identifier: Apache-2.0 */
/*
 * installed - where the programs and files are that were installed, or built, with this one
 */
#pragma once

#include <limits.h>

/**
 * installed_program() - the path of a program
 * @dir: the folder to start from; NULL: that of the running program
 *
 * When there is none, @path is where it would be beside this one, to be named in an error.
 */
void installed_program(const char *dir, const char *name, char path[PATH_MAX]);

/** installed_crds() - the folder of the CustomResourceDefinitions; as installed_program() */
void installed_crds(const char *dir, char path[PATH_MAX]);
