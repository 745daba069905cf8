"""Small networks whose tasks are known from their shapes, for tests that need pictures in and answers out and no files of others.

What they answer is known beforehand. Learned weights would add nothing: what a network computes is tested elsewhere.
"""
import numpy as np
from onnx import TensorProto, helper, numpy_helper


def _model(name, inputs, nodes, outputs, constants):
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, inputs)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, outputs)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _weights():
    return helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 1, 1], np.arange(12) / 10)


def classes():
    """Four classes; the brighter the picture, the surer is the last."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("GlobalAveragePool", ["c"], ["p"]),
             helper.make_node("Flatten", ["p"], ["f"]), helper.make_node("Softmax", ["f"], ["y"])]
    return _model("classes", ["N", 3, 16, 16], nodes, ["N", 4], [_weights()])


def logits():
    """The same without its softmax: scores of any size."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("GlobalAveragePool", ["c"], ["p"]),
             helper.make_node("Flatten", ["p"], ["y"])]
    return _model("logits", ["N", 3, 16, 16], nodes, ["N", 4], [helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 1, 1],
                                                                                    np.arange(-6, 6))])


def segments():
    """A class for each of 16 x 16 pixels: what is most in it of red, green and blue, or the last where it is grey."""
    weights = np.vstack([np.eye(3), np.full((1, 3), 0.4)])
    return _model("segments", ["N", 3, 16, 16], [helper.make_node("Conv", ["x", "w"], ["y"])], ["N", 4, 16, 16],
                  [helper.make_tensor("w", TensorProto.FLOAT, [4, 3, 1, 1], weights.ravel())])


def boxes():
    """YOLOv5's rows for a picture of 64 x 64: the same two boxes on every picture, of scores 0.81 and 0.72."""
    rows = np.zeros((1, 252, 7), np.float32)
    rows[0, 3] = [32, 32, 20, 10, 0.9, 0.1, 0.9]  # x and y of the centre, width, height, objectness, two classes
    rows[0, 9] = [24, 28, 8, 8, 0.9, 0.8, 0.1]
    constants = [numpy_helper.from_array(rows, "rows"), helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
                 helper.make_tensor("last", TensorProto.INT64, [1], [3])]
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=1), helper.make_node("Mul", ["m", "zero"], ["z"]),
             helper.make_node("Squeeze", ["z", "last"], ["s"]), helper.make_node("Add", ["s", "rows"], ["y"])]
    return _model("boxes", [1, 3, 64, 64], nodes, [1, 252, 7], constants)


def features():
    """Numbers without a known meaning: a model of tensors, not of pictures."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [5], [0, 4, 4, 4, 16])
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Reshape", ["c", "shape"], ["y"])]
    return _model("features", ["N", 3, 16, 16], nodes, ["N", 4, 4, 4, 16], [_weights(), shape])
