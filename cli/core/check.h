/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - finds wrong values on the command line before the API server is asked
 */
#pragma once

#include "cli/core/args.h"

/** args_check() - the values of one verb's flags and operands (usage) */
int args_check(const struct args *args, struct err *err);
