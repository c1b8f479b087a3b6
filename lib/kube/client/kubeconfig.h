/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig - where the API server is and who we are
 *
 * A kubeconfig file (clusters, users, contexts; token, tokenFile, client certificate and CA as
 * files or data, exec credential programs) or the in-cluster service account. A credential program
 * is run once, here, and blocks: what it gave is not asked for again when it expires.
 */
#pragma once

#include "lib/base/err.h"
#include "lib/http/client.h"

struct kubeconfig;

/**
 * kubeconfig_load() - @path NULL: $KUBECONFIG (with colons: a list), else in-cluster, else
 * ~/.kube/config
 * @context: NULL: the file's current-context
 */
int kubeconfig_load(const char *path, const char *context, struct kubeconfig **ret_conf,
                    struct err *err);
/**
 * kubeconfig_load_account() - the service account that a kubelet mounted in @dir
 * The API server is where KUBERNETES_SERVICE_HOST and _PORT say. Return: 0; 1 when there is none;
 * negative with err set.
 */
int kubeconfig_load_account(const char *dir, struct kubeconfig **ret_conf, struct err *err);
void kubeconfig_free(struct kubeconfig *conf);

/** kubeconfig_http_opts() - borrowed from @conf */
const struct http_client_opts *kubeconfig_http_opts(const struct kubeconfig *conf);

/** kubeconfig_namespace() - the context's or the service account's namespace, "default" if none */
const char *kubeconfig_namespace(const struct kubeconfig *conf);
