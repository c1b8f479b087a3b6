/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki - the engine's own certificate authority and server certificate
 *
 * EC P-256 in DIR/pki: ca.crt, ca.key, server.crt, server.key; keys 0600. Made at the first start;
 * the server's certificate is made anew when less than a month of it is left, the authority when
 * less than a year is (it lasts ten).
 */
#pragma once

#include <openssl/ssl.h>

#include "lib/base/err.h"

struct pki {
	SSL_CTX *server; /* TLS 1.2 and above */
	char *ca_pem;
};

int pki_open(struct pki *pki, const char *state_dir, struct err *err);
void pki_close(struct pki *pki);

/** pki_token() - DIR/token: 32 random bytes in hexadecimal, made at the first start. Owned by the
 * caller. */
int pki_token(const char *state_dir, char **ret_token, struct err *err);

/** pki_write_file() - whole or not at all: a temporary file, fsync, rename */
int pki_write_file(const char *path, const char *text, unsigned mode, struct err *err);
