/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denial - which 403 of the API server is a judgement, and which one may pass by itself
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
