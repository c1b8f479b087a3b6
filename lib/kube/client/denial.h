/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denial - whether the same call can succeed later although the API server answered 403
 */
#pragma once

#include <stdbool.h>

/**
 * denial_may_pass() - @text: the server's message
 * Return: whether it says nothing of what is asked for: the authorizer denies it to us, or
 * admission is not ready. An API server that has just started says both, until it has read roles
 * and policies.
 */
bool denial_may_pass(int http_status, const char *text);
