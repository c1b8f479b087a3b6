#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""truth.py NAMESPACE SECONDS: looks, until it is told to end by SIGTERM, whether what is said of the
StoppableContainers of a namespace is so. An untruth that lasts longer than SECONDS is printed:

  dying      phase Running, while the consumer that is named has a deletionTimestamp or is gone
  silent     Ready, while the consumer's port does not answer
  lost       Ready, while the answer has another marker than annotation "marker": its files are not there
  shared     two processes live on one root file system
  unready    phase Running and condition Ready are not the same

Not looked at: what nobody can tell, since the API server or annotation "blind" of the namespace is
away. $KUBECONFIG says where. Exit code 1 when there was one; the last line is a count.
"""
import base64
import http.client
import json
import os
import signal
import ssl
import sys
import tempfile
import time

import yaml

GROUP = "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/"
ended = False


def on_term(_signal, _frame):
    global ended
    ended = True


class Api:
    def __init__(self):
        with open(os.environ["KUBECONFIG"], encoding="utf-8") as file:
            config = yaml.safe_load(file)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server = cluster["server"].split("://", 1)[1]
        self.context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile() as file:
            file.write(base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"]))
            file.flush()
            self.context.load_cert_chain(file.name)
        self.connection = None

    def get(self, path):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(self.server, timeout=2, context=self.context)
            self.connection.request("GET", path)
            answer = self.connection.getresponse()
            text = answer.read()
            return json.loads(text) if answer.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            self.connection = None
            return None


def ask(address):
    """What the consumer answers; None: nothing."""
    connection = http.client.HTTPConnection(address, 8080, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def named(status):
    """The UID of the consumer that a status names: the controller's word or the agent's, the newer one."""
    said = status.get("consumer", {})
    if said.get("containerGeneration", 0) > status.get("containerGeneration", 0):
        return said["podUID"]
    return status.get("consumerPodUID")


def untruths(instance, container, pods):
    status = instance.get("status", {})
    said = container.get("status", {})
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in said.get("conditions", []))
    phases = {said.get("phase"), status.get("phase")}
    if (said.get("phase") == "Running") != ready:
        yield "unready"
    if "Running" in phases:
        pod = pods.get(named(status))
        if pod is None or "deletionTimestamp" in pod["metadata"]:
            yield "dying"
    if ready and status.get("consumer", {}).get("address"):
        answer = ask(status["consumer"]["address"])
        if answer is None:
            yield "silent"
            return
        marker = container["metadata"].get("annotations", {}).get("marker")
        if marker and f"marker={marker}\n" not in answer:
            yield "lost"
        if "overlap=1" in answer:
            yield "shared"


def main():
    namespace, patience = sys.argv[1], float(sys.argv[2])
    api = Api()
    since, told, looks = {}, set(), 0
    signal.signal(signal.SIGTERM, on_term)
    while not ended:
        time.sleep(0.1)
        about = api.get(f"/api/v1/namespaces/{namespace}")
        # the statement is read before what it is about: it was so when the latter was read, or has ended
        containers = api.get(f"{GROUP}{namespace}/stoppablecontainers")
        instances = api.get(f"{GROUP}{namespace}/stoppablecontainerinstances")
        pods = api.get(f"/api/v1/namespaces/{namespace}/pods")
        if None in (about, containers, instances, pods) or "blind" in about["metadata"].get("annotations", {}):
            since = {}
            continue
        looks += 1
        pods = {pod["metadata"]["uid"]: pod for pod in pods["items"]}
        containers = {c["metadata"]["name"]: c for c in containers["items"]}
        now, seen = time.monotonic(), {}
        for instance in instances["items"]:
            name = instance["metadata"]["name"]
            if name not in containers or "deletionTimestamp" in containers[name]["metadata"]:
                continue
            for what in untruths(instance, containers[name], pods):
                key = (name, what, named(instance.get("status", {})))
                seen[key] = since.get(key, now)
                if now - seen[key] > patience and key not in told:
                    told.add(key)
                    print(f"{time.strftime('%T')} {name}: {what} for {now - seen[key]:.1f} s: "
                          f"{json.dumps(containers[name].get('status', {}).get('phase'))} "
                          f"{json.dumps(instance.get('status', {}))}", flush=True)
        since = seen
    print(f"looked {looks} times: {len(told)} untruths", flush=True)
    sys.exit(1 if told or looks == 0 else 0)


main()
