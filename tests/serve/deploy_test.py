"""What deploy/ and docs/serve.md say against the program: metrics, probes, flags, libraries, endpoints.

usage: deploy_test.py SLIPWAY [unittest arguments]

No container engine, cluster or systemd is needed: what they would read is checked by their own tools where these are here
(systemd-analyze, haproxy), and by what the program itself answers.
"""
import http.client
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

import served

PROGRAM = ""
ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs/serve.md"
# Of the CRDs serving.kserve.io/v1alpha1 ServingRuntime and v1beta1 InferenceService, and of Kubernetes' Container: the keys
# that deploy/kserve.yaml may use, by the kind of object that holds them.
SCHEMA = {
    "ServingRuntime": {"apiVersion": str, "kind": str, "metadata": "Metadata", "spec": "RuntimeSpec"},
    "InferenceService": {"apiVersion": str, "kind": str, "metadata": "Metadata", "spec": "ServiceSpec"},
    "Metadata": {"name": str},
    "RuntimeSpec": {"annotations": dict, "supportedModelFormats": ["Format"], "protocolVersions": [str], "multiModel": bool,
                    "containers": ["Container"]},
    "Format": {"name": str, "version": str, "autoSelect": bool, "priority": int},
    "Container": {"name": str, "image": str, "args": [str], "ports": ["Port"], "readinessProbe": "Probe", "livenessProbe": "Probe",
                  "resources": "Resources", "securityContext": "Security"},
    "Port": {"name": str, "containerPort": int, "protocol": str},
    "Probe": {"httpGet": "HttpGet", "periodSeconds": int, "failureThreshold": int},
    "HttpGet": {"path": str, "port": int},
    "Resources": {"requests": dict, "limits": dict},
    "Security": {"runAsNonRoot": bool, "allowPrivilegeEscalation": bool, "readOnlyRootFilesystem": bool, "capabilities": dict},
    "ServiceSpec": {"predictor": "Predictor"},
    "Predictor": {"minReplicas": int, "terminationGracePeriodSeconds": int, "model": "Model"},
    "Model": {"modelFormat": "Format", "runtime": str, "protocolVersion": str, "storageUri": str},
}


def problems(value, kind, path):
    """How a value differs from the schema's kind."""
    if isinstance(kind, list):
        if not isinstance(value, list):
            return [f"{path}: no list"]
        return [each for i, item in enumerate(value) for each in problems(item, kind[0], f"{path}[{i}]")]
    if isinstance(kind, type):
        return [] if isinstance(value, kind) else [f"{path}: {value!r} is no {kind.__name__}"]
    unknown = [f"{path}.{key}: unknown" for key in value if key not in SCHEMA[kind]]
    return unknown + [each for key in value if key in SCHEMA[kind] for each in problems(value[key], SCHEMA[kind][key], f"{path}.{key}")]


def section(text, title):
    """Of a Markdown page: from a heading to the next of its level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise AssertionError(f"docs/serve.md has no section '{title}'")
    return found[1]


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.model = served.save(served.affine(2), cls.folder / "models/affine/1/model.onnx")
        cls.server = cls.enterClassContext(served.Served(PROGRAM, [cls.folder / "models"], "--trace"))

    def status(self, method, path):
        connection = http.client.HTTPConnection("localhost", self.server.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        return answer.status


class Systemd(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is absent")
    def test_the_unit_is_right_and_exposes_little(self):
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder) / "slipway-serve.service"
            unit.write_text((DEPLOY / unit.name).read_text().replace("/usr/local/bin/slipway", PROGRAM))
            run = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            run = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit],
                                 capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 0, run.stdout[-500:])


class Container(WithServer):
    def setUp(self):
        # Continued lines are one.
        self.lines = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text()).splitlines()

    def instruction(self, name):
        """The arguments of the last one of that name: the final stage's."""
        return [line for line in self.lines if line.startswith(name + " ")][-1].removeprefix(name + " ")

    @unittest.skipUnless(shutil.which("dpkg-query") and shutil.which("objdump"), "dpkg-query or objdump is absent")
    def test_the_image_has_the_libraries_of_the_program(self):
        needed = re.findall(r"NEEDED +(\S+)", subprocess.run(["objdump", "-p", PROGRAM], capture_output=True, text=True, check=True).stdout)
        paths = dict(re.findall(r"(\S+) => (/\S+)", subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout))
        installed = set(re.search(r"install --yes --no-install-recommends (.*?) &&", self.instruction("RUN"))[1].split())
        with_the_system = {"libc6", "libgcc-s1", "libstdc++6"}
        for library in needed:
            if library in paths:
                # Debian knows libraries under /lib or /usr/lib, whichever the package was made for.
                name = pathlib.Path(paths[library]).resolve().name
                run = subprocess.run(["dpkg-query", "--search", f"*/{name}"], capture_output=True, text=True, check=True)
                packages = {line.split(":")[0] for line in run.stdout.splitlines()}
                self.assertTrue(packages & (installed | with_the_system), f"{library} is of {packages}, which the image lacks")

    def test_its_health_check_tells_right_from_wrong(self):
        command = json.loads(re.search(r"CMD (\[.*\])", self.instruction("HEALTHCHECK"))[1])
        self.assertEqual(command[-1].count("/8000"), 1)
        with tempfile.TemporaryDirectory() as folder:
            bad = pathlib.Path(folder) / "bad.onnx"
            bad.write_text("no model")
            with served.Served(PROGRAM, [bad]) as other:
                for port, code in [(self.server.port, 0), (other.port, 1), (1, 1)]:
                    check = [*command[:-1], command[-1].replace("/8000", f"/{port}")]
                    self.assertEqual(subprocess.run(check, capture_output=True, check=False, timeout=20).returncode, code, port)

    def test_it_runs_as_nobody_and_from_what_is_copied(self):
        self.assertRegex(self.instruction("USER"), r"^[1-9]\d+:[1-9]\d+$")
        entry = json.loads(self.instruction("ENTRYPOINT"))
        self.assertEqual(entry, ["slipway", "serve"])
        self.assertEqual(self.instruction("COPY"), "--from=build /slipway/slipway /usr/local/bin/slipway")
        for script in re.findall(r"(tools/\S+\.(?:sh|txt))", "\n".join(self.lines)):
            self.assertTrue((ROOT / script).exists(), script)


class Kserve(WithServer):
    def setUp(self):
        self.runtime, self.service = yaml.safe_load_all((DEPLOY / "kserve.yaml").read_text())
        self.container = self.runtime["spec"]["containers"][0]

    def test_the_objects_are_of_their_schema(self):
        self.assertEqual([self.runtime["apiVersion"], self.runtime["kind"]], ["serving.kserve.io/v1alpha1", "ServingRuntime"])
        self.assertEqual([self.service["apiVersion"], self.service["kind"]], ["serving.kserve.io/v1beta1", "InferenceService"])
        self.assertEqual(problems(self.runtime, "ServingRuntime", "") + problems(self.service, "InferenceService", ""), [])
        self.assertEqual(self.service["spec"]["predictor"]["model"]["runtime"], self.runtime["metadata"]["name"])

    def test_the_program_takes_the_arguments(self):
        models, *flags = self.container["args"]
        self.assertEqual(models, "/mnt/models")
        run = subprocess.run([PROGRAM, "serve", self.folder / "models", *flags, "--check-config"], capture_output=True, text=True, check=False)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        ports = {port["containerPort"] for port in self.container["ports"]}
        self.assertEqual(ports, {int(flag.removeprefix("--port=")) for flag in flags if flag.startswith("--port=")})
        seconds = sum(int(flag.split("=")[1]) for flag in flags if flag.startswith(("--notice", "--drain")))
        self.assertGreater(self.service["spec"]["predictor"]["terminationGracePeriodSeconds"], seconds)

    def test_the_server_answers_the_probes(self):
        paths = [self.container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")]
        for path in [*paths, self.runtime["spec"]["annotations"]["prometheus.kserve.io/path"]]:
            self.assertEqual(self.status("GET", path), 200, path)


class Grafana(WithServer):
    def test_every_metric_is_one_that_the_server_has(self):
        given = set(re.findall(r"^(\w+)(?:{| )", self.server.get("/metrics").decode(), re.MULTILINE))
        dashboard = json.loads((DEPLOY / "grafana.json").read_text())
        texts = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        texts += [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
        used = {name for text in texts for name in re.findall(r"\b(?:nv|slipway|process)_\w+", text)}
        self.assertGreater(len(used), 10)
        self.assertEqual(used - given, set())

    def test_panels_have_their_own_place_and_number(self):
        panels = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
        for key in (lambda panel: panel["id"], lambda panel: (panel["gridPos"]["x"], panel["gridPos"]["y"])):
            self.assertEqual(len({key(panel) for panel in panels}), len(panels))


class Haproxy(unittest.TestCase):
    @unittest.skipUnless(shutil.which("haproxy"), "haproxy is absent")
    def test_the_configuration_is_right(self):
        run = subprocess.run(["haproxy", "-c", "-f", DEPLOY / "haproxy.cfg"], capture_output=True, text=True, check=False)
        self.assertEqual((run.returncode, run.stderr), (0, ""))


class Guide(WithServer):
    """docs/serve.md lists what there is, and nothing else."""

    def setUp(self):
        self.text = GUIDE.read_text()

    def test_every_option_is_in_the_table(self):
        text = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"^  (?:-h,)?(--[a-z-]+)", text, re.MULTILINE)) - {"--help"}
        listed = set(re.findall(r"`(--[a-z-]+)", section(self.text, "Options")))
        self.assertEqual(options - listed, set(), "options that the table lacks")
        self.assertEqual(listed - options, set(), "options that are none")

    def test_every_endpoint_is_in_the_table_and_there(self):
        rows = re.findall(r"^\| `(GET|POST|WebSocket) (\S+)`", section(self.text, "Endpoints"), re.MULTILINE)
        code = (ROOT / "src/server/endpoints/router.cc").read_text()
        routes = {(method, "/" + path.replace(":model", "MODEL").replace("/versions/:version", "").replace("/:version", ""))
                  for method, path in re.findall(r'{"(GET|POST)", "([^"]+)"', code)}
        listed = {row for row in rows if row[0] != "WebSocket"}
        self.assertEqual(routes - listed, set(), "endpoints that the table lacks")
        for method, path in listed - routes:
            # Files of the page are no routes; a program without it has none of them.
            self.assertIn(self.status(method, path), (200, 404), f"{method} {path}")
            self.assertIn(path, ("/", "/docs", "/openapi.json"))

    def test_every_metric_is_in_the_list(self):
        given = set(re.findall(r"^# TYPE (\w+)", self.server.get("/metrics").decode(), re.MULTILINE))
        listed = set(re.findall(r"`((?:nv|slipway|process)_\w+)`", section(self.text, "Metrics")))
        self.assertEqual(listed, given)

    def test_its_configurations_are_taken(self):
        for language, name in (("toml", "serve.toml"), ("pbtxt", "models/affine/config.pbtxt"), ("json", "models/affine/manifest.json")):
            for block in re.findall(rf"```{language}\n(.*?)```", self.text, re.DOTALL):
                with self.subTest(block), tempfile.TemporaryDirectory() as folder:
                    root = pathlib.Path(folder)
                    shutil.copytree(self.folder / "models", root / "models")
                    (root / name).write_text(block.replace("/srv/slipway/models", str(root / "models")))
                    flags = ["--config", root / name] if language == "toml" else [root / "models"]
                    run = subprocess.run([PROGRAM, "serve", *flags, "--check-config"], capture_output=True, text=True, check=False)
                    self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_its_commands_have_flags_that_there_are(self):
        for line in re.findall(r"^slipway serve .*$", self.text, re.MULTILINE):
            flags = [word for word in shlex.split(line, comments=True) if word.startswith("--")]
            help_text = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True, check=True).stdout
            for flag in flags:
                self.assertIn(flag.split("=")[0] + " ", help_text + " ", line)


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
