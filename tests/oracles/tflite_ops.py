"""Writes one-operator .tflite models with random inputs and LiteRT's answers.

usage: tflite_ops.py FOLDER [PREFIX]

For every case FOLDER/<case>/ holds model.tflite, input<i>.npy (the graph's inputs in order) and output<i>.npy, as
the reference kernels (no delegate) compute them. Seeded: the same files every time. PREFIX limits the cases.
"""
import os
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TYPES = {
    "float32": schema.TensorType.FLOAT32, "float16": schema.TensorType.FLOAT16, "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8, "int16": schema.TensorType.INT16, "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64, "bool": schema.TensorType.BOOL,
}


class Tensor:
    """dims and dtype; `data` makes it a constant, is_state a variable; scale and zero may be lists (then `axis` says along
    which)."""

    def __init__(self, dtype, dims, data=None, scale=None, zero=0, axis=0, low=None, high=None, is_state=False):
        self.dtype, self.dims, self.data, self.is_state = dtype, list(dims), data, is_state
        self.scale, self.zero, self.axis = scale, zero, axis
        self.low, self.high = low, high


def quantization(tensor):
    if tensor.scale is None:
        return None
    scales = np.atleast_1d(np.asarray(tensor.scale, np.float32))
    zeros = np.broadcast_to(np.atleast_1d(tensor.zero), scales.shape)
    params = schema.QuantizationParametersT()
    params.scale = [float(s) for s in scales]
    params.zeroPoint = [int(z) for z in zeros]
    params.quantizedDimension = tensor.axis if len(scales) > 1 else 0
    return params


def options(name, fields):
    """The builtin options table `name` with these fields."""
    table = getattr(schema, name + "T")()
    for key, value in fields.items():
        if not hasattr(table, key):
            raise ValueError(f"{name} has no field {key}")
        setattr(table, key, value)
    return table


def build(op, tensors, inputs, outputs, option=None, fields=None, version=1, custom=None, custom_options=None,
          intermediates=()):
    """A flatbuffer with one operator reading tensors `inputs` (indices, -1: left out) and writing `outputs`."""
    model = schema.ModelT()
    model.version = 3
    model.description = "one operator"
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.name = "main"
    graph.tensors = []
    for i, tensor in enumerate(tensors):
        t = schema.TensorT()
        t.name = f"t{i}"
        t.shape = tensor.dims
        t.type = TYPES[tensor.dtype]
        t.quantization = quantization(tensor)
        t.isVariable = tensor.is_state
        t.buffer = 0
        if tensor.data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(tensor.data).tobytes(), np.uint8)
            t.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(t)
    code = schema.OperatorCodeT()
    code.builtinCode = schema.BuiltinOperator.CUSTOM if custom else getattr(schema.BuiltinOperator, op)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = version
    code.customCode = custom
    model.operatorCodes = [code]
    node = schema.OperatorT()
    node.opcodeIndex = 0
    node.inputs, node.outputs = list(inputs), list(outputs)
    if option:
        node.builtinOptionsType = getattr(schema.BuiltinOptions, option)
        node.builtinOptions = options(option, fields or {})
    if custom_options is not None:
        node.customOptions = np.frombuffer(custom_options, np.uint8)
    if intermediates:
        node.intermediates = list(intermediates)
    graph.operators = [node]
    graph.inputs = [i for i in inputs if i >= 0 and tensors[i].data is None and not tensors[i].is_state]
    graph.outputs = list(outputs)
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def random_array(rng, tensor):
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "f":
        low, high = (-2 if tensor.low is None else tensor.low), (2 if tensor.high is None else tensor.high)
        return rng.uniform(low, high, tensor.dims).astype(dtype)
    info = np.iinfo(dtype)
    low = info.min if tensor.low is None else tensor.low
    high = info.max if tensor.high is None else tensor.high
    return rng.integers(low, high, tensor.dims, endpoint=True).astype(dtype)


def run(model, arrays, resolver=OpResolverType.BUILTIN_REF):
    interpreter = Interpreter(model_content=model, num_threads=1, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), arrays):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


CASES = {}


def case(name, **spec):
    CASES[name] = spec


NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
SAME, VALID = 0, 1
ACTS = {"none": NONE, "relu": RELU, "relun1": RELU_N1_TO_1, "relu6": RELU6}


def weights(rng, dtype, dims, low=-127, high=127):
    return rng.integers(low, high, dims, endpoint=True).astype(dtype)


def out_extent(size, k, stride, dilation, padding):
    effective = (k - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else (size - effective) // stride + 1


def add_conv(kind, dtype, act, padding, stride, dilation, k, c, o, h, w, per_axis=True, n=1, groups=1):
    """kind: conv or depthwise; dtype int8, uint8, int16, int16b32 (32-bit bias) or float32 (dynamic range)."""
    rng = np.random.default_rng(len(CASES))
    hybrid, wide = dtype == "float32", dtype.startswith("int16")
    bias32 = dtype == "int16b32"
    xtype = "int16" if wide else dtype
    wtype = "uint8" if dtype == "uint8" else "int8"
    wdims = [o, k, k, c // groups] if kind == "conv" else [1, k, k, o]
    axis = 0 if kind == "conv" else 3
    low, high = (0, 255) if wtype == "uint8" else (-127, 127)
    wscale = list(rng.uniform(0.002, 0.01, o)) if per_axis and wtype == "int8" else 0.006
    wzero = 127 if wtype == "uint8" else 0
    xscale = {"int8": 0.035, "uint8": 0.031, "int16": 1 / 9000, "float32": None}[xtype]
    x = Tensor(xtype, [n, h, w, c], scale=xscale, zero={"int8": -6, "uint8": 113}.get(xtype, 0))
    filt = Tensor(wtype, wdims, weights(rng, wtype, wdims, low, high), wscale, wzero, axis)
    if hybrid:
        bias = Tensor("float32", [o], rng.uniform(-1, 1, o).astype(np.float32))
    else:
        btype = "int64" if wide and not bias32 else "int32"
        bias = Tensor(btype, [o], rng.integers(-900, 900, o).astype(btype), list(np.atleast_1d(xscale * np.asarray(wscale))), 0, 0)
    yscale = None if hybrid else {"int8": 0.11, "uint8": 0.12, "int16": 1 / 1500}[xtype]
    y = Tensor(xtype, [n, out_extent(h, k, stride, dilation, padding), out_extent(w, k, stride, dilation, padding), o],
               scale=yscale, zero={"int8": 9, "uint8": 101}.get(xtype, 0))
    fields = dict(padding=padding, strideH=stride, strideW=stride, dilationHFactor=dilation, dilationWFactor=dilation,
                  fusedActivationFunction=ACTS[act])
    if kind != "conv":
        fields["depthMultiplier"] = o // c
    if bias32 and kind == "conv":
        fields["quantizedBiasType"] = schema.TensorType.INT32
    option = "Conv2DOptions" if kind == "conv" else "DepthwiseConv2DOptions"
    name = f"{kind}_{dtype}_{act}_k{k}s{stride}d{dilation}p{padding}_c{c}o{o}_{'axis' if per_axis else 'tensor'}"
    if groups > 1:
        name += f"_g{groups}"
    case(name, op="CONV_2D" if kind == "conv" else "DEPTHWISE_CONV_2D", tensors=[x, filt, bias, y], inputs=[0, 1, 2],
         outputs=[3], option=option, fields=fields, version=5)


for dt in ("int8", "uint8", "int16", "float32"):
    for kind_, c_, o_ in (("conv", 5, 7), ("depthwise", 6, 6), ("depthwise", 3, 6)):
        add_conv(kind_, dt, "none", SAME, 1, 1, 3, c_, o_, 8, 9)
        add_conv(kind_, dt, "relu6", SAME, 2, 1, 3, c_, o_, 9, 8)
        add_conv(kind_, dt, "relu", VALID, 1, 1, 3, c_, o_, 9, 8, n=2)
    add_conv("conv", dt, "relun1", SAME, 1, 2, 3, 4, 5, 10, 10)
    add_conv("conv", dt, "none", VALID, 1, 1, 1, 17, 9, 4, 4, per_axis=False)
    add_conv("conv", dt, "none", SAME, 2, 1, 3, 1, 8, 9, 9)
add_conv("conv", "int8", "none", SAME, 1, 1, 3, 8, 12, 6, 6, groups=4)
add_conv("conv", "int16b32", "none", SAME, 1, 1, 3, 4, 6, 6, 6)


def add_fc(dtype, act, depth, units, batch, per_axis=False, asymmetric=False):
    rng = np.random.default_rng(len(CASES))
    hybrid, wide = dtype == "float32", dtype.startswith("int16")
    bias32 = dtype == "int16b32"
    xtype = "int16" if wide else dtype
    wtype = "uint8" if dtype == "uint8" else "int8"
    low, high = (0, 255) if wtype == "uint8" else (-127, 127)
    wscale = list(rng.uniform(0.002, 0.01, units)) if per_axis else 0.0061
    xscale = {"int8": 0.035, "uint8": 0.031, "int16": 1 / 9000, "float32": None}[xtype]
    x = Tensor(xtype, [batch, depth], scale=xscale, zero={"int8": -6, "uint8": 113}.get(xtype, 0))
    filt = Tensor(wtype, [units, depth], weights(rng, wtype, [units, depth], low, high), wscale, 127 if wtype == "uint8" else 0, 0)
    if hybrid:
        bias = Tensor("float32", [units], rng.uniform(-1, 1, units).astype(np.float32))
    else:
        btype = "int64" if wide and not bias32 else "int32"
        bias = Tensor(btype, [units], rng.integers(-900, 900, units).astype(btype), list(np.atleast_1d(xscale * np.asarray(wscale))), 0, 0)
    yscale = None if hybrid else {"int8": 0.13, "uint8": 0.12, "int16": 1 / 1500}[xtype]
    y = Tensor(xtype, [batch, units], scale=yscale, zero={"int8": 9, "uint8": 101}.get(xtype, 0))
    fields = dict(fusedActivationFunction=ACTS[act], asymmetricQuantizeInputs=asymmetric)
    if bias32:
        fields["quantizedBiasType"] = schema.TensorType.INT32
    name = f"fc_{dtype}_{act}_{batch}x{depth}x{units}" + ("_axis" if per_axis else "") + ("_asym" if asymmetric else "")
    case(name, op="FULLY_CONNECTED", tensors=[x, filt, bias, y], inputs=[0, 1, 2], outputs=[3],
         option="FullyConnectedOptions", fields=fields, version=5)


for dt in ("int8", "uint8", "int16", "float32"):
    add_fc(dt, "none", 33, 10, 3)
    add_fc(dt, "relu", 64, 9, 1)
    if dt != "uint8":
        add_fc(dt, "none", 19, 12, 2, per_axis=True)
add_fc("float32", "none", 37, 11, 4, asymmetric=True)
add_fc("int16b32", "none", 20, 8, 2)


def add_unary(name, op, dtype, dims, scales, zeros, option=None, fields=None, low=None, high=None, version=1, out=None, otype=None):
    x = Tensor(dtype, dims, scale=scales[0], zero=zeros[0], low=low, high=high)
    y = Tensor(otype or dtype, out or dims, scale=scales[1], zero=zeros[1])
    case(name, op=op, tensors=[x, y], inputs=[0], outputs=[1], option=option, fields=fields, version=version)


for beta in (1.0, 0.5):
    for scale in (0.011, 0.09, 0.6):
        tag = f"b{beta}_s{scale}"
        fields_ = dict(beta=beta)
        add_unary(f"softmax_int8_{tag}", "SOFTMAX", "int8", [9, 41], [scale, 1 / 256], [-11, -128], "SoftmaxOptions", fields_, version=2)
        case(f"softmax_int8_to_int16_{tag}", op="SOFTMAX", option="SoftmaxOptions", fields=fields_, version=2, inputs=[0], outputs=[1],
             tensors=[Tensor("int8", [9, 41], scale=scale, zero=-11), Tensor("int16", [9, 41], scale=1 / 65536, zero=-32768)])
        add_unary(f"softmax_uint8_{tag}", "SOFTMAX", "uint8", [9, 101], [scale, 1 / 256], [140, 0], "SoftmaxOptions", fields_)
        add_unary(f"softmax_int16_{tag}", "SOFTMAX", "int16", [9, 33], [scale / 100, 1 / 32768], [0, 0], "SoftmaxOptions", fields_, version=3)
for scale in (0.05, 0.2):
    add_unary(f"logsoftmax_int8_s{scale}", "LOG_SOFTMAX", "int8", [9, 41], [scale, 16 / 256], [-11, 127], "LogSoftmaxOptions", {}, version=2)
    add_unary(f"logsoftmax_uint8_s{scale}", "LOG_SOFTMAX", "uint8", [9, 41], [scale, 16 / 256], [140, 255], "LogSoftmaxOptions", {})
for zero in (0, -30, 17):
    add_unary(f"l2norm_int8_z{zero}", "L2_NORMALIZATION", "int8", [7, 3, 2, 33], [0.02, 1 / 128], [zero, 0], "L2NormOptions", {}, version=2)
    add_unary(f"l2norm_uint8_z{zero + 128}", "L2_NORMALIZATION", "uint8", [7, 3, 2, 33], [0.02, 1 / 128], [zero + 128, 128], "L2NormOptions", {})

for dt in ("int8", "uint8", "int16"):
    zero = {"int8": -3, "uint8": 120, "int16": 0}[dt]
    for op_, tag in (("AVERAGE_POOL_2D", "avg"), ("MAX_POOL_2D", "max")):
        for act, padding, k, s in (("none", SAME, 3, 2), ("relu", VALID, 2, 2), ("relu6", SAME, 3, 1), ("none", VALID, 7, 1)):
            add_unary(f"{tag}_{dt}_{act}_k{k}s{s}p{padding}", op_, dt, [2, 9, 8, 5], [0.05, 0.05], [zero, zero], "Pool2DOptions",
                      dict(padding=padding, strideH=s, strideW=s, filterHeight=k, filterWidth=k, fusedActivationFunction=ACTS[act]),
                      version=3, out=[2, out_extent(9, k, s, 1, padding), out_extent(8, k, s, 1, padding), 5])

for dt in ("float32", "int8", "uint8", "int16"):
    zero = {"int8": -3, "uint8": 120}.get(dt, 0)
    sc = None if dt == "float32" else 0.05
    for align, half in ((0, 0), (1, 0), (0, 1)):
        for size in ((13, 17), (4, 3), (1, 1), (12, 10)):
            for op_, opt, tag in (("RESIZE_BILINEAR", "ResizeBilinearOptions", "bilinear"),
                                  ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions", "nearest")):
                x_ = Tensor(dt, [2, 6, 5, 3], scale=sc, zero=zero)
                sizes_ = Tensor("int32", [2], np.asarray(size, np.int32))
                y_ = Tensor(dt, [2, size[0], size[1], 3], scale=sc, zero=zero)
                case(f"{tag}_{dt}_a{align}h{half}_{size[0]}x{size[1]}", op=op_, tensors=[x_, sizes_, y_], inputs=[0, 1], outputs=[2],
                     option=opt, fields=dict(alignCorners=bool(align), halfPixelCenters=bool(half)), version=4 if dt == "int16" else 3)

QUANTIZE_PAIRS = [("float32", "int8"), ("float32", "uint8"), ("float32", "int16"), ("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"),
                  ("uint8", "uint8"), ("int16", "int8"), ("int8", "int16"), ("int16", "int16"), ("int16", "int32"), ("int32", "int8")]
for i, (a, b) in enumerate(QUANTIZE_PAIRS):
    zeros_ = {"int8": -7, "uint8": 99}
    big = {"int16": 1 / 4000, "int32": 1 / 2000000}
    for j, ys in enumerate((0.037, 0.0211)):
        x_scale_ = None if a == "float32" else big.get(a, 0.0211)
        y_scale_ = big.get(b, ys) * (1 if j == 0 else 0.7)
        if a == b == "int8" and j == 1:
            y_scale_ = 0.0211
        add_unary(f"quantize_{a}_{b}_{j}", "QUANTIZE", a, [3, 71], [x_scale_, y_scale_], [zeros_.get(a, 0), zeros_.get(b, 0)],
                  "QuantizeOptions", {}, version=2, otype=b, low=-40000000 if a == "int32" else None, high=40000000 if a == "int32" else None)
for a in ("int8", "uint8", "int16"):
    add_unary(f"dequantize_{a}", "DEQUANTIZE", a, [3, 71], [0.037, None], [{"int8": -7, "uint8": 99}.get(a, 0), 0], "DequantizeOptions", {}, version=3, otype="float32")


def add_transpose_conv(dtype, padding, stride, k, c, o, h, w, per_axis=True, bias_given=True):
    rng = np.random.default_rng(len(CASES))
    wide, hybrid = dtype == "int16", dtype == "float32"
    wtype = "uint8" if dtype == "uint8" else "float32" if hybrid else "int8"
    low, high = (0, 255) if wtype == "uint8" else (-127, 127)
    wdims = [o, k, k, c]
    wscale = None if hybrid else list(rng.uniform(0.002, 0.01, o)) if per_axis and wtype == "int8" else 0.006
    xscale = {"int8": 0.035, "uint8": 0.031, "int16": 1 / 9000, "float32": None}[dtype]
    oh, ow = (h * stride, w * stride) if padding == SAME else ((h - 1) * stride + k, (w - 1) * stride + k)
    shape = Tensor("int32", [4], np.asarray([1, oh, ow, o], np.int32))
    data = rng.uniform(-1, 1, wdims).astype(np.float32) if hybrid else weights(rng, wtype, wdims, low, high)
    filt = Tensor(wtype, wdims, data, wscale, 127 if wtype == "uint8" else 0, 0)
    x = Tensor(dtype, [1, h, w, c], scale=xscale, zero={"int8": -6, "uint8": 113}.get(dtype, 0))
    btype = "float32" if hybrid else "int64" if wide else "int32"
    bias = Tensor(btype, [o], rng.integers(-900, 900, o).astype(btype), None if hybrid else list(np.atleast_1d(xscale * np.asarray(wscale))), 0, 0)
    y = Tensor(dtype, [1, oh, ow, o], scale=None if hybrid else {"int8": 0.11, "uint8": 0.12, "int16": 1 / 1500}[dtype],
               zero={"int8": 9, "uint8": 101}.get(dtype, 0))
    case(f"transposeconv_{dtype}_p{padding}s{stride}k{k}" + ("_bias" if bias_given else ""), op="TRANSPOSE_CONV",
         tensors=[shape, filt, x, bias, y], inputs=[0, 1, 2, 3] if bias_given else [0, 1, 2], outputs=[4],
         option="TransposeConvOptions", fields=dict(padding=padding, strideH=stride, strideW=stride), version=3 if bias_given else 2)


for dt in ("float32", "int8", "uint8", "int16"):
    add_transpose_conv(dt, SAME, 2, 3, 4, 5, 4, 5)
    add_transpose_conv(dt, VALID, 2, 2, 3, 6, 3, 4)
    add_transpose_conv(dt, SAME, 1, 3, 3, 4, 4, 4, bias_given=False)

for dt in ("float32", "int8", "int16"):
    for ax, ay in ((0, 0), (1, 0), (0, 1)):
        sa, sb, sy = (None, None, None) if dt == "float32" else (0.02, 0.015, 0.09) if dt == "int8" else (1 / 9000, 1 / 8000, 1 / 1500)
        za, zb, zy = (-5, 3, 11) if dt == "int8" else (0, 0, 0)
        a_ = Tensor(dt, [2, 5, 4] if ax else [2, 4, 5], scale=sa, zero=za)
        b_ = Tensor(dt, [2, 6, 5] if ay else [2, 5, 6], scale=sb, zero=zb)
        y_ = Tensor(dt, [2, 4, 6], scale=sy, zero=zy)
        case(f"batchmatmul_{dt}_{ax}{ay}", op="BATCH_MATMUL", tensors=[a_, b_, y_], inputs=[0, 1], outputs=[2],
             option="BatchMatMulOptions", fields=dict(adjX=bool(ax), adjY=bool(ay)), version=3)

for bits, narrow in ((8, False), (4, False)):
    add_unary(f"fakequant_{bits}_{int(narrow)}", "FAKE_QUANT", "float32", [3, 50], [None, None], [0, 0], "FakeQuantOptions",
              dict(min=-1.3, max=1.7, numBits=bits, narrowRange=narrow), version=2)
add_unary("l2norm_float", "L2_NORMALIZATION", "float32", [2, 3, 9], [None, None], [0, 0], "L2NormOptions", {})


def add_detection(fast, boxes, classes, background, per_class, threshold):
    from flatbuffers import flexbuffers
    fbb = flexbuffers.Builder()
    with fbb.Map():
        fbb.Int("max_detections", 10)
        fbb.Int("max_classes_per_detection", per_class)
        fbb.Int("detections_per_class", 5)
        fbb.Bool("use_regular_nms", not fast)
        fbb.Float("nms_score_threshold", threshold)
        fbb.Float("nms_iou_threshold", 0.5)
        fbb.Int("num_classes", classes)
        for key, value in (("y_scale", 10.0), ("x_scale", 10.0), ("h_scale", 5.0), ("w_scale", 5.0)):
            fbb.Float(key, value)
    rng = np.random.default_rng(len(CASES))
    anchors = np.concatenate([rng.uniform(0.2, 0.8, (boxes, 2)), rng.uniform(0.1, 0.3, (boxes, 2))], 1).astype(np.float32)
    total = classes + background
    tensors = [Tensor("float32", [1, boxes, 4], low=-3, high=3), Tensor("float32", [1, boxes, total], low=0, high=1),
               Tensor("float32", [boxes, 4], anchors), Tensor("float32", [1, 10, 4]), Tensor("float32", [1, 10]),
               Tensor("float32", [1, 10]), Tensor("float32", [1])]
    case(f"detection_{'fast' if fast else 'regular'}_{boxes}_{classes}_{threshold}_{per_class}", op=None, tensors=tensors, inputs=[0, 1, 2], outputs=[3, 4, 5, 6],
         custom="TFLite_Detection_PostProcess", custom_options=bytes(fbb.Finish()))


for fast_ in (True, False):
    add_detection(fast_, 40, 5, 1, 2, 0.3)
    add_detection(fast_, 90, 3, 1, 1, 0.7)
    add_detection(fast_, 6, 4, 1, 1, 0.95)
    add_detection(fast_, 30, 6, 1, 3, 0.6)
    add_detection(fast_, 12, 2, 0, 5, 0.4)


def clear_unused(name, outputs):
    """LiteRT leaves rows that it does not fill as they happen to be in memory."""
    _, kind, _, classes, _, per_box = name.split("_")
    rows = np.arange(outputs[1].shape[1])
    count = int(outputs[3][0])
    used = rows < count if kind == "regular" else (rows // int(per_box) < count) & (rows % int(per_box) < int(classes))
    for output in outputs[:3]:
        output[0, ~used] = 0


def write_case(folder, name, model, arrays, outputs):
    path = os.path.join(folder, name)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, "model.tflite"), "wb") as file:
        file.write(model)
    for i, array in enumerate(arrays):
        np.save(os.path.join(path, f"input{i}.npy"), array)
    for i, array in enumerate(outputs):
        np.save(os.path.join(path, f"output{i}.npy"), array)


def main():
    folder, prefix = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    for name, spec in CASES.items():
        if not name.startswith(prefix):
            continue
        rng = np.random.default_rng(sum(name.encode()))
        tensors, inputs = spec["tensors"], spec["inputs"]
        arrays = [random_array(rng, tensors[i]) for i in inputs if i >= 0 and tensors[i].data is None and not tensors[i].is_state]
        model = build(**spec)
        try:
            outputs = run(model, arrays)
        except Exception as error:  # a case that LiteRT refuses is a defect of this script
            sys.exit(f"{name}: {error}")
        if name.startswith("detection"):
            clear_unused(name, outputs)
        write_case(folder, name, model, arrays, outputs)


if __name__ == "__main__":
    main()
