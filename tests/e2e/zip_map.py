"""A classifier as scikit-learn's converter writes it, ZipMap and all: the dictionaries that onnxruntime gives are our rows.

usage: zip_map.py SLIPWAY
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from suite import BACKENDS, run_net

SLIPWAY = ""
CLASSES = {"strings": ["setosa", "versicolor", "virginica"], "int64s": [3, 5, 9]}


def classifier(path, kind):
    """LinearClassifier, Normalizer and ZipMap on f32[?,4]."""
    classes, number = CLASSES[kind], TensorProto.STRING if kind == "strings" else TensorProto.INT64
    rng = np.random.default_rng(3)
    nodes = [
        helper.make_node("LinearClassifier", ["x"], ["label", "scores"], domain="ai.onnx.ml", post_transform="SOFTMAX",
                         coefficients=rng.standard_normal(12).tolist(), intercepts=[0.1, 0.2, 0.3],
                         **{"classlabels_" + kind.replace("int64s", "ints"): classes}),
        helper.make_node("Normalizer", ["scores"], ["shares"], domain="ai.onnx.ml", norm="L1"),
        helper.make_node("ZipMap", ["shares"], ["probability"], "ZipMap", domain="ai.onnx.ml", **{f"classlabels_{kind}": classes}),
    ]
    dictionary = helper.make_map_type_proto(number, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    graph = helper.make_graph(nodes, "classifier", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
                              [helper.make_tensor_value_info("label", number, [None]),
                               helper.make_value_info("probability", helper.make_sequence_type_proto(dictionary))])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


class ZipMap(unittest.TestCase):
    def test_rows_are_the_dictionaries(self):
        x = np.random.default_rng(5).standard_normal((7, 4), np.float32)
        for kind, classes in CLASSES.items():
            with self.subTest(kind), tempfile.TemporaryDirectory() as text:
                folder = pathlib.Path(text)
                path = folder / "classifier.onnx"
                classifier(path, kind)
                labels, dictionaries = onnxruntime.InferenceSession(path).run(None, {"x": x})
                for backend in BACKENDS:
                    ours = run_net(SLIPWAY, backend, path, [x], folder)
                    self.assertIsInstance(ours, dict, ours)
                    self.assertEqual(ours["label"].tolist(), list(labels))
                    expected = [[row[name] for name in classes] for row in dictionaries]
                    np.testing.assert_allclose(ours["probability"], expected, rtol=1e-5)
                said = subprocess.run([SLIPWAY, "inspect", path], capture_output=True, text=True, check=True).stderr
                self.assertIn("the columns of which are the classes " + ", ".join(repr(name) for name in classes), said)


if __name__ == "__main__":
    SLIPWAY = sys.argv.pop(1)
    unittest.main()
