/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener - a socket that clients connect to, and what its owner wants to know of it
 */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>

#include "lib/base/err.h"

struct protocol;
struct sockaddr_storage;

struct listener {
	int fd;
	struct event ev;
	void *owner;
	const struct protocol *protocol; /* that its clients speak */
	bool is_public;
};

/**
 * listener_open() - @address "127.0.0.1:8080", "[::]:0"; @ret_here: the one in use
 * Return: a descriptor, or -1 with @err set
 */
int listener_open(const char *address, struct sockaddr_storage *ret_here, struct err *err);
