#!/bin/sh
# usage: make-image.sh NAME SNIPPET IMPORT_COMMAND…
# A small HTTP server's image; SNIPPET changes its tree, which is the current directory then.
set -eu
name=$1
snippet=$2
shift 2
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
mkdir -p "$tree/bin" "$tree/www" "$tree/etc" "$tree/tmp"
cp /bin/busybox "$tree/bin/busybox"
for applet in sh httpd sleep cat; do
  ln -s busybox "$tree/bin/$applet"
done
echo "$name" >"$tree/www/index.html"
printf 'root:x:0:0:root:/:/bin/sh\n' >"$tree/etc/passwd"
(cd "$tree" && eval "$snippet")
tar -C "$tree" --owner=0 --group=0 --sort=name --mtime=@0 -c . |
  "$@" import \
    --change 'ENTRYPOINT ["/bin/httpd", "-f", "-h", "/www", "-p", "8080"]' \
    - "$name" >/dev/null
