/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_image - makes the image of the wrapper, if the one that is there is of another binary
 *
 * The image is one layer with /sc-wrapper, as a docker-archive made in memory. Its label has the
 * SHA-256 of the binary. The label is not all that is looked at: Podman does not sync what it
 * loads, so that a power cut soon after leaves the label with an empty file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/runner/io/runner_private.h"
#include "local/runner/io/sync.h"
#include "local/runner/io/tar.h"

#define LABEL_SHA256 "stoppablecontainer.xtlsoft.top/wrapper-sha256"

#if defined(__x86_64__)
#define SC_OCI_ARCH "amd64"
#elif defined(__aarch64__)
#define SC_OCI_ARCH "arm64"
#else
#error "the name of this architecture in image configurations is not known"
#endif

enum { WRAPPER_BYTES_MAX = 8 << 20, SHA256_HEX_BYTES = 65 };

struct image_job {
	struct runner *runner;
	void (*done)(struct runner *r);
	char *binary;
	size_t binary_bytes;
	char sha256[SHA256_HEX_BYTES];
	struct tar_buf archive;
};

static void job_end(struct image_job *job)
{
	void (*done)(struct runner * r) = job->done;
	struct runner *r = job->runner;

	free(job->binary);
	tar_done(&job->archive);
	free(job);
	done(r);
}

static void sha256_hex(const void *data, size_t bytes, char out[SHA256_HEX_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	(void)EVP_Digest(data, bytes, digest, &len, EVP_sha256(), NULL);
	for (unsigned i = 0; i < len && i * 2 + 2 < SHA256_HEX_BYTES; i++)
		(void)snprintf(out + (size_t)i * 2, 3, "%02x", digest[i]);
}

static int file_read(const char *path, char **ret_data, size_t *ret_bytes, struct err *err)
{
	CLEANUP(fd_close_var) int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(free_var) char *data = NULL;
	struct stat st;
	size_t used = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, ERR_SYS, errno, "open %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > WRAPPER_BYTES_MAX)
		return err_set(err, ERR_INVALID, 0, "%s is not a wrapper binary", path);
	data = malloc((size_t)st.st_size);
	while (data != NULL && used < (size_t)st.st_size) {
		ssize_t n = read(fd, data + used, (size_t)st.st_size - used);

		if (n <= 0)
			return err_set(err, ERR_SYS, n < 0 ? errno : EIO, "read %s", path);
		used += (size_t)n;
	}
	if (data == NULL)
		return err_set(err, ERR_NOMEM, 0, "wrapper binary");
	*ret_data = TAKE_PTR(data);
	*ret_bytes = used;
	return 0;
}

/* Docker Image Specification v1.2: manifest.json, the configuration, the layer */
static int archive_make(struct image_job *job, struct err *err)
{
	struct tar_buf layer = {0};
	char layer_sha[SHA256_HEX_BYTES], config_sha[SHA256_HEX_BYTES];
	char layer_name[SHA256_HEX_BYTES + 16], config_name[SHA256_HEX_BYTES + 16];
	char diff_id[SHA256_HEX_BYTES + 16];
	CLEANUP(free_var) char *config_text = NULL;
	CLEANUP(free_var) char *manifest_text = NULL;
	json_t *config, *manifest;

	tar_add(&layer, "sc-wrapper", 0755, job->binary, job->binary_bytes);
	tar_end(&layer);
	sha256_hex(layer.data, layer.bytes, layer_sha);
	(void)snprintf(diff_id, sizeof diff_id, "sha256:%s", layer_sha);
	config = json_pack("{s:s, s:s, s:{s:{s:s}}, s:{s:s, s:[s]}}", "architecture", SC_OCI_ARCH,
	                   "os", "linux", "config", "Labels", LABEL_SHA256, job->sha256, "rootfs",
	                   "type", "layers", "diff_ids", diff_id);
	config_text = json_dumps(config, JSON_COMPACT);
	json_decref(config);
	sha256_hex(config_text, config_text ? strlen(config_text) : 0, config_sha);
	(void)snprintf(config_name, sizeof config_name, "%s.json", config_sha);
	(void)snprintf(layer_name, sizeof layer_name, "%s/layer.tar", layer_sha);
	manifest = json_pack("[{s:s, s:[s], s:[s]}]", "Config", config_name, "RepoTags",
	                     job->runner->opts.wrapper_image, "Layers", layer_name);
	manifest_text = json_dumps(manifest, JSON_COMPACT);
	json_decref(manifest);
	if (config_text != NULL && manifest_text != NULL) {
		tar_add(&job->archive, config_name, 0644, config_text, strlen(config_text));
		tar_add(&job->archive, layer_name, 0644, layer.data, layer.bytes);
		tar_add(&job->archive, "manifest.json", 0644, manifest_text, strlen(manifest_text));
		tar_end(&job->archive);
	}
	tar_done(&layer);
	return job->archive.data == NULL || job->archive.failed
	               ? err_set(err, ERR_NOMEM, 0, "wrapper image")
	               : 0;
}

static void on_loaded(void *arg, const struct podman_result *res)
{
	struct image_job *job = arg;
	struct err err;

	job->runner->call = NULL;
	/* once for a version of the wrapper, before anything runs: it may block */
	if (res->message == NULL && sync_now(job->runner->opts.owner, &err) < 0)
		log_event(LOG_WARN, "wrapper_image.sync_failed", log_err(&err));
	if (res->message != NULL)
		log_event(LOG_ERROR, "wrapper_image.load_failed", log_str("error", res->message));
	else
		log_event(LOG_INFO, "wrapper_image.loaded",
		          log_str("image", job->runner->opts.wrapper_image),
		          log_str("sha256", job->sha256));
	job_end(job);
}

static void image_load(struct image_job *job)
{
	struct podman_request req = {
	        .method = "POST",
	        .path = "/images/load",
	        .done = on_loaded,
	        .arg = job,
	};
	struct err err;

	if (archive_make(job, &err) == 0) {
		req.raw = job->archive.data;
		req.raw_bytes = job->archive.bytes;
		job->runner->call = podman_start(job->runner->podman, &req, &err);
		if (job->runner->call != NULL)
			return;
	}
	log_event(LOG_ERROR, "wrapper_image.failed", log_err(&err));
	job_end(job);
}

/* Is the file in the image's one layer the binary? A driver that names no folder is believed. */
static bool is_whole(const struct image_job *job, const json_t *image)
{
	const char *dir = json_str_at(image, "", "GraphDriver", "Data", "UpperDir", NULL);
	CLEANUP(free_var) char *data = NULL;
	char path[PATH_MAX];
	size_t bytes = 0;

	if (*dir == '\0')
		return true;
	(void)snprintf(path, sizeof path, "%s/sc-wrapper", dir);
	return file_read(path, &data, &bytes, NULL) == 0 && bytes == job->binary_bytes &&
	       memcmp(data, job->binary, bytes) == 0;
}

static void on_removed(void *arg, const struct podman_result *res)
{
	struct image_job *job = arg;

	job->runner->call = NULL;
	if (res->message != NULL)
		log_event(LOG_WARN, "wrapper_image.remove_failed", log_str("error", res->message));
	image_load(job);
}

/* A layer that is there would be kept as it is, so it goes first. By force: what was made of it
 * cannot start. */
static void image_replace(struct image_job *job)
{
	char path[640];
	struct podman_request req = {
	        .method = "DELETE", .path = path, .done = on_removed, .arg = job};
	struct err err;

	log_event(LOG_WARN, "wrapper_image.broken",
	          log_str("image", job->runner->opts.wrapper_image));
	(void)snprintf(path, sizeof path, "/images/%s?force=true", job->runner->opts.wrapper_image);
	job->runner->call = podman_start(job->runner->podman, &req, &err);
	if (job->runner->call == NULL) {
		log_event(LOG_ERROR, "wrapper_image.failed", log_err(&err));
		job_end(job);
	}
}

static void on_inspected(void *arg, const struct podman_result *res)
{
	struct image_job *job = arg;

	job->runner->call = NULL;
	if (res->message != NULL ||
	    strcmp(json_str_at(res->json, "", "Labels", LABEL_SHA256, NULL), job->sha256) != 0)
		image_load(job);
	else if (is_whole(job, res->json))
		job_end(job);
	else
		image_replace(job);
}

void runner_wrapper_image(struct runner *r, void (*done)(struct runner *r))
{
	struct image_job *job;
	char path[640];
	struct podman_request req = {.method = "GET", .path = path, .done = on_inspected};
	struct err err;

	if (r->opts.wrapper_binary == NULL) {
		done(r);
		return;
	}
	job = calloc(1, sizeof *job);
	if (job == NULL) {
		done(r);
		return;
	}
	job->runner = r;
	job->done = done;
	if (file_read(r->opts.wrapper_binary, &job->binary, &job->binary_bytes, &err) == 0) {
		sha256_hex(job->binary, job->binary_bytes, job->sha256);
		(void)snprintf(path, sizeof path, "/images/%s/json", r->opts.wrapper_image);
		req.arg = job;
		r->call = podman_start(r->podman, &req, &err);
		if (r->call != NULL)
			return;
	}
	log_event(LOG_ERROR, "wrapper_image.failed", log_err(&err));
	job_end(job);
}
