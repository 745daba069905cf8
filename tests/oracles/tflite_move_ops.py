"""Writes .tflite models of operators that move, pick and count elements, in every type that LiteRT takes, with its answers;
of suppression and control flow, too.

usage: tflite_move_ops.py FOLDER [PREFIX]

Laid out as tflite_ops.py's cases. TAKES says which types LiteRT's kernels take, by the longest
beginning of a name; the others take every type.
"""
import sys

import numpy as np

from tflite_more_ops import TYPES, Part, write_cases

CASES = {}
LETTERS = {"f": "float32", "h": "float16", "d": "float64", "b": "int8", "B": "uint8", "s": "int16", "S": "uint16", "i": "int32", "I": "uint32",
           "l": "int64", "L": "uint64", "?": "bool", "c": "complex64"}
EVERYTHING = "fhdbBsSiIlL?c"
TAKES = {
    "depth_to_space": "fbBil", "space_to_depth": "fbBil", "split": "fbBsil", "split_v": "fbBsil", "unpack": "fhbBsi?", "pack": "fbBsiIl",
    "concatenation": "fhbBsiIl?", "gather": "fhbBsil?", "reverse": "fhbBsil?", "reverse_sequence": "fBsil", "pad": "fhbBsil?",
    "range": "fil", "one_hot": "fbBil?", "top_k": "fbBsil", "unique": "fbBsil", "where": "fbBiIl?", "scatter_nd": "fbBil?", "add_n": "fi",
    "atan2": "fhd", "bitwise_xor": "bBsSiI", "right_shift": "bBsSiI", "local_response_normalization": "f", "bitcast_int32": "fdiIlLc",
    "bitcast_int16": "fhdsSiIlLc"}


def ints(values, dtype=np.int32):
    return np.asarray(values, dtype)


def case(name, op, inputs, results, option=None, version=1, **fields):
    """For each type that `op` takes: "x" in inputs and results stands for it; (dims,) is an operand of it with these dims, a bare number a constant of it."""
    for letter in TAKES.get(max((each for each in TAKES if name.startswith(each)), key=len, default=None), EVERYTHING):
        dtype = LETTERS[letter]

        def make(main, dtype=dtype):
            ids = []
            for each in inputs:
                if isinstance(each, np.ndarray):
                    ids.append(main.constant(each.dtype.name, each))
                elif isinstance(each, tuple):
                    ids.append(main.input(dtype, each[0], each[1] if len(each) > 1 else None, 0 if dtype[0] in "ub" else -9, 9))
                elif isinstance(each, dict):
                    ids.append(main.input(**each))
                else:
                    ids.append(main.constant(dtype, each))
            return main.add(op, ids, [(dtype if kind == "x" else kind, dims) for kind, dims in results], option, version=version, **fields)
        CASES[f"{name}.{dtype}"] = make


# --- shapes ---
case("reshape", "RESHAPE", [([2, 3, 4],), ints([4, -1])], [("x", [4, 6])], "ReshapeOptions", newShape=[4, -1])
case("squeeze", "SQUEEZE", [([2, 1, 3, 1],)], [("x", [2, 3, 1])], "SqueezeOptions", squeezeDims=[1])
case("squeeze_all", "SQUEEZE", [([2, 1, 3, 1],)], [("x", [2, 3])], "SqueezeOptions", squeezeDims=[])
case("expand_dims", "EXPAND_DIMS", [([2, 3],), ints(-2)], [("x", [2, 1, 3])], "ExpandDimsOptions")
for kind in ("int32", "int64"):
    case(f"shape_{kind}", "SHAPE", [([2, 1, 3],)], [(kind, [3])], "ShapeOptions", outType=TYPES[kind])
case("broadcast_to", "BROADCAST_TO", [([3, 1],), ints([2, 3, 4])], [("x", [2, 3, 4])], "BroadcastToOptions", version=2)
case("broadcast_to_long", "BROADCAST_TO", [([1, 4],), ints([3, 4], np.int64)], [("x", [3, 4])], "BroadcastToOptions", version=2)
case("transpose", "TRANSPOSE", [([2, 3, 4],), ints([2, 0, 1])], [("x", [4, 2, 3])], "TransposeOptions")
case("transpose_6d", "TRANSPOSE", [([2, 1, 3, 2, 2, 3],), ints([5, 3, 0, 1, 4, 2])], [("x", [3, 2, 2, 1, 2, 3])], "TransposeOptions")
case("depth_to_space", "DEPTH_TO_SPACE", [([1, 2, 3, 8],)], [("x", [1, 4, 6, 2])], "DepthToSpaceOptions", blockSize=2)
case("space_to_depth", "SPACE_TO_DEPTH", [([1, 4, 6, 2],)], [("x", [1, 2, 3, 8])], "SpaceToDepthOptions", blockSize=2)
case("space_to_batch", "SPACE_TO_BATCH_ND", [([2, 3, 4, 2],), ints([2, 2]), ints([[1, 0], [0, 2]])], [("x", [8, 2, 3, 2])])
case("batch_to_space", "BATCH_TO_SPACE_ND", [([8, 2, 3, 2],), ints([2, 2]), ints([[1, 0], [0, 2]])], [("x", [2, 3, 4, 2])])
case("space_to_batch_3d", "SPACE_TO_BATCH_ND", [([2, 4, 3],), ints([2]), ints([[0, 0]])], [("x", [4, 2, 3])])

# --- parts ---
case("slice", "SLICE", [([4, 5],), ints([1, 2]), ints([2, -1])], [("x", [2, 3])], "SliceOptions")
case("slice_long", "SLICE", [([4, 5],), ints([0, 1], np.int64), ints([-1, 3], np.int64)], [("x", [4, 3])], "SliceOptions")
case("strided_slice", "STRIDED_SLICE", [([4, 5, 3],), ints([-1, 1, 0]), ints([-5, 5, 3]), ints([-2, 2, 1])], [("x", [2, 2, 3])],
     "StridedSliceOptions")
case("strided_slice_masks", "STRIDED_SLICE", [([4, 5, 3],), ints([1, 9, 2]), ints([3, 9, 0]), ints([1, 1, 1])], [("x", [2, 5])],
     "StridedSliceOptions", beginMask=2, endMask=2, shrinkAxisMask=4)
case("strided_slice_new_axis", "STRIDED_SLICE", [([4, 5],), ints([0, 1, 1]), ints([0, 3, 4]), ints([1, 1, 2])], [("x", [1, 2, 2])],
     "StridedSliceOptions", newAxisMask=1)
case("strided_slice_ellipsis", "STRIDED_SLICE", [([2, 3, 4],), ints([0, 1]), ints([0, 3]), ints([1, 1])], [("x", [2, 3, 2])],
     "StridedSliceOptions", ellipsisMask=1)
case("split", "SPLIT", [ints(1), ([2, 6],)], [("x", [2, 2])] * 3, "SplitOptions", numSplits=3)
case("split_v", "SPLIT_V", [([2, 6],), ints([1, -1, 2]), ints(1)], [("x", [2, 1]), ("x", [2, 3]), ("x", [2, 2])], "SplitVOptions", numSplits=3)
case("unpack", "UNPACK", [([2, 3],)], [("x", [2])] * 3, "UnpackOptions", num=3, axis=-1)
case("pack", "PACK", [([2, 3],), ([2, 3],)], [("x", [2, 2, 3])], "PackOptions", valuesCount=2, axis=1)
case("concatenation", "CONCATENATION", [([2, 3],), ([2, 1],), ([2, 2],)], [("x", [2, 6])], "ConcatenationOptions", axis=-1)
for kind in (np.int16, np.int32, np.int64):
    case(f"gather_{np.dtype(kind).name}", "GATHER", [([4, 3],), ints([3, 0, 0], kind)], [("x", [3, 3])], "GatherOptions", axis=0)
case("gather_axis", "GATHER", [([2, 4, 3],), ints([[3, 0], [1, 1]])], [("x", [2, 2, 2, 3])], "GatherOptions", axis=1)
case("gather_batches", "GATHER", [([2, 4, 3],), ints([[3, 0], [1, 1]])], [("x", [2, 2, 3])], "GatherOptions", axis=1, batchDims=1)
for kind in (np.int16, np.int32, np.int64):
    case(f"gather_nd_{np.dtype(kind).name}", "GATHER_ND", [([4, 3, 2],), ints([[3, 0], [1, 2]], kind)], [("x", [2, 2])], "GatherNdOptions")
case("reverse", "REVERSE_V2", [([2, 3, 4],), ints([1])], [("x", [2, 3, 4])], "ReverseV2Options")
case("reverse_two", "REVERSE_V2", [([2, 3, 4],), ints([1, 2])], [("x", [2, 3, 4])], "ReverseV2Options")
for kind in (np.int32, np.int64):
    case(f"reverse_sequence_{np.dtype(kind).name}", "REVERSE_SEQUENCE", [([3, 4, 2],), ints([2, 4, 1], kind)], [("x", [3, 4, 2])],
         "ReverseSequenceOptions", seqDim=1, batchDim=0)

# --- borders, copies, constants ---
case("pad", "PAD", [([2, 3],), ints([[1, 0], [0, 2]])], [("x", [3, 5])], "PadOptions")
case("pad_long", "PAD", [([2, 3],), ints([[1, 0], [0, 2]], np.int64)], [("x", [3, 5])], "PadOptions")
case("pad_5d", "PAD", [([1, 2, 1, 2, 3],), ints([[1, 0], [0, 1], [0, 0], [1, 1], [0, 2]])], [("x", [2, 3, 1, 4, 5])], "PadOptions")
case("pad_v2", "PADV2", [([2, 3],), ints([[1, 0], [0, 2]]), 5], [("x", [3, 5])], "PadV2Options")
for mode in (0, 1):
    case(f"mirror_pad_{mode}", "MIRROR_PAD", [([3, 4],), ints([[1, 2], [2, 1]])], [("x", [6, 7])], "MirrorPadOptions", mode=mode)
case("tile", "TILE", [([2, 3],), ints([2, 2])], [("x", [4, 6])])
case("tile_long", "TILE", [([2, 3],), ints([1, 3], np.int64)], [("x", [2, 9])])
case("fill", "FILL", [ints([2, 3]), ([],)], [("x", [2, 3])], "FillOptions")
case("fill_long", "FILL", [ints([2, 3], np.int64), ([],)], [("x", [2, 3])], "FillOptions")
case("range", "RANGE", [1, 9, 3], [("x", [3])], "RangeOptions")
case("one_hot", "ONE_HOT", [ints([1, 0, 7, -1]), ints(3), ([], 5), ([], 2)], [("x", [4, 3])], "OneHotOptions", axis=-1)
case("one_hot_axis", "ONE_HOT", [ints([[1, 0], [2, 1]]), ints(3), ([], 5), ([], 2)], [("x", [2, 3, 2])], "OneHotOptions", axis=1)

# --- what depends on values ---
for kind in ("int32", "int64"):
    case(f"unique_{kind}", "UNIQUE", [([6], [3, 1, 3, 2, 1, 1])], [("x", [3]), (kind, [6])], "UniqueOptions", idxOutType=TYPES[kind])
case("top_k", "TOPK_V2", [([3, 7],), ints(3)], [("x", [3, 3]), ("int32", [3, 3])], "TopKV2Options")
case("where", "WHERE", [([2, 3], [[0, 1, 1], [1, 0, 0]])], [("int64", [3, 2])], "WhereOptions")
case("scatter_nd", "SCATTER_ND", [ints([[3], [0], [3]]), ([3, 2],), ints([4, 2])], [("x", [4, 2])], "ScatterNdOptions")
case("add_n", "ADD_N", [([2, 3],), ([2, 3],), ([2, 3],)], [("x", [2, 3])], "AddNOptions")
case("atan2", "ATAN2", [([2, 3],), ([2, 3],)], [("x", [2, 3])], "ATan2Options")
case("bitwise_xor", "BITWISE_XOR", [([2, 3],), ([2, 3],)], [("x", [2, 3])], "BitwiseXorOptions")
case("bitwise_xor_row", "BITWISE_XOR", [([2, 3],), ([3],)], [("x", [2, 3])], "BitwiseXorOptions")
case("right_shift", "RIGHT_SHIFT", [([2, 3],), ([2, 3], [[0, 1, 2], [3, 1, 0]])], [("x", [2, 3])], "RightShiftOptions")
case("local_response_normalization", "LOCAL_RESPONSE_NORMALIZATION", [([1, 2, 2, 7],)], [("x", [1, 2, 2, 7])],
     "LocalResponseNormalizationOptions", radius=2, bias=1.5, alpha=0.3, beta=0.6)
for to, dims in (("int32", [2, 3]), ("uint8", [2, 3, 4]), ("int16", [2, 3, 2])):
    case(f"bitcast_{to}", "BITCAST", [([2, 3],)], [(to, dims)], "BitcastOptions")


# --- boxes ---
def add_suppression(name, count, most, overlap, score, sigma=None, is_dynamic=False):
    def make(main):
        rng = np.random.default_rng(sum(name.encode()))
        corners = rng.uniform(0, 1, (count, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(0.1, 0.6, (count, 2))], 1)
        boxes[::3] = boxes[::3, [2, 3, 0, 1]]  # either diagonal
        operands = [main.input("float32", [count, 4], boxes), main.input("float32", [count], None, 0, 1),
                    main.input("int32", [], most) if is_dynamic else main.constant("int32", most), main.constant("float32", overlap),
                    main.constant("float32", score)]
        if sigma is None:
            return main.add("NON_MAX_SUPPRESSION_V4", operands, [("int32", [most]), ("int32", [])], "NonMaxSuppressionV4Options")
        return main.add("NON_MAX_SUPPRESSION_V5", operands + [main.constant("float32", sigma)],
                        [("int32", [most]), ("float32", [most]), ("int32", [])], "NonMaxSuppressionV5Options")
    CASES[name] = make


for number, (count, most, overlap, score) in enumerate(((20, 5, 0.5, 0.0), (20, 30, 0.3, 0.2), (40, 40, 0.1, 0.6), (7, 4, 1.0, 0.99), (9, 0, 0.5, 0.0))):
    add_suppression(f"suppression_v4_{number}", count, most, overlap, score)
    for sigma in (0.0, 0.3):
        add_suppression(f"suppression_v5_{number}_{sigma}", count, most, overlap, score, sigma)
add_suppression("suppression_v4_dynamic", 12, 6, 0.4, 0.1, is_dynamic=True)


# --- control flow ---
def add_branch(name, chosen):
    def make(main):
        indices = []
        for op, option in (("ADD", "AddOptions"), ("MUL", "MulOptions")):
            branch = Part(main.net)
            a, b = branch.input("float32", [2, 3]), branch.input("float32", [3])
            branch.graph.outputs = branch.add(op, [a, b], [("float32", [2, 3])], option)
            indices.append(branch.index)
        operands = [main.input("bool", [], chosen), main.input("float32", [2, 3]), main.input("float32", [3])]
        return main.add("IF", operands, [("float32", [2, 3])], "IfOptions", thenSubgraphIndex=indices[0], elseSubgraphIndex=indices[1])
    CASES[name] = make


def add_loop(name, limit):
    """Doubles x until the counter, which goes up by 3, has reached `limit`."""
    def make(main):
        condition, body = Part(main.net), Part(main.net)
        count, _ = condition.input("int32", []), condition.input("float32", [4])
        condition.graph.outputs = condition.add("LESS", [count, condition.constant("int32", limit)], [("bool", [])], "LessOptions")
        count, x = body.input("int32", []), body.input("float32", [4])
        more = body.add("ADD", [count, body.constant("int32", 3)], [("int32", [])], "AddOptions")
        body.graph.outputs = more + body.add("ADD", [x, x], [("float32", [4])], "AddOptions")
        operands = [main.input("int32", [], 1), main.input("float32", [4])]
        return main.add("WHILE", operands, [("int32", []), ("float32", [4])], "WhileOptions", condSubgraphIndex=condition.index,
                        bodySubgraphIndex=body.index)
    CASES[name] = make


add_branch("if_then", True)
add_branch("if_else", False)
for limit in (0, 2, 20):
    add_loop(f"while_{limit}", limit)


def main():
    write_cases(CASES, sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")


if __name__ == "__main__":
    main()
