"""Writes .tflite models of operators beyond those of the vision nets, with random inputs and LiteRT's answers.

usage: tflite_more_ops.py FOLDER [PREFIX]

Laid out as tflite_ops.py's cases: StableHLO's operators and their sub-graphs, complex numbers, segments, windows over
every axis, strings, audio front ends. Where there is no reference kernel, the portable one answers.
"""
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from flatbuffers import flexbuffers

from tflite_ops import options, write_case
from tflite_resources import string_buffer

TYPES = {"float32": schema.TensorType.FLOAT32, "float16": schema.TensorType.FLOAT16, "int8": schema.TensorType.INT8, "uint8": schema.TensorType.UINT8,
         "int16": schema.TensorType.INT16, "int32": schema.TensorType.INT32, "int64": schema.TensorType.INT64,
         "uint16": schema.TensorType.UINT16, "uint32": schema.TensorType.UINT32, "uint64": schema.TensorType.UINT64, "bool": schema.TensorType.BOOL,
         "float64": schema.TensorType.FLOAT64, "complex64": schema.TensorType.COMPLEX64,
         "string": schema.TensorType.STRING}
SAME, VALID = 0, 1
CASES = {}
KEEPS_STATE = ("random_", "multinomial_")  # of several runs
RUNS = 3
# Whose reference kernel leaves out the window's last channel.
PORTABLE = ("local_response_normalization",)


class Net:
    """A model of several sub-graphs; `main` is the first."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version, self.model.buffers, self.model.operatorCodes = 3, [schema.BufferT()], []
        self.model.subgraphs, self.inputs = [], []
        self.main = Part(self)

    def bytes(self):
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


class Part:
    def __init__(self, net):
        self.net, self.graph = net, schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.graph.name = f"graph{len(net.model.subgraphs)}"
        self.index = len(net.model.subgraphs)
        net.model.subgraphs.append(self.graph)

    def tensor(self, dtype, dims, data=None, scale=None, zero=0):
        t = schema.TensorT()
        t.name, t.shape, t.type, t.buffer = f"t{len(self.graph.tensors)}", list(dims), TYPES[dtype], 0
        if scale is not None:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale, t.quantization.zeroPoint = [float(scale)], [int(zero)]
        if data is not None:
            raw = string_buffer(data) if dtype == "string" else np.ascontiguousarray(data, dtype).tobytes()
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(raw, np.uint8)
            t.buffer = len(self.net.model.buffers)
            self.net.model.buffers.append(buffer)
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def input(self, dtype, dims, values=None, low=-2, high=2, scale=None, zero=0):
        """An input of the graph; of the main one with random numbers of [low, high], or `values`."""
        index = self.tensor(dtype, dims, scale=scale, zero=zero)
        self.graph.inputs.append(index)
        if self is self.net.main:
            self.net.inputs.append((dtype, list(dims), values, low, high))
        return index

    def constant(self, dtype, data):
        data = np.asarray(data, dtype)
        return self.tensor(dtype, data.shape, data)

    def add(self, op, inputs, results, option=None, custom_options=None, version=1, **fields):
        """results: a list of (dtype, dims[, scale, zero]); gives their indices. An op in lower case is custom."""
        code = schema.OperatorCodeT()
        is_builtin = hasattr(schema.BuiltinOperator, op)
        code.builtinCode = getattr(schema.BuiltinOperator, op) if is_builtin else schema.BuiltinOperator.CUSTOM
        code.customCode = None if is_builtin else op
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        self.net.model.operatorCodes.append(code)
        node = schema.OperatorT()
        node.opcodeIndex, node.inputs = len(self.net.model.operatorCodes) - 1, list(inputs)
        node.outputs = [self.tensor(each[0], each[1], None, *each[2:]) for each in results]
        if option and hasattr(schema.BuiltinOptions, option):
            node.builtinOptionsType = getattr(schema.BuiltinOptions, option)
            node.builtinOptions = options(option, fields)
        elif option:
            node.builtinOptions2Type = getattr(schema.BuiltinOptions2, option)
            node.builtinOptions2 = options(option, fields)
        if custom_options is not None:
            node.customOptions = np.frombuffer(custom_options, np.uint8)
        self.graph.operators.append(node)
        return node.outputs

    def body(self, op, dtype, option=None):
        """The index of a new sub-graph that applies one operator to two scalars; "" gives the second."""
        part = Part(self.net)
        a, b = part.input(dtype, []), part.input(dtype, [])
        part.graph.outputs = part.add(op, [a, b], [(dtype, [])], option) if op else [b]
        return part.index


def case(name):
    def keep(make):
        CASES[name] = make
        return make
    return keep


def simple(name, op, inputs, results, option=None, version=1, **fields):
    """inputs: ("float32", dims) for a random one, or dicts of Part.input, or arrays for constants."""
    def make(main):
        ids = []
        for each in inputs:
            if isinstance(each, (np.ndarray, np.generic)):
                ids.append(main.constant(each.dtype.name, each))
            elif isinstance(each, dict):
                ids.append(main.input(**each))
            else:
                ids.append(main.input(*each))
        return main.add(op, ids, results, option, version=version, **fields)
    CASES[name] = make


def ints(values, dtype=np.int32):
    return np.asarray(values, dtype)


# --- complex numbers and spectra ---
for dims, lengths in (([2, 16], [2, 16]), ([2, 6, 16], [4, 8]), ([2, 3, 5], [4, 8]), ([1, 1, 512], [1, 512])):
    simple(f"rfft2d_{len(dims)}d_{lengths[0]}_{lengths[1]}", "RFFT2D", [("float32", dims), ints(lengths)],
           [("complex64", dims[:-2] + [lengths[0], lengths[1] // 2 + 1])], "Rfft2dOptions")
for op in ("REAL", "IMAG", "COMPLEX_ABS"):
    simple(op.lower(), op, [("complex64", [3, 7])], [("float32", [3, 7])])

# --- shapes and matrices ---
simple("rank", "RANK", [("float32", [2, 3, 4])], [("int32", [])], "RankOptions")
simple("broadcast_args", "BROADCAST_ARGS", [dict(dtype="int32", dims=[3], values=[4, 1, 5]), ints([3, 1])], [("int32", [3])])
simple("broadcast_args_i64", "BROADCAST_ARGS", [dict(dtype="int64", dims=[1], values=[7]), ints([2, 3, 1], np.int64)], [("int64", [3])])
for dtype in ("float32", "int32", "int64", "int8", "uint8", "int16"):
    simple(f"matrix_diag_{dtype}", "MATRIX_DIAG", [(dtype, [2, 3], None, 0, 9)], [(dtype, [2, 3, 3])], "MatrixDiagOptions")
    simple(f"matrix_set_diag_{dtype}", "MATRIX_SET_DIAG", [(dtype, [2, 3, 4], None, 0, 9), (dtype, [2, 3], None, 0, 9)],
           [(dtype, [2, 3, 4])], "MatrixSetDiagOptions")
for dtype in ("float32", "int32", "int8", "int64", "bool"):
    for start in ([1, 2], [-3, 9]):
        simple(f"dynamic_update_slice_{dtype}_{start[0]}", "DYNAMIC_UPDATE_SLICE",
               [(dtype, [4, 5], None, 0, 1), (dtype, [2, 3], None, 0, 1), ints(start)], [(dtype, [4, 5])], "DynamicUpdateSliceOptions")
for dtype in ("float32", "int32", "int64", "int8", "uint8"):
    simple(f"sparse_to_dense_{dtype}", "SPARSE_TO_DENSE",
           [ints([[0, 1], [2, 3], [3, 0]]), ints([4, 5]), (dtype, [3], None, 0, 9), np.asarray(7, dtype)], [(dtype, [4, 5])],
           "SparseToDenseOptions")
simple("sparse_to_dense_scalar_value", "SPARSE_TO_DENSE", [ints([1, 4]), ints([6]), ("float32", []), np.float32(0.5).reshape(())],
       [("float32", [6])], "SparseToDenseOptions")
simple("sparse_to_dense_scalar_index", "SPARSE_TO_DENSE", [ints(3), ints([6]), ("float32", []), np.float32(0.5).reshape(())],
       [("float32", [6])], "SparseToDenseOptions")

# --- segments, buckets, tables ---
for dtype in ("float32", "int32"):
    simple(f"segment_sum_{dtype}", "SEGMENT_SUM", [(dtype, [5, 3], None, -9, 9), ints([0, 0, 1, 1, 2])], [(dtype, [3, 3])],
           "SegmentSumOptions")
    for kind in ("SUM", "PROD", "MAX", "MIN"):
        option = f"UnsortedSegment{kind.capitalize()}Options"
        simple(f"unsorted_segment_{kind.lower()}_{dtype}", f"UNSORTED_SEGMENT_{kind}",
               [(dtype, [5, 3], None, -9, 9), ints([2, 0, 2, -1, 4]), ints(6)], [(dtype, [6, 3])], option)
        simple(f"unsorted_segment_{kind.lower()}_{dtype}_2d", f"UNSORTED_SEGMENT_{kind}",
               [(dtype, [2, 3, 2], None, -9, 9), ints([[2, 0, 2], [1, 1, 3]]), ints(4)], [(dtype, [4, 2])], option)
for dtype in ("float32", "float64", "int32", "int64"):
    simple(f"bucketize_{dtype}", "BUCKETIZE", [(dtype, [4, 9], None, -9, 9)], [("int32", [4, 9])], "BucketizeOptions",
           boundaries=[-4.5, -1.0, 0.0, 3.0, 7.25])
for dtype in ("float32", "int32"):
    simple(f"hashtable_lookup_{dtype}", "HASHTABLE_LOOKUP",
           [dict(dtype="int32", dims=[4], values=[7, 1, 5, -3]), ints([-3, 0, 5, 7]), np.arange(12).reshape(4, 3).astype(dtype)],
           [(dtype, [4, 3]), ("uint8", [4])])

for kind, shape in ((1, [4]), (2, [12])):
    for width in (1, 2, 3, 6, 7, 14, 15, 16, 40, 77):  # hashes of keys of 8 to 312 bytes
        simple(f"lsh_projection_{kind}_{width}", "LSH_PROJECTION",
               [np.random.default_rng(width).uniform(-1, 1, (4, 3)).astype(np.float32), ("int32", [5, width], None, -999, 999),
                ("float32", [5], None, 0, 1)], [("int32", shape)], "LSHProjectionOptions", type=kind)
for size, skip, shorter in ((1, 0, False), (2, 0, False), (3, 1, False), (3, 2, True), (2, 5, True)):
    simple(f"skip_gram_{size}_{skip}_{int(shorter)}", "SKIP_GRAM",
           [dict(dtype="string", dims=[1], values=[b"The quick  brown fox jumps over the lazy dog! "])], [("string", [])],
           "SkipGramOptions", ngramSize=size, maxSkipSize=skip, includeAllNgrams=shorter)

# --- convolutions over three axes, pools ---
for padding in (SAME, VALID):
    for stride, dilation in ((1, 1), (2, 1), (1, 2)):
        extents = [-(-n // stride) if padding == SAME else (n - (k - 1) * dilation - 1) // stride + 1 for n, k in ((6, 2), (7, 3), (8, 3))]
        simple(f"conv_3d_p{padding}s{stride}d{dilation}", "CONV_3D",
               [("float32", [2, 6, 7, 8, 3]), ("float32", [2, 3, 3, 3, 4]), ("float32", [4])], [("float32", [2, *extents, 4])],
               "Conv3DOptions", padding=padding, strideD=stride, strideH=stride, strideW=stride, dilationDFactor=dilation,
               dilationHFactor=dilation, dilationWFactor=dilation, fusedActivationFunction=1 if stride == 1 else 0)
        if dilation == 1:
            wide = [3 * stride if padding == SAME else (n - 1) * stride + k for n, k in ((3, 2), (3, 3), (3, 3))]
            simple(f"conv_3d_transpose_p{padding}s{stride}", "CONV_3D_TRANSPOSE",
                   [ints([1, *wide, 4]), ("float32", [2, 3, 3, 4, 3]), ("float32", [1, 3, 3, 3, 3]), ("float32", [4])],
                   [("float32", [1, *wide, 4])], "Conv3DOptions", padding=padding, strideD=stride, strideH=stride, strideW=stride,
                   dilationDFactor=1, dilationHFactor=1, dilationWFactor=1)
for padding in (SAME, VALID):
    for act in (0, 1, 2, 3):
        extent = 4 if padding == SAME else 3
        simple(f"l2_pool_p{padding}a{act}", "L2_POOL_2D", [("float32", [2, 7, 7, 3], None, -9, 9)], [("float32", [2, extent, extent, 3])],
               "Pool2DOptions", padding=padding, strideH=2, strideW=2, filterHeight=3, filterWidth=3, fusedActivationFunction=act)

# --- dilation, windows over every axis ---
for dtype in ("float32", "int32", "int8", "int64"):
    simple(f"dilate_{dtype}", "DILATE", [(dtype, [3, 4], None, 0, 9), ints([2, 3]), np.asarray(5, dtype)], [(dtype, [5, 10])])
REDUCTIONS = {"ADD": 1, "MUL": 2, "MINIMUM": 3, "MAXIMUM": 4}
for kind, number in REDUCTIONS.items():
    for dtype in ("float32", "int32"):
        simple(f"reduce_window_{kind.lower()}_{dtype}", "REDUCE_WINDOW",
               [(dtype, [6, 7], None, 1, 3), np.asarray(2, dtype), ints([2, 3], np.int64), ints([2, 1], np.int64), ints([1, 2], np.int64)],
               [(dtype, [3, 3])], "ReduceWindowOptions", reduceFunction=number)
for kind, number in (("all", 5), ("any", 6)):
    simple(f"reduce_window_{kind}", "REDUCE_WINDOW",
           [("bool", [6, 7]), np.asarray(kind == "all"), ints([2, 2], np.int64), ints([2, 1], np.int64), ints([1, 1], np.int64)],
           [("bool", [3, 6])], "ReduceWindowOptions", reduceFunction=number)


# --- StableHLO ---
for op in ("ADD", "MULTIPLY", "MAXIMUM", "MINIMUM"):
    for dtype in ("float32", "int32"):
        simple(f"stablehlo_{op.lower()}_{dtype}", f"STABLEHLO_{op}", [(dtype, [3, 5]), (dtype, [3, 5])], [(dtype, [3, 5])])
simple("stablehlo_and_bool", "STABLEHLO_AND", [("bool", [40]), ("bool", [40])], [("bool", [40])])
simple("stablehlo_and_int32", "STABLEHLO_AND", [("int32", [40], None, 0, 99), ("int32", [40], None, 0, 99)], [("int32", [40])])
for dtype in ("int32", "int8", "int16"):
    simple(f"stablehlo_shift_left_{dtype}", "STABLEHLO_SHIFT_LEFT", [(dtype, [40], None, -9, 9), (dtype, [40], None, 0, 6)],
           [(dtype, [40])], "StablehloShiftLeftOptions")
for dtype in ("float32", "int32", "int8"):
    for low, high, interior in (([1, 0], [0, 2], [0, 0]), ([1, 2], [0, 1], [1, 2]), ([-1, 0], [1, -2], [0, 1])):
        dims = [n + (n - 1) * i + a + b for n, a, b, i in zip([3, 4], low, high, interior)]
        simple(f"stablehlo_pad_{dtype}_{low[0]}_{interior[1]}", "STABLEHLO_PAD", [(dtype, [3, 4], None, 0, 9), np.asarray(7, dtype)],
               [(dtype, dims)], "StablehloPadOptions", edgePaddingLow=low, edgePaddingHigh=high, interiorPadding=interior)


def add_reduce_window(name, op, dtype, init, padding, base, option=None):
    def make(main):
        x, start = main.input(dtype, [5, 6], None, 1, 3), main.constant(dtype, init)
        body = main.body(op, dtype, option)
        extents = [((n - 1) * b + 1 + sum(p) - ((w - 1) * d + 1)) // s + 1
                   for n, b, p, w, d, s in zip([5, 6], base, padding, [2, 3], [1, 2], [2, 1])]
        return main.add("STABLEHLO_REDUCE_WINDOW", [x, start], [(dtype, extents)], "StablehloReduceWindowOptions",
                        windowDimensions=[2, 3], windowStrides=[2, 1], baseDilations=base, windowDilations=[1, 2],
                        padding=[n for pair in padding for n in pair], bodySubgraphIndex=body)
    CASES[name] = make


for op, init in (("STABLEHLO_ADD", 0), ("STABLEHLO_ADD", 2), ("STABLEHLO_MULTIPLY", 1), ("STABLEHLO_MAXIMUM", -9), ("STABLEHLO_MINIMUM", 9)):
    for dtype in ("float32", "int32"):
        for i, (padding, base) in enumerate((([[0, 0], [0, 0]], [1, 1]), ([[1, 0], [2, 1]], [1, 1]), ([[1, 0], [2, 1]], [2, 1]))):
            add_reduce_window(f"{op.lower().replace('stablehlo_', 'stablehlo_reduce_window_')}_{dtype}_{init}_{i}", op, dtype, init, padding, base)


def add_scatter(name, op, dtype):
    def make(main):
        x = main.input(dtype, [4, 5], None, 0, 9)
        indices = main.constant("int32", [[2], [0], [2], [3]])
        updates = main.input(dtype, [4, 5], None, 0, 9)
        return main.add("STABLEHLO_SCATTER", [x, indices, updates], [(dtype, [4, 5])], "StablehloScatterOptions",
                        updateWindowDims=[1], insertedWindowDims=[0], scatterDimsToOperandDims=[0], indexVectorDim=1,
                        updateComputationSubgraphIndex=main.body(op, dtype))
    CASES[name] = make


for op in ("STABLEHLO_ADD", "STABLEHLO_MULTIPLY", "STABLEHLO_MAXIMUM", "STABLEHLO_MINIMUM", ""):
    for dtype in ("float32", "int32"):
        add_scatter(f"stablehlo_scatter_{op[10:].lower() or 'set'}_{dtype}", op, dtype)


@case("stablehlo_scatter_blocks")
def scatter_blocks(main):
    """The specification's example: windows of [2,2] into [3,4,2], some outside."""
    x, updates = main.input("int64", [3, 4, 2], None, 0, 9), main.input("int64", [2, 3, 2, 2], None, 0, 9)
    indices = main.constant("int64", [[[0, 2], [1, 0], [2, 1]], [[0, 1], [1, 0], [0, 9]]])
    return main.add("STABLEHLO_SCATTER", [x, indices, updates], [("int64", [3, 4, 2])], "StablehloScatterOptions",
                    updateWindowDims=[2, 3], insertedWindowDims=[0], scatterDimsToOperandDims=[1, 0], indexVectorDim=2,
                    updateComputationSubgraphIndex=main.body("STABLEHLO_ADD", "int64"))


@case("stablehlo_gather_blocks")
def gather_blocks(main):
    """The specification's example."""
    x = main.input("int32", [3, 4, 2], None, 0, 99)
    indices = main.constant("int64", [[[0, 0], [1, 0], [2, 1]], [[0, 1], [1, 1], [0, 9]]])
    return main.add("STABLEHLO_GATHER", [x, indices], [("int32", [2, 3, 2, 2])], "StablehloGatherOptions", offsetDims=[2, 3],
                    collapsedSliceDims=[0], startIndexMap=[1, 0], indexVectorDim=2, sliceSizes=[1, 2, 2])


for dtype in ("float32", "int8", "bool"):
    simple(f"stablehlo_gather_{dtype}", "STABLEHLO_GATHER", [(dtype, [5, 4], None, 0, 1), ints([[3], [0], [7]], np.int64)], [(dtype, [3, 4])],
           "StablehloGatherOptions", offsetDims=[1], collapsedSliceDims=[0], startIndexMap=[0], indexVectorDim=1, sliceSizes=[1, 4])


def add_rng(name, algorithm, state, dtype, dims):
    def make(main):
        given = main.input("uint64", [len(state)], state)
        return main.add("STABLEHLO_RNG_BIT_GENERATOR", [given], [("uint64", [len(state)]), (dtype, dims)],
                        "StablehloRngBitGeneratorOptions", algorithm=algorithm)
    CASES[name] = make


for dtype in ("uint32", "int32", "uint64", "int64"):
    for dims in ([6], [7], [3, 5]):
        tag = "x".join(map(str, dims))
        add_rng(f"stablehlo_rng_philox_{dtype}_{tag}", 1, [1234567890123, 3, 2**63 + 5], dtype, dims)
        add_rng(f"stablehlo_rng_philox2_{dtype}_{tag}", 1, [77, 2**64 - 2], dtype, dims)
        add_rng(f"stablehlo_rng_threefry_{dtype}_{tag}", 2, [2**40 + 17, 2**33 + 2**32 - 1], dtype, dims)
        add_rng(f"stablehlo_rng_default_{dtype}_{tag}", 0, [5, 6, 7], dtype, dims)


@case("stablehlo_composite")
def composite(main):
    part = Part(main.net)
    a, b = part.input("float32", [3, 4]), part.input("float32", [3, 4])
    total = part.add("ADD", [a, b], [("float32", [3, 4])], "AddOptions")[0]
    part.graph.outputs = part.add("MUL", [total, part.constant("float32", [[1, 2, 3, 4]])], [("float32", [3, 4])], "MulOptions")
    x, y = main.input("float32", [3, 4]), main.input("float32", [3, 4])
    return main.add("STABLEHLO_COMPOSITE", [x, y], [("float32", [3, 4])], "StableHLOCompositeOptions", name="acme.sum",
                    decompositionSubgraphIndex=part.index, compositeAttributes=np.frombuffer(flexbuffers.Dumps({}), np.uint8))


def add_case(number):
    def make(main):
        parts = []
        for op, option in (("ADD", "AddOptions"), ("MUL", "MulOptions"), ("SUB", "SubOptions")):
            part = Part(main.net)
            a, b = part.input("float32", [4]), part.input("float32", [4])
            part.graph.outputs = part.add(op, [a, b], [("float32", [4])], option)
            parts.append(part.index)
        choice = main.input("int32", [], number)
        x, y = main.input("float32", [4]), main.input("float32", [4])
        return main.add("STABLEHLO_CASE", [choice, x, y], [("float32", [4])], "StablehloCaseOptions", branchSubgraphIndices=parts)
    CASES[f"stablehlo_case_{number}"] = make


for number in (0, 1, 2, 5):
    add_case(number)


# --- conversions out of range, complex products, what carries scales through ---
OUT_OF_RANGE = np.float32([-1e20, -3e9, -300, -1.5, -0.5, 0.5, 1.9, 127.5, 200, 255.9, 300, 70000, 3e9, 5e9, 1e19, 1e20, np.nan, np.inf, -np.inf])
for dtype in ("int8", "uint8", "int16", "int32", "uint32", "int64", "bool"):
    simple(f"cast_out_of_range_{dtype}", "CAST", [dict(dtype="float32", dims=[19], values=OUT_OF_RANGE)], [(dtype, [19])], "CastOptions")
for dims in ([3, 4], [4], [1]):
    simple(f"mul_complex64_{len(dims)}d{dims[-1]}", "MUL", [("complex64", [3, 4]), ("complex64", dims)], [("complex64", [3, 4])], "MulOptions")
simple("dilate_complex64", "DILATE", [("complex64", [3, 4]), ints([2, 3]), np.complex64(1 + 2j)], [("complex64", [5, 10])])
simple("dynamic_update_slice_complex64", "DYNAMIC_UPDATE_SLICE", [("complex64", [4, 5]), ("complex64", [2, 3]), ints([1, 2])],
       [("complex64", [4, 5])], "DynamicUpdateSliceOptions")
simple("stablehlo_gather_complex64", "STABLEHLO_GATHER", [("complex64", [5, 4]), ints([[3], [0], [7]], np.int64)], [("complex64", [3, 4])],
       "StablehloGatherOptions", offsetDims=[1], collapsedSliceDims=[0], startIndexMap=[0], indexVectorDim=1, sliceSizes=[1, 4])
for dtype in ("int8", "int16"):
    for scale, out_scale, zero in ((0.05, 0.02, 0), (0.11, 0.3, 3 if dtype == "int8" else 0), (0.9, 0.9, 0)):
        for axis in ([1], [0, 2]):
            dims = [3, 2] if axis == [1] else [4]
            simple(f"reduce_prod_{dtype}_{scale}_{len(axis)}", "REDUCE_PROD",
                   [dict(dtype=dtype, dims=[3, 4, 2], low=-40, high=40, scale=scale, zero=zero), ints(axis)],
                   [(dtype, dims, out_scale, -zero)], "ReducerOptions", version=2, keepDims=False)
for dtype in ("int8", "uint8"):
    def add_carried(dtype=dtype):
        def lookup(main):
            keys, values = main.constant("int32", [-3, 0, 5, 7]), main.input(dtype, [4, 3], None, 0, 99, 0.1, 4)
            return main.add("HASHTABLE_LOOKUP", [main.input("int32", [4], [7, 1, 5, -3]), keys, values], [(dtype, [4, 3], 0.1, 4), ("uint8", [4])])

        def sparse(main):
            values, rest = main.input(dtype, [3], None, 0, 99, 0.1, 4), main.tensor(dtype, [], np.asarray(7), 0.1, 4)
            return main.add("SPARSE_TO_DENSE", [main.constant("int32", [[0, 1], [2, 3], [3, 0]]), main.constant("int32", [4, 5]), values, rest],
                            [(dtype, [4, 5], 0.1, 4)], "SparseToDenseOptions")
        CASES[f"hashtable_lookup_{dtype}_scaled"], CASES[f"sparse_to_dense_{dtype}_scaled"] = lookup, sparse
    add_carried()


def add_custom(name, op, inputs, results, **attrs):
    def make(main):
        return main.add(op, [main.input(**each) for each in inputs], results, custom_options=flexbuffers.Dumps(attrs))
    CASES[name] = make


for size in (1, 4, 8, 16, 64):
    for dims in ([3, 64], [2, 3, 128]):
        add_custom(f"hadamard_{size}_{len(dims)}d", "aeq.hadamard_rotation", [dict(dtype="float32", dims=dims)], [("float32", dims)],
                   hadamard_size=size, random_binary_vector=[1, -1, 1, 1])
for dtype, zero in (("int8", -3), ("uint8", 120), ("int16", 0)):
    add_custom(f"numeric_verify_{dtype}", "NumericVerify", [dict(dtype=dtype, dims=[4, 9], low=0, high=99, scale=0.05, zero=zero),
                                                           dict(dtype="float32", dims=[4, 9])], [("float32", [4, 9])],
               tolerance=5.0, log_if_failed=False)

# --- random numbers with seeds: each run goes on where the last one ended ---
for name, op in (("uniform", "RANDOM_UNIFORM"), ("normal", "RANDOM_STANDARD_NORMAL")):
    for dims in ([8], [3, 7], [1]):
        for seeds in ((1, 2), (-5, 2**40 + 3), (0, 9), (2**62 + 6, 0)):
            simple(f"random_{name}_{len(dims)}d{dims[-1]}_{seeds[0]}_{seeds[1]}", op, [ints(dims)], [("float32", dims)], "RandomOptions",
                   seed=seeds[0], seed2=seeds[1])
    simple(f"random_{name}_of_given_shape", op, [dict(dtype="int32", dims=[2], values=[3, 5])], [("float32", [3, 5])], "RandomOptions",
           seed=7, seed2=8)
for dtype in ("int32", "int64"):
    for draws in (1, 7, 12):
        simple(f"multinomial_{dtype}_{draws}", "MULTINOMIAL", [("float32", [3, 6]), np.int32(draws)], [(dtype, [3, draws])], "RandomOptions",
               seed=11, seed2=draws)
simple("multinomial_of_given_draws", "MULTINOMIAL", [("float32", [2, 5]), dict(dtype="int32", dims=[], values=9)], [("int32", [2, 9])],
       "RandomOptions", seed=3, seed2=4)


# --- audio front ends ---
def add_spectrogram(samples, channels, window, stride, squared):
    def make(main):
        fft = 1 << (window - 1).bit_length()
        frames = 1 + (samples - window) // stride
        return main.add("AudioSpectrogram", [main.input("float32", [samples, channels])], [("float32", [channels, frames, fft // 2 + 1])],
                        custom_options=flexbuffers.Dumps(dict(window_size=window, stride=stride, magnitude_squared=squared)))
    CASES[f"audio_spectrogram_{window}_{stride}_{int(squared)}"] = make


add_spectrogram(100, 2, 24, 8, True)
add_spectrogram(100, 1, 16, 10, False)
add_spectrogram(2000, 1, 480, 160, True)


def add_mfcc(name, values, rate, **given):
    def make(main):
        x = main.input("float32", [2, 3, values], None, 0, 9)
        return main.add("Mfcc", [x, main.constant("int32", rate)], [("float32", [2, 3, given["dct_coefficient_count"]])],
                        custom_options=flexbuffers.Dumps(given))
    CASES[name] = make


add_mfcc("mfcc", 257, 16000, upper_frequency_limit=4000, lower_frequency_limit=20, filterbank_channel_count=40, dct_coefficient_count=13)
add_mfcc("mfcc_wide", 129, 8000, upper_frequency_limit=3999.5, lower_frequency_limit=0.0, filterbank_channel_count=23,
         dct_coefficient_count=23)

# --- recurrent ---
def add_basic_lstm(dtype):
    batch, inputs, units = 2, 5, 6
    width = inputs + units
    quant = (1 / 128, 128) if dtype == "uint8" else ()
    cell = ("int16", 1 / 2048, 0) if dtype == "uint8" else ("float32", None, 0)

    def make(main):
        rng = np.random.default_rng(3)
        if dtype == "uint8":  # a bias of scale 2^-12: the sums need no rounding, which LiteRT's matrix library does in its own way
            x = main.input("uint8", [batch, inputs], None, 108, 148, *quant)
            h = main.input("uint8", [batch, units], None, 108, 148, *quant)
            w = main.tensor("uint8", [4 * units, width], rng.integers(90, 152, [4 * units, width]), 1 / 32, 121)
            b = main.tensor("int32", [4 * units], rng.integers(-9000, 9000, [4 * units]), 1 / 4096)
        else:
            x, h = main.input("float32", [batch, inputs]), main.input("float32", [batch, units])
            w = main.constant("float32", rng.uniform(-1, 1, [4 * units, width]))
            b = main.constant("float32", rng.uniform(-1, 1, [4 * units]))
        c = main.input(cell[0], [batch, units], None, -4000 if dtype == "uint8" else -2, 4000 if dtype == "uint8" else 2, *cell[1:])
        results = [(dtype, [batch, units], *quant), (cell[0], [batch, units], *cell[1:]), (dtype, [batch, width], *quant),
                   (cell[0], [batch, 4 * units], *((1 / 4096, 0) if dtype == "uint8" else ()))]
        made = main.add("LSTM", [x, h, w, b, c], results, "LSTMOptions", fusedActivationFunction=4, kernelType=1)
        return [made[0], made[1], made[3]]
    CASES[f"basic_lstm_{dtype}"] = make


add_basic_lstm("float32")
add_basic_lstm("uint8")


def random_array(rng, dtype, dims, values, low, high):
    if dtype == "string":  # LiteRT's interface takes and gives bytes
        return np.array(values, np.object_).reshape(dims)
    if values is not None:
        return np.asarray(values, dtype).reshape(dims)
    if dtype == "bool":
        return rng.integers(0, 2, dims).astype(bool)
    if dtype == "complex64":
        return (rng.uniform(low, high, dims) + 1j * rng.uniform(low, high, dims)).astype(np.complex64)
    if dtype.startswith("float"):
        return rng.uniform(low, high, dims).astype(dtype)
    return rng.integers(low, high, dims, endpoint=True).astype(dtype)


def as_text(array):
    return np.array([each.decode() for each in array.ravel()], np.str_).reshape(array.shape) if array.dtype.kind in "SO" else array


def run(model, runs, resolver):
    """The outputs of each run, one after another; `runs`: their inputs."""
    interpreter = Interpreter(model_content=model, num_threads=1, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    outputs = []
    for arrays in runs:
        for detail, array in zip(interpreter.get_input_details(), arrays):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        outputs.append([np.array(interpreter.get_tensor(detail["index"])) for detail in interpreter.get_output_details()])
    return outputs


def answer(model, runs, is_portable=False):
    try:
        if is_portable:
            return run(model, runs, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
        return run(model, runs, OpResolverType.BUILTIN_REF)
    except (RuntimeError, ValueError) as error:
        if "Didn't find op" not in str(error) and "unresolved custom op" not in str(error):
            raise
        return run(model, runs, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def write_cases(cases, folder, prefix):
    """The cases whose names begin with `prefix`. A case that LiteRT refuses is a defect of the script that has it."""
    refused = []
    for name, make in cases.items():
        if not name.startswith(prefix):
            continue
        net = Net()
        net.main.graph.outputs = list(make(net.main))
        rng = np.random.default_rng(sum(name.encode()))
        runs = [[random_array(rng, *each) for each in net.inputs] for _ in range(RUNS if name.startswith(KEEPS_STATE) else 1)]
        model = net.bytes()
        try:
            outputs = answer(model, runs, name.startswith(PORTABLE))
        except (RuntimeError, ValueError) as error:
            refused.append(f"{name}: {str(error)[:300]}")
            continue
        for i, (arrays, wanted) in enumerate(zip(runs, outputs)):
            place = name if i == 0 else f"{name}/run{i}"
            write_case(folder, place, model, [as_text(array) for array in arrays], [as_text(array) for array in wanted])
    if refused:
        sys.exit("LiteRT refuses:\n" + "\n".join(refused))


def main():
    write_cases(CASES, sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")


if __name__ == "__main__":
    main()
