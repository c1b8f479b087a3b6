/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash - of texts, for tables in memory; not against somebody who chooses them
 */
#pragma once

#include <stdint.h>

/** hash_text() - FNV-1a, 32 bits */
uint32_t hash_text(const char *text);
