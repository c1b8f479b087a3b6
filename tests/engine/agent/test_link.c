/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes the agent takes for process 1 of a consumer. Runs as root in mount, process and
 * network namespaces of its own (see meson.build).
 */
#include <event2/event.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/io/link.h"
#include "tests/engine/agent/container.h"

#define T "/run/t"
#define CONTROL T "/pods/%s/volumes/kubernetes.io~empty-dir/sc-control"

/* Process 1 of a container; it does a step at each byte of @orders, and answers with one. */
struct process {
	pid_t pid;
	int orders;
	int answers;
};

struct fixture {
	char pod_uid[64];
	char cgroup[128];
	pid_t containers[2]; /* 0: none */
	pid_t other;         /* known to be of another container than the main one */
	unsigned messages;
	unsigned gone;
	struct event_base *base;
	struct links *links;
	struct link *link;
	struct err err;
};

static void on_message(void *arg, const struct proto_message *m)
{
	struct fixture *f = arg;

	assert_int_equal(m->kind, PROTO_HELLO_WAITING);
	f->messages++;
	(void)event_base_loopbreak(f->base);
}

static bool on_closed(void *arg)
{
	(void)arg;
	return false;
}

static void on_gone(void *arg)
{
	struct fixture *f = arg;

	f->gone++;
	(void)event_base_loopbreak(f->base);
}

static bool is_other(const void *arg, pid_t pid)
{
	return pid == ((const struct fixture *)arg)->other;
}

static void make_folders(char *path)
{
	for (char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		(void)mkdir(path, 0755);
		*at = '/';
	}
	assert_int_equal(mkdir(path, 0755), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	const struct link_handler handler = {on_message, on_closed, on_gone, f, is_other};
	struct timespec now;
	char path[PATH_MAX];

	assert_non_null(f);
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
	(void)snprintf(f->pod_uid, sizeof f->pod_uid, "test-link-%lld-%ld", (long long)now.tv_sec,
	               now.tv_nsec);
	assert_int_equal(mount("tmpfs", "/run", "tmpfs", 0, "size=1m"), 0);
	(void)snprintf(path, sizeof path, CONTROL, f->pod_uid);
	make_folders(path);
	assert_int_equal(mkdir(T "/cgroup", 0755), 0);
	assert_int_equal(mount("cgroup2", T "/cgroup", "cgroup2", 0, NULL), 0);
	(void)snprintf(f->cgroup, sizeof f->cgroup, T "/cgroup/pod%s", f->pod_uid);
	assert_int_equal(mkdir(f->cgroup, 0755), 0);
	f->base = event_base_new();
	assert_non_null(f->base);
	assert_int_equal(links_new(f->base, T "/pods", &f->links, &f->err), 0);
	assert_int_equal(link_new(f->links, f->pod_uid, &handler, &f->link, &f->err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	/* what a failed test left */
	for (size_t i = 0; i < 2; i++) {
		if (f->containers[i] != 0 && kill(f->containers[i], SIGKILL) == 0)
			(void)waitpid(f->containers[i], NULL, 0);
	}
	link_free(f->link);
	links_free(f->links);
	event_base_free(f->base);
	assert_int_equal(rmdir(f->cgroup), 0);
	free(f);
	return umount2("/run", MNT_DETACH);
}

/* Listen in the control folder, in the place of whoever listens there. Return: the connection. */
static int listen_and_accept(const struct fixture *f)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char folder[PATH_MAX];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	(void)snprintf(folder, sizeof folder, CONTROL, f->pod_uid);
	(void)snprintf(addr.sun_path, sizeof addr.sun_path, "new.sock");
	if (fd < 0 || chdir(folder) < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 ||
	    listen(fd, 1) < 0 || rename("new.sock", "wrapper.sock") < 0)
		_exit(1);
	return accept(fd, NULL, NULL);
}

/* Each order: a new socket, hello, and the first byte of what is said to it ('-': its end). */
static void serve(const struct fixture *f, int orders, int answers)
{
	char packet[64];
	char byte;
	int fd = -1;

	while (read(orders, &byte, 1) == 1) {
		(void)close(fd);
		fd = listen_and_accept(f);
		(void)send(fd, "hello 1 waiting", 15, MSG_NOSIGNAL);
		if (recv(fd, packet, sizeof packet, 0) <= 0)
			packet[0] = '-';
		if (write(answers, packet, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static struct process start_container(struct fixture *f)
{
	struct process p;
	char path[PATH_MAX];
	char text[32];
	int orders[2];
	int answers[2];

	assert_int_equal(pipe(orders), 0);
	assert_int_equal(pipe(answers), 0);
	p.pid = (pid_t)syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | SIGCHLD, NULL,
	                       NULL, NULL, 0);
	assert_true(p.pid >= 0);
	if (p.pid == 0) {
		(void)close(orders[1]);
		(void)close(answers[0]);
		serve(f, orders[0], answers[1]);
	}
	(void)close(orders[0]);
	(void)close(answers[1]);
	f->containers[f->containers[0] != 0] = p.pid;
	p.orders = orders[1];
	p.answers = answers[0];
	(void)snprintf(path, sizeof path, "%s/cgroup.procs", f->cgroup);
	(void)snprintf(text, sizeof text, "%d\n", (int)p.pid);
	write_text(path, text);
	return p;
}

static void end_container(struct fixture *f, const struct process *p)
{
	(void)close(p->orders);
	(void)close(p->answers);
	assert_int_equal(kill(p->pid, SIGKILL), 0);
	assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
	f->containers[p->pid != f->containers[0]] = 0;
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;

	(void)fd;
	(void)what;
	(void)event_base_loopbreak(f->base);
}

/* Until a message, an end, or an answer of @p. */
static void run(struct fixture *f, const struct process *p)
{
	static const struct timeval deadline = {10, 0};
	struct event *answer = event_new(f->base, p->answers, EV_READ, on_answer, f);

	assert_non_null(answer);
	assert_int_equal(event_add(answer, &deadline), 0);
	(void)event_base_dispatch(f->base);
	event_free(answer);
}

static void order(const struct process *p)
{
	assert_int_equal(write(p->orders, "x", 1), 1);
}

static void expect_answer(const struct process *p, char want)
{
	char got = 0;

	assert_int_equal(read(p->answers, &got, 1), 1);
	assert_int_equal(got, want);
}

/* A process with new namespaces, which waits. */
static int enter_namespaces(const void *flags)
{
	return unshare(*(const int *)flags);
}

/* Why a process with such namespaces is refused: none of them is in the Pod's cgroup. */
static void expect_refused(struct fixture *f, int flags, const char *why)
{
	pid_t pid = process_start(enter_namespaces, &flags);

	assert_int_equal(link_adopt(f->link, pid, &f->err), -1);
	assert_int_equal(f->err.code, ERR_DENIED);
	if (strstr(f->err.text, why) == NULL)
		fail_msg("%s", f->err.text);
	assert_null(link_peer(f->link));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_link_peer_with_namespaces_of_a_user_namespace_is_refused(void **state)
{
	struct fixture *f = *state;

	expect_refused(f, CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS, "user namespace");
	expect_refused(f, CLONE_NEWUSER | CLONE_NEWNET, "user namespace");
	expect_refused(f, CLONE_NEWUSER | CLONE_NEWNS, "user namespace");
	/* as a runtime makes them */
	expect_refused(f, CLONE_NEWNET | CLONE_NEWNS, "cgroup");
}

static void test_link_second_peer_is_refused_while_the_first_lives(void **state)
{
	struct fixture *f = *state;
	struct process first = start_container(f);
	struct process second = start_container(f);

	order(&first);
	run(f, &first);
	assert_int_equal(f->messages, 1);
	assert_int_equal(link_peer(f->link)->pid, first.pid);

	order(&second);
	run(f, &second);
	assert_int_equal(f->messages, 1);
	expect_answer(&second, '-');
	assert_int_equal(link_peer(f->link)->pid, first.pid);
	/* whose connection is still there */
	link_send(f->link, PROTO_GO, "");
	expect_answer(&first, 'g');

	end_container(f, &first);
	while (f->gone == 0)
		run(f, &second);
	assert_null(link_peer(f->link));
	order(&second);
	run(f, &second);
	assert_int_equal(f->messages, 2);
	assert_int_equal(link_peer(f->link)->pid, second.pid);
	end_container(f, &second);
}

static void test_link_peer_of_another_container_is_refused_as_soon_as_that_is_known(void **state)
{
	struct fixture *f = *state;
	struct process debug = start_container(f);
	struct process main_one;

	/* the kubelet has not told which container that is */
	order(&debug);
	run(f, &debug);
	assert_int_equal(link_peer(f->link)->pid, debug.pid);
	assert_false(link_recheck(f->link));
	assert_int_equal(link_peer(f->link)->pid, debug.pid);

	f->other = debug.pid;
	assert_true(link_recheck(f->link));
	assert_null(link_peer(f->link));
	expect_answer(&debug, '-');
	order(&debug);
	run(f, &debug);
	assert_null(link_peer(f->link));
	assert_int_equal(f->messages, 1);

	main_one = start_container(f);
	order(&main_one);
	while (f->messages < 2)
		run(f, &main_one);
	assert_int_equal(link_peer(f->link)->pid, main_one.pid);
	end_container(f, &main_one);
	end_container(f, &debug);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_link_peer_of_another_container_is_refused_as_soon_as_that_is_known,
	                setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_link_second_peer_is_refused_while_the_first_lives, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_link_peer_with_namespaces_of_a_user_namespace_is_refused, setup,
	                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
