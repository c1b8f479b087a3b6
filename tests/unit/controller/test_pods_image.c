/* SPDX-License-Identifier: Apache-2.0 */
/* What a Pod takes from the image: word for word, and in whose place. */
#include "tests/unit/controller/pods_fixture.h"

static void test_pods_follow_kubernetes_rule_for_command_and_args(void **state)
{
	static const struct {
		const char *spec, *image, *args;
	} cases[] = {
	        {"{}", "{\"entrypoint\":[\"/e\"],\"command\":[\"c\"]}", "[\"/e\",\"c\"]"},
	        {"{\"command\":[\"/u\"]}", "{\"entrypoint\":[\"/e\"],\"command\":[\"c\"]}",
	         "[\"/u\"]"},
	        {"{\"args\":[\"a\"]}", "{\"entrypoint\":[\"/e\"],\"command\":[\"c\"]}",
	         "[\"/e\",\"a\"]"},
	        {"{\"command\":[\"/u\"],\"args\":[\"a\"]}",
	         "{\"entrypoint\":[\"/e\"],\"command\":[\"c\"]}", "[\"/u\",\"a\"]"},
	        {"{\"command\":[],\"args\":[]}", "{\"command\":[\"c\"]}", "[\"c\"]"},
	        {"{\"args\":[\"$(A)\"]}", "{\"entrypoint\":[\"$(X)$(Y)z\"]}",
	         "[\"$$(X)$$(Y)z\",\"$(A)\"]"}, /* only the user's are expanded */
	        {"{\"args\":[\"$$\"]}", "{\"entrypoint\":[\"echo $$ $1 $\"]}",
	         "[\"echo $$$$ $$1 $$\",\"$$\"]"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *spec =
		        json_pack("{s:{s:o}}", "template", "container", parse(cases[i].spec));
		char *text;

		json_object_set_new(json_at(spec, "template", "container", NULL), "image",
		                    json_string("app:1"));
		text = json_dumps(spec, 0);
		consumer(f, text, cases[i].image);
		free(text);
		json_decref(spec);
		expect_json(json_at(main_of(f), "args", NULL), cases[i].args);
		expect_json(json_at(main_of(f), "command", NULL),
		            "[\"/sc-wrapper\",\"run\",\"--\"]");
	}
}

static void test_pods_consumer_environment_is_the_images_word_for_word(void **state)
{
	static const struct {
		const char *spec, *image, *env;
	} cases[] = {
	        {"{\"image\":\"a\"}",
	         "{\"command\":[\"c\"],\"env\":[\"PW=pa$$word$\",\"X=$(PW)\"]}",
	         "[{\"name\":\"PW\",\"value\":\"pa$$$$word$$\"},{\"name\":\"X\",\"value\":\"$$(PW)"
	         "\"}]"},
	        /* its user's home, which the runtime can't look up in the wrapper's image */
	        {"{\"image\":\"a\"}",
	         "{\"command\":[\"c\"],\"env\":[\"A=1\"],\"home\":\"/home/$$\"}",
	         "[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"HOME\",\"value\":\"/home/$$$$\"}]"},
	        {"{\"image\":\"a\"}", "{\"command\":[\"c\"],\"env\":[\"HOME=/i\"],\"home\":\"/h\"}",
	         "[{\"name\":\"HOME\",\"value\":\"/i\"}]"},
	        {"{\"image\":\"a\",\"env\":[{\"name\":\"HOME\",\"value\":\"/u\"}]}",
	         "{\"command\":[\"c\"],\"home\":\"/h\"}", "[{\"name\":\"HOME\",\"value\":\"/u\"}]"},
	        {"{\"image\":\"a\",\"env\":[{\"name\":\"B\",\"value\":\"$(HOME)/b\"}]}",
	         "{\"command\":[\"c\"],\"home\":\"/h\"}",
	         "[{\"name\":\"HOME\",\"value\":\"/h\"},{\"name\":\"B\",\"value\":\"$(HOME)/b\"}]"},
	        /* an agent of an older version does not say it */
	        {"{\"image\":\"a\"}", "{\"command\":[\"c\"]}", "absent"},
	};
	struct fixture *f = *state;
	char spec[256];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)snprintf(spec, sizeof spec, "{\"template\":{\"container\":%s}}",
		               cases[i].spec);
		consumer(f, spec, cases[i].image);
		expect_json(json_at(main_of(f), "env", NULL), cases[i].env);
	}
}

static void test_pods_consumer_whose_process_is_the_first(void **state)
{
	static const char spec[] =
	        "{\"processOne\":\"Application\",\"template\":{\"container\":{\"image\":\"a\"}}}";
	char wrapped[PODS_HASH_BYTES], application[PODS_HASH_BYTES];
	struct fixture *f = *state;

	read_spec(f, "{\"template\":{\"container\":{\"image\":\"a\"}}}", usual_image);
	pods_consumer_hash(f->resource, wrapped);
	/* the runtime itself must know its signal: nobody translates */
	consumer(f, spec, "{\"entrypoint\":[\"/sbin/init\"],\"stopSignal\":\"37\"}");
	expect_json(json_at(main_of(f), "command", NULL),
	            "[\"/sc-wrapper\",\"run\",\"--process-one\",\"--\"]");
	expect_json(json_at(main_of(f), "lifecycle", NULL), "{\"stopSignal\":\"SIGRTMIN+3\"}");
	expect_json(json_at(f->pod, "spec", "os", NULL), "{\"name\":\"linux\"}");
	pods_consumer_hash(f->resource, application);
	assert_string_not_equal(wrapped, application);
	consumer(f, spec, "{\"entrypoint\":[\"/init\"]}");
	expect_json(json_at(main_of(f), "lifecycle", NULL), "absent");
	expect_json(json_at(f->pod, "spec", "os", NULL), "absent");
}

static void test_pods_consumer_keeps_its_hosts_name(void **state)
{
#define LONG(more)                                                                                 \
	"{\"template\":{\"spec\":{" more "\"containers\":[{\"name\":\"a\",\"image\":\"a\"}]}}}"
	static const struct {
		const char *spec, *hostname;
	} cases[] = {
	        /* hello-4 is only what its Pod is called this time */
	        {"{\"template\":{\"container\":{\"image\":\"a\"}}}", "\"hello\""},
	        {LONG(""), "\"hello\""},
	        {LONG("\"hostname\":\"mine\","), "\"mine\""},
	        {LONG("\"hostnameOverride\":\"a.b\","), "absent"},
	        {LONG("\"hostNetwork\":true,"), "absent"},
	        {LONG("\"setHostnameAsFQDN\":true,\"subdomain\":\"s\","), "\"hello\""},
	};
#undef LONG
	struct fixture *f = *state;
	const struct pods_start start = {"my.web-2", 2, ""};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		consumer(f, cases[i].spec, usual_image);
		expect_json(json_at(f->pod, "spec", "hostname", NULL), cases[i].hostname);
	}
	/* the name of a resource need not be one that a host can have */
	read_spec(f, cases[0].spec, usual_image);
	json_object_set_new(json_at(f->container, "metadata", NULL), "name", json_string("my.web"));
	resource_free(f->resource);
	f->resource = NULL;
	assert_int_equal(resource_parse(f->container, &f->resource, &err), 0);
	f->pod = pods_consumer(f->resource, f->instance, &start, &config);
	expect_json(json_at(f->pod, "spec", "hostname", NULL), "absent");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_pods_follow_kubernetes_rule_for_command_and_args),
	        T(test_pods_consumer_environment_is_the_images_word_for_word),
	        T(test_pods_consumer_whose_process_is_the_first),
	        T(test_pods_consumer_keeps_its_hosts_name),
	};

	return cmocka_run_group_tests_name("controller-pods_image", tests, NULL, NULL);
}
