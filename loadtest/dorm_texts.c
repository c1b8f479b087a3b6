/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dorm texts - what a user, a kubelet and a node agent write of one container
 */
#include "loadtest/dorm_texts.h"

#include <stdio.h>

#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"

#define TEXTS_IMAGE "registry.example.com/team/application:1.4.2"
#define TEXTS_DIGEST "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

json_t *dorm_container(const char *name)
{
	return json_pack(
	        "{s:s, s:s, s:{s:s, s:{s:s, s:s}, s:{s:s}},"
	        " s:{s:b, s:{s:{s:s, s:[s,s], s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}],"
	        " s:[{s:s, s:i}], s:{s:{s:s, s:s}, s:{s:s}},"
	        " s:{s:{s:s, s:i}, s:i}}}, s:{s:s}}}",
	        "apiVersion", SC_API_VERSION, "kind", "StoppableContainer", "metadata", "name",
	        name, "labels", "app", name, "team", "platform", "annotations", "example.com/owner",
	        "platform@example.com", "spec", "running", 0, "template", "container", "image",
	        TEXTS_IMAGE, "command", "/usr/local/bin/serve", "--port=8080", "env", "name",
	        "LOG_LEVEL", "value", "info", "name", "DATABASE", "value",
	        "postgres://db.example.com/application", "name", "SELF", "value", name, "ports",
	        "name", "http", "containerPort", 8080, "resources", "requests", "cpu", "100m",
	        "memory", "64Mi", "limits", "memory", "256Mi", "readinessProbe", "httpGet", "path",
	        "/ready", "port", 8080, "periodSeconds", 5, "idle", "timeout", "10m");
}

static json_t *texts_condition(const char *type, const char *now)
{
	return json_pack("{s:s, s:s, s:s, s:n}", "type", type, "status", "True",
	                 "lastTransitionTime", now, "lastProbeTime");
}

json_t *dorm_pod_status(const json_t *pod)
{
	const char *uid = kube_uid(pod);
	char now[NUM_RFC3339_BYTES], id[128];
	json_t *conditions = json_array();

	num_format_rfc3339(clk_wall_ms(), false, now);
	(void)snprintf(id, sizeof id, "containerd://%.8s%.8s%s", uid, uid, uid);
	(void)json_array_append_new(conditions, texts_condition("PodReadyToStartContainers", now));
	(void)json_array_append_new(conditions, texts_condition("Initialized", now));
	(void)json_array_append_new(conditions, texts_condition("Ready", now));
	(void)json_array_append_new(conditions, texts_condition("ContainersReady", now));
	(void)json_array_append_new(conditions, texts_condition("PodScheduled", now));
	return json_pack("{s:{s:s, s:s, s:s, s:[{s:s}], s:s, s:o,"
	                 " s:[{s:s, s:s, s:s, s:s, s:b, s:b, s:i, s:{s:{s:s}}}]}}",
	                 "status", "phase", "Running", "hostIP", "10.250.0.11", "podIP",
	                 "127.0.0.1", "podIPs", "ip", "127.0.0.1", "startTime", now, "conditions",
	                 conditions, "containerStatuses", "name", "provider", "image", TEXTS_IMAGE,
	                 "imageID", "registry.example.com/team/application@" TEXTS_DIGEST,
	                 "containerID", id, "ready", 1, "started", 1, "restartCount", 0, "state",
	                 "running", "startedAt", now);
}

json_t *dorm_rootfs_status(const json_t *pod)
{
	char path[256];

	(void)snprintf(path, sizeof path, SC_HOST_PATH_PREFIX_DEFAULT "/%s/%s.%s",
	               kube_namespace(pod), kube_label(pod, SC_LABEL_INSTANCE),
	               json_str_at(kube_owner_controller(pod), "", "uid", NULL));
	return json_pack("{s:{s:{s:s, s:s, s:s, s:s, s:s, s:s},"
	                 " s:{s:[s], s:[], s:[s], s:s, s:i, s:i, s:[i]}}}",
	                 "status", "rootfs", "state", "Ready", "reason", "Mounted", "message",
	                 "mounted", "imageDigest", TEXTS_DIGEST, "hostPath", path, "providerPodUID",
	                 kube_uid(pod), "image", "entrypoint", "/usr/local/bin/serve", "command",
	                 "env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	                 "workingDir", "/", "uid", 1000, "gid", 1000, "exposedPorts", 8080);
}

json_t *dorm_consumer_status(const json_t *pod, uint16_t port)
{
	return json_pack("{s:{s:{s:s, s:I, s:s, s:s, s:i}}}", "status", "consumer", "podUID",
	                 kube_uid(pod), "containerGeneration",
	                 (json_int_t)kube_annotation_number(pod, SC_ANNOTATION_GENERATION), "state",
	                 "Listening", "address", "127.0.0.1", "port", (int)port);
}
