"""A server process for a test: starts `slipway serve` on a free port, and stops it; and what tests of it share."""
import contextlib
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import onnx
from onnx import TensorProto, helper


def _model(name, dtype, shape, nodes, out_dtype=None, constants=()):
    x = helper.make_tensor_value_info("x", dtype, shape)
    y = helper.make_tensor_value_info("y", out_dtype or dtype, shape)
    graph = helper.make_graph(nodes, name, [x], [y], list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def affine(scale, batch="N"):
    """y = scale * x + 1, [batch, 3] f32."""
    constants = [helper.make_tensor("scale", TensorProto.FLOAT, [], [scale]), helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])]
    nodes = [helper.make_node("Mul", ["x", "scale"], ["m"]), helper.make_node("Add", ["m", "one"], ["y"])]
    return _model("affine", TensorProto.FLOAT, [batch, 3], nodes, constants=constants)


def identity(dtype):
    """y = x, [N, 2] of any type."""
    return _model("identity", dtype, ["N", 2], [helper.make_node("Identity", ["x"], ["y"])])


def save(model, path):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def until(say, holds=bool, seconds=60):
    """Asks say() until it holds; its last word, which holds or not. For what is counted or noted a moment after an answer."""
    end = time.monotonic() + seconds
    while not holds(said := say()) and time.monotonic() < end:
        time.sleep(0.01)
    return said


def wait_until(condition, what, seconds=60):
    assert until(condition, seconds=seconds), f"not within {seconds} s: {what}"


def free_ports(count):
    """That many, one behind the other; none of those that the system gives clients, which would take one in between."""
    while True:
        first = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + count):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return list(range(first, first + count))


def free_port():
    return free_ports(1)[0]


class Served:
    """with Served(program, [paths], flags...) as server: server.url, server.port; server.lines: what it said until it served,
    with all its workers if it has some."""

    def __init__(self, program, models, *flags):
        self.program, self.models, self.flags = program, [str(path) for path in models], flags

    def __enter__(self):
        self.process = subprocess.Popen([self.program, "serve", *self.models, "--port", "0", *self.flags],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        last = "workers " if "--workers" in self.flags else "metrics "
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith(last):
                break
        else:
            raise RuntimeError("the server ended: " + "".join(self.lines))
        self.port = int(re.search(r"^metrics +https?://\S+:(\d+)/", "".join(self.lines), re.MULTILINE)[1])
        self.url = f"localhost:{self.port}"
        return self

    def __exit__(self, kind, *unused):
        is_asked = self.process.poll() is None
        if is_asked:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(90)  # --drain, and some
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()
        if is_asked and kind is None:  # otherwise the test has asked for it in its own way, or failed already
            assert self.process.returncode == 0, f"the server ended with {self.process.returncode}"

    def grpc_address(self):
        return "127.0.0.1:" + re.search(r"gRPC +\S+:(\d+)", "".join(self.lines))[1]

    def has_page(self, key=""):
        """Whether the program was built with its page (tools/setup/make_web.sh). `key`: the server's, if it has one."""
        try:
            urllib.request.urlopen(urllib.request.Request(f"http://{self.url}/", headers={"X-API-Key": key}), timeout=20).close()
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return False
        return True

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.url}{path}", timeout=20) as answer:
            return answer.read()


class Folder(unittest.TestCase):
    """A folder of the test's own with a model in it, and servers of `program`, which the test's file sets."""

    program = ""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.model = save(affine(2), self.folder / "affine.onnx")

    def serve(self, *flags, models=None):
        return self.enterContext(Served(self.program, models or [self.model], *map(str, flags)))
