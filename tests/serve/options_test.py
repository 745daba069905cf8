"""`slipway serve` and what it is told: flags, environment, TOML file; what is wrong is one clear error with its exit code.

usage: options_test.py SLIPWAY [unittest arguments]
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import served

PROGRAM = ""
OK, USAGE, NOT_FOUND, BROKEN, IO = 0, 2, 3, 4, 8
VARIABLES = "SLIPWAY_SERVE_"
# Of options without a default value: one that they take. None: it needs more around it, and has a test of its own.
SAMPLES = {"metrics-port": 0, "load": ["affine"], "api-key": ["a", "b"], "allow-model": ["affine"], "cors": "*", "log-file": "log",
           "trace": True, "host": ["models.example"], "config": None, "manifest": None, "tls-cert": None, "tls-key": None}


def environment(**variables):
    """This one without what a server would read, and with these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(VARIABLES)}
    return {**clean, **{VARIABLES + name: value for name, value in variables.items()}}


def options_of_help():
    """Name without dashes: (variable or None, default or None), as --help says."""
    text = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in text.splitlines():
        option = re.match(r"  --([a-z-]+)(?: ([^(]*))?(?:\(Env:(\w+)\))?", line)
        if option:
            default = re.search(r"=([^\s=]+)\s*$", option[2] or "")
            found[option[1]] = (option[3], default[1] if default else None)
    return found


def toml_of(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_of, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) and not re.fullmatch(r"\d+(\.\d+)?", value) else str(value)


class Folder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.model = served.save(served.affine(2), cls.folder / "affine.onnx")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run_serve(self, *arguments, **variables):
        return subprocess.run([PROGRAM, "serve", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60,
                              cwd=self.folder, env=environment(**variables))

    def assert_right(self, *arguments, **variables):
        run = self.run_serve(*arguments, "--check-config", **variables)
        self.assertEqual((run.returncode, run.stderr), (OK, ""))
        return run.stdout

    def assert_refused(self, code, words, *arguments, **variables):
        """One error and at most one hint, nothing else."""
        run = self.run_serve(*arguments, **variables)
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertEqual(run.stdout, "")
        lines = run.stderr.splitlines()
        self.assertTrue(lines[0].startswith("error: "), run.stderr)
        self.assertTrue(len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("  hint: ")), run.stderr)
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, run.stderr)


class EveryOption(Folder):
    def for_each_option(self, check):
        """check(name, variable, value): of every option that has a variable."""
        for name, (variable, default) in options_of_help().items():
            if variable is None:
                continue
            with self.subTest(name):
                value = SAMPLES.get(name, default)
                if value is None:
                    self.skipTest(f"--{name} has no default and no sample here")
                check(name, variable, value)

    def test_in_a_file(self):
        def check(name, _, value):
            self.assert_right(self.model, "--config", self.write("one.toml", f"{name} = {toml_of(value)}\n"))
        self.for_each_option(check)

    def test_in_the_environment(self):
        def check(name, variable, value):
            self.assertEqual(variable, VARIABLES + name.upper().replace("-", "_"))
            text = value[0] if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
            self.assert_right(self.model, **{variable[len(VARIABLES):]: text})
        self.for_each_option(check)

    def test_in_any_form_of_toml(self):
        path = self.write("forms.toml", f"""\ufeff# a comment\r
models = [  # over several lines
  '{self.model}',
]
"port" = 0x0
max-waiting = 1_000
max-megapixels = 5e1
notice = 0.5
api-key = ["a",
           \"\"\"b\"\"\"]
""")
        self.assertIn("1 model version", self.assert_right("--config", path))

    def test_files_and_models_in_the_environment(self):
        path = self.write("variable.toml", 'max-body-mb = "x"\n')
        self.assert_refused(USAGE, "'variable.toml' line 1", self.model, CONFIG="variable.toml")
        path.write_text("max-body-mb = 1\n")
        self.assertIn("1 model version", self.assert_right(CONFIG=str(path), MODELS=str(self.model)))

    def test_models_in_a_file(self):
        path = self.write("models.toml", f'# what to serve\nmodels = ["{self.model}"]  # one\nport = 0\n')
        self.assertIn("1 model version", self.assert_right("--config", path))


class Effect(Folder):
    """Settings do what they say, wherever they come from."""

    def status(self, server, path, body=None, **headers):
        request = urllib.request.Request(f"http://{server.url}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def assert_in_force(self, server, log):
        key = {"X-API-Key": "secret"}
        self.assertEqual(self.status(server, "/v2/models/affine"), 401)
        self.assertEqual(self.status(server, "/v2/models/affine", **key), 200)
        self.assertEqual(self.status(server, "/debug/trace", **key), 200)
        self.assertEqual(self.status(server, "/v2/repository/models/affine/unload", b"", **key), 501)
        self.assertEqual(self.status(server, "/v2/models/affine/infer", bytes(2 << 20), **key), 413)
        paths = [json.loads(line)["target"] for line in log.read_text().splitlines()]
        self.assertEqual(paths.count("/v2/models/affine"), 2)

    def serve(self, *flags, **variables):
        """As served.Served, in an environment."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(environment(**variables))
        try:
            return self.enterContext(served.Served(PROGRAM, [self.model], *map(str, flags)))
        finally:
            os.environ.clear()
            os.environ.update(before)

    def test_of_a_file(self):
        log = self.folder / "file.log"
        path = self.write("all.toml", f'api-key = ["secret"]\ntrace = true\nmodel-control = "none"\nmax-body-mb = 1\nlog = "json"\n'
                                      f'log-file = "{log}"\n')
        self.assert_in_force(self.serve("--config", path), log)

    def test_of_the_environment(self):
        log = self.folder / "variables.log"
        self.assert_in_force(self.serve(API_KEY="secret", TRACE="1", MODEL_CONTROL="none", MAX_BODY_MB="1", LOG="json",
                                        LOG_FILE=str(log)), log)

    def test_flags_come_before_the_environment_and_that_before_the_file(self):
        path = self.write("order.toml", 'api-key = ["of-the-file"]\nmodel-control = "none"\n')
        server = self.serve("--config", path, API_KEY="of-the-environment")
        for key, status in [("of-the-file", 401), ("of-the-environment", 200)]:
            self.assertEqual(self.status(server, "/v2", **{"X-API-Key": key}), status)
        server = self.serve("--config", path, "--api-key", "of-the-flag", "--model-control", "explicit", API_KEY="of-the-environment")
        for key, status in [("of-the-environment", 401), ("of-the-flag", 200)]:
            self.assertEqual(self.status(server, "/v2", **{"X-API-Key": key}), status)
        self.assertEqual(self.status(server, "/v2/repository/models/affine/unload", b"", **{"X-API-Key": "of-the-flag"}), 200)


class Refused(Folder):
    def test_wrong_files_of_options(self):
        for text, words in [("prot = 1\n", ["'wrong.toml'", "'prot' (did you mean 'port'?)"]),
                            ("port = 0\n[serve]\nport = 0\n", ["'wrong.toml' line 2", "table 'serve'"]),
                            ('port = "8000"\n', ["'wrong.toml' line 1", "port", "\"8000\""]),
                            ("# a port\n\nport = 70000\n", ["line 3", "port", "70000"]), ("threads = 1.5\n", ["threads", "1.5"]),
                            ("trace = 1\n", ["trace", "true or false"]), ("log = true\n", ["log", "a string"]),
                            ("load = [1]\n", ["load", "the integer 1"]), ("port = [1]\n", ["port", "a list"]), ("load = []\n", "load"),
                            ("port = 1\nport = 2\n", "line 2"), ("drain = 1979-05-27\n", "a date"),
                            ("max-body-mb = -1\n", ["max-body-mb", "-1"]), ("drain = inf\n", ["drain", "inf"]),
                            ('precision = "f31"\n', ["precision", "f31"]), ("trace = maybe\n", "line 1"),
                            ("config = \"other.toml\"\n", "'config'"), ("help = true\n", "'help'"), ("port 0\n", "line 1"),
                            ("\0\1\2", "no TOML")]:
            with self.subTest(text):
                self.write("wrong.toml", text)
                self.assert_refused(USAGE, words, self.model, "--config", "wrong.toml")
        self.assert_refused(NOT_FOUND, "'absent.toml'", self.model, "--config", "absent.toml")

    def test_wrong_variables(self):
        self.assert_refused(USAGE, "'SLIPWAY_SERVE_PROT', which is no option (did you mean 'SLIPWAY_SERVE_PORT'?)", self.model, PROT="1")
        self.assert_refused(USAGE, ["--port", "tcp://10.0.0.1:80"], self.model, PORT="tcp://10.0.0.1:80")
        self.assert_refused(USAGE, ["--drain", "soon"], self.model, DRAIN="soon")

    def test_wrong_flags(self):
        self.assert_refused(USAGE, "models", "--port", 0)
        self.assert_refused(USAGE, "did you mean '--threads'?", self.model, "--thraeds", 1)
        self.assert_refused(USAGE, "'nowhere' is no address", self.model, "--address", "nowhere")
        self.assert_refused(USAGE, "--tls-cert and --tls-key", self.model, "--tls-cert", "c.pem")
        self.assert_refused(NOT_FOUND, "'absent'", self.model, "--port", 0, "--load", "absent")

    def test_keys_that_would_open_the_server(self):
        for key in ("", "with space", "end\n"):
            self.assert_refused(USAGE, "--api-key", self.model, "--api-key", "good", "--api-key", key)
        self.assert_refused(USAGE, "'SLIPWAY_SERVE_API_KEY' to nothing", self.model, API_KEY="")
        for text in ('api-key = ""\n', 'api-key = ["good", ""]\n', "api-key = []\n"):
            with self.subTest(text):
                self.write("keys.toml", text)
                self.assert_refused(USAGE, "api-key", self.model, "--config", "keys.toml")

    def test_names_of_hosts(self):
        for host in ("http://a.example", "a.example:8000", "", "a b"):
            self.assert_refused(USAGE, "--host", self.model, "--host", host)

    def test_missing_files(self):
        self.assert_refused(NOT_FOUND, "'absent.onnx'", "absent.onnx")
        self.assert_refused(NOT_FOUND, "'absent.json'", self.model, "--manifest", "absent.json")
        self.assert_refused(NOT_FOUND, "'absent/log'", self.model, "--port", 0, "--log", "text", "--log-file", "absent/log")

    def test_wrong_manifests(self):
        self.write("m.json", '{"lables": []}')
        self.assert_refused(BROKEN, ["'m.json'", "'lables' (did you mean 'labels'?)"], self.model, "--manifest", "m.json")
        self.write("m.json", "{}")
        self.write("repository/affine/1/readme.txt", "none")
        self.assert_refused(USAGE, ["'m.json'", "manifest.json"], self.folder / "repository", "--manifest", "m.json")

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            self.assert_refused(IO, [f"cannot listen on 127.0.0.1:{port}", "--port"], self.model, "--port", port)

    def test_two_models_of_one_name(self):
        served.save(served.affine(2), self.folder / "other/affine.onnx")
        self.assert_refused(USAGE, "two models are called 'affine'", self.model, self.folder / "other/affine.onnx")


class CheckConfig(Folder):
    def repository(self, **files):
        root = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        for version in ("1", "2"):
            served.save(served.affine(2), root / "good" / version / "model.onnx")
        for path, text in files.items():
            self.write(root / path.replace("__", "/"), text)
        return root

    def test_what_is_right(self):
        root = self.repository()
        self.assertIn("1 model version", self.assert_right(root))
        self.write(root / "good/config.pbtxt", "version_policy { all { } }")
        self.assertIn("2 model versions", self.assert_right(root))

    def test_it_does_not_listen(self):
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
            self.assert_right(self.model, "--port", one.getsockname()[1], "--metrics-port", other.getsockname()[1])

    def test_broken_models(self):
        root = self.repository()
        self.write(root / "bad/1/model.onnx", "no model")
        self.assert_refused(BROKEN, ["model 'bad'", "text file"], root, "--check-config")
        self.assert_right(root, "--load", "good")
        self.write("junk.onnx", "no model")
        self.assert_refused(BROKEN, "model 'junk'", "junk.onnx", "--check-config")

    def test_broken_configurations(self):
        root = self.repository()
        for text, words in [("max_batch_sise: 4", ["good/config.pbtxt:1:1", "max_batch_sise"]), ("max_batch_size: -4", "max_batch_size"),
                            ("input { name: 'z' data_type: TYPE_FP32 dims: [ 3 ] }", "'z'")]:
            with self.subTest(text):
                self.write(root / "good/config.pbtxt", text)
                self.assert_refused(BROKEN, ["model 'good'", *([words] if isinstance(words, str) else words)], root, "--check-config")

    def test_a_broken_manifest_in_a_models_folder(self):
        root = self.repository()
        self.write(root / "good/manifest.json", '{"task": "detektion"}')
        self.assert_refused(BROKEN, ["model 'good'", "good/manifest.json", "detektion"], root, "--check-config")

    def test_a_version_without_a_model(self):
        root = self.repository()
        (root / "good/3").mkdir()
        self.assert_refused(BROKEN, "the folder is empty", root, "--check-config")


class Stopping(Folder):
    def test_interrupts_end_it_cleanly(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            with self.subTest(number.name), served.Served(PROGRAM, [self.model]) as server:
                server.process.send_signal(number)
                self.assertEqual(server.process.wait(20), OK)


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
