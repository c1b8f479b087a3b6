/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echo_session - a protocol beside HTTP/1.1, to show what one takes: this file and a line in a
 * table
 *
 * What a client sends comes back (RFC 862), and its end as well.
 */
#include "tests/flow/activator/echo_session.h"

#include "activator/net/account.h"
#include "activator/session/client.h"

struct echo {
	struct client client;
	bool ended; /* by the client; what is left still goes back */
};

static void echo_open(struct client *c)
{
	client_set_state(c, CLIENT_BUSY);
}

static void echo_end(struct echo *e)
{
	conn_end(&e->client.conn);
	client_drop(&e->client);
}

static void echo_run(void *arg)
{
	struct echo *e = arg;
	struct conn *conn = &e->client.conn;
	long n = 0;

	if (out_bytes(&conn->out) > 0 && conn_flush(conn) == CONN_FAILED) {
		client_drop(&e->client);
		return;
	}
	while (out_bytes(&conn->out) == 0 && !e->ended) {
		n = conn_read(conn, conn->turn->scratch, account_piece(TURN_PIECE_BYTES));
		if (n == CONN_AGAIN)
			return;
		e->ended = n <= 0;
		if (n > 0)
			out_put(&conn->out, conn->turn->scratch, (size_t)n);
		if (n < 0 || conn_flush(conn) == CONN_FAILED) {
			client_drop(&e->client);
			return;
		}
		if (n > 0 && conn_spend(conn, (size_t)n))
			return;
	}
	if (e->ended && out_bytes(&conn->out) == 0)
		echo_end(e);
}

static void echo_refuse(struct client *c, enum end_reason reason, const char *detail)
{
	client_drop(c);
}

const struct protocol protocol_echo = {
        .name = "echo",
        .session_bytes = sizeof(struct echo),
        .open = echo_open,
        .run = echo_run,
        .refuse = echo_refuse,
};
