"""What slipway says of models that it cannot convert: the report, its hints, and the messages of the complaints that users
of other tools have about theirs (an operator at a time, no cause, no way out, an abort).

usage: support.py SLIPWAY [unittest arguments]
"""
import json
import pathlib
import re
import shutil
import subprocess
import unittest

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import common
from common import ASSETS, BROKEN, EndToEnd, NOT_FOUND, OK, UNSUPPORTED, USAGE, WRONG_INPUT, main, slipway

F32 = TensorProto.FLOAT


def value(name, shape=(1, 4), dtype=F32):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs, outputs, opset=13, domains=(), initializers=(), ir_version=8):
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializer=list(initializers))
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(name, version) for name, version in domains]
    made = helper.make_model(graph, opset_imports=opsets)
    made.ir_version = ir_version
    return made.SerializeToString()


def two_unsupported():
    """Foo, a Relu behind it, and a DictVectorizer."""
    nodes = [helper.make_node("Foo", ["x"], ["y"], name="foo_1", domain="com.acme", alpha=0.5, taps=[1, 2],
                              table=numpy_helper.from_array(np.arange(3), "t")),
             helper.make_node("Relu", ["y"], ["z"], name="relu_1"),
             helper.make_node("DictVectorizer", ["z"], ["m"], name="vector_1", domain="ai.onnx.ml", int64_vocabulary=[0, 1])]
    return model(nodes, [value("x")], [value("m", None)], domains=[("com.acme", 2), ("ai.onnx.ml", 1)])


def relu(**settings):
    return model([helper.make_node("Relu", ["x"], ["y"], name="r")], [value("x")], [value("y")], **settings)


def field(number, payload):
    """A length-delimited protobuf field."""
    data = payload.encode() if isinstance(payload, str) else payload
    assert number < 16 and len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


def external_weights():
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    nodes = [helper.make_node("Add", ["x", "w"], ["y"], name="a")]
    return model(nodes, [value("x")], [value("y")], initializers=[tensor])


CAFFE_WEIGHTS = field(1, "n") + b"\xa2\x06\x09" + field(1, "c") + field(2, "ReLU")  # a layer without blobs


def caffe_net(layer):
    return f"""name: "n"
        layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 dim: 3 dim: 8 dim: 8 }} }} }}
        {layer}"""


def graph_def(*nodes):
    """A GraphDef of (name, op, inputs) without attributes, but for the placeholder's: f32[1,4]."""
    shape = field(7, b"".join(field(2, bytes([8, extent])) for extent in (1, 4)))
    encoded = b""
    for name, op, *inputs in nodes:
        node = field(1, name) + field(2, op) + b"".join(field(3, each) for each in inputs)
        if op == "Placeholder":
            node += field(5, field(1, "dtype") + field(2, b"\x30\x01")) + field(5, field(1, "shape") + field(2, shape))
        encoded += field(1, node)
    return encoded


class Models(EndToEnd):
    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def report(self, *arguments, code=UNSUPPORTED):
        run = slipway("inspect", *arguments, "--support", "--json")
        self.assertEqual(run.returncode, code, run.stderr)
        return json.loads(run.stdout)["models"]


class Report(Models):
    def test_every_node_at_once_with_all_that_is_known(self):
        found, = self.report(self.write("two.onnx", two_unsupported()))
        self.assertEqual((found["state"], found["format"], found["nodes"]), ("unsupported", "onnx", 3))
        foo, vectorizer = found["unsupported"]
        self.assertEqual(foo["name"], "foo_1")
        self.assertEqual((foo["operator"], foo["domain"], foo["version"]), ("Foo", "com.acme", 2))
        self.assertEqual(foo["attributes"], {"alpha": 0.5, "table": [0, 1, 2], "taps": [1, 2]})
        self.assertEqual(foo["inputs"], [{"name": "x", "type": "f32[1,4]"}])
        self.assertEqual([each["name"] for each in foo["outputs"]], ["y"])
        self.assertEqual(vectorizer["operator"], "DictVectorizer")
        self.assertIn("vectorise before the network", vectorizer["hint"])

    def test_as_text(self):
        run = slipway("inspect", self.write("two.onnx", two_unsupported()), "--support")
        self.assertEqual(run.returncode, UNSUPPORTED)
        self.assertIn("two.onnx: 2 of 3 nodes unsupported", run.stdout)
        self.assertIn("com.acme.Foo (opset 2) 'foo_1'", run.stdout)
        self.assertIn("x: f32[1,4]", run.stdout)
        self.assertIn("alpha = 0.5", run.stdout)
        self.assertIn("2 of 3 nodes unsupported", run.stderr)

    def test_the_plain_error_lists_them_with_the_hints(self):
        self.assert_fails(UNSUPPORTED, "'foo_1': com.acme.Foo (opset 2) on (f32[1,4])", "convert",
                          self.write("two.onnx", two_unsupported()), "-o", self.folder / "two.slip")
        self.assert_fails(UNSUPPORTED, "DictVectorizer: reads dictionaries", "inspect", self.folder / "two.onnx")

    def test_a_model_that_converts(self):
        path = self.write("relu.onnx", relu())
        found, = self.report(path, code=OK)
        self.assertEqual((found["state"], found["nodes"], found["unsupported"]), ("supported", 1, []))
        self.assertIn("relu.onnx: supported, 1 nodes", self.run_ok("inspect", path, "--support"))
        self.run_ok("convert", path, "-o", self.folder / "relu.slip")
        self.assertIn("supported", self.run_ok("inspect", self.folder / "relu.slip", "--support"))

    def test_what_was_left_out_is_said(self):
        path = self.write("remark.onnx", model([helper.make_node("Relu", ["x"], ["y"], name="r", made_by="someone")],
                                               [value("x")], [value("y")]))
        self.assertIn("made_by", self.report(path, code=OK)[0]["notes"][0])

    def test_random_numbers_are_said(self):
        nodes = [helper.make_node("RandomNormalLike", ["x"], ["n"], name="noise"), helper.make_node("Add", ["x", "n"], ["y"])]
        path = self.write("noise.onnx", model(nodes, [value("x")], [value("y")]))
        self.assertIn("'noise' draws random numbers", self.run_ok("inspect", path, "--support"))

    def test_the_rest_of_a_cut_model(self):
        path = self.write("two.onnx", two_unsupported())
        found, = self.report(path, "--input", "y[1,4]", "--output", "z", code=OK)
        self.assertEqual(found["nodes"], 1)

    def test_several_models_need_the_flag(self):
        self.assert_fails(USAGE, "one model is shown at a time", "inspect", "a.onnx", "b.onnx")


class Folders(Models):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.zoo = cls.folder / "zoo"
        for name, content in [("a/relu.bin", relu()), ("a/deep/two.onnx", two_unsupported()),
                              ("b/page.onnx", b"<!DOCTYPE html><html></html>"), ("b/short.onnx", relu()[:-9]),
                              ("b/readme.txt", b"words"), ("b/data.npy", b"\x93NUMPY\x01\x00"),
                              ("c/weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(64)),
                              ("d/net.prototxt", b'name: "n" layer { name: "x" type: "Input" top: "x" }')]:
            path = cls.zoo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def test_every_model_is_found_by_its_content(self):
        found = {each["file"][len(str(self.zoo)) + 1:]: each for each in self.report(self.zoo)}
        self.assertEqual({name: each["state"] for name, each in found.items()},
                         {"a/deep/two.onnx": "unsupported", "a/relu.bin": "supported", "b/short.onnx": "broken",
                          "c/weights.h5": "unsupported", "d/net.prototxt": found["d/net.prototxt"]["state"]})
        self.assertIn("truncated", found["b/short.onnx"]["error"]["message"])
        self.assertIn("HDF5", found["c/weights.h5"]["error"]["message"])

    def test_a_row_a_model_and_the_operators_that_lack(self):
        run = slipway("inspect", self.zoo, "--support")
        self.assertEqual(run.returncode, UNSUPPORTED)
        rows = run.stdout.splitlines()
        self.assertIn("2 of 3 nodes unsupported", next(row for row in rows if "two.onnx" in row))
        self.assertIn("broken", next(row for row in rows if "short.onnx" in row))
        self.assertTrue(any(row.startswith("onnx com.acme.Foo (opset 2)") for row in rows))
        self.assertIn("of 5 models do not convert", run.stderr)

    def test_ok_only_where_all_convert(self):
        good = self.folder / "good"
        good.mkdir(exist_ok=True)
        shutil.copy(self.zoo / "a/relu.bin", good / "one.onnx")
        shutil.copy(self.zoo / "a/relu.bin", good / "two.onnx")
        self.assertEqual([each["state"] for each in self.report(good, code=OK)], ["supported"] * 2)
        self.report(good, self.zoo / "b/short.onnx", code=BROKEN)

    def test_a_folder_without_models(self):
        (self.folder / "empty").mkdir(exist_ok=True)
        self.assert_fails(NOT_FOUND, "holds no models", "inspect", self.folder / "empty", "--support")


class Hints(Models):
    """What to do about what exporters put in."""

    def hint_for(self, path):
        return " ".join(node["hint"] for node in self.report(path)[0]["unsupported"])

    def test_pytorchs_aten_fallback(self):
        nodes = [helper.make_node("ATen", ["x"], ["y"], domain="org.pytorch.aten", operator="unfold")]
        path = self.write("aten.onnx", model(nodes, [value("x")], [value("y")], domains=[("org.pytorch.aten", 1)]))
        self.assertIn("opset_version", self.hint_for(path))

    def test_onnxruntimes_optimiser(self):
        nodes = [helper.make_node("NoSuchFusion", ["x"], ["y"], domain="com.microsoft")]
        path = self.write("ort.onnx", model(nodes, [value("x")], [value("y")], domains=[("com.microsoft", 1)]))
        self.assertIn("ORT_DISABLE_ALL", self.hint_for(path))

    def test_variables_of_a_graph_that_is_not_frozen(self):
        path = self.write("variables.pb", graph_def(("x", "Placeholder"), ("v", "VarHandleOp"),
                                                    ("r", "ReadVariableOp", "v"), ("y", "AddV2", "x", "r")))
        self.assertIn("convert_variables_to_constants", self.hint_for(path))

    def test_python_in_the_graph(self):
        path = self.write("python.pb", graph_def(("x", "Placeholder"), ("y", "PyFunc", "x")))
        self.assertIn("Python code that is not in the file", self.hint_for(path))

    def test_cuda_only(self):
        path = self.write("cuda.pb", graph_def(("x", "Placeholder"), ("y", "CudnnRNNV3", "x")))
        self.assertIn("exists only on CUDA", self.hint_for(path))

    def test_caffes_python_layer(self):
        path = self.write("python/net.prototxt", caffe_net(
            'layer { name: "p" type: "Python" bottom: "data" top: "y" python_param { module: "m" layer: "L" } }'))
        self.write("python/net.caffemodel", CAFFE_WEIGHTS)
        self.assertIn("Python", self.hint_for(path))

    @unittest.skipUnless((ASSETS / "tflite").exists(), "SLIPWAY_ASSETS is absent")
    def test_custom_operators_of_tflite(self):
        for name, says in [("coral_split_concat_edgetpu", "that edgetpu_compiler was given"),
                           ("coral_model_invoking_error", "fails on purpose"),
                           ("test_model_nl_classifier", "test program of TFLite's task library")]:
            with self.subTest(name):
                path = ASSETS / f"tflite/{name}.tflite"
                self.assertIn(says, self.hint_for(path))
                slip = self.folder / f"{name}.slip"
                refused = slipway("convert", path, "-o", slip)
                self.assertEqual(refused.returncode, UNSUPPORTED, refused.stderr)
                self.assertIn(says, refused.stderr)
                kept = slipway("convert", "--allow-custom", path, "-o", slip)
                self.assertEqual(kept.returncode, OK, kept.stderr)
                self.assertNotIn("random numbers", kept.stderr)
                self.assertIn("--plugin", slipway("run", slip).stderr)


class Attributes(Models):
    """Attributes that the operator does not have at the model's opset."""

    def relu_with(self, **attributes):
        return self.write("relu.onnx", model([helper.make_node("Relu", ["x"], ["y"], name="r", **attributes)],
                                             [value("x")], [value("y")]))

    def test_a_tools_remark_is_ignored_and_said(self):
        run = slipway("inspect", self.relu_with(made_by="someone"))
        self.assertEqual(run.returncode, OK, run.stderr)
        self.assertIn("attribute 'made_by' of Relu 'r' is ignored", run.stderr)

    def test_another_opsets_attribute_is_refused(self):
        nodes = [helper.make_node("Squeeze", ["x"], ["y"], name="s", axes=[0])]
        path = self.write("squeeze.onnx", model(nodes, [value("x")], [value("y", (4,))], opset=13))
        self.assert_fails(BROKEN, "opset 13 does not have it (opset 1 to 12 does)", "inspect", path)
        path = self.write("squeeze.onnx", model(nodes, [value("x")], [value("y", (4,))], opset=11))
        self.run_ok("inspect", path)

    def test_a_slip_of_the_pen_is_refused(self):
        nodes = [helper.make_node("Softmax", ["x"], ["y"], name="s", axsi=1)]
        self.assert_fails(BROKEN, "did you mean 'axis'?", "inspect",
                          self.write("softmax.onnx", model(nodes, [value("x")], [value("y")])))


class Complaints(Models):
    """Each asks for the cause, the place and the way out where some other tool gave a number or aborted."""

    def test_a_web_page_that_should_be_a_caffemodel(self):
        page = self.write("net.caffemodel", "<!DOCTYPE html><html><body>404</body></html>")
        self.assert_fails(BROKEN, "is a web page (HTML)", "convert", page)
        self.assert_fails(BROKEN, "'raw' or 'download' link", "convert", page)

    def test_a_newer_file_than_the_program(self):
        self.assert_fails(UNSUPPORTED, "IR version 99; Slipway reads up to", "inspect",
                          self.write("ir.onnx", relu(ir_version=99)))
        self.assert_fails(UNSUPPORTED, "opset 99; Slipway reads up to", "inspect",
                          self.write("opset.onnx", relu(opset=99)))
        self.assert_fails(UNSUPPORTED, "opset_version=", "inspect", self.folder / "opset.onnx")

    def test_a_truncated_download(self):
        self.assert_fails(BROKEN, "truncated", "inspect", self.write("cut.onnx", relu()[:-9]))

    def test_names_made_twice_and_by_nobody(self):
        twice = [helper.make_node("Relu", ["x"], ["y"], name="a"), helper.make_node("Relu", ["x"], ["y"], name="b")]
        self.assert_fails(BROKEN, "by Relu 'a' and by Relu 'b'", "inspect",
                          self.write("twice.onnx", model(twice, [value("x")], [value("y")])))
        nobody = [helper.make_node("Relu", ["w"], ["y"], name="a")]
        self.assert_fails(BROKEN, "'w' is read, but nothing makes it", "inspect",
                          self.write("nobody.onnx", model(nobody, [value("x")], [value("y")])))

    def test_shapes_that_do_not_fit_name_the_node_and_both_sides(self):
        weights = [numpy_helper.from_array(np.zeros((8, 4, 3, 3), np.float32), "w")]
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name="c1")]
        path = self.write("conv.onnx", model(nodes, [value("x", (1, 3, 8, 8))], [value("y", None)], initializers=weights))
        run = slipway("inspect", path)
        self.assertEqual(run.returncode, BROKEN)
        for part in ("'c1'", "4", "3"):
            self.assertIn(part, run.stderr)

    def test_external_data_that_was_left_behind(self):
        self.assert_fails(NOT_FOUND, "weights.bin' is missing", "inspect", self.write("external.onnx", external_weights()))

    def test_one_result_of_a_node_is_cut_and_another_is_read(self):
        path = self.write("results.pb", graph_def(("x", "Placeholder"), ("two", "Two", "x"), ("y", "AddV2", "two", "two:1")))
        self.assert_fails(USAGE, "AddV2 'y' reads 'two:1', another result of the node that --input cuts", "inspect", path,
                          "--input", "two[1,4]")
        self.run_ok("inspect", path, "--input", "two[1,4]", "--input", "two:1[1,4]")

    def test_a_layer_that_caffe_does_not_have_is_named(self):
        path = self.write("caffe/net.prototxt",
                          caffe_net('layer { name: "own" type: "MyLayer" bottom: "data" top: "y" }'))
        self.write("caffe/net.caffemodel", CAFFE_WEIGHTS)
        self.assert_fails(UNSUPPORTED, "'own': MyLayer", "inspect", path)

    def test_wrong_inputs_show_both_sides(self):
        path = self.write("relu.onnx", relu())
        np.save(self.folder / "bytes.npy", np.zeros((1, 4), np.uint8))
        np.save(self.folder / "long.npy", np.zeros((1, 5), np.float32))
        for name, given in [("bytes", "u8[1,4]"), ("long", "f32[1,5]")]:
            run = slipway("run", path, self.folder / f"{name}.npy")
            self.assertEqual(run.returncode, WRONG_INPUT, run.stderr)
            self.assertIn(given, run.stderr)
            self.assertIn("f32[1,4]", run.stderr)

    def test_a_run_outside_the_declared_range_states_it(self):
        path = self.write("open.onnx", model([helper.make_node("Relu", ["x"], ["y"])], [value("x", ("N", 4))],
                                             [value("y", ("N", 4))]))
        self.run_ok("convert", path, "-o", self.folder / "open.slip", "--dim", "N=1..2")
        np.save(self.folder / "three.npy", np.zeros((3, 4), np.float32))
        run = slipway("run", self.folder / "open.slip", self.folder / "three.npy")
        self.assertEqual(run.returncode, WRONG_INPUT, run.stderr)
        self.assertIn("1", run.stderr)
        self.assertIn("2", run.stderr)
        self.assertIn("'N'", run.stderr)

    @unittest.skipUnless((ASSETS / "tflite").exists(), "SLIPWAY_ASSETS is absent")
    def test_a_custom_operator_is_named_with_its_input(self):
        self.assert_fails(UNSUPPORTED, "fake-op-double (version 1) on (u8[1,3])", "inspect",
                          ASSETS / "tflite/coral_model_invoking_error.tflite")

    def test_out_into_a_folder_that_is_not_there(self):
        run = slipway("convert", self.write("relu.onnx", relu()), "-o", self.folder / "absent/x.slip")
        self.assertNotEqual(run.returncode, OK)
        self.assertIn(f"there is no folder '{self.folder / 'absent'}'", run.stderr)


class Manual(Models):
    """docs/models.md quotes what is really said."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        page = (pathlib.Path(__file__).resolve().parents[2] / "docs/models.md").read_text()
        cls.page = re.sub(r"\s+", " ", page)

    def check_quote(self, name, content):
        """Every line of the error but the last, the advice for all cases, stands in the page."""
        path = self.write(name, content)
        run = subprocess.run([common.SLIPWAY, "inspect", path.name], capture_output=True, text=True, check=False,
                             cwd=path.parent)
        self.assertNotEqual(run.returncode, OK)
        lines = run.stderr.strip().splitlines()
        self.assertIn(re.sub(r"\s+", " ", " ".join(lines[:3])), self.page)

    def test_onnx(self):
        nodes = [helper.make_node("Squeeze", ["x"], ["y"], name="s", axes=[0])]
        self.check_quote("model.onnx", model(nodes, [value("x")], [value("y", (4,))], opset=13))
        nodes = [helper.make_node("ATen", ["x"], ["y"], name="unfold", domain="org.pytorch.aten", operator="unfold")]
        self.check_quote("model.onnx", model(nodes, [value("x")], [value("y")], domains=[("org.pytorch.aten", 1)]))
        self.check_quote("model.onnx", external_weights())

    def test_tensorflow(self):
        self.check_quote("python.pb", graph_def(("x", "Placeholder"), ("EagerPyFunc", "EagerPyFunc", "x")))

    def test_caffe(self):
        self.write("net.caffemodel", CAFFE_WEIGHTS)
        self.check_quote("net.prototxt", caffe_net('layer { name: "own" type: "MyLayer" bottom: "data" top: "y" }'))


if __name__ == "__main__":
    main()
