/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address - a peer's socket address as text, as bytes, and its port
 */
#pragma once

#include <sys/socket.h>

enum { ADDRESS_TEXT_BYTES = 46, ADDRESS_BYTES = 16 };

/** address_text() - without the port; "" for other families */
void address_text(const struct sockaddr *sa, char ret_text[ADDRESS_TEXT_BYTES]);

/** address_bytes() - of v4 as one that is mapped to v6 */
void address_bytes(const struct sockaddr *sa, unsigned char ret_bytes[ADDRESS_BYTES]);

/** address_port() - 0 for other families */
unsigned address_port(const struct sockaddr_storage *ss);
