/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods_words - the words that a consumer's process is given: the template's and the image's
 */
#include "controller/core/pods_words.h"

#include <string.h>

#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"

bool pods_has_named(const json_t *list, const char *key, const char *value)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		if (strcmp(json_str_at(one, "", key, NULL), value) == 0)
			return true;
	}
	return false;
}

/* What an image says is no template of Kubernetes: there "$$" is a dollar, and "$(" a variable. */
static json_t *literal(const char *text)
{
	json_t *whole = json_string("");

	while (*text != '\0') {
		size_t plain = strcspn(text, "$");
		bool is_dollar = text[plain] == '$';
		json_t *longer = json_sprintf("%s%.*s%s", json_string_value(whole), (int)plain,
		                              text, is_dollar ? "$$" : "");

		json_decref(whole);
		whole = longer;
		text += plain + (is_dollar ? 1 : 0);
	}
	return whole;
}

static void append_literals(json_t *args, const json_t *words)
{
	const json_t *word;
	size_t i;

	json_array_foreach(words, i, word) {
		(void)json_array_append_new(args, literal(json_string_value(word)));
	}
}

json_t *pods_args(const json_t *container, const json_t *image)
{
	const json_t *command = json_at(container, "command", NULL);
	const json_t *args = json_at(container, "args", NULL);
	json_t *all = json_array();

	if (json_array_size(command) > 0)
		(void)json_array_extend(all, json_ref(command));
	else
		append_literals(all, json_at(image, "entrypoint", NULL));
	if (json_array_size(args) > 0)
		(void)json_array_extend(all, json_ref(args));
	else if (json_array_size(command) == 0)
		append_literals(all, json_at(image, "command", NULL));
	return all;
}

static void add_home(json_t *env, const json_t *users, const json_t *image)
{
	const char *home = json_str_at(image, "", "home", NULL);

	/* runtimes look into a container's image, which is the wrapper's: the agent did */
	if (*home == '\0' || pods_has_named(env, "name", "HOME") ||
	    pods_has_named(users, "name", "HOME"))
		return;
	(void)json_array_append_new(env,
	                            json_pack("{s:s,s:o}", "name", "HOME", "value", literal(home)));
}

void pods_merge_env(json_t *main, const json_t *image)
{
	const json_t *users = json_object_get(main, "env");
	json_t *env = json_array();
	const json_t *pair;
	size_t i;

	json_array_foreach(json_at(image, "env", NULL), i, pair) {
		const char *text = json_string_value(pair);
		const char *equals = text != NULL ? strchr(text, '=') : NULL;
		json_t *name;

		if (equals == NULL || equals == text)
			continue;
		name = json_stringn(text, (size_t)(equals - text));
		if (!pods_has_named(users, "name", json_string_value(name)))
			(void)json_array_append_new(env, json_pack("{s:O,s:o}", "name", name,
			                                           "value", literal(equals + 1)));
		json_decref(name);
	}
	add_home(env, users, image);
	if (users != NULL)
		(void)json_array_extend(env, json_ref(users));
	if (json_array_size(env) > 0)
		(void)json_object_set(main, "env", env);
	json_decref(env);
}
