/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrape - asks every activator what was used and when
 */
#include "idle-monitor/io/scrape.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "idle-monitor/io/activity.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/http/metrics.h"

/* A question takes no longer; a healthy activator answers in milliseconds. */
enum { SCRAPE_TIMEOUT_MS = 2000, SCRAPE_CONNECTIONS_MAX = 8 };

struct activator {
	struct scrape *scrape;
	char *url;
	struct http_client *client;
	struct seal_asker asker;
	struct sealed sealed; /* the question under way */
	bool has_learned;     /* learned the epoch in this interval: it asks again only once */
	struct http_call *call;
	uint64_t asked_ms;       /* when that was sent */
	struct activity *answer; /* the last one */
	uint64_t answer_asked_ms;
	uint64_t answer_ms; /* when it came */
	bool silent;
	char error[256]; /* why */
};

struct scrape {
	struct event_base *base;
	struct scrape_opts opts;
	struct seal_key key;
	struct event *timer;
	struct metric *errors_total;
	size_t count;
	struct activator *activators[SCRAPE_ACTIVATORS_MAX];
	uint64_t removed_ms; /* when the last one was; 0: never */
	bool is_incomplete;
};

static void activator_set_silent(struct activator *a, const char *why)
{
	metric_add(a->scrape->errors_total, (const char *const[]){a->url}, 1);
	if (!a->silent || strcmp(a->error, why) != 0)
		log_event(LOG_WARN, "scrape.failed", log_str("activator", a->url),
		          log_str("error", why));
	a->silent = true;
	(void)snprintf(a->error, sizeof a->error, "%s", why);
}

static void activator_set_answer(struct activator *a, struct activity *answer)
{
	if (a->silent)
		log_event(LOG_INFO, "scrape.answers", log_str("activator", a->url));
	activity_free(a->answer);
	a->answer = answer;
	a->answer_asked_ms = a->asked_ms;
	a->answer_ms = clk_now_ms();
	a->silent = false;
	a->error[0] = '\0';
}

/* ---- seals ---- */

int scrape_seal(struct scrape *s, const struct http_client *client, struct http_request *req,
                struct sealed *sealed, struct err *err)
{
	const struct seal_message m = {req->method, req->path, req->body, req->body_bytes};
	size_t i = 0;

	*sealed = (struct sealed){0};
	if (s->opts.key_file == NULL)
		return 0;
	while (i < s->count && s->activators[i]->client != client)
		i++;
	if (i == s->count)
		return err_set(err, ERR_UNAVAILABLE, 0, "the activator is gone");
	req->authorization = sealed->authorization;
	return seal_ask(&s->activators[i]->asker, &m, sealed->authorization, sealed->seal, err);
}

static void header_take(const char *line, size_t bytes, const char *name,
                        char ret_value[SEAL_HEADER_BYTES])
{
	size_t name_bytes = strlen(name);

	if (bytes <= name_bytes || strncasecmp(line, name, name_bytes) != 0)
		return;
	line += name_bytes;
	bytes -= name_bytes;
	while (bytes > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		bytes--;
	}
	while (bytes > 0 && strchr("\r\n\t ", line[bytes - 1]) != NULL)
		bytes--;
	if (bytes < SEAL_HEADER_BYTES)
		(void)snprintf(ret_value, SEAL_HEADER_BYTES, "%.*s", (int)bytes, line);
}

void sealed_header(struct sealed *sealed, const char *line, size_t bytes)
{
	header_take(line, bytes, "Authentication-Info:", sealed->answer);
	header_take(line, bytes, "WWW-Authenticate:", sealed->challenge);
}

bool scrape_is_sealed(struct scrape *s, const struct sealed *sealed,
                      const struct http_response *res)
{
	const struct seal_reply reply = {res->status, res->body, res->body_bytes};

	return s->opts.key_file == NULL ||
	       seal_answer_is_right(&s->key, sealed->seal, &reply, sealed->answer);
}

/*
 * The activator answered 401 with its epoch, as it does at first and after a restart. Two
 * activators with one epoch are one: a proxy that passes the question on. It would answer with what
 * the other one knows, so it is refused. Return: whether to ask again at once.
 */
static bool activator_learn(struct activator *a, struct err *err)
{
	const struct scrape *s = a->scrape;
	bool is_news = !a->has_learned && seal_learn(&a->asker, a->sealed.challenge);

	for (size_t i = 0; i < s->count && a->asker.epoch[0] != '\0'; i++) {
		if (s->activators[i] != a &&
		    strcmp(s->activators[i]->asker.epoch, a->asker.epoch) == 0) {
			a->asker.epoch[0] = '\0';
			(void)err_set(err, ERR_DENIED, 0, "answers as %s does",
			              s->activators[i]->url);
			return false;
		}
	}
	if (!is_news)
		(void)err_set(err, ERR_DENIED, 0, "answers with status 401: another key?");
	a->has_learned = a->has_learned || is_news;
	return is_news;
}

static void activator_ask(struct activator *a);

static void on_activity_header(void *arg, const char *line, size_t bytes)
{
	struct activator *a = arg;

	sealed_header(&a->sealed, line, bytes);
}

static void on_activity(void *arg, const struct http_response *res)
{
	struct activator *a = arg;
	struct activity *answer;
	struct err err = {0};

	a->call = NULL;
	if (res->status == 401 && a->sealed.seal[0] != '\0') {
		if (activator_learn(a, &err)) {
			activator_ask(a);
			return;
		}
		activator_set_silent(a, err.text);
	} else if (res->err != NULL) {
		activator_set_silent(a, res->err->text);
	} else if (res->status != 200) {
		(void)err_set(&err, ERR_UNAVAILABLE, 0, "answers with status %d", res->status);
		activator_set_silent(a, err.text);
	} else if (!scrape_is_sealed(a->scrape, &a->sealed, res)) {
		activator_set_silent(a, "its answer is not sealed with our key");
	} else if (activity_parse(res->body, res->body_bytes, &answer, &err) < 0) {
		activator_set_silent(a, err.text);
	} else {
		activator_set_answer(a, answer);
	}
	a->scrape->opts.on_answer(a->scrape->opts.arg);
}

static void activator_ask(struct activator *a)
{
	struct http_request req = {
	        .method = "GET",
	        .path = "/v1/activity",
	        .timeout_ms = SCRAPE_TIMEOUT_MS,
	        .response_bytes_max = ACTIVITY_BYTES_MAX,
	        .on_header = on_activity_header,
	        .on_done = on_activity,
	        .arg = a,
	};
	struct err err = {0};

	if (a->call != NULL)
		return;
	a->asked_ms = clk_now_ms();
	if (scrape_seal(a->scrape, a->client, &req, &a->sealed, &err) < 0 ||
	    http_call_start(a->client, &req, &a->call, &err) < 0) {
		a->call = NULL;
		activator_set_silent(a, err.text);
	}
}

void scrape_ask_now(struct scrape *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->activators[i]->call == NULL)
			s->activators[i]->has_learned = false;
		activator_ask(s->activators[i]);
	}
}

static void on_interval(evutil_socket_t fd, short what, void *arg)
{
	scrape_ask_now(arg);
}

static void activator_free(struct activator *a)
{
	if (a == NULL)
		return;
	http_client_free(a->client);
	activity_free(a->answer);
	free(a->url);
	free(a);
}

DEFINE_CLEANUP(struct activator *, activator_free);

int scrape_add(struct scrape *s, const char *url, struct activator **ret_activator, struct err *err)
{
	const struct http_client_opts opts = {
	        .base_url = url,
	        .bearer_token_file = s->opts.key_file != NULL ? NULL : s->opts.token_file,
	        .user_agent = "sc-idle-monitor/" SC_VERSION,
	        .connections_max = SCRAPE_CONNECTIONS_MAX,
	};
	CLEANUP(activator_free_var) struct activator *a = NULL;

	if (s->count == SCRAPE_ACTIVATORS_MAX)
		return err_set(err, ERR_INVALID, 0, "more than %d activators",
		               SCRAPE_ACTIVATORS_MAX);
	a = calloc(1, sizeof *a);
	if (a == NULL || (a->url = strdup(url)) == NULL)
		return err_set(err, ERR_NOMEM, 0, "activator");
	a->scrape = s;
	seal_asker_init(&a->asker, &s->key);
	a->silent = true;
	(void)snprintf(a->error, sizeof a->error, "was not asked yet");
	if (http_client_new(s->base, &opts, &a->client, err) < 0)
		return err_wrap(err, "activator %s", url);
	s->activators[s->count++] = a;
	activator_ask(a);
	if (ret_activator != NULL)
		*ret_activator = a;
	a = NULL; /* the list's now */
	return 0;
}

void scrape_remove(struct scrape *s, struct activator *a)
{
	size_t i = 0;

	while (i < s->count && s->activators[i] != a)
		i++;
	assert(i < s->count);
	s->activators[i] = s->activators[--s->count];
	s->removed_ms = clk_now_ms();
	metric_remove(s->errors_total, (const char *const[]){a->url});
	activator_free(a);
}

uint64_t scrape_removed_ms(const struct scrape *s)
{
	return s->removed_ms;
}

void scrape_set_complete(struct scrape *s, bool is_complete)
{
	s->is_incomplete = !is_complete;
}

bool scrape_is_complete(const struct scrape *s)
{
	return !s->is_incomplete;
}

DEFINE_CLEANUP(struct scrape *, scrape_free);

int scrape_new(struct event_base *base, const struct scrape_opts *opts, struct scrape **ret_scrape,
               struct err *err)
{
	static const char *const labels[] = {"activator", NULL};
	const struct timeval interval = clk_timeval(opts->interval_ms);
	CLEANUP(scrape_free_var) struct scrape *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "scrape");
	s->opts = *opts;
	s->base = base;
	if (opts->key_file != NULL && seal_key_read(&s->key, opts->key_file, err) < 0)
		return err_wrap(err, "activator key");
	s->errors_total = metrics_counter(opts->metrics, "sc_idle_monitor_scrape_errors_total",
	                                  "Questions to an activator that failed.", labels);
	for (const char *const *url = opts->urls; url != NULL && *url != NULL; url++) {
		if (scrape_add(s, *url, NULL, err) < 0)
			return -1;
	}
	s->timer = event_new(base, -1, EV_PERSIST, on_interval, s);
	if (s->timer == NULL || event_add(s->timer, &interval) < 0)
		return err_set(err, ERR_NOMEM, 0, "scrape timer");
	*ret_scrape = TAKE_PTR(s);
	return 0;
}

void scrape_free(struct scrape *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++)
		activator_free(s->activators[i]);
	if (s->timer != NULL)
		event_free(s->timer);
	free(s);
}

const char *activator_url(const struct activator *a)
{
	return a->url;
}

struct http_client *activator_client(const struct activator *a)
{
	return a->client;
}

const char *activator_error(const struct activator *a)
{
	return a->silent ? a->error : NULL;
}

size_t scrape_count(const struct scrape *s)
{
	return s->count;
}

const char *scrape_url(const struct scrape *s, size_t i)
{
	assert(i < s->count);
	return s->activators[i]->url;
}

struct http_client *scrape_client(const struct scrape *s, size_t i)
{
	assert(i < s->count);
	return s->activators[i]->client;
}

const char *scrape_error(const struct scrape *s, size_t i)
{
	assert(i < s->count);
	return activator_error(s->activators[i]);
}

/*
 * @age_ms before the answer arrived. The answer was made earlier, so this is the latest possible
 * moment.
 */
static uint64_t activator_time(const struct activator *a, uint64_t age_ms)
{
	return a->answer_ms > age_ms ? a->answer_ms - age_ms : 0;
}

struct idle_view scrape_view(const struct scrape *s, size_t i, const char *uid)
{
	const struct activator *a;
	const struct activity_target *t;
	struct idle_view view = {0};

	assert(i < s->count);
	a = s->activators[i];
	if (a->answer == NULL)
		return view;
	t = activity_find(a->answer, uid);
	view.answered = !a->silent;
	view.asked_ms = a->answer_asked_ms;
	view.knows_since_ms = activator_time(a, a->answer->uptime_ms);
	if (t == NULL)
		return view;
	view.busy = t->busy;
	view.upgraded_open = t->upgraded_open;
	view.has_request = t->has_request;
	view.last_request_ms = activator_time(a, t->request_age_ms);
	return view;
}

const char *scrape_last_client(const struct scrape *s, size_t i, const char *uid)
{
	const struct activity *answer = s->activators[i]->answer;
	const struct activity_target *t = answer != NULL ? activity_find(answer, uid) : NULL;

	return t != NULL ? t->client : "";
}
