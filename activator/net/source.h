/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source - how many connections come from one address; of IPv6 from one /64, which is one client's
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct source;

/**
 * source_take() - one more connection from @address
 * @sources: a tsearch(3) root; @max: so many are let in; 0: any number, and nothing is counted
 * @ret_source: for source_give(); NULL when nothing was counted
 * Return: false when there are @max
 */
bool source_take(void **sources, const struct sockaddr_storage *address, uint32_t max,
                 struct source **ret_source);
void source_give(void **sources, struct source *s);
