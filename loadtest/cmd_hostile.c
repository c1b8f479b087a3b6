/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-loadtest hostile - one connection at full speed, and regular requests beside it
 *
 * Of each kind: regular requests alone, then beside the hostile connection, by turns, so that what
 * else the machine does counts for both. The ratio of the two 99th percentiles is judged.
 */
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/config/config.h"
#include "loadtest/commands.h"
#include "loadtest/hostile.h"
#include "loadtest/regulars.h"
#include "loadtest/siege_backend.h"

DEFINE_CLEANUP(struct config *, config_free);

#define QUICK "Host: quick.default.localhost\r\n"
#define FILE_HOST "Host: file.default.localhost\r\n"
#define CHUNKED                                                                                    \
	"POST / HTTP/1.1\r\nHost: sink.default.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
#define TEN(text) text text text text text text text text text text

enum { READ_BYTES = 64 * 1024, SIP_BYTES = 256 };

static const struct hostile_kind kinds[] = {
        {.name = "requests, pipelined",
         .begin = "GET / HTTP/1.1\r\n" QUICK "\r\n",
         .piece = "GET / HTTP/1.1\r\n" QUICK "\r\n",
         .read_bytes = READ_BYTES},
        {.name = "heads of 90 fields, pipelined",
         .begin = "GET / HTTP/1.1\r\n" QUICK "\r\n",
         .piece = "GET / HTTP/1.1\r\n" QUICK TEN("a: b\r\nc: d\r\ne: f\r\n")
                 TEN("a: b\r\nc: d\r\ne: f\r\n") TEN("a: b\r\nc: d\r\ne: f\r\n") "\r\n",
         .read_bytes = READ_BYTES},
        {.name = "a head without end",
         .begin = "GET / HTTP/1.1\r\n" QUICK,
         .piece = "a: b\r\n",
         .read_bytes = READ_BYTES},
        {.name = "chunks of one byte",
         .begin = CHUNKED,
         .piece = "1\r\na\r\n",
         .read_bytes = READ_BYTES},
        {.name = "a chunk extension without end",
         .begin = CHUNKED "1;",
         .piece = "a",
         .read_bytes = READ_BYTES},
        {.name = "trailers without end",
         .begin = CHUNKED "0\r\n",
         .piece = "Cookie: x\r\n",
         .read_bytes = READ_BYTES},
        {.name = "an upload",
         .begin = "POST / HTTP/1.1\r\nHost: sink.default.localhost\r\n"
                  "Content-Length: 99999999999999\r\n\r\n",
         .piece = TEN(TEN("abcdefghij")),
         .read_bytes = READ_BYTES},
        {.name = "downloads",
         .begin = "GET / HTTP/1.1\r\n" FILE_HOST "\r\n",
         .piece = "GET / HTTP/1.1\r\n" FILE_HOST "\r\n",
         .read_bytes = READ_BYTES},
        {.name = "downloads, in sips",
         .begin = "GET / HTTP/1.1\r\n" FILE_HOST "\r\n",
         .piece = "GET / HTTP/1.1\r\n" FILE_HOST "\r\n",
         .read_bytes = SIP_BYTES,
         .sips = true},
        {.name = "connections, opened and reset",
         .begin = "GET / HTTP/1.1\r\n" QUICK "\r\n",
         .read_bytes = READ_BYTES,
         .anew = true},
        {.name = "what is no request",
         .begin = "\x16\x03\x01 ",
         .piece = "\r\n",
         .read_bytes = READ_BYTES},
};

struct hostile_test {
	uint64_t port, backend_port, per_s, seconds, rounds, ratio_max;
	struct regulars regulars;
};

struct row {
	struct regulars_waits alone, beside;
	struct hostile_tally tally;
};

static int hostile_kind(struct hostile_test *h, const struct hostile_kind *kind, struct row *row,
                        struct err *err)
{
	for (uint64_t i = 0; i < h->rounds; i++) {
		struct hostile_tally *shared;
		struct hostile_tally tally;
		pid_t child;

		regulars_run(&h->regulars, h->seconds * 1000, &row->alone);
		child = hostile_begin(kind, (uint16_t)h->port, &shared, err);
		if (child < 0)
			return -1;
		regulars_run(&h->regulars, h->seconds * 1000, &row->beside);
		tally = hostile_end(child, shared);
		row->tally.sent_bytes += tally.sent_bytes;
		row->tally.read_bytes += tally.read_bytes;
		row->tally.opened_count += tally.opened_count;
	}
	return 0;
}

static double ms_at(const struct regulars_waits *w, unsigned per_mille)
{
	return (double)histogram_at(&w->histogram, per_mille) / 1000;
}

/* Return: whether all that must hold holds */
static bool hostile_print(const struct hostile_test *h, const struct hostile_kind *kind,
                          const struct row *row)
{
	double alone_ms = ms_at(&row->alone, 990);
	double ratio = alone_ms > 0 ? ms_at(&row->beside, 990) / alone_ms : 0;
	double seconds = (double)(h->seconds * h->rounds);
	uint64_t failed_count = row->alone.failed_count + row->beside.failed_count;
	bool holds = failed_count == 0 && alone_ms > 0 && ratio <= (double)h->ratio_max;

	(void)printf("%-30s %7.2f %7.2f %7.2f %7.2f %6.2f %6llu %7.1f %7.1f %7.0f %s\n", kind->name,
	             ms_at(&row->alone, 500), alone_ms, ms_at(&row->beside, 500),
	             ms_at(&row->beside, 990), ratio, (unsigned long long)failed_count,
	             (double)row->tally.sent_bytes / 1e6 / seconds,
	             (double)row->tally.read_bytes / 1e6 / seconds,
	             (double)row->tally.opened_count / seconds, holds ? "holds" : "FAILS");
	(void)fflush(stdout);
	return holds;
}

static int hostile_run(struct hostile_test *h, struct err *err)
{
	static struct row rows[ARRAY_LEN(kinds)];
	static struct regulars_waits warm_up;
	bool holds = true;

	h->regulars = (struct regulars){
	        .port = (uint16_t)h->port, .host = "quick.default.localhost", .per_s = h->per_s};
	(void)printf("%llu requests a second, alone and beside one connection at full speed, "
	             "%llu times %llu s each;\np99 beside it within %llu times p99 alone; ms, and "
	             "what the one moves: MB/s sent, MB/s read, opened/s\n\n"
	             "%-30s %15s %15s %6s %6s %7s %7s %7s\n",
	             (unsigned long long)h->per_s, (unsigned long long)h->rounds,
	             (unsigned long long)h->seconds, (unsigned long long)h->ratio_max, "",
	             "alone p50   p99", "beside p50  p99", "ratio", "failed", "sent", "read",
	             "opened");
	regulars_run(&h->regulars, 1000, &warm_up);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (hostile_kind(h, &kinds[i], &rows[i], err) < 0)
			return err_wrap(err, "%s", kinds[i].name);
		holds &= hostile_print(h, &kinds[i], &rows[i]);
	}
	regulars_close(&h->regulars);
	return holds ? 0 : 1;
}

static int hostile_load(struct hostile_test *h, int argc, char **argv, struct config **ret_config,
                        struct err *err)
{
	const struct config_option options[] = {
	        {"port", CONFIG_U64, &h->port, "8080", 1, 65535,
	         "the activator's port on 127.0.0.1"},
	        {"backendPort", CONFIG_U64, &h->backend_port, "9000", 1, 65533,
	         "first of three ports to listen on: of the containers quick, file and sink"},
	        {"perSecond", CONFIG_U64, &h->per_s, "200", 1, 10000, "regular requests"},
	        {"seconds", CONFIG_U64, &h->seconds, "5", 1, 600,
	         "for each kind, alone and beside it"},
	        {"rounds", CONFIG_U64, &h->rounds, "2", 1, 100, "so often, by turns"},
	        {"ratioMax", CONFIG_U64, &h->ratio_max, "5", 1, 1000000,
	         "of p99 beside the hostile connection to p99 alone, at most"},
	};
	const struct config_program program = {
	        .name = "sc-loadtest hostile",
	        .synopsis = "One connection at full speed, and regular requests beside it.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};

	return config_load(&program, argc, argv, ret_config, err);
}

int cmd_hostile(int argc, char **argv)
{
	static struct hostile_test h;
	CLEANUP(config_free_var) struct config *config = NULL;
	struct err err = {0};
	pid_t backends[SIEGE_KINDS_COUNT] = {0};
	int r = hostile_load(&h, argc, argv, &config, &err);

	if (r != 0) {
		if (r < 0)
			(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
		return r < 0 ? 2 : 0;
	}
	for (unsigned i = 0; i < SIEGE_KINDS_COUNT && r == 0; i++) {
		backends[i] = siege_backend(i, (uint16_t)(h.backend_port + i), &err);
		r = backends[i] < 0 ? -1 : 0;
	}
	if (r == 0)
		r = hostile_run(&h, &err);
	for (unsigned i = 0; i < SIEGE_KINDS_COUNT; i++)
		siege_end(backends[i]);
	if (r < 0)
		(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
	return r == 0 ? 0 : 1;
}
