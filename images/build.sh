#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the images of this tree from scratch: no registry and no base image is needed, only the
# Debian packages of purpose build, and buildah and skopeo. The same tree, packages and
# $SOURCE_DATE_EPOCH (default: of the commit) make the same digests.
# usage: build.sh [--build-dir DIR] [--output DIR] [--push HOST[:PORT]/PREFIX [--plain-http]] [--source URL] [--stage DIR]
#   --build-dir   a built tree; default: one is configured and built as a release in build-images/
#   --output      write sc-IMAGE.tar (OCI archives) and sc-IMAGE.spdx.json there
#   --push        push HOST[:PORT]/PREFIX/sc-IMAGE:VERSION
#   --plain-http  the registry speaks HTTP, or HTTPS with a certificate that is not checked
#   --source      label org.opencontainers.image.source
#   --stage       only lay out what goes into the images there
set -euo pipefail
cd "$(dirname "$0")/.."
images=(controller activator idle-monitor node-agent wrapper)
build='' output='' push='' verify=true source='' stage=''

while [ $# -gt 0 ]; do
  case $1 in
    --build-dir) build=$(realpath "$2"); shift 2 ;;
    --output) output=$(realpath -m "$2"); shift 2 ;;
    --push) push=${2%/}; shift 2 ;;
    --plain-http) verify=false; shift ;;
    --source) source=$2; shift 2 ;;
    --stage) stage=$(realpath -m "$2"); shift 2 ;;
    *) sed -n '3,9s/^# \?//p' images/build.sh >&2; exit 2 ;;
  esac
done
[ -n "$output$push$stage" ] || { echo "build.sh: say --output, --push or --stage" >&2; exit 2; }

VERSION=$(sed -n "s/^  version: '\(.*\)',$/\1/p" meson.build)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y meson.build)}
export VERSION SOURCE_DATE_EPOCH
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || revision=$revision-changed

if [ -z "$build" ]; then
  build=$PWD/build-images
  [ -f "$build/build.ninja" ] || meson setup "$build" --buildtype=release -Dtests=false >&2
fi
ninja -C "$build" controller/sc-controller activator/sc-activator idle-monitor/sc-idle-monitor \
  check/sc-check agent/sc-node-agent wrapper/sc-wrapper >&2
if [ -n "$stage" ]; then
  exec images/stage.sh "$build" "$stage"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
images/stage.sh "$build" "$work/stage"
sed -e '1,/^# ---- images ----$/d' -e 's#--from=build \(--chown=[0-9:]*\) /stage/#\1 #' images/Containerfile >"$work/Containerfile"
builder=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs)
arguments=(--build-arg "VERSION=$VERSION" --build-arg "REVISION=$revision"
  --build-arg "CREATED=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)")
[ -z "$source" ] || arguments+=(--build-arg "SOURCE=$source")
mkdir -p "$work/out"

for image in "${images[@]}"; do
  "${builder[@]}" build --quiet --isolation chroot --timestamp "$SOURCE_DATE_EPOCH" --identity-label=false \
    "${arguments[@]}" --target "$image" -t "localhost/sc-$image:$VERSION" -f "$work/Containerfile" "$work/stage" >/dev/null
  "${builder[@]}" push --quiet "localhost/sc-$image:$VERSION" "oci:$work/out/sc-$image:$VERSION"
done

printf '%-16s %12s  %s\n' image 'KiB packed' digest
for image in "${images[@]}"; do
  from=oci:$work/out/sc-$image:$VERSION
  manifest=$(skopeo inspect --raw "$from")
  bytes=$(jq '[.config.size, .layers[].size] | add' <<<"$manifest")
  printf '%-16s %12d  sha256:%s\n' "sc-$image" $(((bytes + 1023) / 1024)) "$(printf %s "$manifest" | sha256sum | cut -d' ' -f1)"
  if [ -n "$output" ]; then
    mkdir -p "$output"
    rm -f "$output/sc-$image.tar"
    skopeo --insecure-policy copy --quiet "$from" "oci-archive:$output/sc-$image.tar:$VERSION"
    cp "$work/stage/$image/usr/share/sbom/sc-$image.spdx.json" "$output/"
  fi
  if [ -n "$push" ]; then
    skopeo --insecure-policy copy --quiet --dest-tls-verify="$verify" "$from" "docker://$push/sc-$image:$VERSION"
  fi
done
bytes=$(find "$work/out" -path '*/blobs/*' -type f -printf '%f %s\n' | sort -u | awk '{ sum += $2 } END { print sum }')
printf '%-16s %12d  %s\n' together $(((bytes + 1023) / 1024)) 'each layer once'
