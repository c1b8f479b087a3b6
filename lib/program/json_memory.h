/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_memory - ends the program when there is no memory for a JSON value
 *
 * An object is made of very many small pieces, and one that lacks a piece looks like one that was
 * meant so: a Pod without its memory limit, a record without a layer. A program that is started
 * again, and then does again what it had to do, is better off with that.
 */
#pragma once

/** json_memory_or_end() - from here on; by abort(), with a line in the log */
void json_memory_or_end(void);
