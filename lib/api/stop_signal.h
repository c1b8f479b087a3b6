/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop_signal - which signal ends the user's process
 *
 * The runtime knows the wrapper's image only, and sends SIGTERM, where the feature
 * ContainerStopSignals does not tell it another one; the wrapper translates that.
 */
#pragma once

#include <jansson.h>

/** stop_signal_parse() - "SIGQUIT", "quit", "3", "SIGRTMIN+3". Return: its number; 0: none */
int stop_signal_parse(const char *text);

enum { STOP_SIGNAL_NAME_BYTES = 24 };

/** stop_signal_name() - of a number that stop_signal_parse() returned, as Kubernetes writes it */
const char *stop_signal_name(int number, char buf[STOP_SIGNAL_NAME_BYTES]);

/**
 * stop_signal_of() - the container's lifecycle.stopSignal, else the image's
 * @image: status.image, or NULL
 *
 * Return: the number; 0: neither is a signal, and it is SIGTERM.
 */
int stop_signal_of(const json_t *container, const json_t *image);
