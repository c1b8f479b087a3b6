/* SPDX-License-Identifier: Apache-2.0 */
/*
 * goal - the states that "wait --for" can wait for, and whether an object is in one
 */
#include "cli/core/goal.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/core/verbs.h"
#include "lib/kube/client/object.h"

#define PHASES "Pending|Running|Stopping|Stopped|Failed"
#define CONDITIONS                                                                                 \
	"Ready|ProviderReady|ConsumerReady|RootfsReady|Activatable|NodeReady|TemplateChanged"

static int goal_put(struct goal *goal, enum goal_kind kind, const char *word, size_t bytes,
                    struct err *err)
{
	if (bytes == 0 || bytes >= sizeof goal->word)
		return err_set(err, ERR_INVALID, 0, "--for: a word is empty or too long");
	goal->kind = kind;
	memcpy(goal->word, word, bytes);
	goal->word[bytes] = '\0';
	return 0;
}

static int goal_parse_condition(const char *text, struct goal *goal, struct err *err)
{
	const char *end = strchrnul(text, '=');
	const char *status = *end == '=' ? end + 1 : "True";
	static const char *const statuses[] = {"True", "False", "Unknown"};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (strcasecmp(status, statuses[i]) == 0)
			(void)snprintf(goal->status, sizeof goal->status, "%s", statuses[i]);
	}
	if (goal->status[0] == '\0')
		return err_set(err, ERR_INVALID, 0,
		               "--for condition \"%.80s\": want True, False "
		               "or Unknown behind the \"=\"",
		               text);
	return goal_put(goal, GOAL_CONDITION, text, (size_t)(end - text), err);
}

int goal_parse(const char *text, struct goal *ret_goal, struct err *err)
{
	struct goal goal = {0};
	int r;

	if (strncmp(text, "condition=", 10) == 0)
		r = goal_parse_condition(text + 10, &goal, err);
	else if (strncmp(text, "phase=", 6) == 0)
		r = goal_put(&goal, GOAL_PHASE, text + 6, strlen(text + 6), err);
	else if (strcasecmp(text, "deleted") == 0 || strcasecmp(text, "delete") == 0)
		r = goal_put(&goal, GOAL_DELETED, "Deleted", 7, err);
	else if (word_is_in(CONDITIONS, text))
		r = goal_parse_condition(text, &goal, err);
	else if (word_is_in(PHASES, text))
		r = goal_put(&goal, GOAL_PHASE, text, strlen(text), err);
	else
		return err_set(err, ERR_INVALID, 0,
		               "--for \"%.80s\": want Deleted, " PHASES ", " CONDITIONS
		               ", condition=TYPE[=STATUS] or phase=PHASE",
		               text);
	if (r == 0)
		*ret_goal = goal;
	return r;
}

/* Why it does not become Stopped while spec.running is true. */
static const char *say_running(const struct goal *goal, const json_t *object)
{
	if (goal->kind != GOAL_PHASE || strcmp(goal->word, "Stopped") != 0 ||
	    !json_bool_at(object, false, "spec", "running", NULL))
		return "";
	return "spec.running is true: a request wakes it unless spec.activation.enabled is false; ";
}

static void say(char why[GOAL_WHY_BYTES], const struct goal *goal, const json_t *object)
{
	const json_t *ready = kube_condition(object, "Ready");

	(void)snprintf(why, GOAL_WHY_BYTES, "%s%.30s%s%.60s%s%.280s", say_running(goal, object),
	               json_str_at(object, "no status yet", "status", "phase", NULL),
	               ready != NULL ? ", " : "", json_str_at(ready, "", "reason", NULL),
	               *json_str_at(ready, "", "message", NULL) != '\0' ? ": " : "",
	               json_str_at(ready, "", "message", NULL));
}

static bool goal_is_met(const struct goal *goal, const json_t *object)
{
	int64_t generation = kube_generation(object);
	const json_t *c;

	if (goal->kind == GOAL_PHASE)
		return json_int_at(object, 0, "status", "observedGeneration", NULL) >= generation &&
		       strcmp(json_str_at(object, "", "status", "phase", NULL), goal->word) == 0;
	c = kube_condition(object, goal->word);
	return c != NULL && json_int_at(c, generation, "observedGeneration", NULL) >= generation &&
	       strcmp(json_str_at(c, "", "status", NULL), goal->status) == 0;
}

/* Does the goal want a process that runs? */
static bool goal_wants_life(const struct goal *goal)
{
	if (goal->kind == GOAL_PHASE)
		return strcmp(goal->word, "Running") == 0;
	return strcmp(goal->status, "True") == 0 &&
	       (strcmp(goal->word, "Ready") == 0 || strcmp(goal->word, "ConsumerReady") == 0);
}

enum goal_answer goal_check(const struct goal *goal, const json_t *object, char why[GOAL_WHY_BYTES])
{
	bool deleted = goal->kind == GOAL_DELETED;

	if (object == NULL) {
		(void)snprintf(why, GOAL_WHY_BYTES, "it is gone");
		return deleted ? GOAL_MET : GOAL_NEVER;
	}
	say(why, goal, object);
	if (deleted)
		return GOAL_NOT_YET;
	if (goal_is_met(goal, object))
		return GOAL_MET;
	if (goal_wants_life(goal) &&
	    strcmp(json_str_at(object, "", "status", "phase", NULL), "Failed") == 0 &&
	    json_int_at(object, 0, "status", "observedGeneration", NULL) >= kube_generation(object))
		return GOAL_NEVER;
	return GOAL_NOT_YET;
}
