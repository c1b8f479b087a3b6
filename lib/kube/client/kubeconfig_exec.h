/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig exec - credentials from a program that the kubeconfig names
 *
 * The contract is client.authentication.k8s.io/v1 (v1beta1 is spoken too): the program gets an
 * ExecCredential in KUBERNETES_EXEC_INFO and prints one with a token or a client certificate.
 * Blocks until the program ends: for start-up only.
 */
#pragma once

#include <jansson.h>

#include "lib/base/err.h"

struct kubeconfig_exec {
	const json_t *exec;    /* users[].user.exec */
	const char *folder;    /* of the kubeconfig: a command with a slash is relative to it */
	const json_t *cluster; /* clusters[].cluster, given with provideClusterInfo */
};

/**
 * kubeconfig_exec_run() - run it and read what it prints
 * @ret_status: new reference: ExecCredential's status, with a token or a certificate and its key
 */
int kubeconfig_exec_run(const struct kubeconfig_exec *what, json_t **ret_status, struct err *err);

/** kubeconfig_exec_parse() - the pure part: what it printed. @version: what was asked for */
int kubeconfig_exec_parse(const char *text, const char *version, json_t **ret_status,
                          struct err *err);
