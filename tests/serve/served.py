"""A server process for a test: starts `slipway serve` on a free port, and stops it."""
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
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


class Served:
    """with Served(program, [paths], flags...) as server: server.url, server.port, server.log()"""

    def __init__(self, program, models, *flags, ready=True):
        self.program, self.models, self.flags, self.must_be_ready = program, [str(path) for path in models], flags, ready

    def __enter__(self):
        self.process = subprocess.Popen([self.program, "serve", *self.models, "--port", "0", *self.flags],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            found = re.search(r"(?:page|metrics) +https?://\S+:(\d+)/", line)
            if found:
                self.port = int(found[1])
                break
        else:
            raise RuntimeError("the server ended: " + "".join(self.lines))
        self.url = f"localhost:{self.port}"
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)  # --drain, and some
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()

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
