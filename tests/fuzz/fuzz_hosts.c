/* SPDX-License-Identifier: Apache-2.0 */
/* Lines: the first is a Host field, the others are spec.activation.hosts of two resources in turn.
 */
#include "lib/api/resource.h"
#include "tests/fuzz/fuzz.h"

/* Return: whether the resource could be used */
static bool claim(struct host_claims *claims, const char *uid, json_t *hosts)
{
	json_t *object =
	        json_pack("{s{ss ss ss ss}s{s{s{ss}}s{sO}}}", "metadata", "namespace", "ns", "name",
	                  uid, "uid", uid, "creationTimestamp", "2026-01-01T00:00:00Z", "spec",
	                  "template", "container", "image", "i", "activation", "hosts", hosts);
	struct resource *r = NULL;
	bool usable;
	struct err err;

	FUZZ_CHECK(object != NULL);
	usable = resource_parse(object, &r, &err) == 0;
	if (usable) {
		FUZZ_CHECK(host_claims_set(claims, r, &err) == 0);
		resource_free(r);
	}
	json_decref(object);
	return usable;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const char *const domains[] = {"localhost", "example.test", NULL};
	struct host_claims *claims = host_claims_new(domains, NULL);
	char *text = fuzz_text(data, bytes);
	json_t *hosts[2] = {json_array(), json_array()};
	char *rest = text;
	char *host = strsep(&rest, "\n");
	const char *owner;
	char *line;

	FUZZ_CHECK(claims != NULL);
	for (unsigned i = 0; (line = strsep(&rest, "\n")); i++)
		(void)json_array_append_new(hosts[i % 2], json_string(line));
	if (claim(claims, "a", hosts[0])) {
		(void)claim(claims, "b", hosts[1]);
		(void)host_claims_find(claims, host, true);
		FUZZ_CHECK(strcmp(host_claims_find(claims, "a.ns", false), "a") == 0);
	}
	host_claims_remove(claims, "a");
	owner = host_claims_find(claims, "a.ns.localhost:80", false);
	FUZZ_CHECK(owner == NULL || strcmp(owner, "b") == 0);
	(void)host_claims_find(claims, host, false);
	json_decref(hosts[0]);
	json_decref(hosts[1]);
	host_claims_free(claims);
	free(text);
	return 0;
}
