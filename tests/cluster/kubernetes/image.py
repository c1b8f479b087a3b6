#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""image.py push REGISTRY NAME:TAG SOURCE [CONFIG]: puts an image into a registry, without a builder.

SOURCE is a folder, the root file system, with CONFIG the JSON of the image's `config`
({"Cmd": ["/bin/sh"]}); or an OCI archive (.tar), as `buildah push IMAGE oci-archive:FILE` makes it.
Prints NAME@DIGEST.
"""
import hashlib
import http.client
import io
import json
import sys
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    """One repository of a registry over plain HTTP."""

    def __init__(self, host, name):
        self.connection = http.client.HTTPConnection(host, timeout=60)
        self.base = f"/v2/{name}"

    def call(self, method, path, data=b"", kind="application/octet-stream"):
        self.connection.request(method, path, data, {"Content-Type": kind})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201, 202):
            sys.exit(f"image.py: {method} {path}: {answer.status} {text.decode(errors='replace')}")
        return answer

    def blob(self, data):
        name = digest(data)
        where = self.call("POST", f"{self.base}/blobs/uploads/").headers["Location"]
        where = "/" + where.split("://", 1)[-1].split("/", 1)[1]
        self.call("PUT", f"{where}{'&' if '?' in where else '?'}digest={name}", data)
        return name

    def manifest(self, tag, data, kind):
        self.call("PUT", f"{self.base}/manifests/{tag}", data, kind)
        return digest(data)


def layer_of(folder):
    def plain(member):
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        return member

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(folder, arcname=".", filter=plain)
    return out.getvalue()


def push_folder(registry, tag, folder, config):
    layer = layer_of(folder)
    about = json.dumps({
        "architecture": "amd64", "os": "linux", "config": config,
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
    }).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": registry.blob(about), "size": len(about)},
        "layers": [{"mediaType": LAYER, "digest": registry.blob(layer), "size": len(layer)}],
    }).encode()
    return registry.manifest(tag, manifest, MANIFEST)


def push_archive(registry, tag, path):
    with tarfile.open(path) as tar:
        def read(name):
            return tar.extractfile(name).read()

        entry = json.loads(read("index.json"))["manifests"][0]
        data = read("blobs/" + entry["digest"].replace(":", "/"))
        manifest = json.loads(data)
        for part in [manifest["config"], *manifest["layers"]]:
            registry.blob(read("blobs/" + part["digest"].replace(":", "/")))
    return registry.manifest(tag, data, entry["mediaType"])


def main():
    if len(sys.argv) not in (5, 6) or sys.argv[1] != "push":
        sys.exit(__doc__)
    _, _, host, name, source = sys.argv[:5]
    name, _, tag = name.partition(":")
    registry = Registry(host, name)
    if source.endswith(".tar"):
        made = push_archive(registry, tag or "latest", source)
    else:
        made = push_folder(registry, tag or "latest", source, json.loads(sys.argv[5]) if len(sys.argv) > 5 else {})
    print(f"{host}/{name}@{made}")


main()
