/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/resource.h"

struct fixture {
	struct resource *r;
	struct err err;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	resource_free(f->r);
	free(f);
	return 0;
}

/* @spec: JSON text of the spec, with ' for ". */
static int parse(struct fixture *f, const char *spec)
{
	char text[2048];
	json_t *object;
	int r;

	(void)snprintf(text, sizeof text,
	               "{'metadata':{'namespace':'ns','name':'hello','uid':'u1','generation':3},"
	               "'spec':%s}",
	               spec);
	for (char *c = text; *c != '\0'; c++) {
		if (*c == '\'')
			*c = '"';
	}
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	resource_free(f->r);
	f->r = NULL;
	r = resource_parse(object, &f->r, &f->err);
	json_decref(object);
	return r;
}

static void test_resource_short_shape_with_defaults(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "{'running':true,'template':{'container':{'image':'i',"
	                          "'ports':[{'containerPort':53,'protocol':'UDP'},"
	                          "{'containerPort':8080},{'containerPort':9090}]}}}"),
	                 0);
	assert_string_equal(f->r->name, "hello");
	assert_int_equal(f->r->generation, 3);
	assert_true(f->r->running);
	assert_false(f->r->deleting);
	assert_null(f->r->pod_spec);
	assert_string_equal(f->r->host_path_prefix, "/var/lib/stoppablecontainer");
	assert_true(f->r->activation.enabled);
	assert_int_equal(f->r->activation.port, 8080);
	assert_int_equal(f->r->activation.hold_timeout_ms, 60000);
	assert_int_equal(f->r->activation.pending_requests_max, 1000);
	assert_int_equal(f->r->activation.pending_bytes_max, 16 << 20);
	assert_int_equal(f->r->activation.concurrency_max, 0);
	assert_string_equal(f->r->activation.service_name, "hello");
	assert_string_equal(f->r->activation.upgrades, "websocket");
	assert_null(f->r->activation.hosts[0]);
	assert_false(f->r->idle.timeout_set);
	assert_int_equal(f->r->idle.startup_grace_ms, 30000);
	assert_false(f->r->idle.startup_grace_set);
	assert_true(f->r->idle.signal_http);
}

static void test_resource_long_shape_with_values(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	        parse(f, "{'template':{'spec':{'containers':[{'image':'i','ports':[{'containerPort'"
	                 ":1},"
	                 "{'containerPort':8443,'name':'web'}]},{'image':'side'}]}},"
	                 "'hostPathPrefix':'/x',"
	                 "'activation':{'port':'web','hosts':['Shop.Example.COM','*.Shop.test'],"
	                 "'holdTimeout':'5s','maxPendingRequests':2,'maxPendingBytes':'1Ki',"
	                 "'maxConcurrency':3,'serviceName':'svc',"
	                 "'upgrades':['WebSocket','spice/1.0']},"
	                 "'idle':{'timeout':'0s','startupGrace':'1s','signals':{'http':false}}}"),
	        0);
	assert_false(f->r->running);
	assert_non_null(f->r->pod_spec);
	assert_string_equal(f->r->host_path_prefix, "/x");
	assert_int_equal(f->r->activation.port, 8443);
	assert_string_equal(f->r->activation.hosts[0], "shop.example.com");
	assert_string_equal(f->r->activation.hosts[1], "*.shop.test");
	assert_null(f->r->activation.hosts[2]);
	assert_int_equal(f->r->activation.hold_timeout_ms, 5000);
	assert_int_equal(f->r->activation.pending_requests_max, 2);
	assert_int_equal(f->r->activation.pending_bytes_max, 1024);
	assert_int_equal(f->r->activation.concurrency_max, 3);
	assert_string_equal(f->r->activation.service_name, "svc");
	assert_string_equal(f->r->activation.upgrades, "websocket,spice/1.0");
	assert_true(f->r->idle.timeout_set);
	assert_int_equal(f->r->idle.timeout_ms, 0);
	assert_true(f->r->idle.startup_grace_set);
	assert_false(f->r->idle.signal_http);
}

static void test_resource_without_a_port_is_not_activated(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "{'template':{'container':{'image':'i'}}}"), 0);
	assert_int_equal(f->r->activation.port, 0);
	assert_false(f->r->activation.enabled);
	assert_int_equal(parse(f, "{'template':{'container':{'image':'i'}},"
	                          "'activation':{'enabled':false,'port':80}}"),
	                 0);
	assert_int_equal(f->r->activation.port, 80);
	assert_false(f->r->activation.enabled);
}

static void test_resource_errors_name_the_field(void **state)
{
	static const struct {
		const char *rest;
		const char *want;
	} rows[] = {
	        {"'activation':{'port':0}", "spec.activation.port: "},
	        {"'activation':{'port':65536}", "spec.activation.port: "},
	        {"'activation':{'port':'web'}", "spec.activation.port: the main container has no"},
	        {"'activation':{'port':true}", "spec.activation.port: "},
	        {"'activation':{'holdTimeout':'soon'}", "spec.activation.holdTimeout: \"soon\""},
	        {"'activation':{'holdTimeout':5}", "spec.activation.holdTimeout: "},
	        {"'activation':{'maxPendingRequests':-1}", "spec.activation.maxPendingRequests: "},
	        {"'activation':{'maxPendingBytes':'x'}", "spec.activation.maxPendingBytes: "},
	        {"'activation':{'hosts':'a'}", "spec.activation.hosts: "},
	        {"'activation':{'hosts':['ok','a..b']}", "spec.activation.hosts[1]: "},
	        {"'activation':{'hosts':['-a']}", "spec.activation.hosts[0]: "},
	        {"'activation':{'hosts':['a-.b']}", "spec.activation.hosts[0]: "},
	        {"'activation':{'hosts':['a:80']}", "spec.activation.hosts[0]: "},
	        {"'activation':{'hosts':['a.*.b']}", "spec.activation.hosts[0]: "},
	        {"'activation':{'hosts':['*.']}", "spec.activation.hosts[0]: "},
	        {"'activation':{'hosts':['']}", "spec.activation.hosts[0]: "},
	        {"'activation':{'upgrades':'websocket'}", "spec.activation.upgrades: "},
	        {"'activation':{'upgrades':['ok','a b']}", "spec.activation.upgrades[1]: "},
	        {"'activation':{'upgrades':['a,b']}", "spec.activation.upgrades[0]: "},
	        {"'activation':{'upgrades':['']}", "spec.activation.upgrades[0]: "},
	        {"'activation':{'upgrades':['a/']}", "spec.activation.upgrades[0]: "},
	        {"'activation':{'upgrades':['a/1/2']}", "spec.activation.upgrades[0]: "},
	        {"'activation':{'upgrades':['H2C']}",
	         "spec.activation.upgrades[0]: \"h2c\" is never passed on"},
	        {"'activation':{'upgrades':['TLS/1.2']}",
	         "spec.activation.upgrades[0]: \"tls/1.2\" is never"},
	        {"'activation':{'upgrades':['a','a','a','a','a','a','a','a','a']}",
	         "spec.activation.upgrades: "},
	        {"'idle':{'timeout':'-5s'}", "spec.idle.timeout: "},
	};
	struct fixture *f = *state;
	char spec[512];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		(void)snprintf(spec, sizeof spec, "{'template':{'container':{'image':'i'}},%s}",
		               rows[i].rest);
		assert_int_equal(parse(f, spec), -1);
		if (strncmp(f->err.text, rows[i].want, strlen(rows[i].want)) != 0)
			assert_string_equal(f->err.text, rows[i].want);
	}
	assert_int_equal(parse(f, "{}"), -1);
	assert_int_equal(parse(f, "{'template':{}}"), -1);
	assert_int_equal(parse(f, "{'template':{'container':{}}}"), -1);
	assert_int_equal(parse(f, "{'template':{'container':{'image':'i'},'spec':{}}}"), -1);
	assert_int_equal(parse(f, "{'template':{'spec':{'containers':[]}}}"), -1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_resource_short_shape_with_defaults),
	        TEST(test_resource_long_shape_with_values),
	        TEST(test_resource_without_a_port_is_not_activated),
	        TEST(test_resource_errors_name_the_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
