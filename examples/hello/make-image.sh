#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: make-image.sh IMPORT_COMMAND…
# Makes the image localhost/hello:1 from Debian's busybox-static; no registry, no build engine.
# IMPORT_COMMAND is podman, docker or "sc-local podman": it gets "import … - NAME" and the files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cp -R "$here/rootfs/." "$tree/"
mkdir -p "$tree/bin" "$tree/tmp" "$tree/var" "$tree/etc"
chmod 755 "$tree"
chmod 1777 "$tree/tmp" "$tree/var"
cp /bin/busybox "$tree/bin/busybox"
for name in sh cat head httpd ls mv ps sleep vi wget; do
  ln -s busybox "$tree/bin/$name"
done
printf 'root:x:0:0:root:/:/bin/sh\nhello:x:1000:1000:hello:/:/bin/sh\n' >"$tree/etc/passwd"
tar -C "$tree" --owner=0 --group=0 --sort=name --mtime=@0 -c . |
  "$@" import \
    --change 'ENTRYPOINT ["/bin/httpd", "-f", "-h", "/www", "-p", "8080"]' \
    --change 'USER hello' \
    --change 'EXPOSE 8080' \
    - localhost/hello:1 >/dev/null
