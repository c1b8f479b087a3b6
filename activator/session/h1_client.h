/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_client - HTTP/1.1 towards containers: one request and its answer over a connection
 */
#pragma once

#include "activator/session/stream.h"

/**
 * h1_client_ask() - of struct protocol: send @r over @conn, until the stream is closed
 * Return: a stream whose events and owner the caller sets; or NULL when there is no memory
 */
struct stream *h1_client_ask(struct conn *conn, const struct stream_request *r);
