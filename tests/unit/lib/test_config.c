/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/config/config.h"

struct values {
	const char *listen;
	uint64_t hold_timeout_ms;
	uint64_t pending;
	uint64_t bytes;
	bool strict;
	const char **domains;
};

static struct values values;

static const struct config_option options[] = {
        {"listen", CONFIG_STR, &values.listen, "127.0.0.1:8080", 0, 0, "address"},
        {"hold.timeout", CONFIG_DURATION, &values.hold_timeout_ms, "60s", 1, 3600000, "wait"},
        {"hold.maxPending", CONFIG_U64, &values.pending, "1000", 1, 5000, "requests"},
        {"hold.bytes", CONFIG_SIZE, &values.bytes, "16Mi", 0, 0, "bytes held"},
        {"strict", CONFIG_BOOL, &values.strict, NULL, 0, 0, "refuse more"},
        {"route.domains", CONFIG_LIST, &values.domains, "localhost,test", 0, 0, "suffixes"},
};

static const struct config_program program = {"sc-test", "a test", options,
                                              sizeof options / sizeof options[0], NULL};
static const struct config_program program_operands = {
        "sc-test", "a test", options, sizeof options / sizeof options[0], "COMMAND [ARG…]"};

struct fixture {
	char path[64];
	struct config *config;
	struct err err;
	int operands;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	int fd;

	(void)snprintf(f->path, sizeof f->path, "/tmp/test_config.XXXXXX");
	fd = mkstemp(f->path);
	if (fd < 0)
		return -1;
	(void)close(fd);
	values = (struct values){0};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	config_free(f->config);
	(void)unlink(f->path);
	(void)unsetenv("SC_HOLD_TIMEOUT");
	(void)unsetenv("SC_HOLD_MAX_PENDING");
	(void)unsetenv("SC_ROUTE_DOMAINS");
	(void)unsetenv("SC_CONFIG");
	free(f);
	return 0;
}

static void write_file(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(setenv("SC_CONFIG", f->path, 1), 0);
}

/* The arguments are those after the program's name. */
static int load(struct fixture *f, const struct config_program *p, int argc,
                const char *const *args)
{
	char *argv[16] = {(char *)(uintptr_t) "sc-test"};
	int result;

	assert_true(argc < 15);
	for (int i = 0; i < argc; i++)
		argv[i + 1] = (char *)(uintptr_t)args[i];
	config_free(f->config);
	f->config = NULL;
	result = config_load(p, argc + 1, argv, &f->config, &f->err);
	if (result == 0)
		f->operands = config_operands(f->config);
	return result;
}

static int load0(struct fixture *f)
{
	return load(f, &program, 0, NULL);
}

/* The error names the file and what follows it. */
static void assert_file_error(struct fixture *f, const char *text, const char *want)
{
	char full[512];

	write_file(f, text);
	assert_int_equal(load0(f), -1);
	(void)snprintf(full, sizeof full, "%s:%s", f->path, want);
	if (strncmp(f->err.text, full, strlen(full)) != 0)
		assert_string_equal(f->err.text, full);
}

static void test_config_defaults(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load0(f), 0);
	assert_string_equal(values.listen, "127.0.0.1:8080");
	assert_int_equal(values.hold_timeout_ms, 60000);
	assert_int_equal(values.pending, 1000);
	assert_int_equal(values.bytes, 16 << 20);
	assert_false(values.strict);
	assert_string_equal(values.domains[0], "localhost");
	assert_string_equal(values.domains[1], "test");
	assert_null(values.domains[2]);
	assert_int_equal(f->operands, 1);
}

static void test_config_file_over_default(void **state)
{
	struct fixture *f = *state;

	write_file(f, "listen: '[::1]:0'\nhold:\n  timeout: 5s\n  bytes: 1Ki\nstrict: true\n"
	              "route:\n  domains: [a, b, c]\n");
	assert_int_equal(load0(f), 0);
	assert_string_equal(values.listen, "[::1]:0");
	assert_int_equal(values.hold_timeout_ms, 5000);
	assert_int_equal(values.pending, 1000);
	assert_int_equal(values.bytes, 1024);
	assert_true(values.strict);
	assert_string_equal(values.domains[2], "c");
	assert_null(values.domains[3]);
}

static void test_config_environment_over_file(void **state)
{
	struct fixture *f = *state;

	write_file(f, "hold: {timeout: 5s, maxPending: 7}\nroute: {domains: [a]}\n");
	assert_int_equal(setenv("SC_HOLD_TIMEOUT", "250ms", 1), 0);
	assert_int_equal(setenv("SC_HOLD_MAX_PENDING", "", 1), 0); /* empty: not set */
	assert_int_equal(setenv("SC_ROUTE_DOMAINS", "x,y", 1), 0);
	assert_int_equal(load0(f), 0);
	assert_int_equal(values.hold_timeout_ms, 250);
	assert_int_equal(values.pending, 7);
	assert_string_equal(values.domains[0], "x");
	assert_string_equal(values.domains[1], "y");
	assert_null(values.domains[2]);
}

static void test_config_flag_over_environment(void **state)
{
	struct fixture *f = *state;
	const char *const args[] = {"--hold-timeout",  "2s", "--strict", "--route-domains=p,q",
	                            "--route-domains", "r"};

	write_file(f, "hold: {timeout: 5s}\n");
	assert_int_equal(setenv("SC_HOLD_TIMEOUT", "250ms", 1), 0);
	assert_int_equal(load(f, &program, 6, args), 0);
	assert_int_equal(values.hold_timeout_ms, 2000);
	assert_true(values.strict);
	assert_string_equal(values.domains[0], "p,q"); /* a flag is one item */
	assert_string_equal(values.domains[1], "r");
	assert_null(values.domains[2]);
}

static void test_config_bool_flag_false(void **state)
{
	struct fixture *f = *state;
	const char *const args[] = {"--strict=false"};

	write_file(f, "strict: true\n");
	assert_int_equal(load(f, &program, 1, args), 0);
	assert_false(values.strict);
}

static void test_config_file_errors_name_the_line(void **state)
{
	struct fixture *f = *state;

	assert_file_error(f, "listen: x\nhold:\n  tiemout: 5s\n", "3: hold.tiemout: unknown key");
	assert_file_error(f, "\nnope: 1\n", "2: nope: unknown key");
	assert_file_error(f, "config: other.yaml\n", "1: config: unknown key");
	assert_file_error(f, "hold: 5\n", "1: hold: want a mapping");
	assert_file_error(f, "hold:\n  timeout: [1]\n", "2: hold.timeout: want a single value");
	assert_file_error(f, "hold:\n  timeout: 5 years\n",
	                  "2: hold.timeout: \"5 years\": want a "
	                  "duration");
	assert_file_error(f, "hold: {maxPending: 5001}\n",
	                  "1: hold.maxPending: \"5001\": want a whole number from 1 to 5000");
	assert_file_error(f, "strict: yes\n", "1: strict: \"yes\": want true or false");
	assert_file_error(f, "route: {domains: x}\n", "1: route.domains: want a list");
	assert_file_error(f, "listen: a\nlisten: b\n", "2: listen: is there twice");
	assert_file_error(f, "hold: {bytes: 1}\nhold: {bytes: 2}\n", "2: hold: is there twice");
	assert_file_error(f, "hold.bytes: 1\nhold: {bytes: 2}\n", "2: hold.bytes: is there twice");
	assert_file_error(f, "a/b: 1\n", "1: a/b: unknown key");
	assert_file_error(f, "- a\n", "1: file: want a mapping");
	assert_file_error(f, "listen: a\n---\nlisten: b\n", "3: want one document");
	assert_file_error(f, "listen: 'a\n", "");
}

static void test_config_empty_file_and_null_values(void **state)
{
	struct fixture *f = *state;

	write_file(f, "");
	assert_int_equal(load0(f), 0);
	write_file(f, "# nothing\n");
	assert_int_equal(load0(f), 0);
	write_file(f, "hold:\nlisten: ~\n");
	assert_int_equal(load0(f), 0);
	assert_string_equal(values.listen, "127.0.0.1:8080");
}

static void test_config_overridden_value_is_still_checked(void **state)
{
	struct fixture *f = *state;
	const char *const args[] = {"--hold-timeout=2s"};

	write_file(f, "hold: {timeout: soon}\n");
	assert_int_equal(load(f, &program, 1, args), -1);
}

static void test_config_flag_errors(void **state)
{
	static const struct {
		const char *arg;
		const char *want;
	} rows[] = {
	        {"--nope", "unknown option --nope (see --help)"},
	        {"--listen", "option --listen: want a value"},
	        {"-x", "unknown option -x (see --help)"},
	        {"--strict=1", "option --strict: \"1\": want true or false"},
	        {"--log-level=loud",
	         "option --log-level: \"loud\": want debug, info, warn or error"},
	        {"--log-format=xml", "option --log-format: \"xml\": want logfmt or json"},
	        {"stray", "unexpected argument \"stray\" (see --help)"},
	        {"--hold-timeout=0s", "option --hold-timeout: \"0s\": want at least 1 ms"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(load(f, &program, 1, &rows[i].arg), -1);
		assert_string_equal(f->err.text, rows[i].want);
	}
}

static void test_config_environment_error_names_the_variable(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(setenv("SC_HOLD_TIMEOUT", "x", 1), 0);
	assert_int_equal(load0(f), -1);
	assert_true(strncmp(f->err.text, "environment variable SC_HOLD_TIMEOUT: ", 38) == 0);
}

static void test_config_missing_file(void **state)
{
	struct fixture *f = *state;
	const char *const args[] = {"--config", "/tmp/there-is-no-such-file.yaml"};

	assert_int_equal(load(f, &program, 2, args), -1);
	assert_int_equal(f->err.code, ERR_SYS);
}

static void test_config_operands_end_the_flags(void **state)
{
	const char *const args[] = {"--strict", "run", "--listen=other"};
	const char *const dashes[] = {"--", "--strict"};
	struct fixture *f = *state;

	assert_int_equal(load(f, &program_operands, 3, args), 0);
	assert_int_equal(f->operands, 2);
	assert_string_equal(values.listen, "127.0.0.1:8080");
	assert_int_equal(load(f, &program_operands, 2, dashes), 0);
	assert_int_equal(f->operands, 2);
	assert_false(values.strict);
	assert_int_equal(load(f, &program_operands, 0, NULL), 0);
	assert_int_equal(f->operands, 1);
}

/* Runs config_load with stdout in the fixture's file, and reads that. */
static void capture(struct fixture *f, const char *arg, char *buf, size_t size)
{
	int saved;
	FILE *file;
	size_t n;

	(void)fflush(stdout);
	saved = dup(STDOUT_FILENO);
	assert_non_null(freopen(f->path, "w", stdout));
	f->operands = load(f, &program_operands, 1, &arg);
	(void)fflush(stdout);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	assert_int_equal(f->operands, 1); /* "end with 0" */
	file = fopen(f->path, "r");
	assert_non_null(file);
	n = fread(buf, 1, size - 1, file);
	buf[n] = '\0';
	(void)fclose(file);
}

static void test_config_help_and_version(void **state)
{
	struct fixture *f = *state;
	char buf[8192];

	capture(f, "--help", buf, sizeof buf);
	assert_non_null(strstr(buf, "Usage: sc-test [OPTION…] COMMAND [ARG…]\n"));
	assert_non_null(strstr(buf, "\nhold:\n"));
	assert_non_null(strstr(buf, "  --hold-max-pending NUMBER\n      requests (default 1000) "
	                            "[SC_HOLD_MAX_PENDING]\n"));
	assert_non_null(strstr(buf, "--log-level TEXT"));
	assert_non_null(strstr(buf, "[SC_CONFIG]"));
	capture(f, "--version", buf, sizeof buf);
	assert_string_equal(buf, "sc-test " SC_VERSION "\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_config_defaults),
	        TEST(test_config_file_over_default),
	        TEST(test_config_environment_over_file),
	        TEST(test_config_flag_over_environment),
	        TEST(test_config_bool_flag_false),
	        TEST(test_config_file_errors_name_the_line),
	        TEST(test_config_empty_file_and_null_values),
	        TEST(test_config_overridden_value_is_still_checked),
	        TEST(test_config_flag_errors),
	        TEST(test_config_environment_error_names_the_variable),
	        TEST(test_config_missing_file),
	        TEST(test_config_operands_end_the_flags),
	        TEST(test_config_help_and_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
