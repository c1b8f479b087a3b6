/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor - what Podman alone needs from create to the first byte of an answer: the least possible
 */
#include "loadtest/floor.h"

#include <string.h>
#include <sys/resource.h>

#include "lib/base/clk.h"
#include "lib/http/client.h"
#include "lib/kube/client/object.h"
#include "loadtest/loop.h"
#include "loadtest/probe.h"

#define FLOOR_API "/v4.0.0/libpod"

enum { FLOOR_TIMEOUT_MS = 30000, FLOOR_ID_BYTES = 80 };

struct floor {
	struct event_base *base;
	struct floor_opts opts;
	struct http_client *http;
	/* the call under way */
	bool is_answered;
	int status;
	char text[512];
	json_t *answer;
};

static void on_floor_answer(void *arg, const struct http_response *res)
{
	struct floor *f = arg;

	f->is_answered = true;
	f->status = res->status;
	f->answer = res->body_bytes > 0 ? json_loadb(res->body, res->body_bytes, 0, NULL) : NULL;
	(void)snprintf(f->text, sizeof f->text, "%s", res->err ? res->err->text : res->body);
}

static bool floor_is_answered(const void *arg)
{
	const struct floor *f = arg;

	return f->is_answered;
}

/* Begins a call; the loop runs until f->is_answered. */
static int floor_begin(struct floor *f, const char *method, const char *path, const json_t *body,
                       struct err *err)
{
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	const struct http_request req = {
	        .method = method,
	        .path = path,
	        .body = text,
	        .body_bytes = text != NULL ? strlen(text) : 0,
	        .content_type = text != NULL ? "application/json" : NULL,
	        .timeout_ms = FLOOR_TIMEOUT_MS,
	        .on_done = on_floor_answer,
	        .arg = f,
	};
	int rc;

	json_decref(f->answer);
	f->answer = NULL;
	f->is_answered = false;
	rc = http_call_start(f->http, &req, NULL, err);
	free(text);
	return rc;
}

static int floor_end(struct floor *f, const char *what, struct err *err)
{
	if (loop_until(f->base,
	               &(struct loop_goal){floor_is_answered, f, 2 * FLOOR_TIMEOUT_MS, what},
	               err) < 0)
		return -1;
	if (f->status < 200 || f->status > 299)
		return err_set(err, ERR_INVALID, 0, "podman: %s: %d %s", what, f->status, f->text);
	return 0;
}

static json_t *floor_limit(const char *type, int resource)
{
	struct rlimit limit = {0};

	(void)getrlimit((__rlimit_resource_t)resource, &limit);
	return json_pack("{s:s, s:I, s:I}", "type", type, "soft", (json_int_t)limit.rlim_max,
	                 "hard", (json_int_t)limit.rlim_max);
}

static json_t *floor_spec(const struct floor *f, enum stages_kind kind)
{
	json_t *spec = json_pack("{s:s, s:s, s:[o, o]}", "image", f->opts.image, "cgroup_parent",
	                         f->opts.cgroup, "r_limits", floor_limit("NOFILE", RLIMIT_NOFILE),
	                         floor_limit("NPROC", RLIMIT_NPROC));
	json_t *netns = kind == STAGES_PODMAN_NETNS ? json_pack("{s:s, s:s}", "nsmode", "path",
	                                                        "value", f->opts.netns_path)
	                                            : json_pack("{s:s}", "nsmode", "bridge");

	(void)json_object_set_new(spec, "netns", netns);
	return spec;
}

/* On its own network Podman says the address only when asked. */
static int floor_address(struct floor *f, const char *id, char address[64], struct err *err)
{
	char path[FLOOR_ID_BYTES + 64];
	json_t *network;
	const char *key;

	(void)snprintf(path, sizeof path, FLOOR_API "/containers/%s/json", id);
	if (floor_begin(f, "GET", path, NULL, err) < 0 || floor_end(f, "inspect", err) < 0)
		return -1;
	*address = '\0';
	json_object_foreach(json_at(f->answer, "NetworkSettings", "Networks", NULL), key, network)
		(void)snprintf(address, 64, "%s", json_str_at(network, "", "IPAddress", NULL));
	return *address != '\0' ? 0 : err_set(err, ERR_INVALID, 0, "podman: no address");
}

/* One cycle under way. */
struct floor_cycle {
	uint64_t begin_us;
	struct stages_cycle *cycle; /* how long each stage took, borrowed */
};

/*
 * In a ready namespace the port is dialled from the call on, since the address is there; on
 * Podman's own network only after it, for an address that does not exist yet cannot be dialled
 * without the kernel remembering that for a second.
 */
static int floor_start(struct floor *f, enum stages_kind kind, const char *id,
                       struct floor_cycle *c, struct err *err)
{
	char path[FLOOR_ID_BYTES + 64], address[64];
	struct probe probe = {.base = f->base,
	                      .address = f->opts.netns_address,
	                      .port = f->opts.port,
	                      .host = f->opts.host,
	                      .fd = -1};
	int rc;

	(void)snprintf(path, sizeof path, FLOOR_API "/containers/%s/start", id);
	if (floor_begin(f, "POST", path, NULL, err) < 0)
		return -1;
	if (kind == STAGES_PODMAN_NETNS && probe_start(&probe, err) < 0)
		return -1;
	rc = floor_end(f, "start", err);
	c->cycle->us[STAGES_STARTED] = (int64_t)(clk_now_us() - c->begin_us);
	if (rc == 0 && kind == STAGES_PODMAN_BRIDGE) {
		rc = floor_address(f, id, address, err);
		probe.address = address;
		if (rc == 0)
			rc = probe_start(&probe, err);
	}
	if (rc == 0)
		rc = loop_until(
		        f->base,
		        &(struct loop_goal){probe_is_over, &probe, FLOOR_TIMEOUT_MS, "first byte"},
		        err);
	if (rc == 0 && probe.status != 200)
		rc = err_set(err, ERR_INVALID, 0, "podman: status %d", probe.status);
	probe_stop(&probe);
	if (rc == 0)
		c->cycle->us[STAGES_FIRST_BYTE] = (int64_t)(probe.first_byte_us - c->begin_us);
	return rc;
}

static int floor_remove(struct floor *f, const char *id, struct err *err)
{
	char path[FLOOR_ID_BYTES + 64];

	(void)snprintf(path, sizeof path, FLOOR_API "/containers/%s?force=true&timeout=0", id);
	if (floor_begin(f, "DELETE", path, NULL, err) < 0)
		return -1;
	return floor_end(f, "remove", err);
}

int floor_run(struct floor *f, enum stages_kind kind, struct stages_cycle *ret_cycle,
              struct err *err)
{
	json_t *spec = floor_spec(f, kind);
	char id[FLOOR_ID_BYTES];
	struct floor_cycle cycle = {.cycle = ret_cycle};
	struct err first = {0};
	int rc;

	stages_cycle_init(ret_cycle);
	cycle.begin_us = clk_now_us();
	rc = floor_begin(f, "POST", FLOOR_API "/containers/create", spec, err);
	json_decref(spec);
	if (rc < 0 || floor_end(f, "create", err) < 0)
		return -1;
	ret_cycle->us[STAGES_CREATED] = (int64_t)(clk_now_us() - cycle.begin_us);
	(void)snprintf(id, sizeof id, "%s", json_str_at(f->answer, "", "Id", NULL));
	rc = floor_start(f, kind, id, &cycle, &first);
	if (floor_remove(f, id, err) < 0 && rc == 0)
		return -1;
	if (rc < 0)
		*err = first;
	return rc;
}

int floor_new(struct event_base *base, const struct floor_opts *opts, struct floor **ret_floor,
              struct err *err)
{
	struct floor *f = calloc(1, sizeof *f);
	const struct http_client_opts http = {
	        .base_url = "http://d",
	        .unix_socket = opts->socket,
	        .user_agent = "sc-loadtest/" SC_VERSION,
	};

	if (f == NULL)
		return err_set(err, ERR_NOMEM, 0, "floor");
	f->base = base;
	f->opts = *opts;
	if (http_client_new(base, &http, &f->http, err) < 0) {
		free(f);
		return err_wrap(err, "podman");
	}
	*ret_floor = f;
	return 0;
}

void floor_free(struct floor *f)
{
	if (f == NULL)
		return;
	http_client_free(f->http);
	json_decref(f->answer);
	free(f);
}
