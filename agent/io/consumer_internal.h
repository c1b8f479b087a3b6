/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer_internal - what a consumer's life (consumer.c) and its port (consumer_port.c) share
 */
#pragma once

#include <event2/util.h>
#include <stdint.h>

#include "agent/io/consumer.h"

/** consumer_port() - the wanted one; 0: none */
uint16_t consumer_port(const struct consumer *c);

/** consumer_explain() - why it is so; @reason: "" for what is no fault */
void consumer_explain(struct consumer *c, const char *reason, const char *fmt, ...)
        PRINTF_LIKE(3, 4);

/**
 * consumer_open_netns() - its process has started
 * The namespace is open and the address, if there is one yet, is known when this returns.
 */
void consumer_open_netns(struct consumer *c);

/** consumer_poll() - whether the port listens by now; else look again, until it does */
void consumer_poll(struct consumer *c);
void consumer_stop_polling(struct consumer *c);

/** consumer_check_address() - the Pod's status has changed: is the address still its own? */
void consumer_check_address(struct consumer *c);

/** on_consumer_poll() - the event of that */
void on_consumer_poll(evutil_socket_t fd, short what, void *arg);
