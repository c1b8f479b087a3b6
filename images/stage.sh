#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: stage.sh BUILD_DIR STAGE_DIR
# Lays out what goes into the images, as folders that an image's layer is made of: base (the shared
# libraries that the built programs need, certificates of authorities, a user, licences) and one for
# each image (the program, stripped, and its SBOM). $VERSION and $SOURCE_DATE_EPOCH are set.
set -euo pipefail
build=$1 stage=$2
programs=(controller/sc-controller activator/sc-activator idle-monitor/sc-idle-monitor check/sc-check agent/sc-node-agent)
user_id=65532

# The Debian packages of the files that are listed in $1. A package's own list may name a file below
# / or below /usr: they are one.
packages_of() {
  local owners
  # shellcheck disable=SC2046 # paths of libraries have no spaces
  owners=$(dpkg-query -S $(sed 's#.*#&\n/usr&#' "$1") 2>/dev/null || true)
  if ! sed 's#^.*: \(/usr\)\?/#/#' <<<"$owners" | sort -u | diff - "$1" >&2; then
    echo "stage.sh: these files are of no package" >&2
    return 1
  fi
  sed 's/:.*//' <<<"$owners"
}

install_base() {
  local base=$stage/base library

  mkdir -p "$base/etc/ssl/certs" "$base/run" "$base/usr/bin" "$base/usr/share/doc"
  for program in "${programs[@]}"; do ldd "$build/$program"; done |
    sed -n 's/^\t\(.* => \)\?\(\/[^ ]*\) (0x.*/\2/p' | sort -u >"$stage/libraries"
  while read -r library; do
    install -D -m 755 "$library" "$base$library"
  done <"$stage/libraries"
  install -m 644 /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/ca-certificates.crt"
  packages_of "$stage/libraries" >"$stage/packages.all"
  echo ca-certificates >>"$stage/packages.all"
  sort -u "$stage/packages.all" >"$stage/packages"

  printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:%s:%s:nonroot:/:/sbin/nologin\n' $user_id $user_id >"$base/etc/passwd"
  printf 'root:x:0:\nnonroot:x:%s:\n' $user_id >"$base/etc/group"
  echo 'hosts: files dns' >"$base/etc/nsswitch.conf"
  install_licences "$base" "$stage/packages"
}

# install_licences FOLDER LIST: what Debian says of each package
install_licences() {
  while read -r package; do
    install -D -m 644 "/usr/share/doc/$package/copyright" "$1/usr/share/doc/$package/copyright"
  done <"$2"
}

# describe LINK LIST: name, version, source, its version, architecture and LINK of each package
describe() {
  [ ! -s "$2" ] || xargs dpkg-query -W \
    -f "\${Package}\t\${Version}\t\${source:Package}\t\${source:Version}\t\${Architecture}\t$1\n" <"$2" | sort -u -t $'\t' -k 1,1
}

# sbom IMAGE BINARY DYNAMIC STATIC: SPDX 2.3. DYNAMIC and STATIC are lists of Debian packages.
sbom() {
  local sum
  sum=$(sha256sum "$2" | cut -d' ' -f1)
  { describe DYNAMIC_LINK "$3"; describe STATIC_LINK "$4"; } | jq -R -s --sort-keys --arg image "$1" --arg version "$VERSION" --arg sum "$sum" \
    --arg created "$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)" '
    [split("\n")[] | select(. != "") | split("\t")
     | {name: .[0], version: .[1], source: .[2], sourceVersion: .[3], arch: .[4], link: .[5],
        id: ("SPDXRef-" + (.[0] | gsub("[^A-Za-z0-9.-]"; "-")))}] as $debian
    | {
        spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
        name: ("sc-" + $image + "-" + $version),
        documentNamespace: ("https://stoppablecontainer.xtlsoft.top/spdx/sc-" + $image + "-" + $version + "-" + $sum),
        creationInfo: {created: $created, creators: ["Tool: images/stage.sh"]},
        packages: ([{
          SPDXID: "SPDXRef-program", name: ("sc-" + $image), versionInfo: $version,
          downloadLocation: "NOASSERTION", filesAnalyzed: false,
          licenseConcluded: "Apache-2.0", licenseDeclared: "Apache-2.0", copyrightText: "NOASSERTION",
          checksums: [{algorithm: "SHA256", checksumValue: $sum}]
        }] + [$debian[] | {
          SPDXID: .id, name, versionInfo: .version, supplier: "Organization: Debian",
          sourceInfo: ("built from " + .source + " " + .sourceVersion),
          downloadLocation: "NOASSERTION", filesAnalyzed: false,
          licenseConcluded: "NOASSERTION", licenseDeclared: "NOASSERTION", copyrightText: "NOASSERTION",
          comment: ("/usr/share/doc/" + .name + "/copyright"),
          externalRefs: [{referenceCategory: "PACKAGE-MANAGER", referenceType: "purl",
            referenceLocator: ("pkg:deb/debian/" + .name + "@" + (.version | @uri) + "?arch=" + .arch)}]
        }]),
        relationships: ([{spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES",
                          relatedSpdxElement: "SPDXRef-program"}]
          + [$debian[] | if .name == "ca-certificates"
              then {spdxElementId: "SPDXRef-program", relationshipType: "DEPENDS_ON", relatedSpdxElement: .id}
              else {spdxElementId: "SPDXRef-program", relationshipType: .link, relatedSpdxElement: .id} end])
      }'
}

# install_image IMAGE PROGRAM PATH DYNAMIC STATIC
install_image() {
  local folder=$stage/$1

  install -D -m 755 "$build/$2" "$folder$3"
  strip "$folder$3"
  mkdir -p "$folder/usr/share/sbom"
  sbom "$1" "$folder$3" "$4" "$5" >"$folder/usr/share/sbom/sc-$1.spdx.json"
  install_licences "$folder" "$5"
  install -D -m 644 LICENSE "$folder/usr/share/doc/stoppablecontainer/copyright"
}

rm -rf "$stage"
mkdir -p "$stage"
cd "$(dirname "$0")/.."
install_base
echo node-llhttp >"$stage/with-parser" # its C sources are compiled in
echo musl >"$stage/with-musl"
: >"$stage/none"
install_image controller controller/sc-controller /usr/bin/sc-controller "$stage/packages" "$stage/none"
install_image activator activator/sc-activator /usr/bin/sc-activator "$stage/packages" "$stage/with-parser"
install -m 755 "$build/check/sc-check" "$stage/activator/usr/bin/sc-check" # for tests of an installation
strip "$stage/activator/usr/bin/sc-check"
install_image idle-monitor idle-monitor/sc-idle-monitor /usr/bin/sc-idle-monitor "$stage/packages" "$stage/none"
install_image node-agent agent/sc-node-agent /usr/bin/sc-node-agent "$stage/packages" "$stage/none"
install_image wrapper wrapper/sc-wrapper /sc-wrapper "$stage/none" "$stage/with-musl"
