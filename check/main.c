/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-check - waits until each of some URLs answers as it should; what "helm test" runs
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/clk.h"
#include "lib/base/num.h"
#include "lib/config/config.h"
#include "lib/http/client.h"

enum { PAUSE_MS = 250, CALL_MS = 5000, PROBES_MAX = 64, TEXT_BYTES = 600 };

struct check;

struct probe {
	struct check *check;
	char *base; /* "http://host:port" */
	char *path; /* "/readyz" */
	int want;   /* status */
	struct http_client *client;
	struct event *pause;
	char seen[TEXT_BYTES]; /* the last answer that was another one */
	bool is_done;
};

struct check {
	struct event_base *base;
	struct probe probes[PROBES_MAX];
	size_t probes_count, done_count;
	uint64_t timeout_ms;
};

/* "http://host:port/path", and "=404" behind it where another status than 200 is wanted. */
static int probe_parse(struct probe *p, const char *text, struct err *err)
{
	const char *equals = strrchr(text, '=');
	const char *host = strstr(text, "://");
	const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
	uint64_t want = 200;

	if (path == NULL)
		return err_set(err, ERR_PARSE, 0, "\"%s\": want http://HOST[:PORT]/PATH[=STATUS]",
		               text);
	if (equals < path)
		equals = text + strlen(text);
	else if (num_parse_u64(equals + 1, 100, 599, &want, err) < 0)
		return err_wrap(err, "\"%s\"", text);
	p->base = strndup(text, (size_t)(path - text));
	p->path = strndup(path, (size_t)(equals - path));
	p->want = (int)want;
	if (p->base == NULL || p->path == NULL)
		return err_set(err, ERR_NOMEM, 0, "URL");
	return 0;
}

static void probe_later(struct probe *p)
{
	const struct timeval wait = clk_timeval(PAUSE_MS);

	(void)evtimer_add(p->pause, &wait);
}

static void on_answer(void *arg, const struct http_response *res)
{
	struct probe *p = arg;

	if (res->status == p->want) {
		(void)printf("ok %s%s: %d\n", p->base, p->path, res->status);
		p->is_done = true;
		if (++p->check->done_count == p->check->probes_count)
			(void)event_base_loopbreak(p->check->base);
		return;
	}
	if (res->err != NULL && res->status == 0)
		(void)snprintf(p->seen, sizeof p->seen, "%s", res->err->text);
	else
		(void)snprintf(p->seen, sizeof p->seen, "%d %.200s", res->status, res->body);
	probe_later(p);
}

static void on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	struct http_request req = {.method = "GET",
	                           .path = p->path,
	                           .timeout_ms = CALL_MS,
	                           .response_bytes_max = 65536,
	                           .on_done = on_answer,
	                           .arg = p};
	struct err err = {0};

	if (http_call_start(p->client, &req, NULL, &err) == 0)
		return;
	(void)snprintf(p->seen, sizeof p->seen, "%s", err.text);
	probe_later(p);
}

static int probe_start(struct probe *p, struct err *err)
{
	const struct http_client_opts opts = {.base_url = p->base,
	                                      .user_agent = "sc-check/" SC_VERSION};

	p->pause = evtimer_new(p->check->base, on_pause, p);
	if (p->pause == NULL)
		return err_set(err, ERR_NOMEM, 0, "timer");
	if (http_client_new(p->check->base, &opts, &p->client, err) < 0)
		return err_wrap(err, "%s", p->base);
	event_active(p->pause, EV_TIMEOUT, 0);
	return 0;
}

/* Return: 0; 1 when not all answered as they should in time. */
static int check_run(struct check *c, struct err *err)
{
	const struct timeval timeout = clk_timeval(c->timeout_ms);

	c->base = event_base_new();
	if (c->base == NULL)
		return err_set(err, ERR_NOMEM, 0, "event loop");
	for (size_t i = 0; i < c->probes_count; i++) {
		if (probe_start(&c->probes[i], err) < 0)
			return -1;
	}
	if (event_base_loopexit(c->base, &timeout) < 0 || event_base_dispatch(c->base) < 0)
		return err_set(err, ERR_SYS, 0, "event loop");
	for (size_t i = 0; i < c->probes_count; i++) {
		const struct probe *p = &c->probes[i];

		if (!p->is_done)
			(void)printf("not ok %s%s: want %d, last: %s\n", p->base, p->path, p->want,
			             p->seen[0] != '\0' ? p->seen : "no answer yet");
	}
	return c->done_count == c->probes_count ? 0 : 1;
}

static void check_done(struct check *c)
{
	for (size_t i = 0; i < c->probes_count; i++) {
		struct probe *p = &c->probes[i];

		if (p->client != NULL)
			http_client_free(p->client);
		if (p->pause != NULL)
			event_free(p->pause);
		free(p->base);
		free(p->path);
	}
	if (c->base != NULL)
		event_base_free(c->base);
}

static int check_load(struct check *c, int argc, char **argv, struct config **ret_config,
                      struct err *err)
{
	const struct config_option options[] = {
	        {"timeout", CONFIG_DURATION, &c->timeout_ms, "60s", 1, 3600000,
	         "all must have answered within"},
	};
	const struct config_program program = {
	        .name = "sc-check",
	        .synopsis =
	                "Waits until each URL answers as it should: 200, or the status behind =.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	        .operands = "URL[=STATUS]…",
	};
	int operands;
	int rc = config_load(&program, argc, argv, ret_config, err);

	if (rc != 0)
		return rc;
	operands = config_operands(*ret_config);
	if (operands == argc || argc - operands > PROBES_MAX)
		return err_set(err, ERR_INVALID, 0, "want 1 to %d URLs", PROBES_MAX);
	for (int i = operands; i < argc; i++) {
		c->probes[c->probes_count].check = c;
		if (probe_parse(&c->probes[c->probes_count++], argv[i], err) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct check c = {0};
	struct config *config = NULL;
	struct err err = {0};
	int rc = check_load(&c, argc, argv, &config, &err);

	(void)signal(SIGPIPE, SIG_IGN);
	if (rc > 0)
		rc = 0;
	else if (rc < 0)
		rc = -2;
	else
		rc = check_run(&c, &err);
	if (rc < 0)
		(void)fprintf(stderr, "sc-check: %s\n", err.text);
	check_done(&c);
	config_free(config);
	return rc == -2 ? 2 : rc < 0 ? 1 : rc;
}
