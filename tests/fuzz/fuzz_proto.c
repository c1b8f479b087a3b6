/* SPDX-License-Identifier: Apache-2.0 */
/* A packet between wrapper and agent: what is understood is written and understood again. */
#include "tests/fuzz/fuzz.h"
#include "wrapper/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char packet[PROTO_TEXT_BYTES_MAX + 1];
	char *text;
	struct proto_message m;
	struct proto_message again;

	if (bytes > PROTO_TEXT_BYTES_MAX)
		bytes = PROTO_TEXT_BYTES_MAX;
	text = fuzz_text(data, bytes);
	m = proto_parse(text);
	FUZZ_CHECK(m.text != NULL);
	if (m.kind != PROTO_UNKNOWN) {
		size_t n = proto_format(packet, &m);

		FUZZ_CHECK(n <= PROTO_TEXT_BYTES_MAX);
		packet[n] = '\0';
		again = proto_parse(packet);
		FUZZ_CHECK(again.kind == m.kind && again.number == m.number);
	}
	free(text);
	return 0;
}
