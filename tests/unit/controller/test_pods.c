/* SPDX-License-Identifier: Apache-2.0 */
/* The Pods that are made: of both shapes of the template, and of what the image says. */
#include "tests/unit/controller/pods_fixture.h"

static void test_pods_consumer_adds_nothing_but_the_wrapper_and_its_volume(void **state)
{
	struct fixture *f = *state;

	consumer(f,
	         "{\"template\":{\"container\":{\"image\":\"app:1\",\"imagePullPolicy\":\"Never\"}}"
	         "}",
	         usual_image);
	expect_json(json_at(f->pod, "spec", NULL),
	            "{\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnored"
	            "DuringExecution\":{\"nodeSelectorTerms\":[{\"matchFields\":[{\"key\":"
	            "\"metadata.name\",\"operator\":\"In\",\"values\":[\"node-a\"]}]}]}}},"
	            "\"containers\":[{\"args\":[\"/entry\",\"serve\"],\"command\":[\"/sc-wrapper\","
	            "\"run\",\"--\"],\"env\":[{\"name\":\"PATH\",\"value\":\"/bin\"},{\"name\":"
	            "\"A\",\"value\":\"image\"}],\"image\":\"wrapper:1\",\"imagePullPolicy\":"
	            "\"IfNotPresent\",\"name\":\"main\",\"securityContext\":{\"runAsGroup\":100,"
	            "\"runAsUser\":1000},\"volumeMounts\":[{\"mountPath\":\"/.sc\",\"name\":"
	            "\"sc-control\"}],\"workingDir\":\"/srv\"}],\"enableServiceLinks\":false,"
	            "\"hostname\":\"hello\",\"restartPolicy\":\"Always\",\"volumes\":[{"
	            "\"emptyDir\":{},\"name\":"
	            "\"sc-control\"}]}");
	expect_json(json_at(f->pod, "metadata", "ownerReferences", NULL),
	            "[{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\","
	            "\"blockOwnerDeletion\":true,\"controller\":true,\"kind\":"
	            "\"StoppableContainerInstance\",\"name\":\"hello\",\"uid\":\"u2\"}]");
}

#define GROUPS_IMAGE "{\"command\":[\"c\"],\"uid\":1000,\"gid\":100,\"groups\":[33,27]}"

static void test_pods_consumer_gets_the_groups_of_its_user(void **state)
{
	static const struct {
		const char *spec, *pods, *mains; /* security contexts */
	} cases[] = {
	        {"{\"template\":{\"container\":{\"image\":\"app:1\"}}}",
	         "{\"supplementalGroups\":[33,27]}", "{\"runAsGroup\":100,\"runAsUser\":1000}"},
	        /* whoever it is, the agent has looked it up */
	        {"{\"template\":{\"spec\":{\"securityContext\":{\"runAsUser\":7,"
	         "\"supplementalGroups\":[5,27]},\"containers\":[{\"name\":\"a\",\"image\":"
	         "\"app:1\"}]}}}",
	         "{\"runAsUser\":7,\"supplementalGroups\":[5,27,33]}", "{\"runAsGroup\":100}"},
	        {"{\"template\":{\"spec\":{\"securityContext\":{\"runAsUser\":7,\"runAsGroup\":8}"
	         ",\"containers\":[{\"name\":\"a\",\"image\":\"app:1\"}]}}}",
	         "{\"runAsGroup\":8,\"runAsUser\":7,\"supplementalGroups\":[33,27]}", "absent"},
	        {"{\"template\":{\"spec\":{\"securityContext\":{\"supplementalGroupsPolicy\":"
	         "\"Strict\"},\"containers\":[{\"name\":\"a\",\"image\":\"app:1\"}]}}}",
	         "{\"supplementalGroupsPolicy\":\"Strict\"}",
	         "{\"runAsGroup\":100,\"runAsUser\":1000}"},
	        /* others of the Pod would have them, too */
	        {"{\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"app:1\"},"
	         "{\"name\":\"b\",\"image\":\"b:1\"}]}}}",
	         "absent", "{\"runAsGroup\":100,\"runAsUser\":1000}"},
	        {"{\"template\":{\"spec\":{\"initContainers\":[{\"name\":\"i\",\"image\":\"i:1\"}],"
	         "\"containers\":[{\"name\":\"a\",\"image\":\"app:1\"}]}}}",
	         "absent", "{\"runAsGroup\":100,\"runAsUser\":1000}"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		consumer(f, cases[i].spec, GROUPS_IMAGE);
		expect_json(json_at(f->pod, "spec", "securityContext", NULL), cases[i].pods);
		expect_json(json_at(main_of(f), "securityContext", NULL), cases[i].mains);
	}
}

static void test_pods_consumer_lets_post_start_wait_for_the_files(void **state)
{
	struct fixture *f = *state;

	consumer(f,
	         "{\"template\":{\"container\":{\"image\":\"app:1\",\"lifecycle\":{"
	         "\"postStart\":{\"exec\":{\"command\":[\"sh\",\"-c\",\"$(A)\"]}},"
	         "\"preStop\":{\"exec\":{\"command\":[\"sh\"]}}}}}}",
	         usual_image);
	expect_json(json_at(main_of(f), "lifecycle", NULL),
	            "{\"postStart\":{\"exec\":{\"command\":[\"/proc/1/exe\",\"exec\",\"--\",\"sh\","
	            "\"-c\",\"$(A)\"]}},\"preStop\":{\"exec\":{\"command\":[\"sh\"]}}}");
	consumer(f,
	         "{\"template\":{\"container\":{\"image\":\"app:1\",\"lifecycle\":{"
	         "\"postStart\":{\"httpGet\":{\"port\":80}}}}}}",
	         usual_image);
	expect_json(json_at(main_of(f), "lifecycle", NULL),
	            "{\"postStart\":{\"httpGet\":{\"port\":80}}}");
	/* others have their files from the start */
	consumer(f,
	         "{\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"app:1\"},"
	         "{\"name\":\"b\",\"image\":\"b:1\",\"lifecycle\":{\"postStart\":{\"exec\":{"
	         "\"command\":[\"sh\"]}}}}]}}}",
	         usual_image);
	expect_json(json_at(json_array_get(json_at(f->pod, "spec", "containers", NULL), 1),
	                    "lifecycle", NULL),
	            "{\"postStart\":{\"exec\":{\"command\":[\"sh\"]}}}");
}

static void test_pods_user_is_known_when_the_agent_looked_up_that_one(void **state)
{
	static const struct {
		const char *spec, *image;
		bool known;
	} cases[] = {
	        {"{\"template\":{\"container\":{\"image\":\"a\"}}}", "{}", true},
	        {"{\"template\":{\"container\":{\"image\":\"a\"}}}", "{\"runAsUser\":7}", false},
	        {"{\"template\":{\"container\":{\"image\":\"a\",\"securityContext\":{"
	         "\"runAsUser\":7}}}}",
	         "{\"runAsUser\":7}", true},
	        {"{\"template\":{\"spec\":{\"securityContext\":{\"runAsUser\":8},\"containers\":[{"
	         "\"name\":\"a\",\"image\":\"a\",\"securityContext\":{\"runAsUser\":7}}]}}}",
	         "{\"runAsUser\":7}", true},
	        {"{\"template\":{\"spec\":{\"securityContext\":{\"runAsUser\":8},\"containers\":[{"
	         "\"name\":\"a\",\"image\":\"a\"}]}}}",
	         "{\"runAsUser\":7}", false},
	        {"{\"template\":{\"spec\":{\"securityContext\":{\"runAsUser\":8},\"containers\":[{"
	         "\"name\":\"a\",\"image\":\"a\"}]}}}",
	         "{}", false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		read_spec(f, cases[i].spec, cases[i].image);
		assert_int_equal(
		        pods_knows_user(f->resource, json_at(f->instance, "status", "image", NULL)),
		        cases[i].known);
	}
}

static void test_pods_consumer_tells_the_wrapper_the_stop_signal(void **state)
{
	struct fixture *f = *state;

	consumer(f, "{\"template\":{\"container\":{\"image\":\"app:1\"}}}",
	         "{\"entrypoint\":[\"/e\"],\"stopSignal\":\"SIGQUIT\"}");
	expect_json(json_at(main_of(f), "command", NULL),
	            "[\"/sc-wrapper\",\"run\",\"--stop-signal\",\"3\",\"--\"]");
	expect_json(json_at(main_of(f), "lifecycle", NULL), "absent");
	consumer(f,
	         "{\"template\":{\"container\":{\"image\":\"app:1\",\"lifecycle\":"
	         "{\"stopSignal\":\"SIGUSR1\"}}}}",
	         "{\"entrypoint\":[\"/e\"],\"stopSignal\":\"SIGQUIT\"}");
	expect_json(json_at(main_of(f), "command", NULL),
	            "[\"/sc-wrapper\",\"run\",\"--stop-signal\",\"10\",\"--\"]");
	expect_json(json_at(main_of(f), "lifecycle", NULL), "{\"stopSignal\":\"SIGUSR1\"}");
}

static void test_pods_consumer_honours_what_the_user_wrote(void **state)
{
	struct fixture *f = *state;

	consumer(f,
	         "{\"template\":{\"container\":{\"image\":\"app:1\",\"name\":\"web\","
	         "\"workingDir\":\"/mine\",\"env\":[{\"name\":\"A\",\"value\":\"user\"}],"
	         "\"securityContext\":{\"runAsUser\":7,\"readOnlyRootFilesystem\":true,"
	         "\"capabilities\":{\"drop\":[\"ALL\"]}},"
	         "\"readinessProbe\":{\"httpGet\":{\"port\":8080}}},"
	         "\"nodeSelector\":{\"gpu\":\"yes\"},\"tolerations\":[{\"key\":\"t\"}],"
	         "\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]}}",
	         usual_image);
	expect_json(json_at(main_of(f), "securityContext", NULL),
	            "{\"capabilities\":{\"drop\":[\"ALL\"]},\"readOnlyRootFilesystem\":true,"
	            "\"runAsGroup\":100,\"runAsUser\":7}");
	expect_json(json_at(main_of(f), "readinessProbe", NULL), "{\"httpGet\":{\"port\":8080}}");
	expect_json(json_at(main_of(f), "env", NULL),
	            "[{\"name\":\"PATH\",\"value\":\"/bin\"},{\"name\":\"A\",\"value\":\"user\"}]");
	expect_json(json_at(main_of(f), "workingDir", NULL), "\"/mine\"");
	expect_json(json_at(main_of(f), "name", NULL), "\"web\"");
	expect_json(json_at(f->pod, "spec", "nodeSelector", NULL), "{\"gpu\":\"yes\"}");
	expect_json(json_at(f->pod, "spec", "tolerations", NULL), "[{\"key\":\"t\"}]");
	expect_json(json_at(f->pod, "spec", "volumes", NULL),
	            "[{\"emptyDir\":{},\"name\":\"v\"},{\"emptyDir\":{},\"name\":\"sc-control\"}]");
}

static void test_pods_consumer_keeps_the_long_shape(void **state)
{
	struct fixture *f = *state;

	consumer(
	        f,
	        "{\"template\":{\"metadata\":{\"labels\":{\"team\":\"x\","
	        "\"stoppablecontainer.xtlsoft.top/role\":\"mine\"},\"annotations\":{\"n\":\"1\"}},"
	        "\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"app:1\"},"
	        "{\"name\":\"side\",\"image\":\"side:1\"}],"
	        "\"initContainers\":[{\"name\":\"i\",\"image\":\"init:1\"}],"
	        "\"restartPolicy\":\"Never\",\"enableServiceLinks\":true,"
	        "\"automountServiceAccountToken\":false,\"serviceAccountName\":\"sa\","
	        "\"priorityClassName\":\"p\",\"schedulerName\":\"s\","
	        "\"terminationGracePeriodSeconds\":7,"
	        "\"securityContext\":{\"runAsUser\":5,\"fsGroup\":6},"
	        "\"imagePullSecrets\":[{\"name\":\"pull\"}],"
	        "\"affinity\":{\"nodeAffinity\":{"
	        "\"requiredDuringSchedulingIgnoredDuringExecution\":"
	        "{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"z\",\"operator\":"
	        "\"Exists\"}]},{\"matchExpressions\":[{\"key\":\"y\",\"operator\":\"Exists\"}]}]}}}"
	        "}}}",
	        usual_image);
	expect_json(json_at(f->pod, "metadata", "labels", NULL),
	            "{\"stoppablecontainer.xtlsoft.top/instance\":\"hello\","
	            "\"stoppablecontainer.xtlsoft.top/managed-by\":\"stoppablecontainer\","
	            "\"stoppablecontainer.xtlsoft.top/role\":\"consumer\",\"team\":\"x\"}");
	assert_string_equal(kube_annotation(f->pod, "n"), "1");
	assert_string_equal(kube_annotation(f->pod, "stoppablecontainer.xtlsoft.top/start"), "4");
	expect_json(json_at(main_of(f), "securityContext", NULL), "{\"runAsGroup\":100}");
	expect_json(json_array_get(json_at(f->pod, "spec", "containers", NULL), 1),
	            "{\"image\":\"side:1\",\"name\":\"side\"}");
	expect_json(json_at(f->pod, "spec", "initContainers", NULL),
	            "[{\"image\":\"init:1\",\"name\":\"i\"}]");
	expect_json(json_at(f->pod, "spec", "securityContext", NULL),
	            "{\"fsGroup\":6,\"runAsUser\":5}");
	expect_json(json_at(f->pod, "spec", "restartPolicy", NULL), "\"Always\"");
	expect_json(json_at(f->pod, "spec", "enableServiceLinks", NULL), "true");
	expect_json(json_at(f->pod, "spec", "automountServiceAccountToken", NULL), "false");
	expect_json(json_at(f->pod, "spec", "serviceAccountName", NULL), "\"sa\"");
	expect_json(json_at(f->pod, "spec", "priorityClassName", NULL), "\"p\"");
	expect_json(json_at(f->pod, "spec", "schedulerName", NULL), "\"s\"");
	expect_json(json_at(f->pod, "spec", "terminationGracePeriodSeconds", NULL), "7");
	expect_json(json_at(f->pod, "spec", "imagePullSecrets", NULL), "[{\"name\":\"pull\"}]");
	expect_json(json_at(f->pod, "spec", "affinity", "nodeAffinity",
	                    "requiredDuringSchedulingIgnoredDuringExecution", NULL),
	            "{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"z\",\"operator\":"
	            "\"Exists\"}],\"matchFields\":[{\"key\":\"metadata.name\",\"operator\":\"In\","
	            "\"values\":[\"node-a\"]}]},{\"matchExpressions\":[{\"key\":\"y\",\"operator\":"
	            "\"Exists\"}],\"matchFields\":[{\"key\":\"metadata.name\",\"operator\":\"In\","
	            "\"values\":[\"node-a\"]}]}]}");
}

static void test_pods_leave_the_users_objects_as_they_are(void **state)
{
	struct fixture *f = *state;
	char *before, *after;

	read_spec(f,
	          "{\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":"
	          "[{\"image\":\"app:1\",\"env\":[],\"volumeMounts\":[]}],\"volumes\":[],"
	          "\"tolerations\":[],\"nodeSelector\":{}}}}",
	          usual_image);
	before = json_dumps(f->container, JSON_SORT_KEYS);
	for (int i = 0; i < 2; i++) {
		const struct pods_start start = {"hello", 1, "node-a"};

		json_decref(pods_consumer(f->resource, f->instance, &start, &config));
		json_decref(pods_provider(f->resource, f->instance, "node-a", &config));
	}
	after = json_dumps(f->container, JSON_SORT_KEYS);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void test_pods_provider_is_admitted_as_restricted(void **state)
{
	struct fixture *f = *state;

	provider(f,
	         "{\"template\":{\"container\":{\"image\":\"app:1\",\"imagePullPolicy\":\"Always\"}"
	         "}}",
	         "");
	assert_string_equal(kube_name(f->pod), "hello-provider");
	expect_json(
	        main_of(f),
	        "{\"command\":[\"/.sc-inject/sc-wrapper\",\"pause\"],\"image\":\"app:1\","
	        "\"imagePullPolicy\":\"Always\",\"name\":\"provider\",\"resources\":{\"limits\":"
	        "{\"memory\":\"32Mi\"},\"requests\":{\"cpu\":\"1m\",\"memory\":\"8Mi\"}},"
	        "\"securityContext\":{\"allowPrivilegeEscalation\":false,\"capabilities\":"
	        "{\"drop\":[\"ALL\"]},\"runAsNonRoot\":true,\"seccompProfile\":{\"type\":"
	        "\"RuntimeDefault\"}},\"volumeMounts\":[{\"mountPath\":\"/.sc-inject\",\"name\":"
	        "\"sc-inject\"}],\"workingDir\":\"/\"}");
	expect_json(json_at(json_array_get(json_at(f->pod, "spec", "initContainers", NULL), 0),
	                    "command", NULL),
	            "[\"/sc-wrapper\",\"copy\",\"/.sc-inject/sc-wrapper\"]");
	expect_json(json_at(f->pod, "spec", "volumes", NULL),
	            "[{\"emptyDir\":{},\"name\":\"sc-inject\"}]");
	expect_json(json_at(f->pod, "spec", "securityContext", NULL),
	            "{\"runAsGroup\":65534,\"runAsNonRoot\":true,\"runAsUser\":65534,"
	            "\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}");
	expect_json(json_at(f->pod, "spec", "automountServiceAccountToken", NULL), "false");
	assert_null(json_at(f->pod, "spec", "affinity", NULL));
}

/* Whatever the user asks for: it is asked for the consumer, and the API server judges that one. */
static void test_pods_provider_takes_nothing_that_opens_the_node(void **state)
{
	static const char *const must_be_absent[] = {
	        "hostIPC",   "hostNetwork", "hostPID",           "runtimeClassName",
	        "hostUsers", "hostAliases", "priorityClassName", "shareProcessNamespace",
	};
	struct fixture *f = *state;
	json_t *plain;

	provider(f, "{\"template\":{\"spec\":{\"containers\":[{\"image\":\"app:1\"}]}}}", "");
	plain = json_deep_copy(json_at(f->pod, "spec", NULL));
	provider(f,
	         "{\"template\":{\"spec\":{\"hostIPC\":true,\"hostNetwork\":true,\"hostPID\":true,"
	         "\"runtimeClassName\":\"r\",\"hostUsers\":true,\"priorityClassName\":\"p\","
	         "\"shareProcessNamespace\":true,\"hostAliases\":[{\"ip\":\"10.0.0.1\"}],"
	         "\"securityContext\":{\"runAsUser\":0,\"runAsNonRoot\":false,\"sysctls\":[{"
	         "\"name\":"
	         "\"kernel.shm_rmid_forced\",\"value\":\"1\"}],\"seccompProfile\":{\"type\":"
	         "\"Unconfined\"}},\"volumes\":[{\"name\":\"v\",\"hostPath\":{\"path\":\"/\"}}],"
	         "\"initContainers\":[{\"name\":\"i\",\"image\":\"i:1\"}],"
	         "\"containers\":[{\"image\":\"app:1\",\"ports\":[{\"containerPort\":1,"
	         "\"hostPort\":1}],\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/v\"}],"
	         "\"securityContext\":{\"privileged\":true,\"runAsUser\":0,\"procMount\":"
	         "\"Unmasked\",\"capabilities\":{\"add\":[\"ALL\"]}}},{\"name\":\"b\",\"image\":"
	         "\"b:1\"}]}}}",
	         "");
	for (size_t i = 0; i < ARRAY_LEN(must_be_absent); i++)
		assert_null(json_at(f->pod, "spec", must_be_absent[i], NULL));
	assert_true(json_equal(json_at(f->pod, "spec", NULL), plain));
	json_decref(plain);
}

/* The kubelet refuses to start it, as it does with any such image: our user is the image's. */
static void test_pods_consumer_of_a_root_image_keeps_run_as_non_root(void **state)
{
	struct fixture *f = *state;

	consumer(f,
	         "{\"template\":{\"spec\":{\"securityContext\":{\"runAsNonRoot\":true},"
	         "\"containers\":[{\"image\":\"app:1\"}]}}}",
	         "{\"entrypoint\":[\"/e\"],\"uid\":0,\"gid\":0}");
	expect_json(json_at(f->pod, "spec", "securityContext", NULL), "{\"runAsNonRoot\":true}");
	expect_json(json_at(main_of(f), "securityContext", NULL),
	            "{\"runAsGroup\":0,\"runAsUser\":0}");
	consumer(f,
	         "{\"template\":{\"container\":{\"image\":\"app:1\",\"securityContext\":"
	         "{\"runAsNonRoot\":true}}}}",
	         usual_image); /* a named user, as the agent has found its number */
	expect_json(json_at(main_of(f), "securityContext", NULL),
	            "{\"runAsGroup\":100,\"runAsNonRoot\":true,\"runAsUser\":1000}");
}

static void test_pods_provider_goes_where_the_consumer_can(void **state)
{
	struct fixture *f = *state;

	provider(f,
	         "{\"provider\":{\"nodeSelector\":{\"disk\":\"ssd\"},\"tolerations\":[{\"key\":"
	         "\"b\"}],"
	         "\"resources\":{\"requests\":{\"cpu\":\"5m\"}}},"
	         "\"template\":{\"spec\":{\"containers\":[{\"image\":\"app:1\"}],\"nodeSelector\":"
	         "{\"gpu\":\"yes\"},\"tolerations\":[{\"key\":\"a\"}],\"imagePullSecrets\":"
	         "[{\"name\":\"pull\"}],\"schedulerName\":\"own\",\"serviceAccount\":\"sa\"}}}",
	         "node-b");
	expect_json(json_at(f->pod, "spec", "schedulerName", NULL), "\"own\"");
	expect_json(json_at(f->pod, "spec", "serviceAccount", NULL), "\"sa\"");
	expect_json(json_at(f->pod, "spec", "nodeSelector", NULL),
	            "{\"disk\":\"ssd\",\"gpu\":\"yes\"}");
	expect_json(json_at(f->pod, "spec", "tolerations", NULL),
	            "[{\"key\":\"a\"},{\"key\":\"b\"}]");
	expect_json(json_at(f->pod, "spec", "imagePullSecrets", NULL), "[{\"name\":\"pull\"}]");
	expect_json(json_at(main_of(f), "resources", NULL), "{\"requests\":{\"cpu\":\"5m\"}}");
	assert_non_null(json_at(f->pod, "spec", "affinity", "nodeAffinity", NULL));
}

static void test_pods_hash_follows_what_the_pod_is_made_of(void **state)
{
	struct fixture *f = *state;
	char first[PODS_HASH_BYTES], second[PODS_HASH_BYTES];
	char provider_first[PODS_HASH_BYTES], provider_second[PODS_HASH_BYTES];

	read_spec(f, "{\"running\":false,\"template\":{\"container\":{\"image\":\"app:1\"}}}",
	          usual_image);
	pods_consumer_hash(f->resource, first);
	pods_provider_hash(f->resource, provider_first);
	read_spec(f,
	          "{\"running\":true,\"template\":{\"container\":{\"image\":\"app:1\","
	          "\"args\":[\"x\"]}}}",
	          usual_image);
	pods_consumer_hash(f->resource, second);
	pods_provider_hash(f->resource, provider_second);
	assert_string_not_equal(first, second);
	assert_string_equal(provider_first, provider_second);
	read_spec(f, "{\"template\":{\"container\":{\"image\":\"app:2\"}}}", usual_image);
	pods_provider_hash(f->resource, provider_second);
	assert_string_not_equal(provider_first, provider_second);
}

static void test_pods_refuse_names_that_are_ours(void **state)
{
	struct fixture *f = *state;

	read_spec(f,
	          "{\"template\":{\"container\":{\"image\":\"app:1\"},\"volumes\":"
	          "[{\"name\":\"sc-control\"}]}}",
	          usual_image);
	assert_non_null(strstr(pods_check_template(f->resource), "sc-control"));
	read_spec(f,
	          "{\"template\":{\"container\":{\"image\":\"app:1\",\"volumeMounts\":"
	          "[{\"name\":\"v\",\"mountPath\":\"/.sc\"}]}}}",
	          usual_image);
	assert_non_null(strstr(pods_check_template(f->resource), "/.sc"));
	read_spec(f,
	          "{\"template\":{\"container\":{\"image\":\"app:1\",\"volumeMounts\":"
	          "[{\"name\":\"v\",\"mountPath\":\"/.sc/wrapper.sock\"}]}}}",
	          usual_image);
	assert_non_null(strstr(pods_check_template(f->resource), "/.sc"));
	read_spec(f,
	          "{\"template\":{\"container\":{\"image\":\"app:1\",\"volumeMounts\":"
	          "[{\"name\":\"v\",\"mountPath\":\"/.screen\"}]}}}",
	          usual_image);
	assert_null(pods_check_template(f->resource));
	read_spec(f,
	          "{\"template\":{\"spec\":{\"containers\":[{\"name\":\"m\",\"image\":\"app:1\"},"
	          "{\"name\":\"s\",\"image\":\"b:1\",\"volumeMounts\":[{\"name\":\"sc-control\","
	          "\"mountPath\":\"/x\"}]}]}}}",
	          usual_image);
	assert_non_null(strstr(pods_check_template(f->resource), "sc-control"));
	read_spec(f, "{\"template\":{\"container\":{\"image\":\"app:1\"}}}", usual_image);
	assert_null(pods_check_template(f->resource));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_pods_consumer_adds_nothing_but_the_wrapper_and_its_volume),
	        T(test_pods_consumer_gets_the_groups_of_its_user),
	        T(test_pods_consumer_lets_post_start_wait_for_the_files),
	        T(test_pods_user_is_known_when_the_agent_looked_up_that_one),
	        T(test_pods_consumer_tells_the_wrapper_the_stop_signal),
	        T(test_pods_consumer_honours_what_the_user_wrote),
	        T(test_pods_consumer_keeps_the_long_shape),
	        T(test_pods_leave_the_users_objects_as_they_are),
	        T(test_pods_provider_is_admitted_as_restricted),
	        T(test_pods_provider_takes_nothing_that_opens_the_node),
	        T(test_pods_consumer_of_a_root_image_keeps_run_as_non_root),
	        T(test_pods_provider_goes_where_the_consumer_can),
	        T(test_pods_hash_follows_what_the_pod_is_made_of),
	        T(test_pods_refuse_names_that_are_ours),
	};

	return cmocka_run_group_tests_name("controller-pods", tests, NULL, NULL);
}
