/* SPDX-License-Identifier: Apache-2.0 */
/* echo_session - what a client sends comes back; for test_protocol.c */
#pragma once

#include "activator/session/protocol.h"

extern const struct protocol protocol_echo;
