/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_memory - gives jansson an allocator that ends the program when there is no memory
 */
#include "lib/program/json_memory.h"

#include <jansson.h>
#include <stdlib.h>

#include "lib/base/log.h"

static void *json_memory(size_t bytes)
{
	void *memory = malloc(bytes);

	if (memory == NULL) {
		log_event(LOG_ERROR, "memory.exhausted", log_u64("bytes", bytes));
		abort(); /* better a new start */
	}
	return memory;
}

void json_memory_or_end(void)
{
	json_set_alloc_funcs(json_memory, free);
}
