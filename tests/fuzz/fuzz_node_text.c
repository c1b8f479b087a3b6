/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that the agent reads from a user's tree, its own disk, or the runtime. */
#include "agent/core/image.h"
#include "agent/core/passwd.h"
#include "agent/core/pod_cgroup.h"
#include "agent/core/record.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = fuzz_text(data, bytes);
	struct record record = {0};
	char *user;
	char *passwd = text;
	struct err err;
	struct passwd_user resolved;
	json_t *config = json_loads(text, 0, NULL);

	if (record_parse(text, &record, &err) == 0)
		record_done(&record);
	if (config)
		json_decref(image_status(config, NULL));
	json_decref(config);
	(void)pod_cgroup_has(text, "9d2f4b6e-0000-4000-8000-000000000001");
	user = strsep(&passwd, "\n");
	if (passwd)
		(void)passwd_resolve(user, passwd, passwd, &resolved, &err);
	free(text);
	return 0;
}
