"""Net -> ONNX (opset 17), with the nodes that PyTorch's exporter writes for the same layers."""
import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8  # what opset 17 came with
DTYPES = {"f32": TensorProto.FLOAT, "i64": TensorProto.INT64}


class _Writer:
    """Appends nodes and constants; a method per kind of layer, which names its last node's output after the layer."""

    def __init__(self):
        self.nodes = []
        self.constants = {}  # bytes and dtype -> name, so that equal ones are written once
        self.initializers = []

    def constant(self, array):
        array = np.ascontiguousarray(array)
        key = (array.tobytes(), array.dtype.str, array.shape)
        if key not in self.constants:
            self.constants[key] = f"constant_{len(self.constants)}"
            self.initializers.append(numpy_helper.from_array(array, self.constants[key]))
        return self.constants[key]

    def number(self, value):
        return self.constant(np.float32(value))

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def node(self, op, inputs, output=None, outputs=1, **attributes):
        number = len(self.nodes)
        names = [output] if output else [f"{op.lower()}_{number}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"{op}_{number}", **attributes))
        return names[0] if len(names) == 1 else names

    # -- layers

    def conv(self, layer, x):
        activation = layer["activation"]
        y = self.node("Conv", [x, *map(self.constant, layer.weights.values())], None if activation else layer.output.name,
                      kernel_shape=[layer["kernel"]] * 2, strides=[layer["stride"]] * 2, pads=[layer["padding"]] * 4,
                      dilations=[1, 1], group=layer["groups"])
        if activation == "relu":
            self.node("Relu", [y], layer.output.name)
        elif activation == "relu6":
            self.node("Clip", [y, self.number(0), self.number(6)], layer.output.name)
        elif activation == "silu":
            self.node("Mul", [y, self.node("Sigmoid", [y])], layer.output.name)

    def max_pool(self, layer, x):
        self.node("MaxPool", [x], layer.output.name, kernel_shape=[layer["kernel"]] * 2, strides=[layer["stride"]] * 2,
                  pads=[layer["padding"]] * 4)

    def upsample(self, layer, x):
        self.node("Resize", [x, "", self.constant(np.array([1, 1, 2, 2], np.float32))], layer.output.name, mode="nearest",
                  coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def concat(self, layer, *xs):
        self.node("Concat", xs, layer.output.name, axis=layer["axis"])

    def add(self, layer, a, b):
        if layer["activation"] is None:
            self.node("Add", [a, b], layer.output.name)
        else:
            self.node("Relu", [self.node("Add", [a, b])], layer.output.name)

    def classifier(self, layer, x):
        y = self.node("Flatten", [self.node("GlobalAveragePool", [x])], axis=1)
        self.node("Gemm", [y, *map(self.constant, layer.weights.values())], layer.output.name, transB=1)

    def yolo_decode(self, layer, x):
        _, _, h, w = layer.inputs[0].shape
        n, rows, size = layer.output.shape
        anchors = np.array(layer["anchors"], np.float32).reshape(1, -1, 1, 1, 2)
        count = anchors.shape[1]
        y = self.node("Reshape", [x, self.ints(n, count, size, h, w)])
        y = self.node("Sigmoid", [self.node("Transpose", [y], perm=[0, 1, 3, 4, 2])])
        centre, extent, scores = self.node("Split", [y, self.ints(2, 2, size - 4)], outputs=3, axis=4)
        column, row = np.meshgrid(np.arange(w), np.arange(h))
        grid = np.stack([column, row], -1).astype(np.float32)[None, None] - 0.5
        shape = (1, count, h, w, 2)
        centre = self.node("Add", [self.node("Mul", [centre, self.number(2)]), self.constant(np.broadcast_to(grid, shape))])
        centre = self.node("Mul", [centre, self.number(layer["stride"])])
        extent = self.node("Pow", [self.node("Mul", [extent, self.number(2)]), self.number(2)])
        extent = self.node("Mul", [extent, self.constant(np.broadcast_to(anchors, shape))])
        y = self.node("Concat", [centre, extent, scores], axis=4)
        self.node("Reshape", [y, self.ints(n, rows, size)], layer.output.name)

    def bert_embeddings(self, layer, ids, types):
        words, positions, kinds = (self.constant(layer.weights[name]) for name in ("words", "positions", "types"))
        length = layer.output.shape[1]
        y = self.node("Add", [self.node("Gather", [words, ids]), self.node("Gather", [kinds, types])])
        place = self.node("Gather", [positions, self.constant(np.arange(length)[None])])
        self.node("Add", [y, place], layer.output.name)

    def layer_norm(self, layer, x):
        self.node("LayerNormalization", [x, *map(self.constant, layer.weights.values())], layer.output.name, axis=-1,
                  epsilon=layer["epsilon"])

    def linear(self, layer, x):
        is_last = layer["activation"] is None
        y = self.node("MatMul", [x, self.constant(layer.weights["weight"].T)])
        y = self.node("Add", [y, self.constant(layer.weights["bias"])], layer.output.name if is_last else None)
        if not is_last:
            erf = self.node("Erf", [self.node("Div", [y, self.number(math.sqrt(2))])])
            y = self.node("Mul", [y, self.node("Add", [erf, self.number(1)])])
            self.node("Mul", [y, self.number(0.5)], layer.output.name)

    def attention_mask(self, layer, mask):
        y = self.node("Cast", [self.node("Unsqueeze", [mask, self.ints(1, 2)])], to=TensorProto.FLOAT)
        self.node("Mul", [self.node("Sub", [self.number(1), y]), self.number(-10000)], layer.output.name)

    def attention(self, layer, query, key, value, mask):
        width, heads = layer.output.shape[-1], layer["heads"]
        per_head = self.ints(0, 0, heads, width // heads)
        query, key, value = (
            self.node("Transpose", [self.node("Reshape", [x, per_head])], perm=order)
            for x, order in ((query, [0, 2, 1, 3]), (key, [0, 2, 3, 1]), (value, [0, 2, 1, 3])))
        scores = self.node("Div", [self.node("MatMul", [query, key]), self.number(math.sqrt(width // heads))])
        scores = self.node("Softmax", [self.node("Add", [scores, mask])], axis=-1)
        y = self.node("Transpose", [self.node("MatMul", [scores, value])], perm=[0, 2, 1, 3])
        self.node("Reshape", [y, self.ints(0, 0, width)], layer.output.name)


def write(net, path):
    writer = _Writer()
    for layer in net.layers:
        getattr(writer, layer.kind)(layer, *[value.name for value in layer.inputs])
    ports = [[helper.make_tensor_value_info(value.name, DTYPES[value.dtype], value.shape) for value in values]
             for values in (net.inputs, net.outputs)]
    graph = helper.make_graph(writer.nodes, net.name, *ports, writer.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="slipway-bench")
    model.ir_version = IR_VERSION
    onnx.save(model, str(path))
