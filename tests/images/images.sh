#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# images - what images/build.sh makes is small, labelled, known by its parts, and runs
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
image_max=$((15 << 20))
all_max=$((40 << 20))
images=(controller activator idle-monitor node-agent wrapper)
source_url=https://example.invalid/stoppablecontainer
version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" meson.build)

[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP not root"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0 failures=0

# check WHAT COMMAND…
check() {
  local what=$1 said
  shift
  count=$((count + 1))
  if said=$("$@" 2>&1); then
    echo "ok $count - $what"
  else
    failures=$((failures + 1))
    echo "not ok $count - $what"
    printf '%s\n' "$said" | sed 's/^/# /'
  fi
}

manifest() { jq -r "$2" "$work/$1/manifest.json"; }
config() { jq -r "$2" "$work/$1/config.json"; }
equal() { [ "$1" = "$2" ] || { echo "want \"$2\", got \"$1\""; return 1; }; }
at_most() { [ "$1" -gt 0 ] && [ "$1" -le "$2" ] || { echo "$1 is not in 1…$2"; return 1; }; }

# The archive's blobs, its manifest and configuration, and the tree that its layers make.
unpack() {
  local at=$work/$1 index layer

  mkdir -p "$at/oci" "$at/root"
  tar -C "$at/oci" -xf "$work/out/sc-$1.tar"
  blob() { echo "$at/oci/blobs/${1/://}"; }
  index=$(jq -r '.manifests[0].digest' "$at/oci/index.json")
  cp "$(blob "$index")" "$at/manifest.json"
  cp "$(blob "$(manifest "$1" .config.digest)")" "$at/config.json"
  for layer in $(manifest "$1" '.layers[].digest'); do
    tar -C "$at/root" -xzf "$(blob "$layer")"
  done
}

labels_are() {
  config "$1" '.config.Labels | keys[]' | sort >"$work/labels"
  printf 'org.opencontainers.image.%s\n' created licenses revision source title version | diff - "$work/labels" &&
    equal "$(config "$1" '.config.Labels["org.opencontainers.image.version"]')" "$version" &&
    equal "$(config "$1" '.config.Labels["org.opencontainers.image.title"]')" "sc-$1" &&
    equal "$(config "$1" '.config.Labels["org.opencontainers.image.source"]')" "$source_url" &&
    equal "$(config "$1" '.config.Labels["org.opencontainers.image.licenses"]')" Apache-2.0 &&
    equal "$(config "$1" '.config.Labels["org.opencontainers.image.created"]')" 2023-11-14T22:13:20Z &&
    config "$1" '.config.Labels["org.opencontainers.image.revision"]' | grep -Eq '^([0-9a-f]{40}(-changed)?|unknown)$'
}

# Every library that is there is of a package that the SBOM names with a version, and the SBOM is the one beside it.
sbom_is_whole() {
  local at=$work/$1/root library name
  local bom=$at/usr/share/sbom/sc-$1.spdx.json

  cmp "$bom" "$work/out/sc-$1.spdx.json" || return 1
  jq -e '.spdxVersion == "SPDX-2.3" and (.packages | all(.versionInfo != "" and .versionInfo != null))' "$bom" >/dev/null || return 1
  equal "$(jq -r '.packages[0].checksums[0].checksumValue' "$bom")" \
    "$(sha256sum "$at$(config "$1" '.config.Entrypoint[0]')" | cut -d' ' -f1)" || return 1
  for name in $(jq -r '.packages[1:][].name' "$bom"); do
    [ -s "$at/usr/share/doc/$name/copyright" ] || { echo "no licence of $name"; return 1; }
  done
  [ -s "$at/usr/share/doc/stoppablecontainer/copyright" ] || return 1
  while read -r library; do
    name=$(dpkg-query -S "*/$(basename "$library")" | head -n 1 | cut -d: -f1)
    jq -e --arg name "$name" 'any(.packages[]; .name == $name)' "$bom" >/dev/null || { echo "$library: $name is not in the SBOM"; return 1; }
  done < <(find "$at" -name '*.so*' -printf '/%P\n')
}

runs() {
  equal "$(env -i "$(command -v chroot)" --userspec="$(config "$1" .config.User)" "$work/$1/root" "$(config "$1" '.config.Entrypoint[0]')" --version)" "sc-$1 $version"
}

nothing_of_others() {
  local strange
  strange=$(find "$work/$1/root" \( -perm /6000 -o -perm -0002 ! -type l -o ! -user 0 -o ! -group 0 -o -type c -o -type b \) -printf '%M %u %P\n')
  equal "$strange" ""
}

export SOURCE_DATE_EPOCH=1700000000
for round in out again; do
  images/build.sh --output "$work/$round" --source $source_url ${SC_RELEASE_BUILD_DIR:+--build-dir "$SC_RELEASE_BUILD_DIR"} >"$work/$round.table" 2>"$work/$round.log" ||
    { sed 's/^/# /' "$work/$round.log"; echo "Bail out! images/build.sh failed"; exit 1; }
done
sed 's/^/# /' "$work/out.table"
check "the same tree makes the same digests" diff "$work/out.table" "$work/again.table"

for image in "${images[@]}"; do
  unpack "$image"
  check "$image: at most 15 MiB" at_most "$(manifest "$image" '[.config.size, .layers[].size] | add')" $image_max
  user=65532:65532
  [ "$image" = node-agent ] && user=0:0
  check "$image: runs as $user" equal "$(config "$image" .config.User)" $user
  check "$image: labels" labels_are "$image"
  check "$image: SBOM and licences" sbom_is_whole "$image"
  check "$image: no set-id file, no device, nothing that others may write" nothing_of_others "$image"
  check "$image: its program runs in it" runs "$image"
done
check "the wrapper's image has one program and no library" equal "$(find "$work/wrapper/root" -type f -perm /111 -printf '%P ')" "sc-wrapper "
check "the libraries are one layer of four images" equal \
  "$(for image in "${images[@]:0:4}"; do manifest "$image" '.layers[0].digest'; done | sort -u | wc -l)" 1
together=$(find "$work"/*/oci/blobs -type f -printf '%f %s\n' | sort -u | awk '{ sum += $2 } END { print sum }')
check "together at most 40 MiB" at_most "$together" $all_max
echo "1..$count"
[ $failures = 0 ]
