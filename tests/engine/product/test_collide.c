/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stop and a request meet, in every phase of the stop: no request is lost, each is answered with
 * 200 by a process that lives, and two lives never share the root filesystem.
 *
 * Half of the containers are stopped by hand (requests are GET: what was sent to a process that
 * somebody ends may be sent again only if it is idempotent), half by the idle-monitor (GET and
 * POST alike). In which phase a request came is told by the API's own watches.
 */
#include "tests/engine/product/product.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clk.h"
#include "tests/world/world_internal.h"

#define SC_API "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default"

enum {
	COLLISIONS_PER_KIND = 250,
	BY_HAND = 5, /* containers */
	BY_IDLE = 5,
	CONTAINERS = BY_HAND + BY_IDLE,
	OFFSET_MIN_MS = -5,
	OFFSET_MAX_MS = 150,
	OFFSET_LATE_MS = 600, /* now and then: a busy machine takes its time to end a Pod */
	LATE_EVERY = 4,
	IDLE_MS = 100,
	ROUNDS_MAX = 2000, /* per container: an idle stop that did not come is no collision */
	LINE_BYTES_MAX = 1 << 20,
};

/* The phases of a stop, as far as each was seen when the request began. */
#define PHASES(X)                                                                                  \
	X(AWAKE, "before the stop")                                                                \
	X(DECIDED, "spec.running is false")                                                        \
	X(DELETING, "Pod is being deleted")                                                        \
	X(EXITED, "process has ended")                                                             \
	X(GONE, "Pod is gone")

enum phase {
#define X(name, text) PHASE_##name,
	PHASES(X)
#undef X
	        PHASES_COUNT
};

struct container {
	char name[16];
	bool by_idle;
	unsigned random;
	pthread_t thread;
	struct collide *all;
	atomic_uint phase; /* enum phase */
	uint64_t boot_ns;
};

struct collide {
	struct product *p;
	struct container containers[CONTAINERS];
	atomic_uint done[2]; /* by hand, by idleness */
	atomic_uint in_phase[2][PHASES_COUNT];
	atomic_uint requests;
	atomic_uint wrong;
	atomic_bool over;
	pthread_mutex_t print;
};

/* --- what the cluster says --- */

struct watch {
	struct collide *all;
	const char *path;
	pthread_t thread;
	char *line;
	size_t len;
	const struct world *world;
};

static struct container *container_named(struct collide *all, const char *name)
{
	for (unsigned i = 0; i < CONTAINERS; i++)
		if (strcmp(all->containers[i].name, name) == 0)
			return &all->containers[i];
	return NULL;
}

static void on_pod(struct collide *all, const char *type, const json_t *pod)
{
	const json_t *meta = json_object_get(pod, "metadata");
	const json_t *labels = json_object_get(meta, "labels");
	const char *role =
	        json_string_value(json_object_get(labels, "stoppablecontainer.xtlsoft.top/role"));
	const char *name = json_string_value(
	        json_object_get(labels, "stoppablecontainer.xtlsoft.top/instance"));
	struct container *c = name != NULL ? container_named(all, name) : NULL;

	if (c == NULL || role == NULL || strcmp(role, "consumer") != 0)
		return;
	if (strcmp(type, "DELETED") == 0)
		c->phase = c->phase == PHASE_AWAKE ? PHASE_AWAKE : PHASE_GONE;
	else if (json_object_get(meta, "deletionTimestamp") != NULL && c->phase < PHASE_DELETING &&
	         c->phase != PHASE_AWAKE)
		c->phase = PHASE_DELETING;
}

static void on_container(struct collide *all, const json_t *object)
{
	const char *name =
	        json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
	bool running = json_is_true(json_object_get(json_object_get(object, "spec"), "running"));
	struct container *c = container_named(all, name);

	if (c != NULL && running)
		c->phase = PHASE_AWAKE;
	else if (c != NULL && c->phase == PHASE_AWAKE)
		c->phase = PHASE_DECIDED;
}

static void on_instance(struct collide *all, const json_t *object)
{
	const char *name =
	        json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
	const json_t *consumer = json_object_get(json_object_get(object, "status"), "consumer");
	const char *state = json_string_value(json_object_get(consumer, "state"));
	struct container *c = container_named(all, name);

	if (c != NULL && state != NULL && strcmp(state, "Exited") == 0 && c->phase != PHASE_AWAKE &&
	    c->phase < PHASE_EXITED)
		c->phase = PHASE_EXITED;
}

static void on_line(struct watch *w)
{
	json_t *event = json_loads(w->line, 0, NULL);
	const char *type = json_string_value(json_object_get(event, "type"));
	const json_t *object = json_object_get(event, "object");

	if (type != NULL && strstr(w->path, "/pods") != NULL)
		on_pod(w->all, type, object);
	else if (type != NULL && strstr(w->path, "instances") != NULL)
		on_instance(w->all, object);
	else if (type != NULL)
		on_container(w->all, object);
	json_decref(event);
}

static size_t on_watch_data(char *data, size_t size, size_t n, void *arg)
{
	struct watch *w = arg;

	for (size_t i = 0; i < size * n; i++) {
		if (data[i] != '\n' && w->len < LINE_BYTES_MAX - 1) {
			w->line[w->len++] = data[i];
			continue;
		}
		w->line[w->len] = '\0';
		w->len = 0;
		on_line(w);
	}
	return w->all->over ? 0 : size * n;
}

static int on_watch_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct watch *w = arg;

	return w->all->over;
}

static void *watch_run(void *arg)
{
	struct watch *w = arg;
	struct curl_blob ca = {w->world->api_ca, w->world->api_ca_bytes, CURL_BLOB_NOCOPY};
	struct curl_slist *headers = NULL;
	CURL *c = curl_easy_init();
	char url[1024];

	(void)snprintf(url, sizeof url, "Authorization: Bearer %s", w->world->api_token);
	headers = curl_slist_append(NULL, url);
	(void)snprintf(url, sizeof url, "%s%s?watch=true", w->world->api_url, w->path);
	(void)curl_easy_setopt(c, CURLOPT_URL, url);
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_watch_data);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, w);
	(void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_watch_progress);
	(void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, w);
	while (!w->all->over)
		(void)curl_easy_perform(c);
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	return NULL;
}

/* --- collisions --- */

static void sleep_ms(int ms)
{
	const struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	if (ms > 0)
		(void)nanosleep(&ts, NULL);
}

static int offset_ms(struct container *c)
{
	unsigned dice = (unsigned)rand_r(&c->random);
	int max_ms = dice % LATE_EVERY == 0 ? OFFSET_LATE_MS : OFFSET_MAX_MS;

	return OFFSET_MIN_MS + rand_r(&c->random) % (max_ms - OFFSET_MIN_MS + 1);
}

/* Return: true when another life than before answered, that is, when there was a stop. */
static bool request(struct container *c, const char *method)
{
	struct product_answer a;
	unsigned phase = c->phase;
	uint64_t begin_ms = clk_now_ms();
	bool anew;

	product_http(c->name, method, "/", &a);
	c->all->requests++;
	anew = a.boot_ns != c->boot_ns;
	if (a.status != 200 || a.boot_ns < c->boot_ns || a.overlap) {
		c->all->wrong++;
		(void)pthread_mutex_lock(&c->all->print);
		(void)printf("# %s %s in phase %u: %d after %llu ms: %s", c->name, method, phase,
		             a.status, (unsigned long long)(clk_now_ms() - begin_ms), a.body);
		(void)printf("\n");
		(void)fflush(stdout);
		(void)pthread_mutex_unlock(&c->all->print);
	}
	if (a.boot_ns != 0 && anew) {
		c->boot_ns = a.boot_ns;
		c->all->in_phase[c->by_idle][phase]++;
	}
	return anew;
}

struct patcher {
	struct container *container;
	int delay_ms;
};

static void *patch_run(void *arg)
{
	struct patcher *p = arg;

	sleep_ms(p->delay_ms);
	if (product_set_running(p->container->all->p, p->container->name, false) != 200)
		p->container->all->wrong++;
	return NULL;
}

/* The stop and the request side by side, the later one delayed. */
static void collide_by_hand(struct container *c)
{
	int offset = offset_ms(c);
	struct patcher p = {c, offset < 0 ? -offset : 0};
	pthread_t thread;

	if (pthread_create(&thread, NULL, patch_run, &p) != 0) {
		c->all->wrong++;
		return;
	}
	sleep_ms(offset);
	(void)request(c, "GET");
	(void)pthread_join(thread, NULL);
	/* One that came before its stop met the old life: the next one finds the stop under way. */
	if (c->phase != PHASE_AWAKE) {
		sleep_ms(offset_ms(c));
		(void)request(c, "GET");
	}
	c->all->done[0]++;
}

static void *run_by_hand(void *arg)
{
	struct container *c = arg;

	(void)request(c, "GET");
	while (c->all->done[0] < COLLISIONS_PER_KIND && c->all->wrong == 0)
		collide_by_hand(c);
	return NULL;
}

/* The stop comes IDLE_MS after the last answer, and a little for the monitor's question. */
static void *run_by_idle(void *arg)
{
	struct container *c = arg;

	(void)request(c, "GET");
	for (unsigned i = 0; i < ROUNDS_MAX && c->all->done[1] < COLLISIONS_PER_KIND; i++) {
		if (c->all->wrong > 0)
			break;
		sleep_ms(IDLE_MS + offset_ms(c));
		if (request(c, i % 2 == 0 ? "GET" : "POST"))
			c->all->done[1]++;
	}
	return NULL;
}

static void print_counts(const struct collide *all)
{
	static const char *const texts[] = {
#define X(name, text) text,
	        PHASES(X)
#undef X
	};

	for (unsigned i = 0; i < PHASES_COUNT; i++)
		(void)printf("# %-24s by hand %3u, by idleness %3u\n", texts[i],
		             all->in_phase[0][i], all->in_phase[1][i]);
	(void)printf("# %u collisions by hand, %u by idleness, %u requests, %u wrong\n",
	             all->done[0], all->done[1], all->requests, all->wrong);
}

static void run_all(struct collide *all)
{
	struct watch watches[] = {{.path = "/api/v1/namespaces/default/pods"},
	                          {.path = SC_API "/stoppablecontainers"},
	                          {.path = SC_API "/stoppablecontainerinstances"}};

	for (unsigned i = 0; i < 3; i++) {
		watches[i].all = all;
		watches[i].world = all->p->world;
		watches[i].line = malloc(LINE_BYTES_MAX);
		assert_non_null(watches[i].line);
		assert_int_equal(pthread_create(&watches[i].thread, NULL, watch_run, &watches[i]),
		                 0);
	}
	for (unsigned i = 0; i < CONTAINERS; i++)
		assert_int_equal(
		        pthread_create(&all->containers[i].thread, NULL,
		                       all->containers[i].by_idle ? run_by_idle : run_by_hand,
		                       &all->containers[i]),
		        0);
	for (unsigned i = 0; i < CONTAINERS; i++)
		(void)pthread_join(all->containers[i].thread, NULL);
	all->over = true;
	for (unsigned i = 0; i < 3; i++) {
		(void)pthread_join(watches[i].thread, NULL);
		free(watches[i].line);
	}
}

static void test_collide(void **state)
{
	static struct collide all;
	const char *seed = getenv("SC_COLLIDE_SEED");
	unsigned random = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) : 1;

	all.p = *state;
	(void)pthread_mutex_init(&all.print, NULL);
	for (unsigned i = 0; i < CONTAINERS; i++) {
		struct container *c = &all.containers[i];
		char idle[64];

		c->all = &all;
		c->by_idle = i >= BY_HAND;
		c->random = random * 1000 + i;
		(void)snprintf(c->name, sizeof c->name, "c%u", i);
		(void)snprintf(idle, sizeof idle, "\"timeout\":\"%ums\",\"startupGrace\":\"0s\"",
		               c->by_idle ? IDLE_MS : 0);
		product_apply(all.p, c->name, "localhost/boot:1", false, idle);
	}
	for (unsigned i = 0; i < CONTAINERS; i++)
		product_wait_phase(all.p, all.containers[i].name, "Stopped");
	run_all(&all);
	print_counts(&all);
	if (all.wrong > 0)
		world_fail(all.p->world, "%u wrong", all.wrong);
	assert_true(all.done[0] >= COLLISIONS_PER_KIND);
	assert_true(all.done[1] >= COLLISIONS_PER_KIND);
	(void)pthread_mutex_destroy(&all.print);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_collide)};

	return cmocka_run_group_tests(tests, product_up, product_down);
}
