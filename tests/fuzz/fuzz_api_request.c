/* SPDX-License-Identifier: Apache-2.0 */
/* A request target to the embedded API, and the selectors and paths that come in its query. */
#include "local/api/core/jsonpath.h"
#include "local/api/core/request.h"
#include "local/api/core/selector.h"
#include "local/registry/core/status.h"
#include "tests/fuzz/fuzz.h"

static void check_refusal(const struct err *err)
{
	json_t *status = status_bad_request("%s", err->text);

	FUZZ_CHECK(status != NULL && json_object_get(status, "message") != NULL);
	json_decref(status);
}

static void select_by(const char *text)
{
	json_t *object = json_pack("{s{sss{ss}}}", "metadata", "name", "a", "labels", "app", "x");
	json_t *selector = NULL;
	struct err err;

	if (text == NULL || object == NULL) {
		json_decref(object);
		return;
	}
	if (selector_parse_labels(text, &selector, &err) == 0)
		(void)selector_matches_labels(selector, object);
	else
		check_refusal(&err);
	json_decref(selector);
	selector = NULL;
	if (selector_parse_fields(text, &selector, &err) == 0)
		(void)selector_matches_fields(selector, object);
	else
		check_refusal(&err);
	json_decref(selector);
	(void)jsonpath_get(object, text);
	json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = fuzz_text(data, bytes);
	struct request r;
	struct err err;

	if (request_parse(text, &r, &err) == 0) {
		FUZZ_CHECK(r.part_count <= REQUEST_PARTS_MAX && r.parts[r.part_count] == NULL);
		FUZZ_CHECK(!r.is_resource || r.plural);
		select_by(request_query(&r, "labelSelector"));
		select_by(request_query(&r, "fieldSelector"));
	}
	free(text);
	return 0;
}
