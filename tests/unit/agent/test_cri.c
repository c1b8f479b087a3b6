/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/cri.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A gRPC message under construction, written by hand: field keys and lengths as on the wire. */
struct wire {
	char bytes[4096];
	size_t count;
};

static void put_bytes(struct wire *w, unsigned field, const char *data, size_t count)
{
	unsigned key = field << 3 | 2;

	if (key > 127) { /* varints */
		w->bytes[w->count++] = (char)(key | 128);
		key >>= 7;
	}
	w->bytes[w->count++] = (char)key;
	if (count > 127)
		w->bytes[w->count++] = (char)(count | 128);
	w->bytes[w->count++] = (char)(count > 127 ? count >> 7 : count);
	memcpy(w->bytes + w->count, data, count);
	w->count += count;
}

static void put(struct wire *w, unsigned field, const char *text)
{
	put_bytes(w, field, text, strlen(text));
}

static struct wire framed(const struct wire *message)
{
	struct wire w = {{0, 0, 0, (char)(message->count >> 8), (char)message->count}, 5};

	memcpy(w.bytes + 5, message->bytes, message->count);
	w.count += message->count;
	return w;
}

static void test_cri_asks_as_the_interface_has_it(void **state)
{
	static const char container[] = "\0\0\0\0\5\12\3abc";
	static const char image[] = "\0\0\0\0\10\12\4\12\2im\20\1";
	char buf[CRI_QUESTION_BYTES_MAX];
	struct err err;
	size_t bytes;

	(void)state;
	assert_int_equal(cri_container_question("containerd://abc", buf, &bytes, &err), 0);
	assert_int_equal(bytes, sizeof container - 1);
	assert_memory_equal(buf, container, bytes);
	assert_int_equal(cri_container_question("cri-o://abc", buf, &bytes, &err), 0);
	assert_memory_equal(buf, container, bytes);
	assert_int_equal(cri_image_question("im", buf, &bytes, &err), 0);
	assert_int_equal(bytes, sizeof image - 1);
	assert_memory_equal(buf, image, bytes);
}

static void test_cri_refuses_what_is_no_container_of_its_own(void **state)
{
	char buf[CRI_QUESTION_BYTES_MAX];
	char longest[CRI_NAME_BYTES + 32] = "containerd://";
	struct err err;
	size_t bytes;

	(void)state;
	memset(longest + strlen(longest), 'a', CRI_NAME_BYTES - 1);
	assert_int_equal(cri_container_question(longest, buf, &bytes, &err), 0);
	assert_true(bytes <= sizeof buf);
	longest[strlen(longest)] = 'a';
	assert_int_equal(cri_container_question(longest, buf, &bytes, &err), -1);
	assert_int_equal(cri_container_question("podman://abc", buf, &bytes, &err), -1);
	assert_int_equal(cri_container_question("abc", buf, &bytes, &err), -1);
	assert_int_equal(cri_container_question("containerd://", buf, &bytes, &err), -1);
	assert_int_equal(cri_container_question("containerd://a b", buf, &bytes, &err), -1);
}

static struct wire container_answer(const char *image_ref, const char *image_id)
{
	struct wire status = {.count = 0};
	struct wire response = {.count = 0};

	put(&status, 1, "some-id"); /* not read */
	put(&status, 9, image_ref);
	put(&status, 17, image_id);
	put_bytes(&response, 1, status.bytes, status.count);
	return framed(&response);
}

static void test_cri_takes_the_image_that_the_container_was_made_of(void **state)
{
	struct wire w = container_answer("docker.io/library/a@sha256:" HEX64, "");
	char image[CRI_NAME_BYTES];
	struct err err;

	(void)state;
	assert_int_equal(cri_container_answer(w.bytes, w.count, image, &err), 0);
	assert_string_equal(image, "docker.io/library/a@sha256:" HEX64);
	w = container_answer("docker.io/library/a@sha256:" HEX64, "sha256:" HEX64);
	assert_int_equal(cri_container_answer(w.bytes, w.count, image, &err), 0);
	assert_string_equal(image, "sha256:" HEX64);
	w = container_answer("", "");
	assert_int_equal(cri_container_answer(w.bytes, w.count, image, &err), -1);
	w = framed(&(struct wire){.count = 0});
	assert_int_equal(cri_container_answer(w.bytes, w.count, image, &err), -1);
}

static struct wire image_answer(const char *id, const char *info)
{
	struct wire image = {.count = 0};
	struct wire other = {.count = 0};
	struct wire pair = {.count = 0};
	struct wire response = {.count = 0};

	put(&image, 1, id);
	put(&image, 2, "docker.io/library/a:1");
	put(&other, 1, "else");
	put(&other, 2, "{}");
	put(&pair, 1, "info");
	put(&pair, 2, info);
	put_bytes(&response, 1, image.bytes, image.count);
	put_bytes(&response, 2, other.bytes, other.count);
	put_bytes(&response, 2, pair.bytes, pair.count);
	return framed(&response);
}

static void expect_image(const char *id, const char *info, int want)
{
	struct wire w = image_answer(id, info);
	char digest[CRI_DIGEST_BYTES];
	json_t *config = NULL;
	struct err err = {0};

	assert_int_equal(cri_image_answer(w.bytes, w.count, digest, &config, &err), want);
	assert_int_equal(config != NULL, want == 0);
	if (want == 0)
		assert_string_equal(digest, "sha256:" HEX64);
	json_decref(config);
}

static void test_cri_reads_the_configuration_of_an_image(void **state)
{
	struct wire w =
	        image_answer("sha256:" HEX64, "{\"chainID\":\"x\",\"imageSpec\":{\"config\":"
	                                      "{\"User\":\"app\",\"Cmd\":[\"a\"]}}}");
	char digest[CRI_DIGEST_BYTES];
	json_t *config = NULL;
	struct err err;

	(void)state;
	assert_int_equal(cri_image_answer(w.bytes, w.count, digest, &config, &err), 0);
	assert_string_equal(digest, "sha256:" HEX64);
	assert_string_equal(json_string_value(json_object_get(config, "User")), "app");
	json_decref(config);
	expect_image(HEX64, "{\"imageSpec\":{\"config\":{}}}", 0); /* as CRI-O has it */
	expect_image("sha256:" HEX64, "{\"imageSpec\":{}}", 0);    /* an image that says nothing */
	expect_image("sha256:" HEX64, "{\"labels\":{}}", -1);
	expect_image("sha256:" HEX64, "no JSON", -1);
	expect_image("docker.io/library/a:1", "{\"imageSpec\":{\"config\":{}}}", -1);
	expect_image("sha256:" HEX64 "0", "{\"imageSpec\":{\"config\":{}}}", -1);
}

static void test_cri_tells_an_image_that_is_gone(void **state)
{
	struct wire w = framed(&(struct wire){.count = 0});
	char digest[CRI_DIGEST_BYTES];
	json_t *config = NULL;
	struct err err;

	(void)state;
	assert_int_equal(cri_image_answer(w.bytes, w.count, digest, &config, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_cri_refuses_broken_frames(void **state)
{
	struct wire w = container_answer("a", "b");
	char image[CRI_NAME_BYTES];
	struct err err;

	(void)state;
	for (size_t count = 0; count < w.count; count++)
		assert_int_equal(cri_container_answer(w.bytes, count, image, &err), -1);
	w.bytes[0] = 1; /* compressed, which nobody asked for */
	assert_int_equal(cri_container_answer(w.bytes, w.count, image, &err), -1);
	w = container_answer("a", "b");
	w.bytes[w.count++] = 0; /* a second message */
	assert_int_equal(cri_container_answer(w.bytes, w.count, image, &err), -1);
}

static void test_cri_reads_the_status_of_a_call(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(cri_status_error("0", "", &err), 0);
	assert_int_equal(cri_status_error("5", "no such container", &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "no such container"));
	assert_int_equal(cri_status_error("12", "unknown service runtime.v1", &err), -1);
	assert_non_null(strstr(err.text, "runtime.v1"));
	assert_int_equal(cri_status_error("", "", &err), -1);
	assert_int_equal(err.code, ERR_PARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_cri_asks_as_the_interface_has_it),
	        cmocka_unit_test(test_cri_refuses_what_is_no_container_of_its_own),
	        cmocka_unit_test(test_cri_takes_the_image_that_the_container_was_made_of),
	        cmocka_unit_test(test_cri_reads_the_configuration_of_an_image),
	        cmocka_unit_test(test_cri_tells_an_image_that_is_gone),
	        cmocka_unit_test(test_cri_refuses_broken_frames),
	        cmocka_unit_test(test_cri_reads_the_status_of_a_call),
	};

	return cmocka_run_group_tests_name("cri", tests, NULL, NULL);
}
