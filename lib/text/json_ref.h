/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_ref - a const JSON value for a function of jansson that takes none
 *
 * jansson counts references inside of the value, and iterates over objects that it does not change
 * through a pointer that is not const. This is for those two, and never to change the value.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

static inline json_t *json_ref(const json_t *value)
{
	return (json_t *)(uintptr_t)value;
}
