# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The images of the matrix: one function each, which makes localhost/NAME. `podman` is the engine's.

# image NAME: a Containerfile on stdin, beside the folder $context
image() {
	podman build --quiet --isolation chroot --squash --pull=never --tag "localhost/$1" --file - "$context" >/dev/null
}

make_base() {
	podman import --quiet "$MATRIX_TREE" localhost/base
	context=$ENGINE_DIR/context
	mkdir -p "$context"
	cp "$SC_BOOT_SERVER" "$context/static"
	cp /bin/busybox "$context/busybox"
}

make_nginx() {
	image nginx <<-'END'
		FROM localhost/base
		EXPOSE 80
		STOPSIGNAL SIGQUIT
		CMD ["nginx", "-g", "daemon off;"]
	END
}

# A user by name, and a folder of its own as a volume.
make_postgres() {
	cat >"$context/postgres.sh" <<-'END'
		#!/bin/sh
		set -e
		bin=/usr/lib/postgresql/15/bin
		[ -s "$PGDATA/PG_VERSION" ] || $bin/initdb --auth=trust --no-sync >/dev/null
		exec $bin/postgres "$@"
	END
	chmod 755 "$context/postgres.sh"
	image postgres <<-'END'
		FROM localhost/base
		COPY postgres.sh /postgres.sh
		RUN mkdir -p /data && chown postgres:postgres /data
		ENV PGDATA=/data/pg LANG=C
		USER postgres
		VOLUME /data
		EXPOSE 5432
		STOPSIGNAL SIGINT
		ENTRYPOINT ["/postgres.sh"]
		CMD ["-c", "unix_socket_directories=/tmp", "-c", "shared_buffers=1MB"]
	END
}

make_redis() {
	image redis <<-'END'
		FROM localhost/base
		RUN mkdir -p /data && chown redis:redis /data
		WORKDIR /data
		USER redis:redis
		EXPOSE 6379
		CMD ["redis-server", "--save", "", "--protected-mode", "no"]
	END
}

make_python() {
	image python <<-'END'
		FROM localhost/base
		ENV PYTHONUNBUFFERED=1
		WORKDIR /srv/new/folder
		EXPOSE 8000
		CMD ["python3", "-c", "import http.server as h, signal, sys; signal.signal(signal.SIGTERM, lambda *a: sys.exit(4)); h.test(h.SimpleHTTPRequestHandler)"]
	END
}

# A user by number, of whom the image's files know nothing.
make_node() {
	image node <<-'END'
		FROM localhost/base
		USER 1234:2345
		EXPOSE 3000
		ENTRYPOINT ["node", "-e"]
		CMD ["process.on('SIGTERM', () => process.exit(5)); require('http').createServer((q, r) => r.end('ok')).listen(3000)"]
	END
}

# A folder that only root may enter, and a user who is not root.
make_workdir() {
	image workdir <<-'END'
		FROM localhost/base
		RUN mkdir -m 700 /secret && touch /secret/file
		WORKDIR /secret
		USER 1000
		CMD ["sh", "-c", "trap 'exit 3' TERM; sleep infinity & wait"]
	END
}

# A user by name who is a member of further groups, and whose home is elsewhere.
make_groups() {
	image groups <<-'END'
		FROM localhost/base
		RUN groupadd -g 700 one && groupadd -g 701 two && useradd -u 600 -g one -G two,audio -d /opt/joe -m joe
		USER joe
		CMD ["sleep", "infinity"]
		STOPSIGNAL 9
	END
}

# One program and nothing else: no passwd, no /tmp, no shell.
make_scratch() {
	image scratch <<-'END'
		FROM scratch
		COPY static /static
		EXPOSE 8080
		ENTRYPOINT ["/static"]
	END
}

make_volume() {
	image volume <<-'END'
		FROM localhost/base
		RUN mkdir -p /var/mine/deep && echo kept >/var/mine/deep/file
		VOLUME ["/var/mine", "/srv/none"]
		CMD ["sh", "-c", "trap 'exit 6' TERM; sleep infinity & wait"]
	END
}

# Words that a shell, Kubernetes or a template would read otherwise.
make_quoting() {
	image quoting <<-'END'
		FROM localhost/base
		ENV PASSWORD="pa\$\$word\$(HOME)" EMPTY="" SPACES="  a  b  " QUOTES="\"'\\" UNICODE="grün ☕"
		ENTRYPOINT ["/bin/sh", "-c", "trap 'exit 7' TERM; echo $(($$ > 0)) \"$(id -u)\" ${PASSWORD} >/said; sleep infinity & wait # \"$@\"", "arg 0"]
		CMD ["", "$(PASSWORD)", "$$", "$PATH", "a  b", "\"'\\", "*", "--", "-x=$$(y)"]
	END
}

# The longest chain of layers that an image may well have.
make_layers() {
	python3 "$MATRIX_MAKE_IMAGE" localhost/layers:latest "$ENGINE_DIR/layers.tar" "$SC_BOOT_SERVER" 100 \
		'{"Entrypoint": ["/main"], "User": "app", "Env": ["A=1"], "WorkingDir": "/", "ExposedPorts": {"8080/tcp": {}}}' >/dev/null
	podman load --quiet --input "$ENGINE_DIR/layers.tar" >/dev/null
}

# Files of many owners, modes, kinds and attributes.
make_owners() {
	image owners <<-'END'
		FROM localhost/base
		RUN mkdir /tree && cd /tree && for i in 0 1 33 600 1234 65534 100000 2147483646; do \
		echo $i >f$i && chown $i:$i f$i && chmod 0$((i % 8))44 f$i && mkdir d$i && chown $i:0 d$i && chmod 2750 d$i; done; \
		chmod 4755 f0; chmod 6711 f33; chmod 1777 d1; ln f600 hard; ln -s ../etc soft; mkfifo -m 640 pipe; \
		setfattr -n user.note -v "a b" f1; setfattr -n user.empty f33; cp /bin/true capable; \
		setcap cap_net_bind_service,cap_net_raw=ep capable
		CMD ["sh", "-c", "trap 'exit 8' TERM; sleep infinity & wait"]
	END
}

# s6-overlay's own check, word for word in its meaning.
make_init() {
	cat >"$context/init" <<-'END'
		#!/bin/sh
		[ $$ = 1 ] || { echo "can only run as pid 1" >&2; exit 100; }
		trap 'exit 9' TERM
		while :; do sleep 1 & wait; done
	END
	chmod 755 "$context/init"
	image init <<-'END'
		FROM localhost/base
		COPY init /init
		ENV S6_KEEP_ENV=1
		ENTRYPOINT ["/init"]
	END
}

# Debian's systemd with one service; nothing of it changes the machine that it runs on.
make_systemd() {
	cat >"$context/web.service" <<-'END'
		[Unit]
		DefaultDependencies=no
		[Service]
		ExecStart=/usr/bin/python3 -m http.server 8000
	END
	printf '[Unit]\nDefaultDependencies=no\nWants=web.service\n' >"$context/web.target"
	image systemd <<-'END'
		FROM localhost/base
		COPY web.service web.target /etc/systemd/system/
		ENV container=oci
		EXPOSE 8000
		STOPSIGNAL SIGRTMIN+3
		ENTRYPOINT ["/sbin/init", "--unit=web.target"]
	END
}
