"""Weights in tensorrtx's text format given to models (--wts), and shown by inspect.

usage: wts.py SLIPWAY [unittest arguments]; see common.py for the variables.

The oracle is the model itself: its weights are written to a .wts file, those of a copy are overwritten with zeros, and the
copy with the file must answer as the model does, to the bit.
"""
import json
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from common import ASSETS, BROKEN, EndToEnd, USAGE, main, slipway

TWINS = ["FastestDet", "bert_toy_optimized", "cnn_mnist_pytorch", "fns-candy", "gpt2_past_toy",
         "mediapipe_face_detection_short_range", "mediapipe_hand_recrop", "mnist-8", "stm_mobilenet_v2_0.35_128",
         "stm_yamnet_256", "super_resolution_2019", "toy_TFBertForQuestionAnswering", "ultraface_rfb320_nopost",
         "yolox_nano", "yunet_120x160"]
FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE}


def write_wts(path, arrays):
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"{len(arrays)}\n")
        for name, array in arrays.items():
            words = np.ascontiguousarray(array, ">f4").tobytes()
            out.write(f"{name} {array.size} {words.hex(' ', 4)}\n")


def graphs_of(graph):
    """The graph and those inside of its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from graphs_of(attribute.g)


def take_weights(proto):
    """Name to array of the float initializers, which become zeros; factors of a Resize, which may not, aside."""
    arrays = {}
    for graph in graphs_of(proto.graph):
        scales = {name for node in graph.node if node.op_type in ("Resize", "Upsample") for name in node.input}
        for tensor in graph.initializer:
            array = numpy_helper.to_array(tensor)
            if tensor.data_type in FLOATS and array.size > 0 and tensor.name not in scales:
                arrays[tensor.name] = array
                tensor.CopyFrom(numpy_helper.from_array(np.zeros_like(array), tensor.name))
    return arrays


def small_model():
    """Conv, BatchNormalization, a Gemm in a branch, f16 on the way; named as PyTorch names its parameters."""
    random = np.random.default_rng(3)
    made = {"conv.weight": random.normal(size=(4, 3, 3, 3)), "conv.bias": random.normal(size=4),
            "bn.weight": random.uniform(0.5, 2, 4), "bn.bias": random.normal(size=4),
            "bn.running_mean": random.normal(size=4), "bn.running_var": random.uniform(0.5, 2, 4)}
    initializers = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in made.items()]
    initializers += [numpy_helper.from_array(random.normal(size=(1, 4)).astype(np.float16), "half.shift"),
                     numpy_helper.from_array(np.array([0, -1], np.int64), "flat")]
    branches = []
    for name in ("then", "else"):
        body = helper.make_node("Gemm", ["rows", f"{name}.weight", f"{name}.bias"], [f"{name}.y"], transB=1)
        inside = [numpy_helper.from_array(random.normal(size=shape).astype(np.float32), f"{name}.{role}")
                  for role, shape in (("weight", (2, 4)), ("bias", (2,)))]
        y = helper.make_tensor_value_info(f"{name}.y", TensorProto.FLOAT, None)
        branches.append(helper.make_graph([body], name, [], [y], inside))
    nodes = [helper.make_node("Conv", ["x", "conv.weight", "conv.bias"], ["c"]),
             helper.make_node("BatchNormalization", ["c", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"],
                              ["n"]),
             helper.make_node("GlobalAveragePool", ["n"], ["p"]), helper.make_node("Reshape", ["p", "flat"], ["r"]),
             helper.make_node("Cast", ["r"], ["h"], to=TensorProto.FLOAT16),
             helper.make_node("Add", ["h", "half.shift"], ["s"]),
             helper.make_node("Cast", ["s"], ["rows"], to=TensorProto.FLOAT),
             helper.make_node("If", ["is"], ["y"], then_branch=branches[0], else_branch=branches[1])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8]),
              helper.make_tensor_value_info("is", TensorProto.BOOL, [])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])]
    graph = helper.make_graph(nodes, "small", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Wts(EndToEnd):
    def save(self, proto, name):
        onnx.save(proto, self.folder / name)
        return self.folder / name

    def answers(self, model, *flags):
        out = self.folder / "out.npz"
        out.unlink(missing_ok=True)
        self.run_ok("run", model, "-o", out, "--seed", 5, *flags)
        with np.load(out) as arrays:
            return dict(arrays)

    def assert_same(self, got, want):
        self.assertEqual(got.keys(), want.keys())
        for name, array in want.items():
            np.testing.assert_array_equal(got[name], array, err_msg=name)

    def check_twin(self, path):
        """The model, against its copy of zeros with its weights given."""
        proto = onnx.load(path)
        arrays = take_weights(proto)
        weights, hollow = self.folder / "twin.wts", self.save(proto, "hollow.onnx")
        write_wts(weights, {**arrays, "bn.num_batches_tracked": np.float32([7])})
        want = self.answers(path)
        changed = self.answers(hollow)
        self.assertTrue(any(not np.array_equal(changed[name], array) for name, array in want.items()))
        self.assert_same(self.answers(hollow, "--wts", weights), want)
        slip = self.folder / "twin.slip"
        self.run_ok("convert", hollow, "--wts", weights, "-o", slip, "--no-golden")
        self.assert_same(self.answers(slip), want)

    def test_small_twin(self):
        self.check_twin(self.save(small_model(), "small.onnx"))

    @unittest.skipUnless((ASSETS / "onnx").is_dir(), "no assets")
    def test_real_twins(self):
        for name in TWINS:
            with self.subTest(name):
                self.check_twin(ASSETS / "onnx" / f"{name}.onnx")

    def test_all_that_does_not_fit_is_said_at_once(self):
        proto = small_model()
        path = self.save(proto, "small.onnx")
        arrays = take_weights(proto)
        arrays["conv.weight"] = arrays["conv.weight"][:3]
        arrays["conv.bais"] = arrays.pop("conv.bias")
        arrays["flat"] = np.float32([1, 2])
        weights = self.folder / "bad.wts"
        write_wts(weights, arrays)
        lines = ["'conv.weight' has 81 elements, the model's f32[4,3,3,3] takes 108",
                 "'flat' is i64[2] in the model; a .wts file holds floats",
                 "'conv.bais' is no constant of the model (did you mean 'conv.bias'?)"]
        self.assert_fails(BROKEN, f"the weights of '{weights}' do not fit the model:" +
                          "".join("\n    " + line for line in lines), "convert", path, "--wts", weights)

    def test_what_is_kept_or_left_out_is_said(self):
        path = self.save(small_model(), "small.onnx")
        weights = self.folder / "some.wts"
        write_wts(weights, {"conv.bias": np.zeros(4), "head.weight": np.zeros(3)})
        self.assert_fails(BROKEN, "'head.weight' is no constant of the model", "run", path, "--wts", weights)
        run = slipway("run", path, "--wts", weights, "--wts-partial")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(f"of '{weights}' left out, the model has no constants of these names: 'head.weight'", run.stderr)
        self.assertIn(f"not in '{weights}', so kept as the model has them: 'conv.weight', 'bn.weight'", run.stderr)

    def test_converted_models_take_none(self):
        slip, weights = self.folder / "done.slip", self.folder / "one.wts"
        write_wts(weights, {"conv.bias": np.zeros(4)})
        self.run_ok("convert", self.save(small_model(), "small.onnx"), "-o", slip, "--no-golden")
        self.assert_fails(USAGE, "is converted already: --wts has no effect", "run", slip, "--wts", weights)

    def test_inspect_shows_arrays(self):
        weights = self.folder / "show.wts"
        write_wts(weights, {"a.weight": np.float32([-1, 2, 5]), "a.bias": np.float32([np.inf, np.nan, 0.5])})
        arrays = json.loads(self.run_ok("inspect", weights, "--json"))["arrays"]
        self.assertEqual(arrays, [{"name": "a.bias", "count": 3, "min": 0.5, "max": 0.5, "mean": 0.5, "not_finite": 2},
                                  {"name": "a.weight", "count": 3, "min": -1, "max": 5, "mean": 2, "not_finite": 0}])
        text = self.run_ok("inspect", weights)
        self.assertRegex(text, r"a\.weight +3 +-1 +2 +5")
        self.assertIn("2 arrays, 6 parameters", text)

    def test_weights_alone_are_no_model(self):
        weights = self.folder / "alone.wts"
        write_wts(weights, {"a": np.zeros(2)})
        run = slipway("convert", weights)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("weights without a graph", run.stderr)
        self.assertIn("convert MODEL --wts FILE", run.stderr)


if __name__ == "__main__":
    main()
