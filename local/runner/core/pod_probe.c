/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_probe - reads a probe of a Pod, and judges by its answers
 */
#include "local/runner/core/pod_probe.h"

#include <string.h>

#include "lib/kube/client/object.h"

static int port_of(const json_t *container, const json_t *action, uint16_t *ret_port,
                   struct err *err)
{
	const json_t *port = json_object_get(action, "port");
	const char *name = json_string_value(port);
	json_int_t number = json_integer_value(port);
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(container, "ports"), i, entry) {
		if (name != NULL && strcmp(json_str_at(entry, "", "name", NULL), name) == 0)
			number = json_int_at(entry, 0, "containerPort", NULL);
	}
	if (number < 1 || number > 65535)
		return err_set(err, ERR_INVALID, 0, "probe: no port %s", name ? name : "");
	*ret_port = (uint16_t)number;
	return 0;
}

static uint64_t seconds(const json_t *probe, const char *field, int64_t fallback, int64_t least)
{
	int64_t value = json_int_at(probe, fallback, field, NULL);

	return (uint64_t)(value < least ? least : value) * 1000;
}

static unsigned threshold(const json_t *probe, const char *field, int64_t fallback)
{
	int64_t value = json_int_at(probe, fallback, field, NULL);

	return (unsigned)(value < 1 ? 1 : value);
}

int pod_probe_parse(const json_t *container, const json_t *probe, struct pod_probe *ret_probe,
                    struct err *err)
{
	struct pod_probe p = {0};
	const json_t *action;

	if (probe == NULL || json_is_null(probe)) {
		*ret_probe = p;
		return 0;
	}
	p.initial_delay_ms = seconds(probe, "initialDelaySeconds", 0, 0);
	p.period_ms = seconds(probe, "periodSeconds", 10, 1);
	p.timeout_ms = seconds(probe, "timeoutSeconds", 1, 1);
	p.success_threshold = threshold(probe, "successThreshold", 1);
	p.failure_threshold = threshold(probe, "failureThreshold", 3);
	if ((action = json_object_get(probe, "httpGet")) != NULL) {
		if (strcmp(json_str_at(action, "HTTP", "scheme", NULL), "HTTP") != 0)
			return err_set(err, ERR_INVALID, 0, "probe: https is not supported here");
		p.how = POD_PROBE_HTTP;
		p.path = json_str_at(action, "/", "path", NULL);
		p.host = json_str_at(action, NULL, "host", NULL);
		p.headers = json_object_get(action, "httpHeaders");
	} else if ((action = json_object_get(probe, "tcpSocket")) != NULL) {
		p.how = POD_PROBE_TCP;
		p.host = json_str_at(action, NULL, "host", NULL);
	} else if ((action = json_object_get(probe, "exec")) != NULL) {
		p.how = POD_PROBE_EXEC;
		p.command = json_object_get(action, "command");
	} else {
		return err_set(err, ERR_INVALID, 0,
		               "probe: only httpGet, tcpSocket and exec are supported here");
	}
	if (p.how != POD_PROBE_EXEC && port_of(container, action, &p.port, err) < 0)
		return -1;
	*ret_probe = p;
	return 0;
}

enum pod_probe_verdict pod_probe_feed(struct pod_probe *p, bool ok)
{
	if (ok) {
		p->failures = 0;
		return ++p->successes == p->success_threshold ? POD_PROBE_SUCCEEDED
		                                              : POD_PROBE_SAME;
	}
	p->successes = 0;
	return ++p->failures == p->failure_threshold ? POD_PROBE_FAILED : POD_PROBE_SAME;
}
