/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_pulls - removes images whose pull a power cut broke off, before containers start from them
 *
 * One after the other, as the first step of opening; they are pulled again when they are wanted.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/runner/io/pulls.h"
#include "local/runner/io/runner_private.h"

static void on_cut_removed(void *arg, const struct podman_result *res)
{
	struct runner *r = arg;

	r->call = NULL;
	if (res->message != NULL && res->status < 400) { /* Podman does not answer yet */
		runner_try_later(r);
		return;
	}
	if (res->message != NULL && res->status != 404)
		log_event(LOG_ERROR, "image.not_removed", log_str("image", r->pull.image),
		          log_str("error", res->message));
	pulls_end(r->opts.pulls_dir, r->pull.image);
	runner_pulls(r, r->after_pulls);
}

static void on_cut_inspected(void *arg, const struct podman_result *res)
{
	struct runner *r = arg;
	const char *id = json_str_at(res->json, "", "Id", NULL);
	char path[640];
	struct podman_request req = {
	        .method = "DELETE", .path = path, .done = on_cut_removed, .arg = r};

	r->call = NULL;
	if (res->message != NULL || strcmp(id, r->pull.before) == 0) {
		on_cut_removed(r, res); /* it is not there, or is what it was before */
		return;
	}
	log_event(LOG_WARN, "image.cut", log_str("image", r->pull.image), log_str("id", id));
	(void)snprintf(path, sizeof path, "/images/%s?force=true", r->pull.image);
	r->call = podman_start(r->podman, &req, NULL);
	if (r->call == NULL)
		runner_try_later(r);
}

void runner_pulls(struct runner *r, void (*done)(struct runner *r))
{
	char path[640];
	struct podman_request req = {
	        .method = "GET", .path = path, .done = on_cut_inspected, .arg = r};

	r->after_pulls = done;
	if (!pulls_next_cut(r->opts.pulls_dir, &r->pull)) {
		pulls_settle_all(r->opts.pulls_dir);
		done(r);
		return;
	}
	(void)snprintf(path, sizeof path, "/images/%s/json", r->pull.image);
	r->call = podman_start(r->podman, &req, NULL);
	if (r->call == NULL)
		runner_try_later(r);
}
