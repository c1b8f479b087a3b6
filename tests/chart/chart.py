#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""chart - what the Helm chart renders, with several sets of values; needs helm, no cluster

usage: chart.py HELM BUILD_DIR
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import yaml

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
CHART = os.path.join(ROOT, "charts", "stoppablecontainer")
HELM, BUILD = sys.argv[1:3]
PROGRAMS = {"controller": "controller/sc-controller", "activator": "activator/sc-activator",
            "idle-monitor": "idle-monitor/sc-idle-monitor", "node-agent": "agent/sc-node-agent"}
MODEST = ("controller", "activator", "idle-monitor")
VALUES = {"default": [], "everything": [os.path.join(HERE, "values", "everything.yaml")],
          "minimal": [os.path.join(HERE, "values", "minimal.yaml")]}
PRESETS = sorted(os.listdir(os.path.join(CHART, "presets")))


def helm(*args):
    return subprocess.run([HELM, *args], capture_output=True, text=True, check=False)


def template(files=(), *more):
    args = ["template", "rel", CHART, "-n", "sleep", "--kube-version", "1.37.2"]
    for name in files:
        args += ["-f", name]
    return helm(*args, *more)


class Rendered:
    cache = {}

    def __init__(self, files, *more):
        result = template(files, *more)
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        self.objects = [d for d in yaml.safe_load_all(result.stdout) if d]

    @classmethod
    def of(cls, name):
        if name not in cls.cache:
            cls.cache[name] = cls(VALUES[name])
        return cls.cache[name]

    def kind(self, kind):
        return [o for o in self.objects if o["kind"] == kind]

    def one(self, kind, suffix):
        found = [o for o in self.kind(kind) if o["metadata"]["name"].endswith(suffix)]
        assert len(found) == 1, f"{len(found)} {kind} …{suffix}"
        return found[0]

    def workload(self, program):
        return self.one("DaemonSet" if program == "node-agent" else "Deployment", "-" + program)

    def pod(self, program):
        return self.workload(program)["spec"]["template"]["spec"]

    def config(self, program):
        return yaml.safe_load(self.one("ConfigMap", "-" + program)["data"]["config.yaml"])


class Chart(unittest.TestCase):
    maxDiff = None

    def test_lint_is_strict(self):
        for name, files in VALUES.items():
            args = [a for f in files for a in ("-f", f)]
            result = helm("lint", "--strict", CHART, *args)
            self.assertEqual(result.returncode, 0, f"{name}: {result.stdout}{result.stderr}")

    def test_no_object_is_there_twice_and_all_carry_the_labels(self):
        for name in VALUES:
            seen = set()
            for o in Rendered.of(name).objects:
                key = (o["kind"], o["metadata"]["name"], o["metadata"].get("namespace"))
                self.assertNotIn(key, seen)
                seen.add(key)
                self.assertEqual(o["metadata"]["labels"]["app.kubernetes.io/instance"], "rel", key)
                if o["kind"].startswith(("ClusterRole", "Custom", "ValidatingAdmission")):
                    self.assertNotIn("namespace", o["metadata"], key)
                else:
                    self.assertEqual(o["metadata"].get("namespace"), "sleep", key)

    def test_crds_are_those_of_the_tree_and_stay(self):
        crds = {o["metadata"]["name"].split(".")[0]: o
                for o in Rendered.of("default").kind("CustomResourceDefinition")}
        for name in ("stoppablecontainers", "stoppablecontainerinstances"):
            with open(os.path.join(ROOT, "crds", name + ".yaml"), encoding="utf-8") as f:
                of_tree = yaml.safe_load(f)
            self.assertTrue(crds[name]["spec"] == of_tree["spec"], name + " differs")
            self.assertEqual(crds[name]["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")
        self.assertEqual(len(crds), 2)
        self.assertEqual(Rendered.of("minimal").kind("CustomResourceDefinition"), [])
        loose = Rendered([], "--set", "crds.keep=false").kind("CustomResourceDefinition")
        self.assertNotIn("helm.sh/resource-policy", loose[0]["metadata"].get("annotations") or {})

    def test_a_value_that_does_not_exist_is_refused(self):
        for wrong in ("controler.replicas=2", "activator.replica=2", "idle.timout=5m",
                      "activator.hold.timeout=soon", "controller.replicas=0",
                      "idle.namespaces.web.timeuot=5m", "log.level=loud",
                      "nodeAgent.hostPathPrefixes={relative/path}", "wrapper.image.digest=sha256:12",
                      "idle.releaseAfter=1h"):
            result = template((), "--set", wrong)
            self.assertNotEqual(result.returncode, 0, wrong)
            self.assertIn("values.schema.json" if "schema" not in result.stderr else "schema",
                          result.stderr, wrong)

    def test_the_programs_take_their_configuration(self):
        for name in VALUES:
            for program, binary in PROGRAMS.items():
                config = Rendered.of(name).config(program)
                with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
                    yaml.safe_dump(config, f)
                    f.flush()
                    # a wrong file ends it with 2, what it does not find in the world with 1
                    args = [os.path.join(BUILD, binary), "--config", f.name,
                            "--admin-listen=127.0.0.1:0", "--kubeconfig=/nonexistent"]
                    if program == "activator":
                        args.append("--listen=127.0.0.1:0")
                    if program == "node-agent":
                        args.append("--node-name=")
                    ended = subprocess.run(args, capture_output=True, text=True, timeout=20,
                                           check=False, env={})
                if program == "node-agent":
                    self.assertEqual(ended.stderr, "sc-node-agent: --node-name is required\n", name)
                else:
                    self.assertEqual(ended.returncode, 1, f"{name} {program}: {ended.stderr}")

    def test_every_pod_but_the_agents_is_restricted(self):
        for name in VALUES:
            r = Rendered.of(name)
            specs = [r.pod(p) for p in MODEST] + [r.one("Pod", "-test")["spec"]]
            for spec in specs:
                self.assertTrue(spec["securityContext"]["runAsNonRoot"])
                self.assertEqual(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
                for key in ("hostPID", "hostNetwork", "hostIPC"):
                    self.assertNotIn(key, spec)
                self.assertFalse([v for v in spec.get("volumes", []) if "hostPath" in v])
                for c in spec["containers"]:
                    context = c["securityContext"]
                    self.assertFalse(context["allowPrivilegeEscalation"])
                    self.assertTrue(context["readOnlyRootFilesystem"])
                    self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                    self.assertIn("memory", c["resources"]["limits"])

    def test_probes_and_config_roll(self):
        base = Rendered.of("default")
        for program in PROGRAMS:
            c = base.pod(program)["containers"][0]
            self.assertEqual(c["livenessProbe"]["httpGet"], {"path": "/healthz", "port": "admin"})
            self.assertEqual(c["readinessProbe"]["httpGet"], {"path": "/readyz", "port": "admin"})
            admin = [p for p in c["ports"] if p["name"] == "admin"][0]["containerPort"]
            config = base.config(program)
            listen = config.get("adminListen") or config["admin"]["listen"]
            self.assertTrue(listen.endswith(f":{admin}"))
        changed = Rendered([], "--set", "idle.timeout=1m")

        def sums(r):
            return {p: r.workload(p)["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
                    for p in PROGRAMS}
        before, after = sums(base), sums(changed)
        self.assertEqual({p for p in PROGRAMS if before[p] != after[p]}, {"idle-monitor"})

    def test_wakes_have_their_rates(self):
        self.assertEqual(Rendered.of("everything").config("activator")["wakes"],
                         {"perSecond": 50, "burst": 500, "namespacePerSecond": 10, "namespaceBurst": 200,
                          "nodePerSecond": 0, "nodeBurst": 7})
        # as with a former release's values, which have none for nodes
        old = Rendered([], "--set", "activator.wakes.nodePerSecond=null,activator.wakes.nodeBurst=null")
        wakes = old.config("activator")["wakes"]
        self.assertEqual((wakes["nodePerSecond"], wakes["nodeBurst"]), (10, 60))

    def test_the_activator_has_time_to_drain(self):
        for name, want in (("default", 5 + 30 + 5), ("everything", 2 + 90 + 5)):
            pod = Rendered.of(name).pod("activator")
            self.assertEqual(pod["terminationGracePeriodSeconds"], want)

    def test_roles_are_least(self):
        r = Rendered.of("default")
        for role in r.kind("ClusterRole") + r.kind("Role"):
            for rule in role["rules"]:
                text = json.dumps(rule)
                self.assertNotIn("*", text, role["metadata"]["name"])
                for never in ("secrets", "configmaps", "pods/exec", "nodes/proxy", "serviceaccounts"):
                    self.assertNotIn(f'"{never}"', text, role["metadata"]["name"])
        agent = r.one("ClusterRole", "-node-agent")["rules"]
        writes = {(res, verb) for rule in agent for res in rule["resources"] for verb in rule["verbs"]
                  if verb not in ("get", "list", "watch")}
        self.assertEqual(writes, {("stoppablecontainerinstances/status", "patch")})
        for program in MODEST + ("node-agent",):
            account = r.one("ServiceAccount", "-" + program)["metadata"]["name"]
            self.assertEqual(r.pod(program)["serviceAccountName"], account)
            subject = r.one("ClusterRoleBinding", "-" + program)["subjects"][0]
            self.assertEqual((subject["name"], subject["namespace"]), (account, "sleep"))
        leases = [rule for rule in r.one("Role", "-controller")["rules"]
                  if rule["resources"] == ["leases"] and "resourceNames" in rule]
        self.assertEqual(leases[0]["resourceNames"], [r.config("controller")["leaderName"]])

    def policies(self, r):
        found = {o["metadata"]["name"].removeprefix("rel-stoppablecontainer-"): o["spec"]
                 for o in r.kind("ValidatingAdmissionPolicy")}
        bound = [o["spec"] for o in r.kind("ValidatingAdmissionPolicyBinding")]
        self.assertEqual({b["policyName"].removeprefix("rel-stoppablecontainer-") for b in bound},
                         set(found))
        for b in bound:
            self.assertEqual(b["validationActions"], ["Deny"])
        return found

    def test_policies_are_on_unless_switched_off(self):
        found = self.policies(Rendered.of("default"))
        self.assertEqual(set(found), {"pods", "instances", "namespaces", "activator", "idle-monitor",
                                      "node-agent"})
        self.assertEqual(set(self.policies(Rendered.of("minimal"))), set())
        off = Rendered([], "--set", "admissionPolicies.enabled=false")
        self.assertEqual(set(self.policies(off)), {"node-agent"})

    def test_policies_name_the_accounts_that_the_programs_have(self):
        account = "system:serviceaccount:sleep:"
        found = self.policies(Rendered([], "--set", "controller.serviceAccount.name=boss",
                                       "--set", "activator.serviceAccount.name=door"))
        for name in ("pods", "instances"):
            self.assertEqual(found[name]["matchConditions"][0]["expression"],
                             f'request.userInfo.username != "{account}boss"')
        self.assertEqual(found["activator"]["matchConditions"][0]["expression"],
                         f'request.userInfo.username == "{account}door"')

    def test_an_account_of_several_programs_is_not_narrowed_to_one(self):
        found = self.policies(Rendered([], "--set", "activator.serviceAccount.name=both",
                                       "--set", "idleMonitor.serviceAccount.name=both"))
        self.assertEqual(set(found), {"pods", "instances", "namespaces", "node-agent"})

    def test_namespaces_are_read_only_where_they_say_something(self):
        for values, wanted in (([], True), (["--set", "hosts.namespaceAnnotation=false"], False),
                               (["--set", "hosts=null"], True)):
            r = Rendered([], *values)
            self.assertEqual(r.config("controller")["watchNamespaces"], wanted)
            read = [rule["verbs"] for rule in r.one("ClusterRole", "-controller")["rules"]
                    if "namespaces" in rule["resources"]]
            self.assertEqual(read, [["list", "watch"]] if wanted else [])
            self.assertEqual("namespaces" in self.policies(r), wanted)

    def test_policies_leave_no_field_of_a_container_out(self):
        with open(os.path.join(ROOT, "crds", "stoppablecontainers.yaml"), encoding="utf-8") as f:
            schema = yaml.safe_load(f)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        found = self.policies(Rendered.of("default"))
        own = {"activator": "activation", "idle-monitor": "idle"}
        for program, member in own.items():
            said = {v["expression"] for v in found[program]["validations"]}
            for field in set(schema["spec"]["properties"]) - {"running"}:
                self.assertIn(f"object.spec.?{field} == oldObject.spec.?{field}", said)
            for field in schema["status"]["properties"]:
                kept = f"object.?status.?{field} == oldObject.?status.?{field}"
                self.assertEqual(kept in said, field != member, f"{program} {field}")
        theirs = {e.split("?")[3].split(" ")[0] for v in found["activator"]["validations"]
                  for e in [v["expression"]] if e.startswith("object.?status.?activation.?")}
        self.assertEqual(theirs, {"url", "hosts"})

    def test_only_activators_and_monitors_have_their_key(self):
        r = Rendered.of("default")
        have = {p for p in PROGRAMS if any(v["name"] == "activator-key" for v in r.pod(p)["volumes"])}
        self.assertEqual(have, {"activator", "idle-monitor"})
        key = r.config("activator")["idleMonitorKeyFile"]
        self.assertEqual(r.config("idle-monitor")["activatorKeyFile"], key)
        made = {s["metadata"]["name"]: s["data"] for s in r.kind("Secret")}
        self.assertEqual(set(made), {"rel-stoppablecontainer-activator-key"}
                         | {f"rel-stoppablecontainer-{p}-admin-token" for p in PROGRAMS})
        self.assertEqual(len({value for data in made.values() for value in data.values()}), len(made))

    @staticmethod
    def secrets_of(pod):
        """What a Pod reads of Secrets, whichever way: (Secret, keys) by volume"""
        text = json.dumps(pod)
        assert "secretKeyRef" not in text and "secretRef" not in text and "projected" not in text
        return {v["name"]: (v["secret"]["secretName"], [i["key"] for i in v["secret"]["items"]])
                for v in pod["volumes"] if "secret" in v}

    def test_a_pod_has_the_token_of_its_own_program_alone(self):
        r = Rendered([], "--set", "metrics.serviceMonitor.enabled=true", "--set", "networkPolicy.enabled=false")
        key = ("rel-stoppablecontainer-activator-key", ["key"])
        for program in PROGRAMS:
            own = (f"rel-stoppablecontainer-{program}-admin-token", ["token"])
            wanted = {"admin-token": own}
            if program in ("activator", "idle-monitor"):
                wanted["activator-key"] = key
            self.assertEqual(self.secrets_of(r.pod(program)), wanted)
            self.assertEqual(self.scraped(r), {p: (f"rel-stoppablecontainer-{p}-admin-token", "token")
                                               for p in PROGRAMS})
        self.assertNotIn("secret", json.dumps(r.one("Pod", "-test")["spec"]).lower())

    def scraped(self, r):
        """The credentials that Prometheus is told to use for each program"""
        found = {}
        for monitor in r.kind("ServiceMonitor"):
            wanted = monitor["spec"]["selector"]["matchLabels"]
            services = [s for s in r.kind("Service")
                        if wanted.items() <= s["metadata"]["labels"].items()]
            self.assertEqual(len(services), 1, wanted)
            credentials = monitor["spec"]["endpoints"][0]["authorization"]["credentials"]
            component = services[0]["metadata"]["labels"]["app.kubernetes.io/component"]
            self.assertNotIn(component, found)
            found[component] = (credentials["name"], credentials["key"])
        return found

    def test_a_secret_of_the_users_is_for_all_but_those_with_their_own(self):
        r = Rendered([], "--set", "adminToken.existingSecret=mine,adminToken.key=all",
                     "--set", "nodeAgent.adminToken.existingSecret=theirs",
                     "--set", "controller.adminToken.key=first",
                     "--set", "metrics.serviceMonitor.enabled=true,networkPolicy.enabled=false")
        wanted = {"controller": ("mine", "first"), "activator": ("mine", "all"),
                  "idle-monitor": ("mine", "all"), "node-agent": ("theirs", "all")}
        self.assertEqual(self.scraped(r), wanted)
        for program, (secret, key) in wanted.items():
            self.assertEqual(self.secrets_of(r.pod(program))["admin-token"], (secret, [key]))
        self.assertEqual(len(r.kind("Secret")), 1)
        made = Rendered([], "--set", "nodeAgent.adminToken.existingSecret=theirs")
        self.assertEqual(len(made.kind("Secret")), 4)

    def test_values_of_a_former_release_have_tokens_too(self):
        old = Rendered([], *[a for p in ("controller", "activator", "idleMonitor", "nodeAgent")
                             for a in ("--set", p + ".adminToken=null")])
        for program in PROGRAMS:
            self.assertEqual(self.secrets_of(old.pod(program))["admin-token"],
                             (f"rel-stoppablecontainer-{program}-admin-token", ["token"]))

    def test_everything_is_said_where_it_belongs(self):
        r = Rendered.of("everything")
        self.assertEqual(r.config("idle-monitor")["idle"],
                         {"timeout": "1h30m", "startupGrace": "500ms",
                          "namespaces": ["batch timeout=0s", "web timeout=10m startupGrace=1m"]})
        controller = r.config("controller")
        self.assertEqual(controller["wrapper"]["image"],
                         "registry.example.com:5000/sleepers/sc-wrapper:1.2.3@sha256:"
                         + "0123456789abcdef" * 4)
        self.assertEqual(controller["urlTemplate"], "http://%s.%s.apps.example.com")
        self.assertEqual(controller["watchNodes"], False)
        self.assertEqual(controller["watchNamespaces"], False)
        self.assertEqual(controller["log"], {"level": "warn", "format": "json"})
        self.assertEqual(controller["activatorService"], "sleep/sc-activator-inner")
        self.assertEqual(controller["allowedHosts"],
                         ["shop.example.com=shop", "shop.example.com=shop-test",
                          "internal.example.com=", "*=*"])
        self.assertEqual(r.config("activator")["listenPublic"], ["[::]:8082"])
        self.assertEqual(r.config("activator")["lostWatchTimeout"], "0s")
        self.assertEqual(r.config("activator")["trustedProxies"], ["10.0.0.0/8", "none"])
        self.assertEqual(r.config("activator")["answerDetails"], "all")
        self.assertEqual(r.one("Service", "activator")["spec"]["ports"][0]["targetPort"], "public")
        self.assertEqual(r.one("Service", "activator-inner")["spec"]["ports"][0]["targetPort"],
                         "http")
        self.assertEqual(r.config("idle-monitor")["activatorService"], "sleep/sc-activator-admin")
        pod = r.pod("controller")
        self.assertEqual(pod["imagePullSecrets"], [{"name": "pull"}])
        self.assertEqual(pod["serviceAccountName"], "ready-made")
        self.assertIn("--leader-name=another", pod["containers"][0]["args"])
        self.assertEqual(pod["containers"][0]["image"],
                         "registry.example.com:5000/sleepers/sc-controller:1.2.3")
        self.assertEqual(r.kind("Secret"), [])
        for program in PROGRAMS:
            secret = [v for v in r.pod(program)["volumes"] if v["name"] == "admin-token"][0]["secret"]
            self.assertEqual((secret["secretName"], secret["items"][0]["key"]), ("mine", "bearer"))
        for program in ("activator", "idle-monitor"):
            secret = [v for v in r.pod(program)["volumes"] if v["name"] == "activator-key"][0]["secret"]
            self.assertEqual((secret["secretName"], secret["items"][0]["key"]), ("ours", "shared"))
        mounts = {m["mountPath"] for m in r.pod("node-agent")["containers"][0]["volumeMounts"]}
        self.assertLessEqual({"/mnt/fast/sc", "/data/kubelet/pods", "/run/k3s/containerd",
                              "/var/lib/rancher/k3s/agent/containerd"}, mounts)
        self.assertEqual(len(r.kind("NetworkPolicy")), 4)
        service = r.one("Service", "sc-activator")["spec"]
        self.assertEqual((service["type"], service["ports"][0]["nodePort"]), ("LoadBalancer", 30080))
        self.assertEqual(len(r.kind("PodDisruptionBudget")), 2)
        for kind, count in (("Ingress", 1), ("HTTPRoute", 1), ("ServiceMonitor", 4), ("PrometheusRule", 1)):
            self.assertEqual(len(r.kind(kind)), count, kind)
        for rule in r.kind("PrometheusRule")[0]["spec"]["groups"][0]["rules"]:
            self.assertTrue(rule["annotations"]["runbook"] and rule["expr"] and rule["labels"]["severity"])
        for kind in ("Ingress", "HTTPRoute", "ServiceMonitor", "PrometheusRule"):
            self.assertEqual(Rendered.of("default").kind(kind), [], kind)

    def test_admin_ports_are_not_for_everybody(self):
        r = Rendered.of("default")
        rules = {n: [o["spec"]["ingress"] for o in r.kind("NetworkPolicy")
                     if o["metadata"]["name"].endswith(n)][0] for n in PROGRAMS}
        for program in PROGRAMS:
            admin = [rule for rule in rules[program] if {"port": "admin"} in rule["ports"]]
            self.assertEqual(len(admin), 1)
            self.assertEqual(admin[0]["ports"], [{"port": "admin"}])
            peers = [p["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for p in admin[0]["from"]]
            self.assertEqual(peers, ["test"] + ["idle-monitor"] * (program == "activator"))
        self.assertIn({"ports": [{"port": "http"}]}, rules["activator"])
        self.assertEqual([len(rules[p]) for p in PROGRAMS], [1, 2, 1, 1])
        self.assertEqual(Rendered.of("minimal").kind("NetworkPolicy"), [])
        # a Prometheus that is shut out without a word would be found when it is needed
        refused = template([], "--set", "metrics.serviceMonitor.enabled=true")
        self.assertIn("networkPolicy.metricsFrom has to say", refused.stderr)
        self.assertNotEqual(refused.returncode, 0)

    def test_presets_render(self):
        for preset in PRESETS:
            path = os.path.join(CHART, "presets", preset)
            with open(path, encoding="utf-8") as f:
                wanted = yaml.safe_load(f)["nodeAgent"]["containerRuntime"]
            volumes = {v["hostPath"]["path"] for v in Rendered([path]).pod("node-agent")["volumes"]
                       if "hostPath" in v}
            self.assertIn(wanted["dataRoot"], volumes, preset)
            self.assertIn(os.path.dirname(wanted["endpoint"]), volumes, preset)
        self.assertGreater(len(PRESETS), 2)

    def test_a_package_is_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            result = helm("package", CHART, "-d", folder)
            self.assertEqual(result.returncode, 0, result.stderr)
            package = os.path.join(folder, os.listdir(folder)[0])
            shown = helm("template", "rel", package, "-n", "sleep", "--kube-version", "1.37.2")
            self.assertEqual(shown.returncode, 0, shown.stderr)
            crds = [d for d in yaml.safe_load_all(shown.stdout) if d["kind"] == "CustomResourceDefinition"]
            self.assertEqual(len(crds), 2)

    def test_defaults_are_those_of_the_schema(self):
        with open(os.path.join(CHART, "values.yaml"), encoding="utf-8") as f:
            values = yaml.safe_load(f)
        with open(os.path.join(CHART, "values.schema.json"), encoding="utf-8") as f:
            schema = json.load(f)

        def compare(schema, value, path):
            if "properties" in schema:
                if path != "global":
                    self.assertFalse(schema["additionalProperties"], path)
                self.assertEqual(set(schema["properties"]), set(value), path)
                for name, child in schema["properties"].items():
                    compare(child, value[name], f"{path}.{name}".lstrip("."))
                return
            self.assertEqual(schema["default"], value, path)
            self.assertTrue(schema["description"], path)
        compare(schema, values, "")


sys.argv[1:] = ["-v", *sys.argv[3:]]
unittest.main()
