"""Net -> TFLite, for networks of images, channels last, with the operators that the common converters emit.

Explicit padding becomes a PAD before a VALID window, unless SAME means the same. Inputs and outputs of rank 4 are
[N,H,W,C]; whoever feeds them transposes. Flatbuffers by the schema's object interface, as LiteRT's wheel brings it.
"""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

DTYPES = {np.dtype(np.float32): schema.TensorType.FLOAT32, np.dtype(np.int32): schema.TensorType.INT32}
FUSED = {None: schema.ActivationFunctionType.NONE, "silu": schema.ActivationFunctionType.NONE,
         "relu": schema.ActivationFunctionType.RELU, "relu6": schema.ActivationFunctionType.RELU6}
VERSION = 3
LOWEST = np.float32(-3.4e38)  # pads a maximum


def _channels_last(shape):
    return (shape[0], *shape[2:], shape[1]) if len(shape) == 4 else tuple(shape)


class _Writer:
    def __init__(self):
        self.buffers = [schema.BufferT()]  # the first stands for "no data"
        self.tensors = []
        self.operators = []
        self.codes = []  # builtin codes in use
        self.index = {}  # name -> index of its tensor

    def tensor(self, name, shape, dtype=np.float32, buffer=0):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), DTYPES[np.dtype(dtype)], buffer
        self.index[name] = len(self.tensors)
        self.tensors.append(tensor)
        return name

    def constant(self, array):
        array = np.ascontiguousarray(array)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.buffers.append(buffer)
        return self.tensor(f"constant_{len(self.buffers)}", array.shape, array.dtype, len(self.buffers) - 1)

    def ints(self, *values):
        return self.constant(np.array(values, np.int32))

    def op(self, name, inputs, shapes, outputs=None, options=None, **fields):
        """options: the table's name without "Options". outputs: names of the results, else new ones."""
        code = getattr(schema.BuiltinOperator, name)
        if code not in self.codes:
            self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = self.codes.index(code)
        operator.inputs = [self.index[x] for x in inputs]
        names = outputs or [f"{name.lower()}_{len(self.operators)}_{i}" for i in range(len(shapes))]
        for output, shape in zip(names, shapes):
            self.tensor(output, shape)
        operator.outputs = [self.index[x] for x in names]
        if options:
            table = getattr(schema, f"{options}OptionsT")()
            for field, value in fields.items():
                setattr(table, field, value)
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{options}Options")
            operator.builtinOptions = table
        self.operators.append(operator)
        return names[0] if len(names) == 1 else names

    def shape(self, name):
        return tuple(self.tensors[self.index[name]].shape)

    def binary(self, name, a, b, output=None, activation=None):
        shape = np.broadcast_shapes(self.shape(a), self.shape(b))
        return self.op(name, [a, b], [shape], output and [output], name.capitalize(), fusedActivationFunction=FUSED[activation])

    def padded(self, layer, x, value=None):
        """x with explicit margins where SAME would not give them, and the padding mode for the window."""
        kernel, stride, padding = layer["kernel"], layer["stride"], layer["padding"]
        n, h, w, c = self.shape(x)
        if padding == 0:
            return x, schema.Padding.VALID
        same = [max((-(-extent // stride) - 1) * stride + kernel - extent, 0) for extent in (h, w)]
        if same == [2 * padding] * 2:
            return x, schema.Padding.SAME
        margins = self.constant(np.array([[0, 0], [padding] * 2, [padding] * 2, [0, 0]], np.int32))
        shape = (n, h + 2 * padding, w + 2 * padding, c)
        if value is None:
            return self.op("PAD", [x, margins], [shape], options="Pad"), schema.Padding.VALID
        fill = self.constant(np.array([value], np.float32))
        return self.op("PADV2", [x, margins, fill], [shape], options="PadV2"), schema.Padding.VALID

    # -- layers

    def conv(self, layer, x):
        weight, bias = layer.weights.values()
        activation = layer["activation"]
        x, mode = self.padded(layer, x)
        shape = _channels_last(layer.output.shape)
        output = None if activation == "silu" else [layer.output.name]
        strides = {"strideH": layer["stride"], "strideW": layer["stride"]}
        if layer["groups"] > 1:
            kernel = self.constant(weight[:, 0].transpose(1, 2, 0)[None])
            y = self.op("DEPTHWISE_CONV_2D", [x, kernel, self.constant(bias)], [shape], output, "DepthwiseConv2D", padding=mode,
                        depthMultiplier=1, fusedActivationFunction=FUSED[activation], **strides)
        else:
            kernel = self.constant(weight.transpose(0, 2, 3, 1))
            y = self.op("CONV_2D", [x, kernel, self.constant(bias)], [shape], output, "Conv2D", padding=mode,
                        fusedActivationFunction=FUSED[activation], **strides)
        if activation == "silu":
            self.binary("MUL", y, self.op("LOGISTIC", [y], [shape]), layer.output.name)

    def max_pool(self, layer, x):
        x, mode = self.padded(layer, x, LOWEST)
        self.op("MAX_POOL_2D", [x], [_channels_last(layer.output.shape)], [layer.output.name], "Pool2D", padding=mode,
                strideH=layer["stride"], strideW=layer["stride"], filterHeight=layer["kernel"], filterWidth=layer["kernel"])

    def upsample(self, layer, x):
        shape = _channels_last(layer.output.shape)
        self.op("RESIZE_NEAREST_NEIGHBOR", [x, self.ints(*shape[1:3])], [shape], [layer.output.name], "ResizeNearestNeighbor")

    def concat(self, layer, *xs):
        rank = len(layer.output.shape)
        axis = 3 if rank == 4 and layer["axis"] == 1 else layer["axis"]
        self.op("CONCATENATION", xs, [_channels_last(layer.output.shape)], [layer.output.name], "Concatenation", axis=axis)

    def add(self, layer, a, b):
        self.binary("ADD", a, b, layer.output.name, layer["activation"])

    def classifier(self, layer, x):
        n, c = layer.inputs[0].shape[:2]
        weight, bias = layer.weights.values()
        mean = self.op("MEAN", [x, self.ints(1, 2)], [(n, c)], options="Reducer", keepDims=False)
        self.op("FULLY_CONNECTED", [mean, self.constant(weight), self.constant(bias)], [layer.output.shape],
                [layer.output.name], "FullyConnected")

    def yolo_decode(self, layer, x):
        n, _, h, w = layer.inputs[0].shape
        _, rows, size = layer.output.shape
        anchors = np.array(layer["anchors"], np.float32)
        count, places, stride = len(anchors), h * w, layer["stride"]
        y = self.op("RESHAPE", [x, self.ints(n, places, count, size)], [(n, places, count, size)], options="Reshape",
                    newShape=[n, places, count, size])
        y = self.op("TRANSPOSE", [y, self.ints(0, 2, 1, 3)], [(n, count, places, size)], options="Transpose")
        y = self.op("LOGISTIC", [y], [self.shape(y)])
        shapes = [(n, count, places, part) for part in (2, 2, size - 4)]
        axis = self.constant(np.array(3, np.int32))
        centre, extent, scores = self.op("SPLIT_V", [y, self.ints(2, 2, size - 4), axis], shapes, options="SplitV", numSplits=3)
        column, row = np.meshgrid(np.arange(w), np.arange(h))
        grid = ((np.stack([column, row], -1).reshape(1, 1, places, 2) - 0.5) * stride).astype(np.float32)
        centre = self.binary("MUL", centre, self.constant(np.array([2 * stride], np.float32)))
        centre = self.binary("ADD", centre, self.constant(grid))
        extent = self.binary("MUL", extent, extent)
        extent = self.binary("MUL", extent, self.constant(4 * anchors.reshape(1, count, 1, 2)))
        y = self.op("CONCATENATION", [centre, extent, scores], [(n, count, places, size)], options="Concatenation", axis=3)
        self.op("RESHAPE", [y, self.ints(n, rows, size)], [layer.output.shape], [layer.output.name], "Reshape",
                newShape=[n, rows, size])


def can_write(net):
    """BERT is left out: Keras has no network of its own for it, whose conversion would be the fair counterpart."""
    return all(hasattr(_Writer, layer.kind) for layer in net.layers)


def _model(writer, net):
    graph = schema.SubGraphT()
    graph.name, graph.tensors, graph.operators = net.name, writer.tensors, writer.operators
    graph.inputs = [writer.index[value.name] for value in net.inputs]
    graph.outputs = [writer.index[value.name] for value in net.outputs]
    model = schema.ModelT()
    model.version, model.description, model.subgraphs, model.buffers = VERSION, "slipway-bench", [graph], writer.buffers
    model.operatorCodes = []
    for code in writer.codes:
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
        model.operatorCodes.append(entry)
    return model


def write(net, path):
    writer = _Writer()
    for value in net.inputs:
        writer.tensor(value.name, _channels_last(value.shape))
    for layer in net.layers:
        getattr(writer, layer.kind)(layer, *[value.name for value in layer.inputs])
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(_model(writer, net).Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
