/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/core/kept.h"
#include "lib/api/resource.h"
#include "lib/kube/client/object.h"

#define METADATA                                                                                   \
	"\"metadata\":{\"namespace\":\"d\",\"name\":\"n\",\"uid\":\"u\",\"generation\":3,"         \
	"\"labels\":{\"a\":\"b\"}},\"status\":{\"phase\":\"Stopped\"},"
#define CONTAINER                                                                                  \
	"{\"image\":\"i\",\"env\":[{\"name\":\"E\",\"value\":\"v\"}],\"ports\":["                  \
	"{\"name\":\"u\",\"containerPort\":53,\"protocol\":\"UDP\"},"                              \
	"{\"name\":\"web\",\"containerPort\":81}]}"

/* Of what claims hosts, all that is read; the last of each is wrong. */
static const char *const containers[] = {
        "{" METADATA "\"spec\":{\"running\":true,\"template\":{\"container\":" CONTAINER "},"
        "\"activation\":{\"hosts\":[\"a.example.com\",\"*.B.example.com\"]}}}",
        "{" METADATA "\"spec\":{\"template\":{\"spec\":{\"containers\":[" CONTAINER "]}},"
        "\"activation\":{\"port\":\"web\",\"serviceName\":\"s\"},\"provider\":{\"x\":1}}}",
        "{" METADATA "\"spec\":{\"template\":{\"container\":" CONTAINER "},"
        "\"activation\":{\"enabled\":false},\"idle\":{\"timeout\":\"1m\"}}}",
        "{" METADATA "\"spec\":{\"template\":{\"container\":" CONTAINER ",\"spec\":{}}}}",
        "{" METADATA "\"spec\":{\"template\":{\"container\":{\"env\":[]}}}}",
        "{" METADATA "\"spec\":{\"template\":{\"container\":" CONTAINER "},"
        "\"activation\":{\"port\":\"u\"}}}",
        "{" METADATA "\"spec\":{\"template\":{\"container\":" CONTAINER "}},\"status\":{"
        "\"conditions\":[],\"activation\":{\"wakes\":1,\"hosts\":[\"a.test\"]}}}",
};

static json_t *skimmed(const struct skim *of, const char *text)
{
	char *part = malloc(strlen(text));
	size_t bytes = skim_object(of, text, strlen(text), part);
	json_t *object = json_loadb(part, bytes, 0, NULL);

	assert_non_null(object);
	free(part);
	return object;
}

static void expect_same(const struct resource *have, const struct resource *want)
{
	size_t i = 0;

	assert_string_equal(have->ns, want->ns);
	assert_string_equal(have->name, want->name);
	assert_string_equal(have->uid, want->uid);
	assert_int_equal(have->activation.enabled, want->activation.enabled);
	assert_int_equal(have->activation.port, want->activation.port);
	assert_string_equal(have->activation.service_name, want->activation.service_name);
	for (; want->activation.hosts[i] != NULL; i++)
		assert_string_equal(have->activation.hosts[i], want->activation.hosts[i]);
	assert_null(have->activation.hosts[i]);
}

static void expect_same_hosts(const json_t *have, const json_t *want)
{
	assert_true(have == want || json_equal(have, want));
}

static void test_kept_shows_what_a_container_claims(void **state)
{
	for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++) {
		json_t *whole = json_loads(containers[i], 0, NULL);
		json_t *shown = skimmed(kept_shown_of(PLAN_ON_CONTAINER), containers[i]);
		struct resource *want = NULL, *have = NULL;
		struct err why_not = {0}, err = {0};

		assert_int_equal(resource_parse(shown, &have, &err),
		                 resource_parse(whole, &want, &why_not));
		assert_string_equal(err.text, why_not.text);
		if (want != NULL)
			expect_same(have, want);
		expect_same_hosts(json_at(shown, "status", "activation", "hosts", NULL),
		                  json_at(whole, "status", "activation", "hosts", NULL));
		assert_null(json_at(shown, "status", "conditions", NULL));
		resource_free(have);
		resource_free(want);
		json_decref(shown);
		json_decref(whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_kept_shows_what_a_container_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
