/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of a command line: a manifest, kubectl's command line, help, completion. */
#include "tests/unit/cli/unit.h"

#include "cli/core/args.h"
#include "cli/core/completion.h"
#include "cli/core/help.h"
#include "cli/core/kubectl.h"
#include "cli/core/manifest.h"

static const struct kubectl_pod pod = {"shop", "hello-2", "main"};

static void test_manifest_of_all_flags(void **state)
{
	static char *command[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", NULL};
	struct args args = {.operands = {"hello"},
	                    .operands_count = 1,
	                    .image = "i:1",
	                    .running = true,
	                    .env = {{"A=b=c"}, 1},
	                    .ports = {{"8080:http", "9"}, 2},
	                    .workdir = "/srv",
	                    .idle_timeout = "5m",
	                    .command = command};
	struct err err = {0};
	json_t *object = NULL, *want;

	assert_int_equal(manifest_of(&args, "shop", &object, &err), 0);
	want = json_q("{'apiVersion':'stoppablecontainer.xtlsoft.top/v1alpha1','kind':"
	              "'StoppableContainer','metadata':{'name':'hello','namespace':'shop'},'spec':"
	              "{'running':true,'idle':{'timeout':'5m'},'template':{'container':{'image':"
	              "'i:1','command':['sh','-c'],'workingDir':'/srv','env':[{'name':'A','value':"
	              "'b=c'}],'ports':[{'containerPort':8080,'name':'http'},"
	              "{'containerPort':9}]}}}}");
	assert_true(json_equal(object, want));
	json_decref(object);
	json_decref(want);
}

/* The words with spaces between; the command behind them. */
static void expect_words(const struct kubectl *k, const char *want)
{
	char text[1024] = "";
	size_t used = 0;

	for (size_t i = 0; i < k->argc; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "",
		                         k->argv[i]);
	assert_null(k->argv[k->argc]);
	assert_string_equal(text, want);
}

static void test_kubectl_gets_server_user_and_namespace(void **state)
{
	static char *command[] = {(char *)(uintptr_t) "ls", NULL};
	struct args args = {.kubeconfig = "/k",
	                    .context = "c",
	                    .use_stdin = true,
	                    .tty = true,
	                    .command = command};
	struct kubectl k;
	struct err err = {0};

	kubectl_exec(&args, &pod, &k);
	expect_words(&k, "kubectl exec --kubeconfig /k --context c --namespace shop --container "
	                 "main --stdin --tty hello-2 --");
	assert_ptr_equal(k.command, command);
	args = (struct args){.follow = true, .previous = true, .timestamps = true, .tail = "7"};
	assert_int_equal(kubectl_logs(&args, &pod, &k, &err), 0);
	expect_words(&k, "kubectl logs --namespace shop --container main --follow --previous "
	                 "--timestamps --tail 7 hello-2");
	args = (struct args){.tail = "-1"};
	assert_int_equal(kubectl_logs(&args, &pod, &k, &err), 0);
	expect_words(&k, "kubectl logs --namespace shop --container main hello-2");
}

static void test_kubectl_cp_both_ways(void **state)
{
	static const struct {
		const char *src, *dst, *name, *want;
	} rows[] = {
	        {"hello:/a", "b", "hello", "hello-2:/a ./b"},
	        {"./a:b", "hello:c", "hello", "./a:b hello-2:c"},
	        {"/x", "hello:/y:z", "hello", "/x hello-2:/y:z"},
	        {"-n", "hello:/y", "hello", "./-n hello-2:/y"},
	};
	struct args args = {0};
	struct kubectl_cp cp;
	struct kubectl k;
	struct err err = {0};
	char text[200];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(kubectl_cp_parse(rows[i].src, rows[i].dst, &cp, &err), 0);
		assert_int_equal(strlen(rows[i].name), cp.name_bytes);
		assert_memory_equal(cp.name, rows[i].name, cp.name_bytes);
		assert_int_equal(kubectl_cp(&args, &pod, &cp, &k, &err), 0);
		(void)snprintf(text, sizeof text, "kubectl cp --namespace shop --container main %s",
		               rows[i].want);
		expect_words(&k, text);
	}
	assert_int_equal(kubectl_cp_parse("a", "b", &cp, &err), -1);
	assert_int_equal(kubectl_cp_parse("a:b", "c:d", &cp, &err), -1);
	assert_int_equal(kubectl_cp_parse("a:", "b", &cp, &err), -1);
	assert_int_equal(kubectl_cp_parse(":x", "b", &cp, &err), -1);
}

static void test_kubectl_cp_refuses_what_is_cut(void **state)
{
	const struct args args = {0};
	char path[KUBECTL_TEXT_BYTES] = "";
	struct kubectl_cp cp = {.inside = path, .outside = "/x"};
	struct err err = {0};
	struct kubectl k;

	memset(path, '/', KUBECTL_TEXT_BYTES - strlen("hello-2:") - 1);
	assert_int_equal(kubectl_cp(&args, &pod, &cp, &k, &err), 0);
	path[strlen(path)] = '/';
	assert_int_equal(kubectl_cp(&args, &pod, &cp, &k, &err), -1);
	memset(path, 'x', KUBECTL_TEXT_BYTES - 2);
	cp = (struct kubectl_cp){.inside = "/x", .outside = path};
	assert_int_equal(kubectl_cp(&args, &pod, &cp, &k, &err), -1);
	path[KUBECTL_TEXT_BYTES - 3] = '\0';
	assert_int_equal(kubectl_cp(&args, &pod, &cp, &k, &err), 0);
}

static void test_help_of_each_verb_has_examples_of_its_own(void **state)
{
	for (int v = VERB_NONE; v < VERBS_COUNT; v++) {
		char *text = text_of(help_lines((enum verb)v));

		expect_contains(text, "Usage: kubectl sc ");
		expect_contains(text, "  -n, --namespace NAMESPACE ");
		if (v != VERB_NONE) {
			expect_contains(text, verb_info((enum verb)v)->name);
			expect_contains(text, "Examples:\n  ");
		}
		free(text);
	}
}

/* Of two flags of one verb none shadows the other. */
static void test_flags_of_a_verb_have_names_and_letters_of_their_own(void **state)
{
	for (int v = VERB_NONE; v < VERBS_COUNT; v++) {
		const struct flag *f = NULL;

		while ((f = flag_next((enum verb)v, f)) != NULL) {
			assert_ptr_equal(flag_find((enum verb)v, f->name, strlen(f->name)), f);
			if (f->letter != 0)
				assert_ptr_equal(flag_find_letter((enum verb)v, f->letter), f);
			assert_true((f->kind == FLAG_BOOL) == (f->value_name == NULL));
		}
	}
}

static enum completion_want complete(const char *words, char **ret_text, struct completion *c)
{
	static char copy[300];
	char *argv[32], *rest = copy;
	json_t *lines = json_array(), *line;
	size_t i;
	int argc = 0;

	(void)snprintf(copy, sizeof copy, "%s", words);
	while (rest != NULL)
		argv[argc++] = strsep(&rest, " ");
	argv[argc] = NULL;
	completion_find(argc, argv, c, lines);
	/* without the descriptions */
	json_array_foreach(lines, i, line) {
		const char *text = json_string_value(line);

		json_string_setn(line, text, strcspn(text, "\t"));
	}
	*ret_text = text_of(lines);
	return c->want;
}

static void test_completion_of_each_place(void **state)
{
	static const struct {
		const char *words;
		enum completion_want want;
		const char *listed;
	} rows[] = {
	        {"st", COMPLETION_LISTED, "status\nstart\nstop\n"},
	        {"-n shop ev", COMPLETION_LISTED, "events\n"},
	        {"start ", COMPLETION_NAMES, ""},
	        {"start a ", COMPLETION_NAMES, ""},
	        {"status a ", COMPLETION_LISTED, ""},
	        {"create ", COMPLETION_LISTED, ""},
	        {"list -n ", COMPLETION_NAMESPACES, ""},
	        {"list --namespace = sh", COMPLETION_NAMESPACES, ""},
	        {"list --kubeconfig ", COMPLETION_FILES, ""},
	        {"list -o ", COMPLETION_LISTED, "json\nyaml\nwide\nname\n"},
	        {"list -wo n", COMPLETION_LISTED, "name\n"},
	        {"list --output=w", COMPLETION_LISTED, "--output=wide\n"},
	        {"wait a --for R", COMPLETION_LISTED, "Ready\nRunning\n"},
	        {"logs a --t", COMPLETION_LISTED, "--tail\n--timestamps\n"},
	        {"completion z", COMPLETION_LISTED, "zsh\n"},
	        {"exec a -- ", COMPLETION_FILES, ""},
	        {"cp ./", COMPLETION_FILES, ""},
	        {"cp he", COMPLETION_NAMES, ""},
	        {"nonsense ", COMPLETION_LISTED, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct completion c;
		char *text;

		if (complete(rows[i].words, &text, &c) != rows[i].want)
			fail_msg("%s: %d", rows[i].words, (int)c.want);
		if (rows[i].listed != NULL && strcmp(text, rows[i].listed) != 0)
			fail_msg("%s: %s", rows[i].words, text);
		free(text);
	}
}

static void test_completion_of_cp_goes_on_to_a_path(void **state)
{
	struct completion c;
	char *text;

	(void)complete("cp he", &text, &c);
	free(text);
	assert_string_equal(c.suffix, ":");
	assert_true(completion_fits(&c, "hello"));
	assert_false(completion_fits(&c, "shop"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_manifest_of_all_flags),
	        cmocka_unit_test(test_kubectl_gets_server_user_and_namespace),
	        cmocka_unit_test(test_kubectl_cp_both_ways),
	        cmocka_unit_test(test_kubectl_cp_refuses_what_is_cut),
	        cmocka_unit_test(test_help_of_each_verb_has_examples_of_its_own),
	        cmocka_unit_test(test_flags_of_a_verb_have_names_and_letters_of_their_own),
	        cmocka_unit_test(test_completion_of_each_place),
	        cmocka_unit_test(test_completion_of_cp_goes_on_to_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
