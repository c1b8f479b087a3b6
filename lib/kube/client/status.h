/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - makes a struct err of a failed answer (metav1.Status)
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "lib/base/err.h"

/**
 * kube_status_err() - the Status' reason decides, else the HTTP status
 * @status: the answer's body, or NULL when it is no JSON
 * @ret_retry_after_ms: details.retryAfterSeconds, else left as it is
 */
void kube_status_err(int http_status, const json_t *status, uint64_t *ret_retry_after_ms,
                     struct err *ret_err);
