"""An oracle for frozen TensorFlow graphs: GraphDef's wire format and its operators, spelled out in numpy in f64.

Slow and obvious on purpose: windows are gathered one kernel tap at a time, everything is computed in double
precision, and nothing is shared with the code under test. Source: the protos of tensorflow/core/framework and the
documentation of the operators; loops run round by round, TensorArrays are lists of arrays. Left out: branches, loops
within loops, strings, data_format NCHW.
"""
import struct

import numpy as np

DTYPES = {1: np.float32, 2: np.float64, 3: np.int32, 4: np.uint8, 5: np.int16, 6: np.int8, 9: np.int64, 10: np.bool_,
          12: np.uint8, 19: np.float16}


# --- Wire format ---


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def fields(data):
    """(tag, value) of a message: an int, 4 or 8 raw bytes, or the bytes of a length-delimited field."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if key & 7 == 2 else ({5: 4, 1: 8}[key & 7], at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def decode_shape(data):
    return [signed(dict(fields(dim)).get(1, 0)) for tag, dim in fields(data) if tag == 2]


def decode_varints(value):
    values, at = [], 0
    if isinstance(value, int):
        return [signed(value)]
    while at < len(value):
        one, at = varint(value, at)
        values.append(signed(one))
    return values


def decode_tensor(data):
    message = dict(fields(data))
    if message[1] not in DTYPES:
        return None
    dtype = np.dtype(DTYPES[message[1]])
    shape = decode_shape(message.get(2, b""))
    count = int(np.prod(shape))
    if message.get(4):
        return np.frombuffer(message[4], dtype).reshape(shape)
    values = []
    for tag, value in fields(data):
        if tag == 5:
            values += np.frombuffer(value, np.float32).tolist()
        elif tag == 6:
            values += np.frombuffer(value, np.float64).tolist()
        elif tag in (7, 10, 11):
            values += decode_varints(value)
        elif tag == 13:
            values += np.array(decode_varints(value), np.uint16).view(np.float16).tolist()
    values += [values[-1] if values else 0] * (count - len(values))
    return np.array(values).astype(dtype).reshape(shape)


def decode_attr(data):
    for tag, value in fields(data):
        if tag == 1:
            return [each for key, one in fields(value) if key == 3 for each in decode_varints(one)]
        if tag == 2:
            return value.decode("latin1")
        if tag == 3:
            return signed(value)
        if tag == 4:
            return struct.unpack("<f", value)[0]
        if tag == 5:
            return bool(value)
        if tag == 6:
            return value
        if tag == 8:
            return decode_tensor(value)
    return None


# --- Text form ---

# By message: tag to name and kind, "s" text, "i" integer, "f" or "d" real, "e" type, "b" bool, or another message.
SCHEMA = {
    "graph": {1: ("node", "node"), 4: ("versions", "versions")},
    "versions": {1: ("producer", "i")},
    "node": {1: ("name", "s"), 2: ("op", "s"), 3: ("input", "s"), 5: ("attr", "entry")},
    "entry": {1: ("key", "s"), 2: ("value", "value")},
    "value": {1: ("list", "list"), 2: ("s", "s"), 3: ("i", "i"), 4: ("f", "f"), 5: ("b", "b"), 6: ("type", "e"),
              7: ("shape", "shape"), 8: ("tensor", "tensor")},
    "list": {2: ("s", "s"), 3: ("i", "i"), 4: ("f", "f"), 6: ("type", "e"), 7: ("shape", "shape")},
    "shape": {2: ("dim", "dim"), 3: ("unknown_rank", "b")},
    "dim": {1: ("size", "i")},
    "tensor": {1: ("dtype", "e"), 2: ("tensor_shape", "shape"), 4: ("tensor_content", "s"), 5: ("float_val", "f"),
               6: ("double_val", "d"), 7: ("int_val", "i"), 8: ("string_val", "s"), 10: ("int64_val", "i"),
               11: ("bool_val", "b")},
}
TYPE_NAMES = {1: "DT_FLOAT", 2: "DT_DOUBLE", 3: "DT_INT32", 4: "DT_UINT8", 7: "DT_STRING", 9: "DT_INT64", 10: "DT_BOOL"}


def as_text(data, message="graph", indent=""):
    """A serialised GraphDef in protobuf's text form, as protobuf's own printer writes it."""
    lines = []
    for tag, value in fields(data):
        if tag not in SCHEMA[message]:
            continue
        name, kind = SCHEMA[message][tag]
        if kind in SCHEMA:
            lines.append(f"{indent}{name} {{\n{as_text(value, kind, indent + '  ')}{indent}}}\n")
        elif kind == "s":
            quoted = "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\{c:03o}" for c in value)
            lines.append(f'{indent}{name}: "{quoted}"\n')
        else:
            shown = {"i": lambda v: map(str, decode_varints(v)), "b": lambda v: ["true" if v else "false"],
                     "e": lambda v: [TYPE_NAMES[one] for one in decode_varints(v)],
                     "f": lambda v: [repr(float(one)) for one in np.frombuffer(v, "<f4")],
                     "d": lambda v: [repr(float(one)) for one in np.frombuffer(v, "<f8")]}[kind](value)
            lines += [f"{indent}{name}: {one}\n" for one in shown]
    return "".join(lines)


class Node:
    def __init__(self, data):
        self.inputs, self.attrs = [], {}
        for tag, value in fields(data):
            if tag == 1:
                self.name = value.decode()
            elif tag == 2:
                self.op = value.decode()
            elif tag == 3:
                self.inputs.append(value.decode())
            elif tag == 5:
                entry = dict(fields(value))
                self.attrs[entry[1].decode()] = decode_attr(entry.get(2, b""))


# --- Operators: inputs are arrays (reals in f64); each returns one array or a list of them ---


def taps(x, kernel, strides, padding, dilations, fill):
    """[N,OH,OW,C] for every kernel tap in row-major order."""
    pads = [(0, 0)] * 4
    sizes = []
    for axis in (1, 2):
        reach = (kernel[axis - 1] - 1) * dilations[axis] + 1
        if padding == "SAME":
            out = -(-x.shape[axis] // strides[axis])
            total = max((out - 1) * strides[axis] + reach - x.shape[axis], 0)
            pads[axis] = (total // 2, total - total // 2)
        else:
            out = (x.shape[axis] - reach) // strides[axis] + 1
        sizes.append(out)
    padded = np.pad(x, pads, constant_values=fill)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            y, z = i * dilations[1], j * dilations[2]
            yield padded[:, y:y + (sizes[0] - 1) * strides[1] + 1:strides[1],
                         z:z + (sizes[1] - 1) * strides[2] + 1:strides[2]]


def conv(a, x, w):
    parts = taps(x, w.shape[:2], a["strides"], a["padding"], a.get("dilations") or [1] * 4, 0)
    return sum(part @ tap for part, tap in zip(parts, w.reshape(-1, *w.shape[2:])))


def depthwise(a, x, w):
    parts = taps(x, w.shape[:2], a["strides"], a["padding"], a.get("dilations") or [1] * 4, 0)
    total = sum(part[..., None] * tap for part, tap in zip(parts, w.reshape(-1, *w.shape[2:])))
    return total.reshape(*total.shape[:3], -1)


def max_pool(a, x):
    return np.max(list(taps(x, a["ksize"][1:3], a["strides"], a["padding"], [1] * 4, -np.inf)), axis=0)


def avg_pool(a, x):
    window = (a["ksize"][1:3], a["strides"], a["padding"], [1] * 4, 0)
    return sum(taps(x, *window)) / sum(taps(np.ones_like(x), *window))


def batch_norm(a, x, scale, offset, mean, variance):
    return (x - mean) / np.sqrt(variance + a.get("epsilon", 1e-4)) * scale + offset


def matmul(a, x, y):
    return (x.T if a.get("transpose_a") else x) @ (y.T if a.get("transpose_b") else y)


def softmax(_, x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def strided_slice(a, x, begin, end, strides):
    index = []
    for i in range(len(begin)):
        bit = 1 << i
        if a.get("ellipsis_mask", 0) & bit:
            index.append(Ellipsis)
        elif a.get("new_axis_mask", 0) & bit:
            index.append(None)
        elif a.get("shrink_axis_mask", 0) & bit:
            index.append(int(begin[i]))
        else:
            index.append(slice(None if a.get("begin_mask", 0) & bit else int(begin[i]),
                               None if a.get("end_mask", 0) & bit else int(end[i]), int(strides[i])))
    return x[tuple(index)]


def depth_to_space(a, x):
    n, h, w, c = x.shape
    b = a["block_size"]
    return x.reshape(n, h, w, b, b, c // b // b).transpose(0, 1, 3, 2, 4, 5).reshape(n, h * b, w * b, c // b // b)


def space_to_batch(_, x, block, paddings):
    x = np.pad(x, [(0, 0), *map(tuple, paddings), *[(0, 0)] * (x.ndim - 1 - len(block))])
    parts = [x[(slice(None), *(slice(o, None, b) for o, b in zip(offset, block)))] for offset in np.ndindex(*block)]
    return np.concatenate(parts)


def batch_to_space(_, x, block, crops):
    parts = np.split(x, int(np.prod(block)))
    extents = [x.shape[i + 1] * block[i] for i in range(len(block))]
    y = np.empty([parts[0].shape[0], *extents, *x.shape[1 + len(block):]])
    for part, offset in zip(parts, np.ndindex(*block)):
        y[(slice(None), *(slice(o, None, b) for o, b in zip(offset, block)))] = part
    return y[(slice(None), *(slice(c[0], extent - c[1]) for c, extent in zip(crops, extents)))]


def squeeze(a, x):
    return x.squeeze(tuple(a.get("squeeze_dims") or [i for i, n in enumerate(x.shape) if n == 1]))


def dequantize(a, x, low, high):
    """MIN_FIRST: the minimum is first rounded to a whole number of steps."""
    assert a["mode"] == "MIN_FIRST" and x.dtype == np.uint8
    step = (high - low) / 255
    return (x + np.round(low / step)) * step if step else np.full(x.shape, low)


def transposed(_, x, permutation):
    return x.transpose(permutation)


OPERATORS = {
    "Identity": lambda a, x: x,
    "Conv2D": conv, "DepthwiseConv2dNative": depthwise, "MaxPool": max_pool, "AvgPool": avg_pool,
    "FusedBatchNorm": batch_norm, "MatMul": matmul, "Softmax": softmax, "StridedSlice": strided_slice,
    "DepthToSpace": depth_to_space, "SpaceToBatchND": space_to_batch, "BatchToSpaceND": batch_to_space,
    "Squeeze": squeeze, "Dequantize": dequantize, "Transpose": transposed,
    "Add": lambda a, x, y: x + y, "BiasAdd": lambda a, x, y: x + y, "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y, "RealDiv": lambda a, x, y: x / y, "FloorMod": lambda a, x, y: x % y,
    "Maximum": lambda a, x, y: np.maximum(x, y),
    "Relu": lambda a, x: np.maximum(x, 0), "Relu6": lambda a, x: np.clip(x, 0, 6), "Abs": lambda a, x: np.abs(x),
    "Tanh": lambda a, x: np.tanh(x), "Sigmoid": lambda a, x: 1 / (1 + np.exp(-x)), "Floor": lambda a, x: np.floor(x),
    "Rsqrt": lambda a, x: 1 / np.sqrt(x), "Square": lambda a, x: x * x,
    "Sum": lambda a, x, axes: x.sum(tuple(np.atleast_1d(axes)), keepdims=a.get("keep_dims", False)),
    "Reshape": lambda a, x, shape: x.reshape(shape), "Shape": lambda a, x: np.array(x.shape, np.int32),
    "ExpandDims": lambda a, x, axis: np.expand_dims(x, int(axis)),
    "Fill": lambda a, dims, value: np.full(dims, value),
    "Pack": lambda a, *x: np.stack(x, a.get("axis", 0)),
    "Unpack": lambda a, x: [np.take(x, i, a.get("axis", 0)) for i in range(a["num"])],
    "Split": lambda a, axis, x: np.split(x, a["num_split"], int(axis)),
    "ConcatV2": lambda a, *x: np.concatenate(x[:-1], int(x[-1])),
    "Pad": lambda a, x, paddings: np.pad(x, [tuple(pair) for pair in paddings]),
    "Range": lambda a, start, limit, delta: np.arange(int(start), int(limit), int(delta)),
    "Less": lambda a, x, y: x < y,
    # A handle is nothing, the flow carries the elements.
    "TensorArrayV3": lambda a, size: [0, [None] * int(size)],
    "TensorArrayScatterV3": lambda a, handle, indices, value, flow: [[value[int(i)] for i in indices]],
    "TensorArrayReadV3": lambda a, handle, index, flow: flow[int(index)],
    # Only ever multiplied away: dropout with keep_prob 1.
    "RandomUniform": lambda a, shape: np.full(shape, 0.5),
}


class GraphDef:
    def __init__(self, path):
        nodes = [Node(value) for tag, value in fields(path.read_bytes()) if tag == 1]
        self.nodes = {node.name: node for node in nodes}

    def run(self, feeds, output):
        """`output` (a node), computed from `feeds`: arrays by node name, of placeholders or of any other node."""
        values = {name: [widened(array)] for name, array in feeds.items()}
        self.compute(values, [output])
        return values[output][0]

    def compute(self, values, wanted):
        """Adds the results of the nodes `wanted`, and of what they need, to `values`."""
        pending = list(wanted)
        while pending:
            node = self.nodes[pending[-1]]
            if node.op == "Exit" and node.name not in values:
                frame = self.frame_of(node)
                missing = [name for name in frame.outside if name not in values]
                if not missing:
                    self.run_frame(values, frame)
                pending += missing
                continue
            inputs = [text.partition(":") for text in node.inputs if not text.startswith("^")]
            missing = [name for name, _, _ in inputs if name not in values]
            if node.name not in values and missing:
                pending += missing
                continue
            pending.pop()
            if node.name in values:
                continue
            if node.op == "Const":
                values[node.name] = [widened(node.attrs["value"])]
                continue
            result = OPERATORS[node.op](node.attrs, *[values[name][int(index or 0)] for name, _, index in inputs])
            values[node.name] = result if isinstance(result, list) else [result]

    def frame_of(self, leave):
        """The loop that the node Exit leaves."""
        switch = self.nodes[name_of(leave.inputs[0])]
        merge = self.nodes[name_of(switch.inputs[0])]
        enter = next(self.nodes[name_of(text)] for text in merge.inputs if self.nodes[name_of(text)].op == "Enter")
        return Frame(self.nodes, enter.attrs["frame_name"], name_of(switch.inputs[1]))

    def run_frame(self, values, frame):
        constants = {enter.name: values[name_of(enter.inputs[0])][index_of(enter.inputs[0]):][:1]
                     for enter in frame.constants}
        carried = [values[name_of(enter.inputs[0])][index_of(enter.inputs[0])] for enter, _, _ in frame.carried]
        while True:
            inside = dict(constants)
            inside.update({merge.name: [value] for (_, merge, _), value in zip(frame.carried, carried)})
            source = name_of(self.nodes[frame.condition].inputs[0])
            self.compute(inside, [source])
            if not inside[source][0]:
                break
            for switch in frame.switches:
                value = inside[name_of(switch.inputs[0])][0]
                inside[switch.name] = [value, value]
            following = [after.inputs[0] for _, _, after in frame.carried]
            self.compute(inside, [name_of(text) for text in following])
            carried = [inside[name_of(text)][index_of(text)] for text in following]
        by_merge = {merge.name: value for (_, merge, _), value in zip(frame.carried, carried)}
        for leave, merge in frame.exits:
            values[leave.name] = [by_merge[merge]]


class Frame:
    """What belongs to one loop: (Enter, Merge, NextIteration) of every carried value, Enters of others, Exits."""

    def __init__(self, nodes, name, condition):
        self.condition = condition
        enters = {node.name for node in nodes.values() if node.op == "Enter" and node.attrs["frame_name"] == name}
        self.carried, self.switches, self.exits = [], [], []
        for node in nodes.values():
            if node.op == "Merge" and name_of(node.inputs[0]) in enters:
                self.carried.append((nodes[name_of(node.inputs[0])], node, nodes[name_of(node.inputs[1])]))
        merges = {merge.name for _, merge, _ in self.carried}
        for node in nodes.values():
            if node.op == "Switch" and name_of(node.inputs[0]) in merges:
                self.switches.append(node)
        sources = {switch.name: name_of(switch.inputs[0]) for switch in self.switches}
        for node in nodes.values():
            if node.op == "Exit" and name_of(node.inputs[0]) in sources:
                self.exits.append((node, sources[name_of(node.inputs[0])]))
        self.constants = [nodes[each] for each in enters - {enter.name for enter, _, _ in self.carried}]
        self.outside = [name_of(nodes[each].inputs[0]) for each in enters]


def name_of(text):
    return text.partition(":")[0]


def index_of(text):
    return int(text.partition(":")[2] or 0)


def widened(array):
    return array.astype(np.float64) if array.dtype.kind == "f" else array
