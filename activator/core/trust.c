/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust - a set of addresses and networks, and whether an address is in it
 */
#include "activator/core/trust.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/num.h"

enum { V4_AT = 12, V4_BITS = 32, V6_BITS = 128, TEXT_BYTES = 64 };

/* Loopback, link-local, RFC 1918, RFC 6598 (carriers and some clusters), RFC 4193. */
static const char *const private_ranges[] = {
        "127.0.0.0/8",    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
        "169.254.0.0/16", "::1/128",    "fc00::/7",      "fe80::/10",
};

static bool range_parse(const char *text, struct trust_range *ret)
{
	const char *slash = strchr(text, '/');
	size_t bytes = slash ? (size_t)(slash - text) : strlen(text);
	struct trust_range r = {.bits = V6_BITS};
	char address[TEXT_BYTES];
	uint64_t bits;

	if (bytes >= sizeof address)
		return false;
	memcpy(address, text, bytes);
	address[bytes] = '\0';
	if (inet_pton(AF_INET6, address, r.address) == 1) {
		if (slash && num_parse_u64(slash + 1, 0, V6_BITS, &bits, NULL) < 0)
			return false;
		r.bits = slash ? (unsigned)bits : V6_BITS;
	} else if (inet_pton(AF_INET, address, r.address + V4_AT) == 1) {
		if (slash && num_parse_u64(slash + 1, 0, V4_BITS, &bits, NULL) < 0)
			return false;
		memset(r.address + V4_AT - 2, 0xff, 2);
		r.bits = V6_BITS - V4_BITS + (slash ? (unsigned)bits : V4_BITS);
	} else {
		return false;
	}
	*ret = r;
	return true;
}

static int trust_add(struct trust *t, const char *text, struct err *err)
{
	if (t->ranges_count == TRUST_RANGES_MAX)
		return err_set(err, ERR_INVALID, 0, "more than %d ranges", TRUST_RANGES_MAX);
	if (!range_parse(text, &t->ranges[t->ranges_count]))
		return err_set(
		        err, ERR_PARSE, 0,
		        "\"%s\": want an address, a range such as 10.0.0.0/8, \"private\" or "
		        "\"none\"",
		        text);
	t->ranges_count++;
	return 0;
}

int trust_parse(const char *const *list, struct trust *ret_trust, struct err *err)
{
	struct trust t = {.ranges_count = 0};

	for (; list && *list; list++) {
		bool is_private = strcmp(*list, "private") == 0;

		if (strcmp(*list, "none") == 0)
			continue;
		if (!is_private && trust_add(&t, *list, err) < 0)
			return -1;
		for (size_t i = 0; is_private && i < ARRAY_LEN(private_ranges); i++)
			if (trust_add(&t, private_ranges[i], err) < 0)
				return -1;
	}
	*ret_trust = t;
	return 0;
}

static bool range_has(const struct trust_range *r, const unsigned char *address)
{
	unsigned whole = r->bits / 8;
	unsigned rest = r->bits % 8;

	return memcmp(r->address, address, whole) == 0 &&
	       (rest == 0 || (r->address[whole] ^ address[whole]) >> (8 - rest) == 0);
}

bool trust_has(const struct trust *t, const unsigned char address[TRUST_ADDRESS_BYTES])
{
	for (unsigned i = 0; i < t->ranges_count; i++)
		if (range_has(&t->ranges[i], address))
			return true;
	return false;
}
