/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/controller/fixture.h"

#include <string.h>

#include "controller/core/supported.h"
#include "lib/kube/client/object.h"

static struct resource *resource_of(const char *template)
{
	struct resource *r = NULL;
	json_t *t = json_loads(template, 0, NULL);
	json_t *object;

	assert_non_null(t);
	object = json_pack("{s:{s:s,s:s,s:s},s:{s:o}}", "metadata", "namespace", "default", "name",
	                   "hello", "uid", "u", "spec", "template", t);
	assert_int_equal(resource_parse(object, &r, NULL), 0);
	json_decref(object);
	return r;
}

#define LONG(pod, main)                                                                            \
	"{\"spec\":{" pod "\"containers\":[{\"name\":\"a\",\"image\":\"a:1\"" main "}]}}"
#define SHORT(main) "{\"container\":{\"image\":\"a:1\"" main "}}"

static const struct {
	const char *template;
	const char *path; /* with its colon; NULL: supported */
} templates[] = {
        {LONG("\"hostPID\":true,", ""), "spec.template.spec.hostPID:"},
        {LONG("\"hostPID\":false,", ""), NULL},
        {LONG("\"shareProcessNamespace\":true,", ""), "spec.template.spec.shareProcessNamespace:"},
        {LONG("\"hostUsers\":false,", ""), "spec.template.spec.hostUsers:"},
        {LONG("\"hostUsers\":true,", ""), NULL},
        {LONG("\"restartPolicy\":\"Never\",", ""), "spec.template.spec.restartPolicy:"},
        {LONG("\"restartPolicy\":\"OnFailure\",", ""), "spec.template.spec.restartPolicy:"},
        {LONG("\"restartPolicy\":\"Always\",", ""), NULL},
        {LONG("\"activeDeadlineSeconds\":9,", ""), "spec.template.spec.activeDeadlineSeconds:"},
        {LONG("\"os\":{\"name\":\"windows\"},", ""), "spec.template.spec.os.name:"},
        {LONG("\"os\":{\"name\":\"linux\"},", ""), NULL},
        {LONG("\"securityContext\":{\"windowsOptions\":{}},", ""),
         "spec.template.spec.securityContext.windowsOptions:"},
        {LONG("\"ephemeralContainers\":[],", ""), NULL},
        {LONG("\"ephemeralContainers\":[{}],", ""), "spec.template.spec.ephemeralContainers:"},
        {LONG("", ",\"restartPolicy\":\"Never\""),
         "spec.template.spec.containers[0].restartPolicy:"},
        {LONG("", ",\"restartPolicyRules\":[{\"action\":\"Restart\"}]"),
         "spec.template.spec.containers[0].restartPolicyRules:"},
        {SHORT(",\"lifecycle\":{\"preStop\":{\"exec\":{\"command\":[\"a\"]}},"
               "\"postStart\":{\"exec\":{\"command\":[\"a\"]}}}"),
         NULL},
        {SHORT(",\"securityContext\":{\"procMount\":\"Unmasked\"}"),
         "spec.template.container.securityContext.procMount:"},
        {SHORT(",\"securityContext\":{\"procMount\":\"Default\",\"privileged\":true}"), NULL},
        {SHORT(",\"volumeDevices\":[{\"name\":\"d\",\"devicePath\":\"/dev/xvda\"},"
               "{\"name\":\"e\",\"devicePath\":\"/data\"}]"),
         "spec.template.container.volumeDevices[1].devicePath:"},
        {SHORT(",\"volumeDevices\":[{\"name\":\"d\",\"devicePath\":\"/dev/../data\"}]"),
         "spec.template.container.volumeDevices[0].devicePath:"},
        /* the node is the API server's to guard */
        {LONG("\"hostIPC\":true,\"hostNetwork\":true,\"volumes\":[{\"name\":\"v\","
              "\"hostPath\":{\"path\":"
              "\"/\"}}],",
              ",\"securityContext\":{\"privileged\":true,\"capabilities\":{\"add\":["
              "\"SYS_ADMIN\"]}}"),
         NULL},
        /* a sidecar may do as it likes */
        {"{\"spec\":{\"initContainers\":[{\"name\":\"s\",\"image\":\"s:1\","
         "\"restartPolicy\":\"Always\"}],\"containers\":[{\"name\":\"a\",\"image\":"
         "\"a:1\"},{\"name\":\"b\",\"image\":\"b:1\",\"restartPolicy\":\"Never\"}]}}",
         NULL},
};

static void test_supported_names_the_field_that_cannot_be_honoured(void **state)
{
	char text[SUPPORTED_TEXT_BYTES];

	for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++) {
		struct resource *r = resource_of(templates[i].template);

		text[0] = '\0';
		assert_int_equal(supported_check(r, text), templates[i].path == NULL);
		if (templates[i].path != NULL &&
		    strncmp(text, templates[i].path, strlen(templates[i].path)) != 0)
			fail_msg("\"%s\" does not begin with \"%s\"", text, templates[i].path);
		resource_free(r);
	}
}

static void test_supported_nothing_is_made_of_what_is_not(void **state)
{
	struct fixture *f = *state;
	const char *list[] = {"10.0.0.1:8000", NULL};

	assert_int_equal(service_target_parse(list, &f->config.target, NULL), 0);
	fixture_container(f, "{\"running\":true,\"template\":{\"container\":{\"securityContext\":"
	                     "{\"procMount\":\"Unmasked\"}}}}");
	settle(f, "new");
	assert_int_equal(f->pods_count, 0);
	assert_string_equal(phase(f), "Failed");
	expect_condition(f, "Ready", "False", "TemplateNotSupported",
	                 "spec.template.container.securityContext.procMount: it needs");
	expect_condition(f, "Activatable", "False", "TemplateNotSupported", "procMount");
	/* the activator reads it there, and answers what it holds */
	assert_string_equal(instance_phase(f), "Failed");
	assert_non_null(strstr(json_str_at(f->instance, "", "status", "message", NULL),
	                       "TemplateNotSupported: spec.template.container.securityContext"));
	assert_non_null(strstr(f->trace, "!TemplateNotSupported"));

	spec(f, "{\"template\":{\"container\":{\"securityContext\":null}}}");
	settle(f, "corrected");
	assert_non_null(pod(f, "hello-provider"));
	expect_condition(f, "Activatable", "True", "Routed", "");
}

static void test_supported_what_runs_goes_on_under_a_template_that_is_not(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	spec(f, "{\"template\":{\"container\":{\"restartPolicy\":\"Never\"}}}");
	settle(f, "unsupported");
	assert_string_equal(phase(f), "Running");
	expect_condition(f, "TemplateChanged", "True", "AppliedAtNextStart", "stop and start");
	set_running(f, false);
	settle(f, "stop");
	pod_gone(f, "hello");
	set_running(f, true);
	settle(f, "wake");
	assert_null(pod(f, "hello"));
	assert_string_equal(phase(f), "Failed");
	expect_condition(f, "Ready", "False", "TemplateNotSupported", "restartPolicy");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

static void test_supported_hook_that_waits_wants_a_wrapper(void **state)
{
	json_t *object = json_loads(
	        "{\"metadata\":{\"namespace\":\"d\",\"name\":\"n\",\"uid\":\"u\"},\"spec\":{"
	        "\"processOne\":\"Application\",\"template\":{\"container\":{\"image\":\"a\","
	        "\"lifecycle\":{\"postStart\":{\"exec\":{\"command\":[\"a\"]}}}}}}}",
	        0, NULL);
	char text[SUPPORTED_TEXT_BYTES];
	struct resource *r = NULL;

	(void)state;
	assert_int_equal(resource_parse(object, &r, NULL), 0);
	assert_false(supported_check(r, text));
	assert_non_null(strstr(text, "spec.template.container.lifecycle.postStart.exec: "));
	resource_free(r);
	json_object_set_new(json_object_get(object, "spec"), "processOne", json_string("Wrapper"));
	assert_int_equal(resource_parse(object, &r, NULL), 0);
	assert_true(supported_check(r, text));
	resource_free(r);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_supported_names_the_field_that_cannot_be_honoured),
	        cmocka_unit_test(test_supported_hook_that_waits_wants_a_wrapper),
	        T(test_supported_nothing_is_made_of_what_is_not),
	        T(test_supported_what_runs_goes_on_under_a_template_that_is_not),
	};

	return cmocka_run_group_tests_name("controller-supported", tests, NULL, NULL);
}
