"""Converting takes at most 1.5 times the weights and a fixed base of memory, wherever the weights lie.

usage: memory.py SLIPWAY [unittest arguments]. The models are made here, cheap to run and heavy to hold: a chain of 1x1
convolutions, each with a batch normalisation (ONNX) or a factor (TensorFlow) to fold into its weights, or of fully
connected layers (Caffe, Keras).
"""
import json
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


def kernels():
    random = np.random.default_rng(1)
    for _ in range(LAYERS):
        yield random.standard_normal((CHANNELS, CHANNELS), np.float32) / np.float32(CHANNELS ** 0.5)


# --- Protocol buffers, field by field ---


def varint(number):
    text = b""
    while number >= 128:
        text += bytes([number & 127 | 128])
        number >>= 7
    return text + bytes([number])


def number(tag, value):
    return varint(tag << 3) + varint(value)


def message(tag, *parts):
    content = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(tag << 3 | 2) + varint(len(content)) + content


def tf_node(name, op, inputs, **attrs):
    entries = [message(5, message(1, key), message(2, value)) for key, value in attrs.items()]
    return message(1, message(1, name), message(2, op), *[message(3, each) for each in inputs], *entries)


def tf_constant(name, array):
    shape = b"".join(message(2, number(1, extent)) for extent in array.shape)
    tensor = message(8, number(1, 1), message(2, shape), message(4, array.tobytes()))
    return tf_node(name, "Const", [], dtype=number(6, 1), value=tensor)


def graph_def(path):
    """Weights [1,1,c,c], each behind an Identity as frozen variables are."""
    shape = message(7, *[message(2, number(1, extent)) for extent in (1, 1, 1, CHANNELS)])
    last = "x"
    with open(path, "wb") as file:
        file.write(tf_node("x", "Placeholder", [], dtype=number(6, 1), shape=shape))
        file.write(tf_constant("factor", np.array(1.5, np.float32)))
        for i, kernel in enumerate(kernels()):
            ones = message(1, b"".join(number(3, 1) for _ in range(4)))  # ListValue
            file.write(tf_constant(f"w{i}", kernel[None, None]))
            file.write(tf_node(f"w{i}/read", "Identity", [f"w{i}"], T=number(6, 1)))
            file.write(tf_node(f"conv{i}", "Conv2D", [last, f"w{i}/read"], T=number(6, 1), strides=ones,
                               padding=message(2, "SAME"), data_format=message(2, "NHWC")))
            file.write(tf_node(f"mul{i}", "Mul", [f"conv{i}", "factor"], T=number(6, 1)))
            last = f"mul{i}"


def caffe(folder):
    text, last = f'input: "x" input_shape {{ dim: 1 dim: {CHANNELS} }}\n', "x"
    with open(folder / "heavy.caffemodel", "wb") as file:
        for i, kernel in enumerate(kernels()):
            blob = message(7, message(5, kernel.tobytes()), message(7, message(1, varint(CHANNELS), varint(CHANNELS))))
            kind = message(117, number(1, CHANNELS), number(2, 0))
            file.write(message(100, message(1, f"fc{i}"), message(2, "InnerProduct"), blob, kind))
            text += (f'layer {{ name: "fc{i}" type: "InnerProduct" bottom: "{last}" top: "y{i}" '
                     f"inner_product_param {{ num_output: {CHANNELS} bias_term: false }} }}\n")
            last = f"y{i}"
    (folder / "heavy.prototxt").write_text(text)


def keras(folder):
    """Weights lie across shards: they begin a bias later than these."""
    layers = [{"class_name": "InputLayer", "config": {"batch_input_shape": [None, CHANNELS], "dtype": "float32", "name": "x"}}]
    weights = [{"name": "bias", "shape": [CHANNELS], "dtype": "float32"}]
    data = [np.zeros(CHANNELS, np.float32).tobytes()]
    for i, kernel in enumerate(kernels()):
        layers.append({"class_name": "Dense", "config": {"name": f"d{i}", "units": CHANNELS, "use_bias": False}})
        weights.append({"name": f"d{i}/kernel", "shape": [CHANNELS, CHANNELS], "dtype": "float32"})
        data.append(kernel.tobytes())
    data, size = b"".join(data), 4 << 20
    shards = [data[at:at + size] for at in range(0, len(data), size)]
    for i, shard in enumerate(shards):
        (folder / f"shard{i}.bin").write_bytes(shard)
    model = {"class_name": "Sequential", "config": {"name": "heavy", "layers": layers}}
    (folder / "model.json").write_text(json.dumps({
        "format": "layers-model", "modelTopology": {"keras_version": "2.12.0", "backend": "tensorflow", "model_config": model},
        "weightsManifest": [{"paths": [f"shard{i}.bin" for i in range(len(shards))], "weights": weights}]}))


def make(folder):
    model = heavy_chain()
    onnx.save(model, folder / "inline.onnx")
    onnx.save(model, folder / "external.onnx", save_as_external_data=True, location="weights.bin")
    graph_def(folder / "heavy.pb")
    caffe(folder)
    keras(folder)
    os.sync()  # the system keeps what it has not written yet, whatever is asked of it


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

    def test_tensorflow(self):
        self.assert_modest("heavy.pb")

    def test_caffe(self):
        self.assert_modest("heavy.caffemodel")

    def test_keras(self):
        self.assert_modest("model.json")

    def test_a_converted_model(self):
        self.run_ok("convert", self.folder / "external.onnx", "-o", self.folder / "first.slip")
        self.assert_modest("first.slip")


if __name__ == "__main__":
    if sys.argv[1] == "--make":
        make(pathlib.Path(sys.argv[2]))
    else:
        main()
