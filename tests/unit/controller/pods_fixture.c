/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/controller/pods_fixture.h"

const char usual_image[] =
        "{\"entrypoint\":[\"/entry\"],\"command\":[\"serve\"],\"env\":[\"PATH=/bin\",\"A=image\"],"
        "\"workingDir\":\"/srv\",\"uid\":1000,\"gid\":100}";

const struct pods_config config = {"wrapper:1", "IfNotPresent"};

int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return 0;
}

void clear(struct fixture *f)
{
	resource_free(f->resource);
	json_decref(f->container);
	json_decref(f->instance);
	json_decref(f->pod);
	*f = (struct fixture){0};
}

int teardown(void **state)
{
	clear(*state);
	free(*state);
	return 0;
}

json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

	if (value == NULL)
		fail_msg("%s: %s", error.text, text);
	return value;
}

void read_spec(struct fixture *f, const char *spec_json, const char *image_json)
{
	struct err err = {0};

	clear(f);
	f->container = json_pack("{s:{s:s,s:s,s:s},s:o}", "metadata", "name", "hello", "namespace",
	                         "default", "uid", "u1", "spec", parse(spec_json));
	f->instance = json_pack("{s:{s:s,s:s},s:{s:o}}", "metadata", "name", "hello", "uid", "u2",
	                        "status", "image", parse(image_json));
	if (resource_parse(f->container, &f->resource, &err) < 0)
		fail_msg("%s", err.text);
}

void consumer(struct fixture *f, const char *spec_json, const char *image_json)
{
	const struct pods_start start = {"hello-4", 4, "node-a"};

	read_spec(f, spec_json, image_json);
	f->pod = pods_consumer(f->resource, f->instance, &start, &config);
}

void provider(struct fixture *f, const char *spec_json, const char *node)
{
	read_spec(f, spec_json, usual_image);
	f->pod = pods_provider(f->resource, f->instance, node, &config);
}

void expect_json(const json_t *value, const char *want)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	char got[2048];

	(void)snprintf(got, sizeof got, "%s", text != NULL ? text : "absent");
	free(text);
	assert_string_equal(got, want);
}

const json_t *main_of(struct fixture *f)
{
	return json_array_get(json_at(f->pod, "spec", "containers", NULL), 0);
}
