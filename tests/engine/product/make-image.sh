#!/bin/sh
# usage: make-image.sh SERVER_BINARY IMPORT_COMMAND…
# Makes the image localhost/boot:1 that has the test's server and nothing else.
set -eu
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cp "$1" "$tree/server"
chmod 755 "$tree" "$tree/server"
shift
tar -C "$tree" --owner=0 --group=0 -c . |
	"$@" import --change 'ENTRYPOINT ["/server"]' --change 'EXPOSE 8080' - localhost/boot:1
