"""slipway extract: what it writes runs in onnxruntime and gives what it says.

usage: extract.py SLIPWAY [unittest arguments]
"""
import json
import pathlib
import shutil
import unittest

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from common import ASSETS, EndToEnd, NOT_FOUND, OK, main, slipway

MODELS = ASSETS / "onnx"


def value(name, shape=(1, 4), dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def tensors(folder, kind):
    """Arrays by name, in the order of the files."""
    found = {}
    for i in range(len(list(folder.glob(f"test_data_set_0/{kind}_*.pb")))):
        tensor = onnx.load_tensor(folder / f"test_data_set_0/{kind}_{i}.pb")
        found[tensor.name] = numpy_helper.to_array(tensor)
    return found


class Extract(EndToEnd):
    def extract(self, model, node, *arguments):
        folder = self.folder / f"{pathlib.Path(model).stem}_out"
        shutil.rmtree(folder, ignore_errors=True)
        run = slipway("extract", model, *arguments, "--node", node, "-o", folder)
        self.assertEqual(run.returncode, OK, run.stderr)
        return folder, run

    def check(self, folder, tolerance=1e-5):
        """The model is valid, and onnxruntime gives the outputs that lie beside it."""
        model = onnx.load(folder / "model.onnx")
        onnx.checker.check_model(model)
        inputs, outputs = tensors(folder, "input"), tensors(folder, "output")
        self.assertEqual([each.name for each in model.graph.input], list(inputs))
        self.assertEqual([each.name for each in model.graph.output], list(outputs))
        session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        for name, array in zip(outputs, session.run(list(outputs), inputs)):
            self.assertEqual(outputs[name].shape, array.shape)
            self.assertEqual(outputs[name].dtype, array.dtype)
            np.testing.assert_allclose(outputs[name], array, rtol=tolerance, atol=tolerance * np.abs(array).max(initial=1e-30))
        return model, inputs, outputs

    def write(self, name, nodes, inputs, outputs, opset=13, domains=(), **graph):
        made = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, **graph), ir_version=8, opset_imports=[
            helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)])
        path = self.folder / name
        path.write_bytes(made.SerializeToString())
        return path


class FromOnnx(Extract):
    def test_what_flows_through_the_model_is_what_is_written(self):
        weights = numpy_helper.from_array(np.arange(4, dtype=np.float32), "w")
        nodes = [helper.make_node("Relu", ["x"], ["a"], name="first"),
                 helper.make_node("Constant", [], ["two"], value=numpy_helper.from_array(np.float32(2), "")),
                 helper.make_node("Add", ["a", "w"], ["b"], name="second"),
                 helper.make_node("Pow", ["b", "two"], ["y"], name="third")]
        path = self.write("chain.onnx", nodes, [value("x")], [value("y")], initializer=[weights])
        x = np.array([[-1, 2, -3, 4]], np.float32)
        np.save(self.folder / "x.npy", x)
        folder, _ = self.extract(path, "second", self.folder / "x.npy")
        model, inputs, outputs = self.check(folder)
        np.testing.assert_array_equal(inputs["a"], np.maximum(x, 0))
        np.testing.assert_array_equal(outputs["b"], np.maximum(x, 0) + np.arange(4))
        self.assertEqual([each.name for each in model.graph.initializer], ["w"])
        folder, _ = self.extract(path, "third", self.folder / "x.npy")
        model, inputs, outputs = self.check(folder)
        self.assertEqual([each.op_type for each in model.graph.node], ["Constant", "Pow"])
        self.assertEqual(list(inputs), ["b"])
        # The model's own input is handed on as it is; an unnamed node answers to its output's name.
        folder, _ = self.extract(path, "first", self.folder / "x.npy")
        np.testing.assert_array_equal(self.check(folder)[1]["x"], x)

    def test_the_node_is_the_originals(self):
        nodes = [helper.make_node("Relu", ["x"], ["a"]),
                 helper.make_node("Softmax", ["a"], ["y"], name="s", axis=1, doc_string="as exported")]
        path = self.write("old.onnx", nodes, [value("x", (1, 2, 3))], [value("y", (1, 2, 3))], opset=11)
        model, _, _ = self.check(self.extract(path, "s")[0])
        self.assertEqual(model.graph.node[0], onnx.load(path).graph.node[1])
        self.assertEqual([(each.domain, each.version) for each in model.opset_import], [("", 11)])

    def test_sub_graphs_take_what_they_capture(self):
        branch = helper.make_graph([helper.make_node("Add", ["a", "x"], ["o"])], "then", [], [value("o")])
        other = helper.make_graph([helper.make_node("Sub", ["a", "w"], ["p"])], "else", [], [value("p")])
        nodes = [helper.make_node("Relu", ["x"], ["a"]),
                 helper.make_node("If", ["c"], ["y"], name="choice", then_branch=branch, else_branch=other)]
        path = self.write("if.onnx", nodes, [value("x"), value("c", (), TensorProto.BOOL)], [value("y")],
                          initializer=[numpy_helper.from_array(np.ones((1, 4), np.float32), "w")])
        _, inputs, _ = self.check(self.extract(path, "choice")[0])
        self.assertEqual(set(inputs), {"c", "a", "x"})

    def test_external_weights_come_along(self):
        weights = numpy_helper.from_array(np.arange(4, dtype=np.float32), "w")
        path = self.write("external.onnx", [helper.make_node("Add", ["x", "w"], ["y"], name="add")], [value("x")],
                          [value("y")], initializer=[weights])
        onnx.save(onnx.load(path), path, save_as_external_data=True, location="w.bin", size_threshold=0)
        model, _, _ = self.check(self.extract(path, "add")[0])
        np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[0]), np.arange(4))

    def test_an_unsupported_node_comes_with_its_inputs(self):
        nodes = [helper.make_node("Relu", ["x"], ["a"]),
                 helper.make_node("Foo", ["a", "w"], ["b"], name="foo", domain="com.acme", alpha=0.5),
                 helper.make_node("Bar", ["b"], ["y"], name="bar", domain="com.acme")]
        path = self.write("custom.onnx", nodes, [value("x")], [value("y")], domains=["com.acme"],
                          initializer=[numpy_helper.from_array(np.ones(2, np.float32), "w")])
        folder, run = self.extract(path, "foo", "--seed", 5)
        self.assertIn("without outputs", run.stderr)
        model = onnx.load(folder / "model.onnx")
        self.assertEqual(model.graph.node[0].attribute[0].f, 0.5)
        self.assertEqual((list(tensors(folder, "input")), list(tensors(folder, "output"))), (["a"], []))
        self.assertEqual([each.name for each in model.graph.output], ["b"])
        # What an unsupported node computes nobody knows.
        folder, run = self.extract(path, "bar")
        self.assertIn("'b' of the node is not known: ", run.stderr)
        self.assertEqual(onnx.load(folder / "model.onnx").graph.node[0].op_type, "Bar")

    def test_again_gives_the_same(self):
        path = self.write("same.onnx", [helper.make_node("Relu", ["x"], ["y"], name="r")], [value("x")], [value("y")])
        contents = []
        for _ in range(2):
            folder, _ = self.extract(path, "r", "--seed", 3)
            contents.append([each.read_bytes() for each in sorted(folder.rglob("*.*"))])
        self.assertEqual(*contents)

    def test_a_mistyped_node(self):
        path = self.write("relu.onnx", [helper.make_node("Relu", ["x"], ["y"], name="relu_1")], [value("x")], [value("y")])
        self.assert_fails(NOT_FOUND, "did you mean 'relu_1'?", "extract", path, "--node", "relu1", "-o", self.folder / "no")
        self.assertFalse((self.folder / "no").exists())


@unittest.skipUnless(MODELS.exists(), "SLIPWAY_ASSETS is absent")
class FromRealModels(Extract):
    def test_every_kind_of_node_runs_in_onnxruntime(self):
        """The first node of each operator."""
        for name in ["mnist-8", "FastestDet", "shufflenet-v2-12-int8", "stm_mobilenet_v2_0.35_128", "yolox_nano"]:
            path = MODELS / f"{name}.onnx"
            seen = set()
            for node in onnx.load(path).graph.node:
                if node.op_type in seen or node.op_type == "Constant":
                    continue
                seen.add(node.op_type)
                with self.subTest(f"{name} {node.op_type}"):
                    self.check(self.extract(path, node.name or node.output[0], "--backend", "ref")[0])

    def test_a_photo_is_an_input_too(self):
        photo = ASSETS / "images/mnist/3.pgm"
        path = MODELS / "mnist-8.onnx"
        first = next(node for node in onnx.load(path).graph.node if "Input3" in node.input)
        folder, _ = self.extract(path, first.name, photo, "--std", 1)
        levels = cv2.resize(cv2.imread(str(photo), cv2.IMREAD_GRAYSCALE), (28, 28))
        np.testing.assert_array_equal(self.check(folder)[1]["Input3"][0, 0], levels)


@unittest.skipUnless(MODELS.exists(), "SLIPWAY_ASSETS is absent")
class FromOthers(Extract):
    def test_what_onnx_has_becomes_onnx(self):
        """The last node of each operator, with all that stands for it here."""
        for name in ["tensorflow/ESPCN_x2.pb", "caffe/lenet_iter_9000.caffemodel", "tflite/tflm_magic_wand.tflite"]:
            graph = json.loads(self.run_ok("inspect", ASSETS / name, "--json", "--graph", "--no-optimize"))["graph"]
            written = 0
            for op, node in {each["operator"]: each["name"] for each in graph}.items():
                with self.subTest(f"{name} {op}"):
                    folder, run = self.extract(ASSETS / name, node, "--backend", "ref")
                    if (folder / "model.onnx").exists():
                        self.check(folder)
                        written += 1
                    else:
                        self.assertIn("not as ONNX", run.stderr)
                        self.assertTrue((folder / "model.txt").read_text().startswith("graph "))
                        self.assertTrue(np.load(folder / "inputs.npz").files)
                    shutil.rmtree(folder)
            self.assertGreater(written, 0, name)

    def test_a_node_of_the_source_is_found_under_its_own_name(self):
        folder, _ = self.extract(ASSETS / "caffe/lenet_iter_9000.caffemodel", "conv2")
        model, inputs, _ = self.check(folder)
        self.assertIn("Conv", [each.op_type for each in model.graph.node])
        self.assertEqual([array.shape[1:] for array in inputs.values()], [(20, 12, 12)])

    def test_an_unsupported_node_of_tflite(self):
        folder, _ = self.extract(ASSETS / "tflite/coral_model_invoking_error.tflite", "tensor_1")
        self.assertIn("fake-op-double", (folder / "node.json").read_text())
        self.assertIn('"u8[1,3]"', (folder / "node.json").read_text())


if __name__ == "__main__":
    main()
