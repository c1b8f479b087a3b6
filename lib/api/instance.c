/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance - reads a StoppableContainerInstance out of its JSON
 */
#include "lib/api/instance.h"

#include <string.h>

#include "lib/kube/client/object.h"

SKIM_ONLY(kept_owner, {"uid", SKIM_KEEP}, {"controller", SKIM_KEEP});
SKIM_ONLY(kept_metadata, SKIM_IDENTITY, {"deletionTimestamp", SKIM_KEEP},
          {"ownerReferences", SKIM_INSIDE, &kept_owner});
SKIM_ONLY(kept_status, {"phase", SKIM_KEEP}, {"message", SKIM_KEEP},
          {"containerGeneration", SKIM_KEEP}, {"consumerPodUID", SKIM_KEEP},
          {"consumer", SKIM_KEEP});
static const struct skim_member kept_members[] = {
        {"metadata", SKIM_INSIDE, &kept_metadata},
        {"status", SKIM_INSIDE, &kept_status},
        {NULL},
};
const struct skim INSTANCE_CONSUMER = {SKIM_DROP, kept_members};

void instance_consumer(const json_t *instance, int64_t reached,
                       struct instance_consumer *ret_consumer)
{
	const json_t *status = json_object_get(instance, "status");
	const json_t *by_agent = json_object_get(status, "consumer");
	const char *uid = json_str_at(status, "", "consumerPodUID", NULL);
	const char *agents_uid = json_str_at(by_agent, "", "podUID", NULL);
	const char *state = json_str_at(by_agent, "", "state", NULL);
	int64_t generation = json_int_at(status, 0, "containerGeneration", NULL);
	int64_t made_for = json_int_at(by_agent, 0, "containerGeneration", NULL);

	if (made_for > generation && made_for <= reached && *agents_uid != '\0') {
		*ret_consumer = (struct instance_consumer){agents_uid, state, made_for, true};
		return;
	}
	*ret_consumer = (struct instance_consumer){
	        .uid = uid,
	        .state = *uid != '\0' && strcmp(agents_uid, uid) == 0 ? state : "",
	        .generation = generation,
	};
}

bool instance_image_is_of(const json_t *image, const json_t *run_as)
{
	const json_t *is = json_object_get(image, "runAsUser");

	return is == run_as || json_equal(is, run_as);
}
