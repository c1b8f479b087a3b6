/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world - what a flow or engine test lives in
 *
 * A temporary folder, an API server (sc-local serve), and any of the programs as child processes
 * on ports of the kernel's choice. Tests wait on objects, metrics and messages, never on time.
 * Everything that a test makes ends with world_free(), also after a failed assertion, since the
 * world lives in the fixture. Calls block; a deadline of WORLD_DEADLINE_MS fails the test with
 * what was waited for and the last thing that was seen. world_free() fails it when a log has a
 * sanitizer's report or an assertion, or when a program did not end with 0. SC_WORLD_KEEP=1 in the
 * environment keeps the folder.
 */
#pragma once

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum { WORLD_DEADLINE_MS = 20000 };

struct world;
struct world_process;

struct world_options {
	bool runner;                  /* with Podman: the engine tests; else an API server alone */
	const char *host_path_prefix; /* the only one that is allowed; NULL: DIR/rootfs */
};

/** world_new() - starts the API server and waits until it is ready */
struct world *world_new(const struct world_options *opts);
void world_free(struct world *w);

const char *world_dir(const struct world *w);
const char *world_kubeconfig(const struct world *w); /* path */
struct world_process *world_server(struct world *w); /* of the API */
const char *world_api_url(const struct world *w);    /* "https://127.0.0.1:6443" */
const char *world_token_file(const struct world *w); /* of the programs' admin servers */

/* Programs. Extra arguments after the name, ended by NULL; --kubeconfig, --log-level, the admin
 * listen address (port 0, --admin-listen) and its token (--admin-token-file) are added. Logs go to
 * DIR/<name>-<n>.log; their ends are printed when the world fails the test. Ports are read from the
 * log events admin.listening and <part>.listening (--listen), field "port". */
struct world_process *world_spawn(struct world *w, const char *program, ...)
        __attribute__((sentinel));
void world_kill(struct world_process *p, int sig); /* and wait for its end */
void world_restart(struct world_process *p);       /* the same command line and ports again */
pid_t world_pid(const struct world_process *p);
unsigned world_admin_port(const struct world_process *p); /* waits until it is known */
unsigned world_port(const struct world_process *p);       /* its main port (activator) */
/* The value of a metric series as printed ("sc_x_total{a=\"b\"}"), 0 when absent. */
double world_metric(struct world_process *p, const char *series);
void world_expect_metric(struct world_process *p, const char *series, double at_least);
/* GET/POST on the admin server with its token. Return: HTTP status; *ret_json new reference. */
int world_admin(struct world_process *p, const char *method, const char *path, const char *body,
                json_t **ret_json);

/* Objects; paths such as "/api/v1/namespaces/default/pods/x". New references. */
json_t *world_get(struct world *w, const char *path); /* NULL for 404 */
json_t *world_create(struct world *w, const char *collection_path, const char *json_text);
json_t *world_merge_patch(struct world *w, const char *path, const char *json_text);
int world_call(struct world *w, const char *method, const char *path, const char *content_type,
               const char *body, json_t **ret_json); /* HTTP status */
void world_delete(struct world *w, const char *path);
/* Wait until the value at a JSON pointer (RFC 6901) of an object prints as @want. */
void world_expect(struct world *w, const char *path, const char *pointer, const char *want);
void world_expect_gone(struct world *w, const char *path);

/* A client of the activator. Blocking; one request on a connection of its own. */
struct world_response {
	int status; /* 0: the connection ended without an answer */
	char *headers;
	char *body;
	size_t body_bytes;
	uint64_t first_byte_ms;
};
void world_http(unsigned port, const char *method, const char *host, const char *path,
                const char *body, struct world_response *ret_response);
void world_response_done(struct world_response *r);

/* A backend on loopback that answers any request with @body; counts what it served. */
struct world_backend;
struct world_backend *world_backend_up(struct world *w, const char *body);
unsigned world_backend_port(const struct world_backend *b);
unsigned world_backend_served(const struct world_backend *b);
void world_backend_down(struct world_backend *b);
