"""Writes one-operator .tflite models of element-wise operators and reductions, with LiteRT's answers.

usage: tflite_math_ops.py FOLDER [PREFIX]

For every case FOLDER/<case>/ holds model.tflite, input<i>.npy and output<i>.npy, as tflite_ops.py
writes them. 8-bit unary cases see all 256 inputs. Seeded: the same files every time. PREFIX limits the cases.
"""
import sys

import numpy as np
from ai_edge_litert.interpreter import OpResolverType

from tflite_ops import Tensor, build, random_array, run, write_case

CASES = {}
ACTS = {"none": 0, "relu": 1, "relun1": 2, "relu6": 3}
ZEROS = {"int8": (-5, 17, 9), "uint8": (121, 60, 140), "int16": (0, 0, 0), "float32": (0, 0, 0), "int32": (0, 0, 0)}
STEP = {"int8": 1.0, "uint8": 1.0, "int16": 1 / 256}


def case(name, **spec):
    CASES[name] = spec


def scaled(dtype, scale):
    return STEP[dtype] * scale if dtype in STEP else None


# --- unary ---
def every(dtype):
    info = np.iinfo(dtype)
    return np.arange(info.min, info.max + 1).astype(dtype)


def unary(op, dtype, s_in, s_out, z_in=None, z_out=None, option=None, fields=None, version=1, tag="", low=None, positive=False):
    n = 256 if dtype in ("int8", "uint8") else 4096
    if z_in is None:
        z_in = ZEROS[dtype][0]
    if z_out is None:
        z_out = ZEROS[dtype][2]
    info = np.iinfo(dtype)
    values = every(dtype) if n == 256 else np.linspace(info.min, info.max, n).astype(dtype)
    if positive:
        values = np.maximum(values, z_in + 1)
    x = Tensor(dtype, [n], scale=s_in, zero=z_in)
    y = Tensor(dtype, [n], scale=s_out, zero=z_out)
    case(f"{op.lower()}_{dtype}_{s_in:.4g}_{s_out:.4g}{tag}", op=op, tensors=[x, y], inputs=[0], outputs=[1], option=option,
         fields=fields, version=version, arrays=[values])


for dt in ("int8", "uint8", "int16"):
    k = STEP[dt]
    for s in (0.02, 0.047, 0.11):
        unary("LOGISTIC", dt, s * k, 1 / 256 if k == 1 else 1 / 32768, z_out={"int8": -128, "uint8": 0, "int16": 0}[dt], version=3)
        unary("TANH", dt, s * k, 1 / 128 if k == 1 else 1 / 32768, z_out={"int8": 0, "uint8": 128, "int16": 0}[dt], version=3)
        unary("LEAKY_RELU", dt, s * k, 0.037 * k, option="LeakyReluOptions", fields=dict(alpha=0.13), version=2)
        unary("LEAKY_RELU", dt, s * k, 0.037 * k, option="LeakyReluOptions", fields=dict(alpha=-0.3), version=2, tag="_negative")
        unary("RELU", dt, s * k, 0.041 * k, version=2)
        unary("RELU6", dt, s * k, 0.041 * k, version=2)
        if dt != "int16":
            unary("HARD_SWISH", dt, s, 0.043)
            unary("HARD_SWISH", dt, s, 0.0291, tag="_fine")
            unary("RELU_N1_TO_1", dt, s, 0.031)
            unary("ELU", dt, s, 0.03) if dt == "int8" else None
            unary("GELU", dt, s, 0.03, option="GeluOptions", fields=dict(approximate=False), version=2)
            unary("GELU", dt, s, 0.03, option="GeluOptions", fields=dict(approximate=True), version=2, tag="_tanh")
        if dt != "uint8":
            unary("ABS", dt, s * k, 0.04 * k, option="AbsOptions", version=4)
            unary("RSQRT", dt, s * k, 0.04 * k, version=3, positive=True, z_in=-128 if k == 1 else 0)
            unary("EXP", dt, s * k, 0.3 * k, option="ExpOptions", version=2)
            unary("LOG", dt, s * k, 0.05 * k, version=2, positive=True, z_in=-128 if k == 1 else 0)
    if dt == "int8":
        unary("ABS", dt, 0.05, 0.05, z_in=3, z_out=3, option="AbsOptions", version=4, tag="_same")


# --- binary ---
SHAPES = {"same": ([2, 5, 7], [2, 5, 7]), "row": ([2, 5, 7], [7]), "scalar": ([3, 50], [1]), "outer": ([9, 1], [1, 23]),
          "channel": ([1, 4, 3, 5], [1, 1, 1, 5])}


def binary(op, dtype, shape, scales, act=None, option=None, fields=None, version=1, out_type=None, zeros=None, tag="", b_low=None):
    a, b = SHAPES[shape]
    out = list(np.broadcast_shapes(a, b))
    za, zb, zy = zeros or ZEROS[dtype]
    fields = dict(fields or {})
    if act is not None:
        fields["fusedActivationFunction"] = ACTS[act]
    s = [scaled(dtype, x) for x in scales]
    ty = out_type or dtype
    tensors = [Tensor(dtype, a, scale=s[0], zero=za), Tensor(dtype, b, scale=s[1], zero=zb, low=b_low),
               Tensor(ty, out, scale=s[2] if ty == dtype else None, zero=zy if ty == dtype else 0)]
    case(f"{op.lower()}_{dtype}_{shape}_{act or 'plain'}{tag}", op=op, tensors=tensors, inputs=[0, 1], outputs=[2], option=option,
         fields=fields, version=version)


for dt in ("int8", "uint8", "int16", "float32"):
    for shape in SHAPES:
        binary("ADD", dt, shape, (0.03, 0.017, 0.05), "none", "AddOptions", version=2)
        binary("SUB", dt, shape, (0.03, 0.017, 0.05), "none", "SubOptions", version=2)
        binary("MUL", dt, shape, (0.03, 0.017, 0.05), "none", "MulOptions", version=2)
        binary("SQUARED_DIFFERENCE", dt, shape, (0.03, 0.017, 0.05), None, "SquaredDifferenceOptions", version=2) if dt in ("int8", "float32") else None
        if dt in ("uint8", "int8"):
            binary("DIV", dt, shape, (0.03, 0.017, 0.02), "none", "DivOptions", version=2, b_low=ZEROS[dt][1] + 1)
        if dt == "float32":
            binary("DIV", dt, shape, (0.03, 0.017, 0.05), "none", "DivOptions", version=2)
        for op_, opt in (("MAXIMUM", "MaximumMinimumOptions"), ("MINIMUM", "MaximumMinimumOptions")):
            binary(op_, dt, shape, (0.03, 0.03, 0.03), None, opt, version=3, zeros=(ZEROS[dt][0],) * 3)
        if dt != "int16":
            for op_ in ("LESS", "GREATER_EQUAL", "EQUAL", "NOT_EQUAL", "GREATER", "LESS_EQUAL"):
                name = {"LESS": "LessOptions", "GREATER_EQUAL": "GreaterEqualOptions", "EQUAL": "EqualOptions", "NOT_EQUAL": "NotEqualOptions",
                        "GREATER": "GreaterOptions", "LESS_EQUAL": "LessEqualOptions"}[op_]
                binary(op_, dt, shape, (0.03, 0.017, 0.05), None, name, version=2, out_type="bool")
                binary(op_, dt, shape, (0.03, 0.03, 0.05), None, name, version=2, out_type="bool", zeros=(ZEROS[dt][0],) * 3, tag="_one_scale")
    for act in ("relu", "relun1", "relu6"):
        binary("ADD", dt, "same", (0.03, 0.017, 0.05), act, "AddOptions", version=2)
        binary("SUB", dt, "row", (0.03, 0.017, 0.05), act, "SubOptions", version=2)
        binary("MUL", dt, "row", (0.03, 0.017, 0.05), act, "MulOptions", version=2)
for dt in ("int8", "uint8"):
    for shape in ("same", "channel"):
        binary("PRELU", dt, shape, (0.03, 0.007, 0.02), version=1)
for shape in SHAPES:
    binary("FLOOR_DIV", "int32", shape, (1, 1, 1), None, "FloorDivOptions", version=2, b_low=1)
    binary("FLOOR_MOD", "int32", shape, (1, 1, 1), None, "FloorModOptions", version=1, b_low=1)
    binary("FLOOR_MOD", "float32", shape, (1, 1, 1), None, "FloorModOptions", version=1)
    binary("FLOOR_DIV", "float32", shape, (1, 1, 1), None, "FloorDivOptions", version=2)
    binary("ADD", "int32", shape, (1, 1, 1), "none", "AddOptions")

# --- float unary ---
for op_, low, high in (("ABS", -3, 3), ("SQRT", 0.1, 4), ("RSQRT", 0.1, 4), ("SQUARE", -3, 3), ("EXP", -3, 3), ("LOG", 0.1, 4), ("SIN", -3, 3),
                       ("COS", -3, 3), ("NEG", -3, 3), ("RELU", -3, 3), ("RELU6", -2, 9), ("RELU_N1_TO_1", -3, 3), ("ELU", -3, 3),
                       ("HARD_SWISH", -5, 5), ("LOGISTIC", -5, 5), ("TANH", -3, 3), ("FLOOR", -3, 3), ("CEIL", -3, 3), ("ROUND", -3, 3),
                       ("SIGN", -3, 3), ("ZEROS_LIKE", -3, 3), ("RELU_0_TO_1", -3, 3)):
    case(f"{op_.lower()}_float32", op=op_, tensors=[Tensor("float32", [5, 17], low=low, high=high), Tensor("float32", [5, 17])], inputs=[0],
         outputs=[1])
for approximate in (False, True):
    case(f"gelu_float32_{int(approximate)}", op="GELU", option="GeluOptions", fields=dict(approximate=approximate), inputs=[0], outputs=[1],
         tensors=[Tensor("float32", [5, 17]), Tensor("float32", [5, 17])])
case("leaky_relu_float32", op="LEAKY_RELU", option="LeakyReluOptions", fields=dict(alpha=0.2), inputs=[0], outputs=[1],
     tensors=[Tensor("float32", [5, 17]), Tensor("float32", [5, 17])])
case("pow_float32", op="POW", option="PowOptions", inputs=[0, 1], outputs=[2],
     tensors=[Tensor("float32", [5, 17], low=0.1), Tensor("float32", [5, 17]), Tensor("float32", [5, 17])])
for op_ in ("LOGICAL_AND", "LOGICAL_OR"):
    case(op_.lower(), op=op_, option="LogicalAndOptions" if op_ == "LOGICAL_AND" else "LogicalOrOptions", inputs=[0, 1], outputs=[2],
         tensors=[Tensor("bool", [40]), Tensor("bool", [40]), Tensor("bool", [40])],
         arrays=[np.arange(40) % 2 == 0, np.arange(40) % 3 == 0])
case("logical_not", op="LOGICAL_NOT", option="LogicalNotOptions", inputs=[0], outputs=[1], tensors=[Tensor("bool", [40]), Tensor("bool", [40])],
     arrays=[np.arange(40) % 2 == 0])
for op_, option_ in (("SELECT", "SelectOptions"), ("SELECT_V2", "SelectV2Options")):
    case(op_.lower(), op=op_, option=option_, inputs=[0, 1, 2], outputs=[3],
         tensors=[Tensor("bool", [5, 8]), Tensor("float32", [5, 8]), Tensor("float32", [5, 8]), Tensor("float32", [5, 8])],
         arrays=[(np.arange(40) % 3 == 0).reshape(5, 8), np.arange(40).reshape(5, 8).astype(np.float32), -np.ones((5, 8), np.float32)])
for a, b in (("float32", "int32"), ("int32", "float32"), ("float32", "uint8"), ("int64", "int32"), ("float32", "bool")):
    values = np.linspace(0, 90, 40).astype(a)
    case(f"cast_{a}_{b}", op="CAST", option="CastOptions", inputs=[0], outputs=[1], tensors=[Tensor(a, [40]), Tensor(b, [40])], arrays=[values])


# --- reductions ---
def reduction(op, dtype, dims, axes, keep, s_in=None, s_out=None, zeros=None, tag="", version=2, low=None, high=None):
    za, zy = zeros or (ZEROS[dtype][0], ZEROS[dtype][2])
    rank = len(dims)
    marked = {a % rank for a in axes}
    out = [1 if i in marked else d for i, d in enumerate(dims) if keep or i not in marked]
    x = Tensor(dtype, dims, scale=s_in, zero=za, low=low, high=high)
    at = Tensor("int32", [len(axes)], np.asarray(axes, np.int32))
    y = Tensor(dtype, out, scale=s_out, zero=zy)
    where = "_".join(str(a) for a in axes)
    case(f"{op.lower()}_{dtype}_{len(dims)}d_{where}_{int(keep)}{tag}", op=op, tensors=[x, at, y], inputs=[0, 1], outputs=[2],
         option="ReducerOptions", fields=dict(keepDims=keep), version=version)


AXES = (([2, 7, 5, 9], [1, 2]), ([2, 7, 5, 9], [3]), ([3, 40], [1]), ([4, 5, 6], [0, 2]), ([2, 7, 5, 9], [0, 1, 2, 3]), ([3, 50], [-1]))
for dims_, axes_ in AXES:
    for keep_ in (True, False):
        for dt in ("int8", "uint8", "int16", "float32", "int32"):
            k = STEP.get(dt)
            if dt != "int32":
                reduction("MEAN", dt, dims_, axes_, keep_, k and 0.05 * k, k and 0.013 * k)
                reduction("MEAN", dt, dims_, axes_, keep_, k and 0.05 * k, k and 0.05 * k, zeros=(ZEROS[dt][0],) * 2, tag="_same")
                reduction("MEAN", dt, dims_, axes_, keep_, k and 0.02 * k, k and 0.05 * k, tag="_coarse")
            wide = dict(low=-9, high=9) if dt == "int32" else {}
            reduction("SUM", dt, dims_, axes_, keep_, k and 0.02 * k, k and 0.3 * k, **wide) if dt in ("int8", "uint8", "float32", "int32") else None
            reduction("REDUCE_MAX", dt, dims_, axes_, keep_, k and 0.05 * k, k and 0.05 * k, zeros=(ZEROS[dt][0],) * 2, version=3)
            reduction("REDUCE_MIN", dt, dims_, axes_, keep_, k and 0.05 * k, k and 0.05 * k, zeros=(ZEROS[dt][0],) * 2, version=3)
            if dt in ("float32",):
                reduction("REDUCE_PROD", dt, dims_, axes_, keep_, low=0.5, high=1.5)
for op_ in ("ARG_MAX", "ARG_MIN"):
    for dt in ("float32", "int8", "uint8", "int32"):
        for axis in (0, 1, -1):
            dims_ = [4, 6, 9]
            out = [d for i, d in enumerate(dims_) if i != axis % 3]
            case(f"{op_.lower()}_{dt}_{axis}", op=op_, option="ArgMaxOptions" if op_ == "ARG_MAX" else "ArgMinOptions",
                 fields=dict(outputType=2), inputs=[0, 1], outputs=[2], version=2,
                 tensors=[Tensor(dt, dims_, scale=0.1 if dt in STEP else None, low=-9 if dt != "uint8" else 0, high=9),
                          Tensor("int32", [1], np.asarray([axis], np.int32)), Tensor("int32", out)])
for dt in ("float32", "int32"):
    for exclusive in (False, True):
        for reverse in (False, True):
            case(f"cumsum_{dt}_{int(exclusive)}{int(reverse)}", op="CUMSUM", option="CumsumOptions",
                 fields=dict(exclusive=exclusive, reverse=reverse), inputs=[0, 1], outputs=[2],
                 tensors=[Tensor(dt, [3, 5, 7], low=-9, high=9), Tensor("int32", [1], np.asarray([1], np.int32)), Tensor(dt, [3, 5, 7])])
for op_ in ("REDUCE_ANY", "REDUCE_ALL"):
    case(op_.lower(), op=op_, option="ReducerOptions", fields=dict(keepDims=False), inputs=[0, 1], outputs=[2],
         tensors=[Tensor("bool", [4, 10]), Tensor("int32", [1], np.asarray([1], np.int32)), Tensor("bool", [4])],
         arrays=[np.arange(40).reshape(4, 10) % 11 < [[11], [0], [7], [11]]])


def answer(model, arrays, is_sum):
    """The reference kernel's outputs; the optimised one's where none is registered, and for SUM, whose int8 reference
    kernel writes garbage and whose uint8 one rounds twice."""
    try:
        return run(model, arrays, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if is_sum else OpResolverType.BUILTIN_REF)
    except ValueError as error:
        if "Didn't find op" not in str(error):
            raise
        return run(model, arrays, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def main():
    folder, prefix = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    refused = []
    for name, spec in CASES.items():
        if not name.startswith(prefix):
            continue
        spec = dict(spec)
        arrays = spec.pop("arrays", None)
        rng = np.random.default_rng(sum(name.encode()))
        if arrays is None:
            arrays = [random_array(rng, spec["tensors"][i]) for i in spec["inputs"] if spec["tensors"][i].data is None]
        model = build(**spec)
        try:
            outputs = answer(model, arrays, spec["op"] == "SUM")
        except Exception as error:  # a case that LiteRT refuses is a defect of this script
            refused.append(f"{name}: {str(error)[:150]}")
            continue
        write_case(folder, name, model, arrays, outputs)
    if refused:
        sys.exit("LiteRT refuses:\n" + "\n".join(refused))


if __name__ == "__main__":
    main()
