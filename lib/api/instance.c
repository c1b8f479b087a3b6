/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/api/instance.h"

#include <string.h>

#include "lib/kube/client/object.h"

SKIM_ONLY(kept_owner, {"uid", NULL}, {"controller", NULL});
SKIM_ONLY(kept_metadata, SKIM_IDENTITY, {"deletionTimestamp", NULL},
          {"ownerReferences", &kept_owner});
SKIM_ONLY(kept_status, {"phase", NULL}, {"message", NULL}, {"containerGeneration", NULL},
          {"consumerPodUID", NULL}, {"consumer", NULL});
static const struct skim_member kept_members[] = {
        {"metadata", &kept_metadata},
        {"status", &kept_status},
        {NULL, NULL},
};
const struct skim INSTANCE_CONSUMER = {false, kept_members};

void instance_consumer(const json_t *instance, int64_t reached,
                       struct instance_consumer *ret_consumer)
{
	const json_t *status = json_object_get(instance, "status");
	const json_t *said = json_object_get(status, "consumer");
	const char *told_uid = json_str_at(status, "", "consumerPodUID", NULL);
	const char *said_uid = json_str_at(said, "", "podUID", NULL);
	const char *state = json_str_at(said, "", "state", NULL);
	int64_t told = json_int_at(status, 0, "containerGeneration", NULL);
	int64_t made_for = json_int_at(said, 0, "containerGeneration", NULL);

	if (made_for > told && made_for <= reached && *said_uid != '\0') {
		*ret_consumer = (struct instance_consumer){said_uid, state, made_for, true};
		return;
	}
	*ret_consumer = (struct instance_consumer){
	        .uid = told_uid,
	        .state = *told_uid != '\0' && strcmp(said_uid, told_uid) == 0 ? state : "",
	        .generation = told,
	};
}

bool instance_image_is_of(const json_t *image, const json_t *run_as)
{
	const json_t *is = json_object_get(image, "runAsUser");

	return is == run_as || json_equal(is, run_as);
}
