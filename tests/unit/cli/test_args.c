/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cli/unit.h"

#include "cli/core/args.h"
#include "cli/core/check.h"

enum { WORDS_MAX = 32 };

struct line {
	char text[512];
	char *argv[WORDS_MAX];
	int argc;
};

/* Words that are parted by one space. */
static struct line *line_of(const char *text)
{
	static struct line l;
	char *rest = l.text;

	(void)snprintf(l.text, sizeof l.text, "kubectl-sc %s", text);
	l.argc = 0;
	while (rest != NULL && *rest != '\0')
		l.argv[l.argc++] = strsep(&rest, " ");
	l.argv[l.argc] = NULL;
	return &l;
}

static struct args parse(const char *text)
{
	struct line *l = line_of(text);
	static struct args args;
	struct err err = {0};

	if (args_parse(l->argc, l->argv, &args, &err) < 0 ||
	    (!args.help && args_check(&args, &err) < 0))
		fail_msg("%s: %s", text, err.text);
	return args;
}

static void expect_error(const char *text, const char *want)
{
	struct line *l = line_of(text);
	static struct args args;
	struct err err = {0};

	if (args_parse(l->argc, l->argv, &args, &err) == 0 && args_check(&args, &err) == 0)
		fail_msg("%s: no error", text);
	expect_contains(err.text, want);
}

static void test_args_globals_go_before_and_behind_the_verb(void **state)
{
	struct args a = parse("-n shop --context=c list -A --kubeconfig /k --request-timeout=3s "
	                      "-v 6");

	assert_int_equal(a.verb, VERB_LIST);
	assert_string_equal(a.ns, "shop");
	assert_string_equal(a.context, "c");
	assert_string_equal(a.kubeconfig, "/k");
	assert_int_equal(a.request_timeout_ms, 3000);
	assert_int_equal(a.verbosity, 6);
	assert_true(a.all_namespaces);
}

static void test_args_aliases_mean_their_verb(void **state)
{
	assert_int_equal(parse("ls").verb, VERB_LIST);
	assert_int_equal(parse("get -w").verb, VERB_LIST);
	assert_int_equal(parse("rm x").verb, VERB_DELETE);
	assert_int_equal(parse("remove x").verb, VERB_DELETE);
}

static void test_args_one_letter_means_what_its_verb_says(void **state)
{
	struct args a = parse("create x --image i -w /srv -p 80:http -p 81 -e A=1 -e B=2=3");

	assert_string_equal(a.workdir, "/srv");
	assert_int_equal(a.ports.count, 2);
	assert_string_equal(a.ports.items[0], "80:http");
	assert_int_equal(a.env.count, 2);
	assert_string_equal(a.env.items[1], "B=2=3");
	a = parse("start x -w");
	assert_true(a.wait);
	assert_false(a.watch);
	assert_true(parse("list -w").watch);
	assert_true(parse("logs x -p").previous);
	assert_true(parse("logs x -fp --tail 5").follow);
}

static void test_args_letters_go_together(void **state)
{
	struct args a = parse("exec x -it -csh -- sh -c true");

	assert_true(a.use_stdin);
	assert_true(a.tty);
	assert_string_equal(a.container, "sh");
	assert_string_equal(a.command[0], "sh");
	assert_string_equal(a.command[2], "true");
	assert_null(a.command[3]);
	assert_string_equal(parse("list -nshop").ns, "shop");
	assert_string_equal(parse("list -n=shop").ns, "shop");
}

static void test_args_defaults_are_the_verbs_own(void **state)
{
	assert_true(parse("create x --image=i").running);
	assert_false(parse("create x --image=i --running=false").running);
	assert_int_equal(parse("start x").timeout_ms, 120000);
	assert_int_equal(parse("stop x").timeout_ms, 30000);
	assert_int_equal(parse("wait x").timeout_ms, 30000);
	assert_string_equal(parse("wait x").goal, "Ready");
	assert_true(parse("delete x").wait);
	assert_false(parse("delete x --wait=false").wait);
}

static void test_args_help_needs_no_operands(void **state)
{
	assert_true(parse("--help").help);
	assert_int_equal(parse("create --help").verb, VERB_CREATE);
	assert_true(parse("help exec").help);
	assert_int_equal(parse("help exec").verb, VERB_EXEC);
}

static void test_args_errors_say_what_to_do(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
	        {"", "no verb; \"kubectl sc --help\" tells what there is"},
	        {"lsit", "unknown verb \"lsit\"; do you mean \"list\"?"},
	        {"describe x", "do you mean \"status\"?"},
	        {"frobnicate", "unknown verb \"frobnicate\"; \"kubectl sc --help\""},
	        {"list --foo", "unknown flag --foo of list; \"kubectl sc list --help\""},
	        {"list -z", "unknown flag -z of list"},
	        {"--image=i create x", "unknown flag --image=i (flags of a verb go behind it)"},
	        {"list -n", "--namespace: want NAMESPACE"},
	        {"list -o xml", "--output \"xml\": want json|yaml|wide|name"},
	        {"status x -o wide", "--output \"wide\": want json|yaml"},
	        {"start x --wait=maybe", "--wait=maybe: want true or false"},
	        {"start x --timeout 5", "--timeout: \"5\""},
	        {"list -v many", "--v: \"many\""},
	        {"start", "start: want NAME…"},
	        {"status a b", "status: want NAME;"},
	        {"exec x", "exec: want a command behind \"--\""},
	        {"exec x --", "exec: want a command behind \"--\""},
	        {"start x -- y", "start takes no command behind \"--\""},
	        {"start x -A", "--all-namespaces is for list"},
	        {"completion tcsh", "completion \"tcsh\": want bash|zsh|fish"},
	        {"version x", "version: want no operand"},
	        {"create x", "create: --image=IMAGE is needed"},
	        {"create x --image=i -e A", "--env \"A\": want NAME=VALUE"},
	        {"create x --image=i -p 0", "--port \"0\": want PORT or PORT:NAME"},
	        {"create x --image=i -p 80:", "--port \"80:\": want PORT or PORT:NAME"},
	        {"create x --image=i -p 123456789", "--port \"123456789\""},
	        {"create x --image=i --idle-timeout 5", "--idle-timeout: \"5\""},
	        {"create x --image=i --dry-run=server", "want none|client"},
	        {"wait x --for=Awake", "--for \"Awake\": want Deleted, Pending|"},
	        {"logs x --tail=many", "--tail: \"many\""},
	        {"cp a b", "must be NAME:PATH"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_error(rows[i].line, rows[i].want);
}

static void test_args_too_much_is_refused(void **state)
{
	static char *argv[ARGS_OPERANDS_MAX + 8];
	static struct args args;
	struct err err = {0};
	int argc = 2;

	argv[0] = argv[1] = (char *)(uintptr_t) "start";
	while (argc < ARGS_OPERANDS_MAX + 3)
		argv[argc++] = (char *)(uintptr_t) "x";
	assert_int_equal(args_parse(argc, argv, &args, &err), -1);
	expect_contains(err.text, "too many operands");
}

static void test_words_near_each_other(void **state)
{
	assert_int_equal(word_distance("start", "start", 2), 0);
	assert_int_equal(word_distance("sart", "start", 2), 1);
	assert_int_equal(word_distance("strat", "start", 2), 2);
	assert_int_equal(word_distance("abcdef", "start", 2), 3);
	assert_string_equal(verb_nearest("stpo"), "stop");
	assert_string_equal(verb_nearest("evnts"), "events");
	assert_null(verb_nearest("x"));
	assert_null(verb_nearest("a-word-that-is-longer-than-any-verb-by-far"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_args_globals_go_before_and_behind_the_verb),
	        cmocka_unit_test(test_args_aliases_mean_their_verb),
	        cmocka_unit_test(test_args_one_letter_means_what_its_verb_says),
	        cmocka_unit_test(test_args_letters_go_together),
	        cmocka_unit_test(test_args_defaults_are_the_verbs_own),
	        cmocka_unit_test(test_args_help_needs_no_operands),
	        cmocka_unit_test(test_args_errors_say_what_to_do),
	        cmocka_unit_test(test_args_too_much_is_refused),
	        cmocka_unit_test(test_words_near_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
