/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world internals - what the parts of the world share
 */
#pragma once

#include "tests/world/world.h"

#include <curl/curl.h>

enum {
	WORLD_PROCESSES_MAX = 16,
	WORLD_BACKENDS_MAX = 16,
	WORLD_ARGS_MAX = 48,
	WORLD_PATH_BYTES = 512,
	WORLD_POLL_MS = 10,
	WORLD_STOP_MS = 10000, /* for an orderly end */
	WORLD_CALL_MS = 20000,
};

struct world_process {
	struct world *world;
	char name[64];
	char log[WORLD_PATH_BYTES];
	long log_start; /* where this life's lines begin */
	char *argv[WORLD_ARGS_MAX + 1];
	size_t argc;
	pid_t pid; /* 0: not running */
	unsigned admin_port;
	unsigned port;
	bool killed; /* the test ended it: any exit status is right */
	int status;  /* of waitpid() */
};

struct world_backend {
	struct world *world;
	pid_t pid;
	unsigned port;
	unsigned *served; /* shared with the child */
};

struct world {
	char dir[WORLD_PATH_BYTES];
	char kubeconfig[WORLD_PATH_BYTES];
	char token_file[WORLD_PATH_BYTES];
	char admin_token[64];
	char *api_url;
	char *api_token;
	void *api_ca;
	size_t api_ca_bytes;
	CURL *curl;
	struct world_process *server;
	struct world_process *processes[WORLD_PROCESSES_MAX];
	size_t processes_count;
	struct world_backend *backends[WORLD_BACKENDS_MAX];
	size_t backends_count;
};

/** world_fail() - fail the test with the ends of all logs on stderr */
void world_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** world_poll() - let the others do something. Return: false when the deadline has passed. */
bool world_poll(uint64_t deadline_ms);
uint64_t world_deadline(void);

/** world_process_start() - (again) by its argv */
void world_process_start(struct world_process *p);
struct world_process *world_process_new(struct world *w, const char *program);
void world_process_arg(struct world_process *p, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
void world_process_stop(struct world_process *p, int sig);
/** world_process_is_over() - true when it has ended; its status is collected then */
bool world_process_is_over(struct world_process *p);
/** world_process_complaint() - what is wrong with how it ended or in its log; NULL: nothing */
const char *world_process_complaint(const struct world_process *p);
/** world_log_complaint() - a sanitizer's report or an assertion in a log; NULL: none */
const char *world_log_complaint(const char *path);
void world_process_free(struct world_process *p);

void world_forget_api(struct world *w);
/** world_connect_api() - read the kubeconfig and wait until the server is ready, also again */
void world_connect_api(struct world *w);

/* One blocking request. @url complete; token NULL: none. Return: status, 0 without an answer. */
struct world_request {
	const char *method;
	const char *url;
	const char *token;
	const char *content_type;
	const char *body;
};
int world_request(struct world *w, const struct world_request *req, char **ret_body);

/** world_read_file() - the text from @start on; new, NULL when it cannot be read */
char *world_read_file(const char *path, long start);
