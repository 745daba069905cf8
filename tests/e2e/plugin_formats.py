"""Plugins end to end from TFLite, TensorFlow, TensorFlow.js and Caffe; plugins.py tells of ONNX.

usage: plugin_formats.py SLIPWAY [unittest arguments]; see common.py for the variables.

Each model holds an operator that Slipway has no record of. It is refused, kept with --allow-custom, or given a plugin at
once or later; answers are numpy's.
"""
import base64
import json
import os
import struct
import subprocess
import unittest

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

from common import ASSETS, BROKEN, EndToEnd, UNSUPPORTED, USAGE, WRONG_INPUT, main, slipway
from plugins import GAINS, SOURCE, build, hard_swish_scaled

X = np.random.default_rng(11).normal(0, 4, (2, 4, 5, 3)).astype(np.float32)  # channels last
FIRST = np.ascontiguousarray(X.transpose(0, 3, 1, 2))
WANT_FIRST = hard_swish_scaled(FIRST, 1.5, GAINS, 2)
WANT = WANT_FIRST.transpose(0, 2, 3, 1)


def build_foreign_ops(folder, version=1):
    """The library of src/plugin/testdata/foreign_ops.cc."""
    library = folder / f"libforeign_ops_v{version}.so"
    source = SOURCE / "src" / "plugin" / "testdata" / "foreign_ops.cc"
    subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-O1", "-shared", "-fPIC", "-fvisibility=hidden",
                    f"-DOPS_VERSION={version}", f"-I{SOURCE / 'include'}", source, "-o", library], check=True)
    return library


# --- TFLite ---


def tflite(code, custom_options, quant=None, dtype="FLOAT32", shape=None):
    """x -> the custom operator -> y, of the same type. quant: ((scale, zero point) of x, of y)."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.subgraphs = 3, [schema.BufferT()], [graph]
    operator_code = schema.OperatorCodeT()
    operator_code.builtinCode = operator_code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    operator_code.customCode, operator_code.version = code, 1
    model.operatorCodes = [operator_code]
    graph.tensors, graph.inputs, graph.outputs = [], [0], [1]
    for i, name in enumerate("xy"):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, shape or list(X.shape), 0
        tensor.type = getattr(schema.TensorType, dtype)
        if quant:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [[each] for each in quant[i]]
        graph.tensors.append(tensor)
    node = schema.OperatorT()
    node.opcodeIndex, node.inputs, node.outputs = 0, [0], [1]
    node.customOptions = np.frombuffer(custom_options, np.uint8)
    graph.operators = [node]
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


# --- Protobuf's wire format ---


def varint(number):
    number &= (1 << 64) - 1
    out = b""
    while number >= 128:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(tag, value):
    """An integer, a float, or anything of bytes."""
    if isinstance(value, float):
        return varint(tag << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(tag << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(tag << 3 | 2) + varint(len(data)) + data


# --- TensorFlow: what GraphDef and TF.js write of the same two nodes ---

FLOAT = 1


def nodes(op, attributes, shape):
    """Name, operator, inputs and attributes; of these (kind, value) with the kinds of AttrValue."""
    return [("x", "Placeholder", [], {"dtype": ("type", FLOAT), "shape": ("shape", shape)}),
            ("y", op, ["x"], {"T": ("type", FLOAT), "_class": ("s", b"loc:@x"), **attributes})]


def attr_value(kind, value):
    if kind == "type":
        return field(6, value)
    if kind == "shape":
        return field(7, b"".join(field(2, field(1, extent)) for extent in value))
    if kind == "list":
        return field(1, field(4, struct.pack(f"<{len(value)}f", *value)))
    return field({"s": 2, "i": 3, "f": 4}[kind], value)


def graph_def(listed):
    out = b""
    for name, op, inputs, attributes in listed:
        node = field(1, name) + field(2, op) + b"".join(field(3, each) for each in inputs)
        for key, value in attributes.items():
            node += field(5, field(1, key) + field(2, attr_value(*value)))
        out += field(1, node)
    return out


def tfjs(listed):
    def json_value(kind, value):
        if kind == "type":
            return {"type": "DT_FLOAT"}
        if kind == "shape":
            return {"shape": {"dim": [{"size": str(extent)} for extent in value]}}
        if kind == "list":
            return {"list": {"f": value}}
        return {kind: base64.b64encode(value).decode() if kind == "s" else str(value) if kind == "i" else value}
    topology = {"node": [{"name": name, "op": op, "input": inputs,
                          "attr": {key: json_value(*value) for key, value in attributes.items()}}
                         for name, op, inputs, attributes in listed], "versions": {"producer": 1}}
    return json.dumps({"format": "graph-model", "generatedBy": "2.0", "convertedBy": "a test",
                       "modelTopology": topology, "weightsManifest": []}).encode()


SWISH = {"alpha": ("f", 1.5), "gains": ("list", GAINS), "power": ("i", 2)}


# --- Caffe ---


def prototxt(layer_type, params):
    return (f'input: "x" input_shape {{ dim: 2 dim: 3 dim: 4 dim: 5 }}\n'
            f'layer {{ name: "act" type: "{layer_type}" bottom: "x" top: "y" {params} }}\n').encode()


def caffemodel(layer_type, blobs, extra=b""):
    """A NetParameter that holds the layer's blobs; extra: further fields of it."""
    layer = field(1, "act") + field(2, layer_type)
    for blob in blobs:
        shape = field(7, field(1, b"".join(varint(extent) for extent in blob.shape)))
        layer += field(7, field(5, blob.astype("<f4").tobytes()) + shape)
    return field(1, "net") + field(100, layer + extra)


class Formats(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.swish, cls.ops = build(cls.folder), build_foreign_ops(cls.folder)

    def save(self, content, name):
        """In a folder of the test's own: the files of a Caffe net are looked for beside one another."""
        path = self.folder / self.id() / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def answer(self, path, x, *flags):
        np.save(self.folder / "x.npy", x)
        out = self.folder / "y.npy"
        out.unlink(missing_ok=True)
        self.run_ok("run", path, self.folder / "x.npy", "-o", out, *flags)
        return np.load(out)

    def convert(self, path, *flags):
        slip = self.folder / "model.slip"
        slip.unlink(missing_ok=True)
        run = slipway("convert", path, "-o", slip, *flags)
        self.assertEqual(run.returncode, 0, run.stderr)
        return slip

    def check_everywhere(self, path, library, x, want, node, custom):
        """Runs from the source and from .slip files made with the plugin and without it; says what lacks.
        node: how messages name it; custom: the name under which --allow-custom keeps it."""
        def same(model, *flags):
            got = self.answer(model, x, "--plugin", library, *flags)
            self.assertEqual(got.dtype, want.dtype)
            if want.dtype == np.float32:
                np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)
            else:
                np.testing.assert_array_equal(got, want)
        for flags in [["--backend", "cpu"], ["--backend", "ref"], ["--check-plugins"], ["--no-optimize"]]:
            with self.subTest(flags):
                same(path, *flags)
        self.assert_fails(UNSUPPORTED, node, "run", path)

        slip = self.convert(path, "--plugin", library)
        for backend in ["cpu", "ref"]:
            same(slip, "--backend", backend)
        self.run_ok("doctor", slip, "--plugin", library)
        self.assert_fails(UNSUPPORTED, f"is not loaded\n  hint: give its library: --plugin {library.name}", "run", slip)

        slip = self.convert(path, "--allow-custom", "--no-golden")
        self.assertIn(custom, self.run_ok("inspect", slip))
        self.assert_fails(UNSUPPORTED, "waits for its plugin", "run", slip)
        for backend in ["cpu", "ref"]:
            same(slip, "--backend", backend)

    def check_liar(self, path, x):
        np.save(self.folder / "x.npy", x)
        for backend in ["cpu", "ref"]:
            self.assert_fails(USAGE, f"plugin 'test.Liar' version 1 ({self.ops}) allocates output 0 as [2,3], it promised "
                              "f32[", "run", path, self.folder / "x.npy", "--plugin", self.ops, "--backend", backend)

    # --- TFLite ---

    def test_tflite_options_of_flexbuffers_become_attributes(self):
        options = flexbuffers.Dumps({"alpha": 1.5, "gains": GAINS, "power": 2})
        path = self.save(tflite("AcmeHardSwishScaled", options), "flex.tflite")
        self.check_everywhere(path, self.swish, X, WANT, "AcmeHardSwishScaled", "custom:tflite::AcmeHardSwishScaled:1")

    def test_tflite_options_of_bytes_are_one_attribute(self):
        path = self.save(tflite("AcmeOpaque", struct.pack("<f", 2.5)), "opaque.tflite")
        self.check_everywhere(path, self.ops, X, np.float32(2.5) * X, "AcmeOpaque", "custom:tflite::AcmeOpaque:1")
        path = self.save(tflite("AcmeOpaque", b"\0\1\2"), "short.tflite")
        self.assert_fails(BROKEN, "test.Opaque@1 'y': the options have 3 bytes, 4 are wanted", "run", path, "--plugin",
                          self.ops)

    def test_tflite_quantised_tensors_come_with_their_scales(self):
        quants = (0.05, -3), (0.125, 7)
        path = self.save(tflite("AcmeQuantScale", flexbuffers.Dumps({"factors": GAINS}), quants, "INT8"), "quant.tflite")
        x = np.random.default_rng(5).integers(-128, 128, X.shape).astype(np.int8)
        (scale, zero), (y_scale, y_zero) = [(np.float32(s).astype(np.float64), z) for s, z in quants]
        want = np.clip(np.rint(scale * (x - float(zero)) * np.array(GAINS) / y_scale) + y_zero, -128, 127).astype(np.int8)
        self.check_everywhere(path, self.ops, x, want, "AcmeQuantScale", "custom:tflite::AcmeQuantScale:1")

    def test_tflite_floats_are_refused_by_a_plugin_of_integers(self):
        path = self.save(tflite("AcmeQuantScale", flexbuffers.Dumps({"factors": GAINS})), "float.tflite")
        self.assert_fails(BROKEN, "f32", "run", path, "--plugin", self.ops)

    def test_another_version_is_refused_with_both_versions(self):
        path = self.save(tflite("AcmeOpaque", struct.pack("<f", 2.5)), "versions.tflite")
        slip = self.convert(path, "--plugin", self.ops)
        newer = build_foreign_ops(self.folder, version=2)
        self.assert_fails(UNSUPPORTED, "plugin 'test.Opaque' version 1, which node 'y' needs, is not there: loaded is "
                          f"version 2 of {newer}", "run", slip, "--plugin", newer)
        # What waits takes whatever version comes; both at once: each node gets its own.
        waiting = self.convert(path, "--allow-custom", "--no-golden")
        np.testing.assert_array_equal(self.answer(waiting, X, "--plugin", newer), np.float32(2.5) * X)

    def test_tflite_lies_are_found(self):
        self.check_liar(self.save(tflite("AcmeLiar", b""), "liar.tflite"), X)

    # TFLite-Support's own tests define these operators: three answers to "hello".
    @unittest.skipUnless((ASSETS / "tflite").is_dir(), "no assets")
    def test_tflite_texts(self):
        answers = {"OUTPUT_SCORE_DEQUANTIZED": [255, 510, 765], "OUTPUT_SCORE_QUANTIZED": [1, 2, 3],
                   "LABELS": ["label0", "label1", "label2"], "OUTPUT_SCORE_DEQUANTIZED_FLOAT64": [255, 510, 765]}
        for name, want in [("", answers), ("_bool_output", {"OUTPUT": [True, True, False]}),
                           ("_with_associated_label", answers)]:
            path = ASSETS / "tflite" / f"test_model_nl_classifier{name}.tflite"
            for model in [path, self.convert(path, "--plugin", self.ops, "--no-golden"),
                          self.convert(path, "--allow-custom", "--no-golden")]:
                for backend in ["cpu", "ref"]:
                    with self.subTest(model=model.name, name=name, backend=backend):
                        np.save(self.folder / "text.npy", np.array("hello"))
                        out = self.folder / "answers.npz"
                        self.run_ok("run", model, self.folder / "text.npy", "-o", out, "--plugin", self.ops,
                                    "--backend", backend)
                        with np.load(out) as got:
                            self.assertEqual({key: value.tolist() for key, value in got.items()}, want)
            np.save(self.folder / "text.npy", np.array("goodbye"))
            self.assert_fails(WRONG_INPUT, "the text must be 'hello'", "run", path, self.folder / "text.npy", "--plugin",
                              self.ops)

    # --- TensorFlow and TensorFlow.js ---

    def check_tensorflow(self, write, name):
        custom = "custom:tensorflow::AcmeHardSwishScaled:1"
        for layout, x, want in [(None, X, WANT), (b"NHWC", X, WANT), (b"NCHW", FIRST, WANT_FIRST)]:
            with self.subTest(layout=layout):
                attributes = SWISH if layout is None else {**SWISH, "data_format": ("s", layout)}
                path = self.save(write(nodes("AcmeHardSwishScaled", attributes, x.shape)), name)
                self.check_everywhere(path, self.swish, x, want, "AcmeHardSwishScaled", custom)
        path = self.save(write(nodes("AcmeHardSwishScaled", {**SWISH, "beta": ("f", 1.0)}, X.shape)), name)
        self.assert_fails(BROKEN, "attribute 'beta' is unknown to plugin 'acme.HardSwishScaled' version 1", "run", path,
                          "--plugin", self.swish)
        self.check_liar(self.save(write(nodes("AcmeLiar", {}, X.shape)), name), X)

    def test_tensorflow(self):
        self.check_tensorflow(graph_def, "graph.pb")

    def test_tensorflow_js(self):
        self.check_tensorflow(tfjs, "model.json")

    # --- Caffe ---

    def test_caffe_parameters_of_text(self):
        path = self.save(prototxt("HardSwishScaled", "hard_swish_scaled_param { alpha: 1.5f gains: 1 gains: 2e0 gains: .5 "
                                  "power: 2 } param { lr_mult: 0 } include { phase: TEST }"), "swish.prototxt")
        self.check_everywhere(path, self.swish, FIRST, WANT_FIRST, "HardSwishScaled", "custom:caffe::HardSwishScaled:1")

    def check_blobs(self, params, factor, shift=0.0):
        self.save(prototxt("AcmeBlobs", params), "blobs.prototxt")
        gain, bias = np.float32([1, -2, 0.5]), np.float32([0.25, 0, -1])
        # A message of the layer's own, which the binary form holds under a number that only its maker knows.
        own = field(8000, field(1, 1.5) + field(2, "FAST"))
        weights = self.save(caffemodel("AcmeBlobs", [gain, bias], own), "blobs.caffemodel")
        want = gain.reshape(3, 1, 1) * FIRST * np.float32(factor) + bias.reshape(3, 1, 1) + np.float32(shift)
        self.check_everywhere(weights, self.ops, FIRST, want, "AcmeBlobs", "custom:caffe::AcmeBlobs:1")

    def test_caffe_blobs_are_further_inputs(self):
        self.check_blobs('acme_blobs_param { factor: 2.5 negate: true mode: FAST axes: 3 shift: 0.5 shift: 1 '
                         'inner { mask: 0x1F } }', -5.0, 1.5)

    def test_caffe_strings_may_be_enums_and_quoted(self):
        self.check_blobs('acme_blobs_param { factor: 2 mode: "FAST" negate: false }', 2.0)

    def test_caffe_blobs_of_another_number_are_the_plugins_to_refuse(self):
        self.save(prototxt("AcmeBlobs", ""), "few.prototxt")
        weights = self.save(caffemodel("AcmeBlobs", [np.float32([1, 2, 3])]), "few.caffemodel")
        self.assert_fails(BROKEN, "test.Blobs@1 'act': takes 2 blobs, the layer has 1", "run", weights, "--plugin",
                          self.ops)

    def test_caffe_lies_are_found(self):
        path = self.save(prototxt("AcmeLiar", ""), "liar.prototxt")
        self.check_liar(path, FIRST)


if __name__ == "__main__":
    main()
