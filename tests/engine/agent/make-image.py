#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make-image.py NAME OUT.tar BINARY LAYERS CONFIG - an image archive, as runtimes import them

The lowest layer has BINARY as /main and a user app; each of the others has a file of its own. Prints the digest of
the image's configuration. The same arguments make the same image.
"""
import hashlib
import io
import json
import sys
import tarfile

name, out, binary, layers_count, config = sys.argv[1:]


def add(archive, path, content, mode=0o644):
    info = tarfile.TarInfo(path)
    info.size = len(content)
    info.mode = mode
    archive.addfile(info, io.BytesIO(content))


def layer(files):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for path, content in files.items():
            add(archive, path, content, 0o755)
    return raw.getvalue()


def digest(content):
    return hashlib.sha256(content).hexdigest()


with open(binary, "rb") as f:
    layers = [layer({"main": f.read(), "etc/passwd": b"app:x:1000:50::/:/main\n",
                     "etc/group": b"staff:x:50:\n"})]
for number in range(1, int(layers_count)):
    layers.append(layer({f"layer-{number}": str(number).encode()}))
spec = json.dumps({
    "architecture": "amd64", "os": "linux", "config": json.loads(config),
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(one) for one in layers]},
}, sort_keys=True).encode()
manifest = [{"Config": digest(spec) + ".json", "RepoTags": [name],
             "Layers": [digest(one) + ".tar" for one in layers]}]
with tarfile.open(out, "w") as archive:
    add(archive, digest(spec) + ".json", spec)
    for one in layers:
        add(archive, digest(one) + ".tar", one)
    add(archive, "manifest.json", json.dumps(manifest).encode())
print("sha256:" + digest(spec))
