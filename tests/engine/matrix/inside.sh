#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: isolate.sh inside.sh BUILD_DIR CRDS_DIR
# For each image: what its first process is under Podman and as a stoppable container, how it ends
# by its own stop signal, and what of its files is to be seen. A difference that docs/images.md does
# not name fails; those that it names are in alike().
set -u
here=$(cd "$(dirname "$0")" && pwd)
sc_local=$1/local/sc-local
crds=$2
names=(nginx postgres redis python node workdir groups scratch volume quoting layers owners init systemd)
count=0 failed=0
# shellcheck source=tests/engine/matrix/images.sh
source "$here/images.sh"

engine() { # engine COMMAND [OPTION…]
	local command=$1
	shift
	"$sc_local" "$command" --state-dir="$ENGINE_DIR/state" --run-dir=/run/engine "$@"
}

podman() { engine podman -- "$@"; }
k() { kubectl --kubeconfig="$ENGINE_DIR/state/kubeconfig" "$@"; }

check() { # check DESCRIPTION CMD…: its output is told when it fails
	local what=$1
	shift
	count=$((count + 1))
	if "$@" >"$ENGINE_DIR/out" 2>&1; then
		echo "ok $count - $what"
	else
		failed=1
		echo "not ok $count - $what"
		sed 's/^/# /' "$ENGINE_DIR/out"
	fi
}

until_true() { # until_true CMD…: for thirty seconds at most
	for _ in $(seq 300); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

start_engine() {
	engine up --detach --crds-dir="$crds" --cgroup-root="$ENGINE_CGROUP" --bridge=scmatrix \
		--subnet=10.97.0.1/16 --listen=127.0.0.1:16443 --http-listen=127.0.0.1:18080 \
		--admin-port=19440 --host-path-prefixes="$ENGINE_DIR/rootfs" ${SC_BIN_DIR:+--bin-dir="$SC_BIN_DIR"}
}

# What an image is started with besides; the same on both sides.
is_application() { [ "$1" = init ] || [ "$1" = systemd ]; }

podman_options() {
	[ "$1" != systemd ] || echo --privileged --systemd=false --tmpfs /run --tmpfs /tmp
}

# tree NAME ROOT: the files that the image is about
tree() {
	case "$1" in
		owners) python3 - "$2/tree" ;;
		volume) find "$2/var/mine" -printf '%P %y %m %U %G\n' | sort ;;
		quoting) cat "$2/said" ;;
	esac <<-'END'
		import os, sys
		for base, dirs, files in os.walk(sys.argv[1]):
		    for name in sorted(dirs) + sorted(files):
		        path = os.path.join(base, name)
		        st = os.lstat(path)
		        print(os.path.relpath(path, sys.argv[1]), oct(st.st_mode), st.st_uid, st.st_gid, st.st_size if not os.path.isdir(path) else "-",
		              st.st_nlink, [(a, os.getxattr(path, a, follow_symlinks=False)) for a in sorted(os.listxattr(path, follow_symlinks=False))])
	END
}

look() { # look NAME PID FILE
	"$here/look.sh" "$2" >"$3" && tree "$1" "/proc/$2/root" >>"$3"
}

# A shell that starts the program is not it yet.
settled() { # settled NAME PID
	case "$1" in
		postgres) grep -q ready "/proc/$2/root/data/pg/postmaster.pid" ;;
		quoting) [ -s "/proc/$2/root/said" ] ;;
		python | node | nginx) [ "$(awk '/^SigCgt/ { print $2 }' "/proc/$2/status")" != 0000000000000000 ] ;;
		systemd) grep -qs python3 "/proc/$2/task/$2/children" || pgrep -P "$2" -f http.server >/dev/null ;;
		init | volume | owners | workdir) pgrep -P "$2" sleep >/dev/null ;;
	esac
}

run_alone() {
	local name=$1 pid options
	read -ra options < <(podman_options "$name")
	podman run --detach --name "$name" --hostname "$name" --network ns:/run/netns/alone \
		--cgroup-parent="/$ENGINE_CGROUP/alone" \
		--add-host "$name:10.97.9.9" \
		--ulimit "nofile=$(ulimit -Hn)" --ulimit "nproc=$(ulimit -Hu)" "${options[@]}" \
		"localhost/$name" >/dev/null || return 1
	pid=$(podman inspect --format '{{.State.Pid}}' "$name")
	until_true settled "$name" "$pid" || { podman logs "$name"; return 1; }
	look "$name" "$pid" "$ENGINE_DIR/$name.alone"
	podman stop --time 5 "$name" >/dev/null
	echo "exit $(podman inspect --format '{{.State.ExitCode}}' "$name")" >>"$ENGINE_DIR/$name.alone"
	podman rm --force --volumes "$name" >/dev/null
}

manifest() { # manifest NAME
	local name=$1 more='' spec=''
	if [ "$name" = systemd ]; then
		more=', securityContext: {privileged: true}, volumeMounts: [{name: run, mountPath: /run}, {name: tmp, mountPath: /tmp}]'
		spec=', volumes: [{name: run, emptyDir: {medium: Memory}}, {name: tmp, emptyDir: {medium: Memory}}]'
	fi
	is_application "$name" && echo "spec: {processOne: Application," || echo "spec: {"
	cat <<-END
		  running: true, hostPathPrefix: $ENGINE_DIR/rootfs, idle: {timeout: 0s},
		  template: {container: {image: localhost/$name, imagePullPolicy: Never$more}$spec}}
		apiVersion: stoppablecontainer.xtlsoft.top/v1alpha1
		kind: StoppableContainer
		metadata: {name: $name}
	END
}

is_started() {
	case "$(k get sci "$1" --output=jsonpath='{.status.consumer.state}' 2>/dev/null)" in
		Started | Listening) ;;
		*) false ;;
	esac
}

is_stopped() { [ "$(k get stoppablecontainers "$1" --output=jsonpath='{.status.phase}')" = Stopped ]; }

# The user's process: the wrapper's child, or process 1 itself.
main_pid() {
	local pid
	pid=$(podman inspect --format '{{.State.Pid}}' \
		"$(podman ps --quiet --filter "label=io.kubernetes.pod.name=$1" --filter label=io.kubernetes.container.name=main)")
	is_application "$1" && echo "$pid" || pgrep -P "$pid" | head -n 1
}

run_stoppable() {
	local name=$1 pid
	manifest "$name" | k apply --filename - >/dev/null || return 1
	until_true is_started "$name" || { k get sci "$name" --output=yaml; return 1; }
	pid=$(main_pid "$name")
	until_true settled "$name" "$pid" || { ps -ef --forest; return 1; }
	look "$name" "$pid" "$ENGINE_DIR/$name.stoppable"
	k patch stoppablecontainers "$name" --type merge --patch '{"spec":{"running":false}}' >/dev/null
	until_true is_stopped "$name" || return 1
	echo "exit $(exit_code "$name")" >>"$ENGINE_DIR/$name.stoppable"
	k delete stoppablecontainers "$name" >/dev/null
}

exit_code() { k get sci "$1" --output=jsonpath='{.status.consumer.exitCode}'; }

alike() { # alike NAME
	[ -s "$ENGINE_DIR/$1.alone" ] && [ -s "$ENGINE_DIR/$1.stoppable" ] &&
		diff <(named "$1" <"$ENGINE_DIR/$1.alone") <(named "$1" <"$ENGINE_DIR/$1.stoppable")
}

# Without the differences that docs/images.md names ("What differs").
named() {
	case "$1" in
		postgres) grep -v '^mount /data ' ;;
		volume) grep -v -e '^mount /var/mine ' -e '^mount /srv/none ' ;;
		scratch | layers) sed 's/^exit .*/exit of a program that minds no signal/' ;;
		workdir) grep -v '^mount /secret ' | sed 's/^env HOME=.*/env HOME/' ;;
		systemd) sed -E 's/^(mount \/(run|tmp) rw) .*/\1/' ;;
		*) cat ;;
	esac | sed 's/^\(status Groups:\)[ \t]*0$/\1/'
}

ip netns add alone
start_engine >"$ENGINE_DIR/up" 2>&1 || { echo "Bail out! the engine does not start"; exit 1; }
check 'a tree of Debian packages is an image' make_base
for name in ${MATRIX_ONLY:-"${names[@]}"}; do
	before=$SECONDS
	check "$name: the image is made" "make_$name"
	check "$name: runs under Podman" run_alone "$name"
	check "$name: runs as a stoppable container" run_stoppable "$name"
	check "$name: sees the same of itself" alike "$name"
	echo "# $name: $((SECONDS - before)) s"
done
engine down >/dev/null
echo "1..$count"
exit $failed
