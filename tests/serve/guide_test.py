"""What README.md and docs/serve.md tell to type, typed as it stands: servers start, curl gets answers, Python clients work.

usage: guide_test.py SLIPWAY [unittest arguments]. SLIPWAY_DEMO_DIR is where `make demo` left its files.

Port 8000 may be taken: the server hears of another by its variable, and curl by a .curlrc. `slipway serve`, which a reader leaves
running in another terminal, goes on in the background.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import picture_models
import served

PROGRAM = ""
ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = pathlib.Path(os.environ.get("SLIPWAY_DEMO_DIR", ROOT / "build/demo"))
# In place of the program: a server before this one ends, and the shell goes on when this one is there.
STAND_IN = """#!/bin/sh
[ "$1" = serve ] || exec "$PROGRAM" "$@"
[ ! -f "$HERE/pid" ] || { kill "$(cat "$HERE/pid")"; while [ -d "/proc/$(cat "$HERE/pid")" ]; do sleep 0.05; done; }
: >"$HERE/log"
"$PROGRAM" "$@" >>"$HERE/log" 2>&1 &
echo $! >"$HERE/pid"
until grep -q '^metrics ' "$HERE/log"; do
  [ -d "/proc/$(cat "$HERE/pid")" ] || { cat "$HERE/log"; exit 1; }
  sleep 0.05
done
"""


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def is_of_a_server(block):
    return re.search(r"^(slipway serve|curl) ", block, re.MULTILINE)


class Typed(unittest.TestCase):
    """A shell in a folder of its own, whose curl finds the server."""

    def setUp(self):
        self.here = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.here)
        self.addCleanup(self.end)
        self.port = served.free_port()
        stand_in = self.here / "bin/slipway"
        stand_in.parent.mkdir()
        stand_in.write_text(STAND_IN)
        stand_in.chmod(0o755)
        (self.here / ".curlrc").write_text("fail\nsilent\nshow-error\n" + "".join(
            f'connect-to = "{host}:8000:127.0.0.1:{self.port}"\n' for host in ("127.0.0.1", "localhost")))
        self.environment = {**os.environ, "PROGRAM": PROGRAM, "HERE": str(self.here), "CURL_HOME": str(self.here),
                            "SLIPWAY_SERVE_PORT": str(self.port), "PATH": f"{stand_in.parent}:{os.environ['PATH']}"}

    def end(self):
        pid = self.here / "pid"
        if pid.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGTERM)

    def type(self, block, folder):
        """What it prints; its files are there and not empty."""
        run = subprocess.run(["sh", "-euc", block], cwd=folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False, timeout=120)
        self.assertEqual(run.returncode, 0, f"{block}\n{run.stdout[-500:]}\n{run.stderr.decode()}")
        for name in re.findall(r"^curl .*-o (\S+)", block, re.MULTILINE):
            self.assertGreater((folder / name).stat().st_size, 100, name)
        return run.stdout.decode()

    def link_build(self):
        """A folder in which paths count as from the root, and files that commands write stay away from it."""
        folder = self.here / "root"
        (folder / "build").mkdir(parents=True)
        (folder / "build/demo").symlink_to(DEMO)
        return folder

    def test_the_guide(self):
        folder = self.here / "work"
        for name in ("model.onnx", "yolov5s.onnx"):
            served.save(picture_models.boxes(), folder / name)
        (folder / "yolov5s.json").write_text('{"outputs": [{"decoder": "yolov5"}]}')
        shutil.copy(ROOT / "docs/images/coffee.jpg", folder / "photo.jpg")
        told = [block for block in blocks("docs/serve.md", "sh") if is_of_a_server(block)]
        self.assertGreaterEqual(len(told), 4)
        answers = "".join(self.type(block, folder) for block in told)
        self.assertGreaterEqual(answers.count('"detections":[{'), 3)

    @unittest.skipUnless((DEMO / "coco_ssd.slip").exists(), "the README's commands (make demo, slipway convert) have not been run")
    def test_the_readme(self):
        told = [block for block in blocks("README.md", "sh") if is_of_a_server(block)]
        self.assertTrue(told)
        folder = self.link_build()
        self.assertIn('"label":"cat"', "".join(self.type(block, folder) for block in told))

    @unittest.skipUnless((DEMO / "model").exists(), "make demo has not been run")
    def test_what_make_serve_says(self):
        environment = {**os.environ, "PORT": str(self.port)}
        process = self.enterContext(subprocess.Popen([ROOT / "tools/demo/serve.sh"], env=environment, stdout=subprocess.PIPE, text=True))
        self.addCleanup(process.terminate)
        told = []
        for line in process.stdout:
            told += [line] if line.startswith("  curl ") else []
            if line.startswith("metrics "):
                break
        self.assertGreaterEqual(len(told), 2)
        folder = self.link_build()
        self.assertIn('"label":"cat"', "".join(self.type(line.strip(), folder) for line in told))


class Python(unittest.TestCase):
    """Clients as the pages write them, with another port."""

    def run_block(self, page, port, model, *flags):
        block = next(block for block in blocks(page, "python") if "InferenceServerClient" in block)
        with served.Served(PROGRAM, [model], *flags) as server:
            address = server.grpc_address() if flags else server.url
            block, count = re.subn(rf":{port}\b", f":{address.split(':')[1]}", block)
            self.assertEqual(count, 1)
            run = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def setUp(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.model = served.save(served.affine(2), folder / "model.onnx")

    def test_http(self):
        self.assertEqual(self.run_block("docs/serve.md", 8000, self.model), "[[3. 5. 7.]]\n")

    def test_grpc(self):
        if not pathlib.Path(PROGRAM).with_name("slipway_grpc.so").exists():
            self.skipTest("built without gRPC")
        self.assertEqual(self.run_block("docs/serve_grpc.md", 8001, self.model, "--grpc-port", "0"), "[[3. 3. 3.]]\n")


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
