/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gone - whether an activator that left its Service's endpoints has surely ended
 */
#pragma once

#include <jansson.h>

/**
 * gone_pod() - @pod: what the API server has under its Pod's name
 * @uid, @address: of the activator. Return: why it is gone, static; NULL when it may live
 */
const char *gone_pod(const json_t *pod, const char *uid, const char *address);
