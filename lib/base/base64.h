/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64 - RFC 4648, section 4: with padding, without line ends, as in Kubernetes' objects
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** base64_text_bytes() - what @bytes become, with the '\0' */
size_t base64_text_bytes(size_t bytes);
/** base64_encode() - @text: of base64_text_bytes(@bytes) */
void base64_encode(const void *data, size_t bytes, char *text);

/** base64_data_bytes() - what @text becomes at most, with a '\0' behind it */
size_t base64_data_bytes(const char *text);
/**
 * base64_decode() - @data: of base64_data_bytes(@text); a '\0' is put behind the bytes
 * Return: false: it is none
 */
bool base64_decode(const char *text, char *data, size_t *ret_bytes);
