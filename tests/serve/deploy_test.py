"""What deploy/ and docs/serve.md say against the program: metrics, probes, flags, libraries, endpoints.

usage: deploy_test.py SLIPWAY [unittest arguments]

No container engine, cluster or systemd is needed: what they would read is checked by their own tools where these are here
(systemd-analyze, haproxy), and by what the program itself answers. KServe's definition of kserve.yaml is kserve_schema.py's.
"""
import http.client
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import yaml

import served
from processes import started

PROGRAM = ""
ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs/serve.md"


def section(text, title):
    """Of a Markdown page: from a heading to the next of its level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise AssertionError(f"docs/serve.md has no section '{title}'")
    return found[1]


def packages_of(file):
    """Debian's packages that have a file, which is a path or a pattern."""
    run = subprocess.run(["dpkg-query", "--search", file], capture_output=True, text=True, check=True)
    return {line.split(":")[0] for line in run.stdout.splitlines() if not line.startswith("diversion ")}


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

    @unittest.skipUnless(shutil.which("dpkg-query"), "dpkg-query is absent")
    def test_the_unit_needs_no_package_that_a_system_may_lack(self):
        programs = re.findall(r"^Exec\w+=(\S+)", (DEPLOY / "slipway-serve.service").read_text(), re.MULTILINE)
        self.assertIn("/usr/local/bin/slipway", programs)
        for program in set(programs) - {"/usr/local/bin/slipway"}:
            (package,) = packages_of(program)
            shown = subprocess.run(["dpkg-query", "--show", "--showformat", "${Essential}", package], capture_output=True, text=True, check=True)
            self.assertEqual(shown.stdout, "yes", f"{program} is of {package}")


class Container(WithServer):
    """The image's files, as the Dockerfile's own command installs them, in a folder in place of a container."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Continued lines are one.
        cls.lines = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text()).splitlines()
        cls.files = cls.folder / "out"
        build = next(line for line in cls.lines if line.startswith("RUN "))
        command = re.search(r"cmake --install .*?(?= &&|$)", build)[0]
        command = command.replace("build/release", str(pathlib.Path(PROGRAM).parent)).replace("/slipway/out", str(cls.files))
        subprocess.run(shlex.split(command), capture_output=True, check=True)
        cls.program = cls.files / "usr/local/bin/slipway"
        cls.grpc = cls.program.with_name("slipway_grpc.so")

    def instructions(self, name):
        """The arguments of those of that name in the final stage."""
        start = max(i for i, line in enumerate(self.lines) if line.startswith("FROM "))
        return [line.removeprefix(name + " ") for line in self.lines[start:] if line.startswith(name + " ")]

    @unittest.skipUnless(shutil.which("dpkg-query") and shutil.which("objdump"), "dpkg-query or objdump is absent")
    def test_the_image_has_the_libraries_of_its_files(self):
        installed = set(re.search(r"install --yes --no-install-recommends (.*?) &&", self.instructions("RUN")[0])[1].split())
        with_the_system = {"libc6", "libgcc-s1", "libstdc++6"}
        for file in filter(pathlib.Path.is_file, self.files.rglob("*")):
            needed = re.findall(r"NEEDED +(\S+)", subprocess.run(["objdump", "-p", file], capture_output=True, text=True, check=True).stdout)
            linked = subprocess.run(["ldd", file], capture_output=True, text=True, check=True).stdout
            self.assertNotIn("not found", linked)
            paths = dict(re.findall(r"(\S+) => (/\S+)", linked))
            for library in filter(paths.get, needed):
                # Debian knows libraries under /lib or /usr/lib, whichever the package was made for.
                name = pathlib.Path(paths[library]).resolve().name
                packages = packages_of(f"*/{name}")
                self.assertTrue(packages & (installed | with_the_system), f"{library} of {file.name} is of {packages}, which the image lacks")

    def test_what_was_built_here_is_not_copied(self):
        ignored, left_out = ({line.removeprefix("**/").strip("/") for line in (ROOT / name).read_text().splitlines()}
                             for name in (".gitignore", ".dockerignore"))
        self.assertLessEqual(ignored | {".git"}, left_out)

    def test_its_program_serves(self):
        with served.Served(self.program, [self.folder / "models"]) as server:
            self.assertEqual(json.loads(server.get("/v2/models/affine"))["name"], "affine")

    def test_its_program_serves_grpc(self):
        if not self.grpc.exists():
            self.skipTest("built without gRPC")
        with served.Served(self.program, [self.folder / "models"], "--grpc-port", "0") as server:
            host, port = server.grpc_address().split(":")
            with socket.create_connection((host, int(port)), timeout=20) as client:
                # HTTP/2's first words with no settings; its answer begins with a frame of settings, too.
                client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
                self.assertEqual(client.recv(9)[3], 4)

    def health(self, pid, **variables):
        """The exit status of the health check of a server."""
        environment = {"PATH": os.environ["PATH"], **variables}
        return subprocess.run([DEPLOY / "health.sh", str(pid)], capture_output=True, env=environment, check=False, timeout=20).returncode

    def test_its_health_check_tells_right_from_wrong(self):
        self.assertIn('CMD ["slipway-health"]', self.instructions("HEALTHCHECK")[0])
        here = os.getpid()  # a command line that says no port
        self.assertEqual(self.health(here, SLIPWAY_SERVE_PORT=str(self.server.port)), 0)
        self.assertNotEqual(self.health(here, SLIPWAY_SERVE_PORT="1"), 0)
        bad = self.folder / "bad.onnx"
        bad.write_text("no model")
        with served.Served(PROGRAM, [bad]) as other:
            self.assertNotEqual(self.health(here, SLIPWAY_SERVE_PORT=str(other.port)), 0, "it is not ready")

    def test_its_health_check_finds_the_port_of_the_command_line(self):
        for words in (["--port", "{}"], ["--port={}"]):
            command = [PROGRAM, "serve", self.model, *[word.format(served.free_port()) for word in words]]
            with started(command, stdout=subprocess.DEVNULL) as process:
                served.wait_until(lambda: self.health(process.pid) == 0, f"{words}: it is well")
                process.terminate()
                process.wait(60)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is absent")
    def test_its_health_check_and_tls(self):
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                        "/CN=localhost", "-out", certificate, "-keyout", key], capture_output=True, check=True)
        with served.Served(PROGRAM, [self.model], "--tls-cert", certificate, "--tls-key", key) as server:
            variables = {"SLIPWAY_SERVE_PORT": str(server.port), "SLIPWAY_SERVE_TLS_CERT": str(certificate)}
            self.assertEqual(self.health(os.getpid(), **variables), 0)
        self.assertNotEqual(self.health(os.getpid(), **variables), 0, "it has gone")

    def test_it_runs_as_nobody_and_from_what_is_copied(self):
        self.assertRegex(self.instructions("USER")[0], r"^[1-9]\d+:[1-9]\d+$")
        self.assertEqual(json.loads(self.instructions("ENTRYPOINT")[0]), ["slipway", "serve"])
        self.assertEqual(self.instructions("COPY"), ["--from=build /slipway/out/ /", "deploy/health.sh /usr/local/bin/slipway-health"])
        self.assertTrue(os.access(DEPLOY / "health.sh", os.X_OK))
        for script in re.findall(r"(tools/\S+\.(?:sh|txt))", "\n".join(self.lines)):
            self.assertTrue((ROOT / script).exists(), script)


class Kserve(WithServer):
    def setUp(self):
        self.runtime, self.service = yaml.safe_load_all((DEPLOY / "kserve.yaml").read_text())
        self.container = self.runtime["spec"]["containers"][0]

    def test_the_service_uses_the_runtime(self):
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
        paths = [self.container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
        for path in [*paths, self.runtime["spec"]["annotations"]["prometheus.kserve.io/path"]]:
            self.assertEqual(self.status("GET", path), 200, path)

    def test_a_server_that_loads_for_minutes_is_not_killed(self):
        startup = self.container["startupProbe"]
        self.assertGreaterEqual(startup["periodSeconds"] * startup["failureThreshold"], 600)


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
