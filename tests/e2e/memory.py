"""Converting takes at most 1.5 times the weights and a fixed base of memory, wherever the weights lie.

usage: memory.py SLIPWAY [unittest arguments]. The models are made here: a chain of 1x1 convolutions, each with a
batch normalisation to fold into its weights, that is cheap to run and heavy to hold.
"""
import os
import pathlib
import subprocess
import sys
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import common
from common import EndToEnd, OK, main

CHANNELS, LAYERS = 1024, 48  # 4 MiB a layer
BASE_BYTES = 32 << 20


def heavy_chain():
    random = np.random.default_rng(1)
    nodes, weights, last = [], [], "x"
    for layer in range(LAYERS):
        values = random.standard_normal((CHANNELS, CHANNELS, 1, 1), np.float32) / np.float32(CHANNELS ** 0.5)
        weights.append(numpy_helper.from_array(values, f"w{layer}"))
        nodes.append(helper.make_node("Conv", [last, f"w{layer}"], [f"c{layer}"]))
        last = f"c{layer}"
        for name, value in (("scale", 1.5), ("offset", 0.1), ("mean", 0.2), ("variance", 2.0)):
            weights.append(numpy_helper.from_array(np.full(CHANNELS, value, np.float32), f"{name}{layer}"))
        parameters = [f"{name}{layer}" for name in ("scale", "offset", "mean", "variance")]
        nodes.append(helper.make_node("BatchNormalization", [last, *parameters], [f"b{layer}"]))
        last = f"b{layer}"
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, CHANNELS, 1, 1]) for name in ("x", last)]
    graph = helper.make_graph(nodes, "heavy", values[:1], values[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])


def make(folder):
    model = heavy_chain()
    onnx.save(model, folder / "inline.onnx")
    onnx.save(model, folder / "external.onnx", save_as_external_data=True, location="weights.bin")


def peak_bytes(*arguments):
    """Exit code and peak memory of one run of slipway."""
    process = subprocess.Popen([common.SLIPWAY, *map(str, arguments)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss * 1024


class ConvertMemory(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Made by another process: a child's peak begins at what its parent held when it was forked.
        subprocess.run([sys.executable, __file__, "--make", cls.folder], check=True)
        cls.weights = (cls.folder / "weights.bin").stat().st_size

    def assert_modest(self, name):
        code, peak = peak_bytes("convert", self.folder / name, "-o", self.folder / "out.slip")
        self.assertEqual(code, OK)
        print(f"{name}: {peak / 2**20:.0f} MiB for {self.weights / 2**20:.0f} MiB of weights")
        self.assertLess(peak, 1.5 * self.weights + BASE_BYTES)

    def test_weights_within_the_model(self):
        self.assert_modest("inline.onnx")

    def test_weights_beside_the_model(self):
        self.assert_modest("external.onnx")

    def test_a_converted_model(self):
        self.run_ok("convert", self.folder / "external.onnx", "-o", self.folder / "first.slip")
        self.assert_modest("first.slip")


if __name__ == "__main__":
    if sys.argv[1] == "--make":
        make(pathlib.Path(sys.argv[2]))
    else:
        main()
