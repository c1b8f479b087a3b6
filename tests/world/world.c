/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/world/world_internal.h"

#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clk.h"

enum { WORLD_LOG_TAIL_BYTES = 6000 };

uint64_t world_deadline(void)
{
	return clk_now_ms() + WORLD_DEADLINE_MS;
}

bool world_poll(uint64_t deadline_ms)
{
	(void)poll(NULL, 0, WORLD_POLL_MS);
	return clk_now_ms() < deadline_ms;
}

char *world_read_file(const char *path, long start)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	char *text = NULL;
	size_t len = 0;

	if (f == NULL)
		return NULL;
	if (fstat(fileno(f), &st) == 0 && start <= st.st_size && fseek(f, start, SEEK_SET) == 0) {
		text = malloc((size_t)(st.st_size - start) + 1);
		if (text != NULL)
			len = fread(text, 1, (size_t)(st.st_size - start), f);
	}
	(void)fclose(f);
	if (text != NULL)
		text[len] = '\0';
	return text;
}

static void world_print_log(const char *name, const char *path)
{
	char *text = world_read_file(path, 0);
	size_t len = text != NULL ? strlen(text) : 0;

	(void)fprintf(stderr, "# ---- %s\n%s\n", name,
	              len > WORLD_LOG_TAIL_BYTES ? text + len - WORLD_LOG_TAIL_BYTES
	              : len > 0                  ? text
	                                         : "");
	free(text);
}

/* What the supervisor's children wrote; none without a runner. */
static void world_find_child_logs(const struct world *w, glob_t *ret_found)
{
	char pattern[WORLD_PATH_BYTES];

	(void)snprintf(pattern, sizeof pattern, "%.400s/state/logs/*.log", w->dir);
	(void)memset(ret_found, 0, sizeof *ret_found);
	(void)glob(pattern, 0, NULL, ret_found);
}

static void world_print_logs(const struct world *w)
{
	glob_t children;

	for (size_t i = 0; i < w->processes_count; i++)
		world_print_log(w->processes[i]->name, w->processes[i]->log);
	world_find_child_logs(w, &children);
	for (size_t i = 0; i < children.gl_pathc; i++)
		world_print_log(children.gl_pathv[i], children.gl_pathv[i]);
	globfree(&children);
}

void world_fail(struct world *w, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	world_print_logs(w);
	fail_msg("%s", text);
}

static void world_make_token(struct world *w)
{
	unsigned char bytes[16];
	FILE *f;

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		world_fail(w, "getrandom: %s", strerror(errno));
	for (size_t i = 0; i < sizeof bytes; i++)
		(void)snprintf(w->admin_token + 2 * i, 3, "%02x", bytes[i]);
	(void)snprintf(w->token_file, sizeof w->token_file, "%.480s/admin-token", w->dir);
	f = fopen(w->token_file, "we");
	if (f == NULL || fputs(w->admin_token, f) < 0 || fclose(f) != 0)
		world_fail(w, "%s: %s", w->token_file, strerror(errno));
}

static void world_start_server(struct world *w, const struct world_options *opts)
{
	struct world_process *p = world_process_new(w, "sc-local");
	const char *crds = getenv("SC_CRDS_DIR");

	w->server = p;
	world_process_arg(p, "%s", opts->runner ? "up" : "serve");
	world_process_arg(p, "--state-dir=%s/state", w->dir);
	if (opts->runner) {
		/* in namespaces of its own (tests/engine/isolate.sh): ports are its own too */
		const char *cgroup = getenv("ENGINE_CGROUP");

		world_process_arg(p, "--run-dir=%s/run", w->dir);
		world_process_arg(p, "--http-listen=127.0.0.1:8080");
		world_process_arg(p, "--host-path-prefixes=%s/rootfs", w->dir);
		if (cgroup != NULL)
			world_process_arg(p, "--cgroup-root=%s", cgroup);
	} else {
		world_process_arg(p, "--runner=false");
		world_process_arg(p, "--listen=127.0.0.1:0");
	}
	if (crds != NULL)
		world_process_arg(p, "--crds-dir=%s", crds);
	(void)snprintf(w->kubeconfig, sizeof w->kubeconfig, "%.480s/state/kubeconfig", w->dir);
	world_process_start(p);
	world_connect_api(w);
}

struct world *world_new(const struct world_options *opts)
{
	static const struct world_options plain = {false};
	const char *tmp = getenv(opts != NULL && opts->runner ? "ENGINE_DIR" : "TMPDIR");
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	w->curl = curl_easy_init();
	(void)snprintf(w->dir, sizeof w->dir, "%.400s/sc-world.XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (w->curl == NULL || mkdtemp(w->dir) == NULL)
		world_fail(w, "%s: %s", w->dir, strerror(errno));
	world_make_token(w);
	world_start_server(w, opts != NULL ? opts : &plain);
	return w;
}

static int world_remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void world_release(struct world *w)
{
	if (getenv("SC_WORLD_KEEP") == NULL)
		(void)nftw(w->dir, world_remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	for (size_t i = 0; i < w->processes_count; i++)
		world_process_free(w->processes[i]);
	curl_easy_cleanup(w->curl);
	world_forget_api(w);
	free(w);
}

void world_free(struct world *w)
{
	char complaint[1024] = "";
	glob_t children;

	if (w == NULL)
		return;
	while (w->backends_count > 0)
		world_backend_down(w->backends[w->backends_count - 1]);
	/* the last one first: the server after those that talk to it */
	for (size_t i = w->processes_count; i > 0; i--)
		world_process_stop(w->processes[i - 1], 0);
	for (size_t i = 0; i < w->processes_count; i++) {
		const char *what = world_process_complaint(w->processes[i]);

		if (what == NULL)
			continue;
		(void)snprintf(complaint, sizeof complaint, "%s: %s", w->processes[i]->name, what);
		world_print_log(w->processes[i]->name, w->processes[i]->log);
	}
	world_find_child_logs(w, &children);
	for (size_t i = 0; i < children.gl_pathc; i++) {
		const char *what = world_log_complaint(children.gl_pathv[i]);

		if (what == NULL)
			continue;
		(void)snprintf(complaint, sizeof complaint, "%s: %s", children.gl_pathv[i], what);
		world_print_log(children.gl_pathv[i], children.gl_pathv[i]);
	}
	globfree(&children);
	world_release(w);
	if (complaint[0] != '\0')
		fail_msg("%s", complaint);
}

const char *world_dir(const struct world *w)
{
	return w->dir;
}

const char *world_kubeconfig(const struct world *w)
{
	return w->kubeconfig;
}

const char *world_token_file(const struct world *w)
{
	return w->token_file;
}
