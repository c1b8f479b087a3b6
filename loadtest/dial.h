/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial - a connection to a port of this machine
 */
#pragma once

#include <stdint.h>

/**
 * dial_begin() - @receive_bytes: of the kernel's buffer, 0: as it comes
 * Return: a non-blocking socket whose connection is under way, or -1
 */
int dial_begin(uint16_t port, int receive_bytes);
