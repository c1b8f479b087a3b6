/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plot - gnuplot draws a file of measurements
 */
#pragma once

#include "lib/base/err.h"

/** plot_draw() - run gnuplot's @script with @csv and @png, and wait for it */
int plot_draw(const char *script, const char *csv, const char *png, struct err *err);
