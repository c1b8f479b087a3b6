/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - what is wrong with a command line beyond its form, before anything is asked
 */
#pragma once

#include "cli/core/args.h"

/** args_check() - the values of one verb's flags and operands (usage) */
int args_check(const struct args *args, struct err *err);
