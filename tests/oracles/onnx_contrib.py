"""Writes models of one attention or fused operator with random options and operands, and onnxruntime's answers.

usage: onnx_contrib.py FOLDER [COUNT] [SEED]

Operators of com.microsoft and the attention operators of ONNX's own domain, COUNT models each.
FOLDER/{f32,f16,int}/node/test_<case>/ is laid out as ONNX's own backend test data: model.onnx and
test_data_set_0/*.pb; the three differ in what is close enough. Forms that
onnxruntime's CPU kernels refuse (packed keys and values, square masks) are left to hand-checked numbers.
"""
import os
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

MICROSOFT = "com.microsoft"


class Case:
    """operands: name -> array or None; those in `constants` are initializers. outputs: how many, or flags."""

    def __init__(self, op, operands, outputs=1, attributes=None, domain=MICROSOFT, constants=(), opset=24, suite=None):
        self.op, self.operands, self.attributes, self.domain = op, operands, attributes or {}, domain
        self.outputs = [True] * outputs if isinstance(outputs, int) else outputs
        self.constants, self.opset, self.suite = constants, opset, suite


def chance(rng, probability=0.5):
    return rng.random() < probability


def pick(rng, *choices):
    return choices[int(rng.integers(len(choices)))]


def real(rng, *dims, dtype=np.float32, low=-1, high=1):
    return rng.uniform(low, high, dims).astype(dtype)


def steps(rng, dtype, *dims):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, dims, endpoint=True).astype(dtype)


def scale(rng, *dims):
    return rng.uniform(0.01, 0.1, dims).astype(np.float32)


def zero(rng, dtype, *dims):
    info = np.iinfo(dtype)
    middle = (info.min + info.max + 1) // 2
    return rng.integers(middle - 10, middle + 10, dims).astype(dtype)


def sizes(rng, count, low=1, high=6):
    return [int(x) for x in rng.integers(low, high, count)]


# --- ONNX's own ---

def attention(rng):
    dtype = pick(rng, np.float32, np.float32, np.float16)
    batch, kv_heads, group, length, keys, size, v_size = sizes(rng, 7)
    q_heads, size = kv_heads * group, size * 2
    is_packed = chance(rng)
    past = int(rng.integers(1, 5)) if chance(rng, 0.4) else 0
    total = past + keys
    make = lambda heads, rows, width: real(rng, batch, rows, heads * width, dtype=dtype) if is_packed else real(rng, batch, heads, rows, width, dtype=dtype)
    operands = {"q": make(q_heads, length, size), "k": make(kv_heads, keys, size), "v": make(kv_heads, keys, v_size)}
    attributes = {"q_num_heads": q_heads, "kv_num_heads": kv_heads} if is_packed else {}
    mask = None
    if chance(rng, 0.6):
        dims = pick(rng, (length, total), (batch, 1, length, total), (batch, q_heads, length, total), (1, q_heads, length, total))
        mask = real(rng, *dims, dtype=dtype) if chance(rng) else rng.random(dims) < 0.7
    operands["mask"] = mask
    operands["past_key"] = real(rng, batch, kv_heads, past, size, dtype=dtype) if past else None
    operands["past_value"] = real(rng, batch, kv_heads, past, v_size, dtype=dtype) if past else None
    if not past and chance(rng, 0.3):
        operands["lengths"] = rng.integers(min(length, keys), keys + 1, batch).astype(np.int64)
    for name, value in {"scale": float(rng.uniform(0.1, 1)), "softcap": float(rng.uniform(0.5, 3)), "is_causal": 1}.items():
        if chance(rng, 0.4):
            attributes[name] = value
    if length == 1 and keys > 1:  # onnxruntime leaves a single query unmasked
        attributes.pop("is_causal", None)
    has_scores = chance(rng, 0.4) and dtype == np.float32
    if has_scores:
        hides = "is_causal" in attributes or "lengths" in operands or (mask is not None and mask.dtype == bool)
        attributes["qk_matmul_output_mode"] = pick(rng, 0, 1, 3) if hides else int(rng.integers(4))  # it writes -3e38 for -inf
    outputs = [True, past > 0, past > 0, has_scores]
    return Case("Attention", operands, outputs, attributes, domain="", suite="f16" if dtype == np.float16 else "f32")


def rotary(rng):
    batch, heads, length, half = sizes(rng, 4)
    size, positions = 2 * half, 20
    is_packed, attributes = chance(rng), {"interleaved": int(rng.integers(2))}
    x = real(rng, batch, length, heads * size) if is_packed else real(rng, batch, heads, length, size)
    if is_packed:
        attributes["num_heads"] = heads
    rotated = half
    if chance(rng, 0.3) and half > 1:
        rotated = half - 1
        attributes.update({"rotary_embedding_dim": 2 * rotated, "num_heads": heads})
    if chance(rng):
        operands = {"x": x, "cos": real(rng, positions, rotated), "sin": real(rng, positions, rotated),
                    "positions": rng.integers(0, positions, (batch, length)).astype(np.int64)}
    else:
        operands = {"x": x, "cos": real(rng, batch, length, rotated), "sin": real(rng, batch, length, rotated)}
    return Case("RotaryEmbedding", operands, 1, attributes, domain="")


# --- attention of com.microsoft ---

def ms_rotary(rng):
    batch, heads, length, half = sizes(rng, 4)
    size, positions = 2 * half, 20
    is_packed = chance(rng)
    attributes = {"interleaved": int(rng.integers(2)), "num_heads": heads if chance(rng) or not is_packed else 0}
    x = real(rng, batch, length, heads * size) if is_packed else real(rng, batch, heads, length, size)
    first = chance(rng)
    places = np.array([int(rng.integers(0, positions - length))], np.int64) if first else rng.integers(0, positions, (batch, length)).astype(np.int64)
    return Case("RotaryEmbedding", {"x": x, "positions": places, "cos": real(rng, positions, half), "sin": real(rng, positions, half)}, 1, attributes)


def key_mask(rng, batch, length, total):
    """None or int32: raw marks of rank 2 or 3, lengths, or ends and starts. Every query sees some key."""
    kind = pick(rng, "none", "marks", "marks3", "lengths", "ends")
    if kind == "none":
        return None
    if kind == "lengths":
        return rng.integers(1, total + 1, batch).astype(np.int32)
    if kind == "ends":
        starts = rng.integers(0, total, batch)
        return np.concatenate([np.minimum(starts + 1 + rng.integers(0, 3, batch), total), starts]).astype(np.int32)
    marks = (rng.random((batch, total) if kind == "marks" else (batch, length, total)) < 0.8).astype(np.int32)
    marks[..., 0] = 1
    return marks


def ms_attention(rng):
    batch, heads, length, size, width = sizes(rng, 5)
    past = int(rng.integers(1, 4)) if chance(rng, 0.4) else 0
    hidden, total = heads * size, length + past
    v_hidden = hidden
    attributes = {"num_heads": heads}
    if not past and chance(rng, 0.3):
        v_hidden = heads * (size + 1)
        attributes["qkv_hidden_sizes"] = [hidden, hidden, v_hidden]
    columns = 2 * hidden + v_hidden
    mask = key_mask(rng, batch, length, total)
    if chance(rng, 0.4) and (mask is None or len(mask) != 2 * batch):  # a query must see some key: the filter is no infinity
        attributes["unidirectional"] = 1
    if chance(rng, 0.3):
        attributes["scale"] = float(rng.uniform(0.1, 1))
    if chance(rng, 0.2):
        attributes["mask_filter_value"] = -20.0
    operands = {"x": real(rng, batch, length, width), "weights": real(rng, width, columns), "bias": real(rng, columns),
                "mask": mask, "past": real(rng, 2, batch, heads, past, size) if past else None,
                "attention_bias": real(rng, pick(rng, 1, batch), pick(rng, 1, heads), length, total) if not past and chance(rng, 0.3) else None}
    return Case("Attention", operands, 2 if past else 1, attributes, constants=("weights", "bias"))


def ms_qattention(rng):
    batch, heads, length, size, width = sizes(rng, 5)
    past = int(rng.integers(1, 4)) if chance(rng, 0.4) else 0
    hidden, total = heads * size, length + past
    w_type = pick(rng, np.int8, np.uint8)
    per_column = chance(rng, 0.4)
    dims = (3 * hidden,) if per_column else ()
    operands = {"x": steps(rng, np.uint8, batch, length, width), "weights": steps(rng, w_type, width, 3 * hidden), "bias": real(rng, 3 * hidden),
                "x_scale": scale(rng), "w_scale": scale(rng, *dims) / 10,
                "mask": rng.integers(1, total + 1, batch).astype(np.int32) if chance(rng) else None,
                "x_zero": zero(rng, np.uint8), "w_zero": zero(rng, w_type, *dims),
                "past": real(rng, 2, batch, heads, past, size) if past else None}
    attributes = {"num_heads": heads}
    if chance(rng, 0.4):
        attributes["unidirectional"] = 1
    return Case("QAttention", operands, 2 if past else 1, attributes,
                constants=("weights", "bias", "x_scale", "w_scale", "x_zero", "w_zero"))


def multi_head_attention(rng):
    batch, heads, length, keys, size, v_size = sizes(rng, 6)
    attributes = {"num_heads": heads}
    form = pick(rng, "apart", "apart", "cached")
    past = int(rng.integers(1, 4)) if form == "apart" and chance(rng, 0.4) else 0
    if form != "apart":
        v_size = size
    if past:
        v_size, keys = size, length
    total = past + keys
    hidden, v_hidden = heads * size, heads * v_size
    operands = {"q": real(rng, batch, length, hidden), "k": real(rng, batch, keys, hidden), "v": real(rng, batch, keys, v_hidden)}
    if form == "cached":
        operands.update({"k": real(rng, batch, heads, keys, size), "v": real(rng, batch, heads, keys, size)})
    has_bias = chance(rng, 0.4)
    operands["bias"] = real(rng, 2 * hidden + v_hidden) if has_bias else None
    mask = None
    if chance(rng):
        mask = pick(rng, rng.integers(1, total + 1, batch).astype(np.int32), key_mask(rng, batch, length, total))
        if mask is not None and mask.ndim == 1 and len(mask) != batch:
            mask = None
    operands["mask"] = mask
    operands["attention_bias"] = real(rng, pick(rng, 1, batch), pick(rng, 1, heads), length, total) if chance(rng, 0.3) else None
    operands["past_key"] = real(rng, batch, heads, past, size) if past else None
    operands["past_value"] = real(rng, batch, heads, past, size) if past else None
    if chance(rng, 0.3) and keys <= length:  # else onnxruntime leaves the last query unmasked
        attributes["unidirectional"] = 1
    if chance(rng, 0.3):
        attributes["scale"] = float(rng.uniform(0.1, 1))
    return Case("MultiHeadAttention", operands, 3 if past else 1, attributes, constants=("bias",))


def group_query_attention(rng):
    batch, kv_heads, group, size = sizes(rng, 4)
    heads, size = kv_heads * group, size * 16  # what onnxruntime wants
    is_prompt = chance(rng)
    length = int(rng.integers(1, 6)) if is_prompt else pick(rng, 1, 1, 2, 3)
    if not is_prompt and length > 1:
        batch = 1
    cached = 0 if is_prompt else int(rng.integers(1, 7))
    attributes = {"num_heads": heads, "kv_num_heads": kv_heads}
    lens = np.full(batch, length) if is_prompt else rng.integers(1, cached + 1, batch) + length
    if not is_prompt:
        lens[0] = cached + length
    total = int(length if is_prompt else lens.max())
    has_past = not is_prompt
    packed = chance(rng, 0.3)
    operands = {"q": real(rng, batch, length, (heads + 2 * kv_heads) * size) if packed else real(rng, batch, length, heads * size),
                "k": None if packed else real(rng, batch, length, kv_heads * size), "v": None if packed else real(rng, batch, length, kv_heads * size),
                "past_key": real(rng, batch, kv_heads, cached, size) if has_past else None,
                "past_value": real(rng, batch, kv_heads, cached, size) if has_past else None,
                "seqlens": (lens - 1).astype(np.int32), "total": np.array(total, np.int32), "cos": None, "sin": None}
    if chance(rng):
        attributes["do_rotary"] = 1
        operands.update({"cos": real(rng, 16, size // 2), "sin": real(rng, 16, size // 2)})
        if chance(rng):
            attributes["rotary_interleaved"] = 1
    operands["positions"] = None
    operands["attention_bias"] = real(rng, pick(rng, 1, batch), pick(rng, 1, heads), length, total) if chance(rng, 0.3) else None
    operands["head_sink"] = real(rng, heads) if chance(rng, 0.3) else None
    for name, value in {"scale": float(rng.uniform(0.1, 1)), "softcap": float(rng.uniform(0.5, 3)), "local_window_size": int(rng.integers(1, 5)),
                        "smooth_softmax": 1}.items():
        if chance(rng, 0.3) and not (name == "smooth_softmax" and operands["head_sink"] is not None):
            attributes[name] = value
    return Case("GroupQueryAttention", operands, 3, attributes)


# --- normalisations, Gelu ---

def skip_layer_norm(rng):
    batch, length, width = sizes(rng, 3, 1, 9)
    op = pick(rng, "SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
    has_beta = op == "SkipLayerNormalization"
    skip = pick(rng, (batch, length, width), (1, length, width), (length, width))
    operands = {"x": real(rng, batch, length, width), "skip": real(rng, *skip), "gamma": real(rng, width)}
    if has_beta:
        operands["beta"] = real(rng, width) if chance(rng, 0.7) else None
    operands["bias"] = real(rng, width) if chance(rng) else None
    return Case(op, operands, [True, False, False, chance(rng)], {"epsilon": pick(rng, 1e-5, 1e-3)}, constants=("gamma", "beta", "bias"))


def simplified_layer_norm(rng):
    dims = sizes(rng, 3, 1, 9)
    axis = int(rng.integers(-3, 3))
    scales = dims[axis:] if axis != -3 else dims
    return Case("SimplifiedLayerNormalization", {"x": real(rng, *dims), "scale": real(rng, *scales)}, 1,
                {"axis": axis, "epsilon": pick(rng, 1e-5, 1e-2)}, domain="", opset=18)


def embed_layer_norm(rng):
    batch, length, width = sizes(rng, 3, 1, 7)
    ids = lambda top, *dims: rng.integers(0, top, dims).astype(np.int32)
    has_segment, has_mask = chance(rng), chance(rng)
    operands = {"ids": ids(11, batch, length), "segments": ids(3, batch, length) if has_segment else None, "words": real(rng, 11, width),
                "places": real(rng, 9, width), "segment_table": real(rng, 3, width) if has_segment else None, "gamma": real(rng, width),
                "beta": real(rng, width), "mask": ids(2, batch, length) if has_mask else None}
    if chance(rng, 0.4):
        operands["position_ids"] = ids(9, pick(rng, 1, batch), length)
    return Case("EmbedLayerNormalization", operands, [True, True, chance(rng)], {"epsilon": pick(rng, 1e-5, 1e-3)})


def gelu(rng):
    op = pick(rng, "Gelu", "BiasGelu", "FastGelu", "QuickGelu")
    width = int(rng.integers(1, 70))
    operands = {"x": real(rng, 3, width, low=-4, high=4)}
    if op == "BiasGelu" or (op == "FastGelu" and chance(rng)):
        operands["bias"] = real(rng, width)
    attributes = {"alpha": float(rng.uniform(0.5, 2))} if op == "QuickGelu" and chance(rng) else {}
    return Case(op, operands, 1, attributes)


# --- products and windows ---

def fused_matmul(rng):
    m, k, n, b1, b2 = sizes(rng, 5, 1, 7)
    attributes = {name: int(rng.integers(2)) for name in ("transA", "transB")}
    if chance(rng):
        attributes["alpha"] = float(rng.uniform(0.2, 2))
    op = pick(rng, "FusedMatMul", "FusedMatMul", "TransposeMatMul")
    rank = pick(rng, 2, 3, 4)
    a, b = [m, k][::-1 if attributes["transA"] else 1], [k, n][::-1 if attributes["transB"] else 1]
    batch = [b1, b2][: rank - 2]
    turn = lambda dims: dims[-2:-1] + dims[:-2] + dims[-1:]  # what becomes `dims` when its first axis moves back
    a, b = batch + a, batch + b
    for name in ("transBatchA", "transBatchB"):
        if op == "FusedMatMul" and rank > 2 and chance(rng, 0.4):
            attributes[name] = 1
            if name == "transBatchA":
                a = turn(a)
            else:
                b = turn(b)
    return Case(op, {"a": real(rng, *a), "b": real(rng, *b)}, 1, attributes)


def fused_gemm(rng):
    m, k, n = sizes(rng, 3, 1, 9)
    attributes = {"transA": int(rng.integers(2)), "transB": int(rng.integers(2)), "alpha": float(rng.uniform(0.2, 2)), "beta": float(rng.uniform(0.2, 2))}
    a, b = [m, k][::-1 if attributes["transA"] else 1], [k, n][::-1 if attributes["transB"] else 1]
    c = real(rng, *pick(rng, (n,), (m, n), (m, 1), ())) if chance(rng, 0.7) else None
    attributes["activation"] = pick(rng, "Relu", "LeakyRelu", "Tanh", "Sigmoid", "HardSigmoid", "Elu", "Softplus", "Softsign", "ThresholdedRelu")
    if attributes["activation"] in ("LeakyRelu", "HardSigmoid", "Elu", "ThresholdedRelu"):
        attributes["activation_alpha"] = float(rng.uniform(0.1, 0.9))
    if attributes["activation"] == "HardSigmoid":
        attributes["activation_beta"] = float(rng.uniform(0.1, 0.9))
    return Case("FusedGemm", {"a": real(rng, *a), "b": real(rng, *b), "c": c}, 1, attributes)


def fused_conv(rng):
    group, c, o = sizes(rng, 3, 1, 4)
    h, w, k = int(rng.integers(5, 9)), int(rng.integers(5, 9)), pick(rng, 1, 3)
    activation = pick(rng, "Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid")
    attributes = {"kernel_shape": [k, k], "group": group, "activation": activation, "pads": [k // 2] * 4 if chance(rng) else [0] * 4,
                  "strides": [pick(rng, 1, 2)] * 2}
    parameters = {"LeakyRelu": [0.2], "Clip": [-0.3, 0.5], "HardSigmoid": [0.3, 0.4]}
    if activation in parameters:
        attributes["activation_params"] = parameters[activation]
    operands = {"x": real(rng, 2, group * c, h, w), "w": real(rng, group * o, c, k, k), "b": real(rng, group * o) if chance(rng, 0.7) else None}
    if chance(rng, 0.3):
        extent = lambda size: (size + 2 * attributes["pads"][0] - k) // attributes["strides"][0] + 1
        operands["z"] = real(rng, 2, group * o, extent(h), extent(w))
    return Case("FusedConv", operands, 1, attributes, constants=("w", "b"))


def nhwc_max_pool(rng):
    dtype, k = pick(rng, np.int8, np.uint8), int(rng.integers(1, 4))
    attributes = {"kernel_shape": [k, k], "strides": [pick(rng, 1, 2)] * 2, "pads": [int(rng.integers(0, k)) for _ in range(4)]}
    return Case("NhwcMaxPool", {"x": steps(rng, dtype, 2, 7, 6, int(rng.integers(1, 20)))}, 1, attributes, suite="int")


def matmul_nbits(rng):
    m, n = sizes(rng, 2, 1, 9)
    bits, block = pick(rng, 2, 4, 4, 8), pick(rng, 16, 32, 64)
    k = pick(rng, 16, 40, 64, 96, 100)
    blocks = -(-k // block)
    zeros = None
    if chance(rng):
        zeros = steps(rng, np.uint8, n, -(-blocks * bits // 8))
    elif chance(rng, 0.3):
        zeros = real(rng, n, blocks, low=0, high=2**bits - 1)
    operands = {"x": real(rng, m, k), "weights": steps(rng, np.uint8, n, blocks, block * bits // 8), "scales": scale(rng, n, blocks) / 2**bits,
                "zeros": zeros, "g_idx": None, "bias": real(rng, n) if chance(rng, 0.4) else None}
    return Case("MatMulNBits", operands, 1, {"K": k, "N": n, "bits": bits, "block_size": block, "accuracy_level": 1},
                constants=("weights", "scales", "zeros", "bias"))


def integer_products(rng):
    m, k, n = sizes(rng, 3, 1, 20)
    dtype = pick(rng, np.int8, np.uint8)
    dims = (n,) if chance(rng) else ()
    batch = pick(rng, (), (2,))
    w = {"w_scale": scale(rng, *dims), "w_zero": zero(rng, dtype, *dims) if chance(rng, 0.7) else None, "bias": real(rng, n) if chance(rng) else None}
    if chance(rng):
        operands = {"x": real(rng, *batch, m, k), "weights": steps(rng, dtype, k, n), **w}
        return Case("DynamicQuantizeMatMul", operands, constants=("weights", "w_scale", "w_zero", "bias"))
    operands = {"x": steps(rng, np.uint8, *batch, m, k), "weights": steps(rng, dtype, k, n), "x_scale": scale(rng), "w_scale": w["w_scale"] / 100,
                "x_zero": zero(rng, np.uint8) if chance(rng, 0.7) or w["w_zero"] is not None else None, "w_zero": w["w_zero"], "bias": w["bias"]}
    return Case("MatMulIntegerToFloat", operands, constants=("weights", "w_scale", "w_zero", "bias"))


def qgemm(rng):
    m, k, n = sizes(rng, 3, 1, 9)
    dtype = pick(rng, np.int8, np.uint8)
    attributes = {"transA": int(rng.integers(2)), "transB": int(rng.integers(2)), "alpha": pick(rng, 1.0, 0.5)}
    a, b = [m, k][::-1 if attributes["transA"] else 1], [k, n][::-1 if attributes["transB"] else 1]
    dims = (n,) if chance(rng) else ()
    is_quantised = chance(rng)
    operands = {"a": steps(rng, np.uint8, *a), "a_scale": scale(rng), "a_zero": zero(rng, np.uint8), "b": steps(rng, dtype, *b), "b_scale": scale(rng, *dims),
                "b_zero": zero(rng, dtype, *dims), "c": rng.integers(-900, 900, (n,)).astype(np.int32) if chance(rng) else None,
                "y_scale": np.float32(0.7) if is_quantised else None, "y_zero": np.uint8(120) if is_quantised else None}
    return Case("QGemm", operands, 1, attributes, suite="int" if is_quantised else "f32")


def qlinear(rng):
    dtype = pick(rng, np.uint8, np.int8)
    dims = (2, int(rng.integers(1, 7)), 5, 4)
    q = lambda name, *shape: {name: steps(rng, dtype, *shape), name + "_scale": scale(rng), name + "_zero": zero(rng, dtype)}
    y = {"y_scale": scale(rng) * 2, "y_zero": zero(rng, dtype)}
    op = pick(rng, "Add", "Mul", "Sigmoid", "LeakyRelu", "AveragePool", "GlobalAveragePool", "Concat", "Softmax", "Where")
    attributes = {}
    if op in ("Add", "Mul"):
        operands = {**q("a", *dims), **q("b", *pick(rng, dims, (1,), (dims[1], 1, 1))), **y}
    elif op == "Where":
        operands = {"condition": rng.random(dims) < 0.5, **q("a", *dims), **q("b", *pick(rng, dims, (4,))), **y}
    elif op == "Concat":
        operands = {**y, **q("a", *dims), **q("b", *dims), **q("c", *dims)}
        attributes = {"axis": int(rng.integers(4))}
    else:
        if op == "Sigmoid":
            y = {"y_scale": np.float32(1 / 256), "y_zero": dtype(np.iinfo(dtype).min)}
        if op == "Softmax":
            y = {"y_scale": np.float32(1 / 256), "y_zero": dtype(np.iinfo(dtype).min)}
            attributes = {"axis": -1, "opset": 13}
        if op == "LeakyRelu":
            attributes = {"alpha": 0.2}
        if op == "AveragePool":
            attributes = {"kernel_shape": [3, 2], "strides": [pick(rng, 1, 2), 1], "pads": [1, 0, 1, 0] if chance(rng) else [0, 0, 0, 0], "count_include_pad": int(rng.integers(2))}
        if op.endswith("AveragePool") and attributes.setdefault("channels_last", int(rng.integers(2))):
            dims = (2, 5, 4, dims[1])
        operands = {**q("x", *dims), **y}
    constants = tuple(name for name in operands if name.endswith(("_scale", "_zero")))
    return Case("QLinear" + op, operands, 1, attributes, constants=constants, suite="int")


def linear_attention(rng):
    batch, length, kv_heads, group, size, v_size = sizes(rng, 6, 1, 5)
    rule = pick(rng, "linear", "gated", "delta", "gated_delta")
    operands = {"q": real(rng, batch, length, kv_heads * group * size), "k": real(rng, batch, length, kv_heads * size),
                "v": real(rng, batch, length, kv_heads * v_size), "past": real(rng, batch, kv_heads, size, v_size) if chance(rng) else None,
                "decay": real(rng, batch, length, kv_heads * pick(rng, 1, size), low=-1, high=0) if "gated" in rule else None,
                "beta": real(rng, batch, length, pick(rng, 1, kv_heads), low=0) if "delta" in rule else None}
    attributes = {"update_rule": rule, "q_num_heads": kv_heads * group, "kv_num_heads": kv_heads}
    if chance(rng):
        attributes["scale"] = float(rng.uniform(0.1, 1))
    return Case("LinearAttention", operands, 2, attributes)


def moves(rng):
    """What com.microsoft had before ONNX did."""
    x = real(rng, *sizes(rng, 3))
    op = pick(rng, "Trilu", "GatherND", "ExpandDims")
    if op == "Trilu":
        return Case(op, {"x": x, "k": np.array(int(rng.integers(-3, 4)), np.int64) if chance(rng) else None}, 1, {"upper": int(rng.integers(2))})
    if op == "ExpandDims":
        return Case(op, {"x": x, "axis": np.array(int(rng.integers(-4, 4)), np.int32)}, constants=("axis",))
    depth = int(rng.integers(1, 4))
    places = np.stack([rng.integers(0, extent, 5) for extent in x.shape[:depth]], -1)
    return Case(op, {"x": x, "places": places.astype(np.int64)})


def causal_conv(rng):
    batch, channels, length, taps = sizes(rng, 4, 1, 7)
    operands = {"x": real(rng, batch, channels, length), "w": real(rng, channels, 1, taps), "b": real(rng, channels) if chance(rng) else None,
                "past": real(rng, batch, channels, taps - 1) if chance(rng) and taps > 1 else None}
    return Case("CausalConvWithState", operands, 2, {"activation": pick(rng, "none", "silu", "swish")})


def tiny_decoder(rng, heads, size, vocabulary):
    """A GPT-2 of one layer: input_ids, position_ids, attention_mask, past -> logits, present."""
    hidden, rows = heads * size, 16
    weight = lambda name, *dims: numpy_helper.from_array(real(rng, *dims, low=-1.5, high=1.5), name)
    weights = [weight("words", vocabulary, hidden), weight("places", rows, hidden), weight("gamma", hidden), weight("beta", hidden),
               weight("qkv", hidden, 3 * hidden), weight("qkv_bias", 3 * hidden), weight("head", hidden, vocabulary)]
    nodes = [helper.make_node("EmbedLayerNormalization", ["ids", "", "words", "places", "", "gamma", "beta", "", "positions"], ["x", ""], domain=MICROSOFT),
             helper.make_node("Attention", ["x", "qkv", "qkv_bias", "mask", "past_0"], ["a", "present_0"], domain=MICROSOFT, num_heads=heads, unidirectional=1),
             helper.make_node("Add", ["x", "a"], ["sum"]), helper.make_node("MatMul", ["sum", "head"], ["logits"])]
    info = lambda name, kind, *dims: helper.make_tensor_value_info(name, kind, dims)
    ints, floats = onnx.TensorProto.INT32, onnx.TensorProto.FLOAT
    inputs = [info(name, ints, "rows", length) for name, length in (("ids", "length"), ("positions", "length"), ("mask", "total"))]
    inputs.append(info("past_0", floats, 2, "rows", heads, "past", size))
    outputs = [info("logits", floats, "rows", "length", vocabulary), info("present_0", floats, 2, "rows", heads, "total", size)]
    names = {"ids": "input_ids", "positions": "position_ids", "mask": "attention_mask"}  # what onnxruntime insists on
    for each in inputs:
        each.name = names.get(each.name, each.name)
    for node in nodes:
        for i, name in enumerate(node.input):
            node.input[i] = names.get(name, name)
    return helper.make_graph(nodes, "decoder", inputs, outputs, weights)


def beam_search(rng):
    """Several prompts stop early: else onnxruntime looks at another prompt's scores to see whether one is done."""
    batch, length, beams, vocabulary = int(rng.integers(1, 4)), int(rng.integers(1, 5)), int(rng.integers(1, 5)), 12
    number = lambda value, dtype=np.int32: np.array([value], dtype)
    ids = rng.integers(2, vocabulary, (batch, length)).astype(np.int32)
    if length > 1 and chance(rng, 0.4):
        ids[0, : int(rng.integers(1, length))] = 1
    most = length + int(rng.integers(1, 10))
    operands = {"ids": ids, "max_length": number(most), "min_length": number(int(rng.integers(0, most))), "num_beams": number(beams),
                "returned": number(int(rng.integers(1, beams + 1))), "length_penalty": number(rng.uniform(0.5, 2), np.float32),
                "repetition_penalty": number(pick(rng, 1.0, rng.uniform(0.8, 2)), np.float32)}
    attributes = {"decoder": tiny_decoder(rng, *sizes(rng, 2, 2, 4), vocabulary), "eos_token_id": int(rng.integers(2, vocabulary)), "pad_token_id": 1,
                  "early_stopping": 1 if batch > 1 else int(rng.integers(2)), "no_repeat_ngram_size": pick(rng, 0, 0, 2, 3)}
    return Case("BeamSearch", operands, 2, attributes)


GENERATORS = [attention, rotary, ms_rotary, ms_attention, ms_qattention, multi_head_attention, group_query_attention, skip_layer_norm,
              simplified_layer_norm, embed_layer_norm, gelu, fused_matmul, fused_gemm, fused_conv, nhwc_max_pool, matmul_nbits, integer_products,
              qgemm, qlinear, linear_attention, causal_conv, beam_search, moves]


def build(case):
    present = {name: np.asarray(array) for name, array in case.operands.items() if array is not None}
    names = [name if name in present else "" for name in case.operands]
    while names and not names[-1]:
        names.pop()
    outputs = [f"y{i}" if wanted else "" for i, wanted in enumerate(case.outputs)]
    while not outputs[-1]:
        outputs.pop()
    node = helper.make_node(case.op, names, outputs, name="node", domain=case.domain, **case.attributes)
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
              for name, array in present.items() if name not in case.constants]
    initializers = [numpy_helper.from_array(array, name) for name, array in present.items() if name in case.constants]
    results = [helper.make_empty_tensor_value_info(name) for name in outputs if name]
    graph = helper.make_graph([node], case.op, inputs, results, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset), helper.make_opsetid(MICROSOFT, 1)], ir_version=10), present


def run(model, present):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = {each.name: present[each.name] for each in session.get_inputs()}
    return feeds, session.run(None, feeds)


def declared(model, results):
    """The model with its outputs' types told: slipway checks them."""
    for output, array in zip(model.graph.output, results):
        output.CopyFrom(helper.make_tensor_value_info(output.name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
    return model


def keep(folder, model, feeds, results):
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(declared(model, results), folder / "model.onnx")
    names = [each.name for each in model.graph.input]
    for i, name in enumerate(names):
        (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(feeds[name], name).SerializeToString())
    for i, array in enumerate(results):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(np.asarray(array), f"y{i}").SerializeToString())


def keep_gpt2(folder, count, seed):
    """A whole GPT-2 with beam search from the test assets, where they are there, on random prompts."""
    assets = os.environ.get("SLIPWAY_ASSETS") or pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "assets"
    path = pathlib.Path(assets) / "onnx" / "tiny_gpt2_beamsearch.onnx"
    if not path.exists():
        print(f"without {path.name}: no such file")
        return
    model = onnx.load(path)
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        length, beams = sizes(rng, 2)
        number = lambda value, dtype=np.int32: np.array([value], dtype)
        feeds = {"input_ids": rng.integers(0, 98, (int(rng.integers(1, 4)), length)).astype(np.int32), "max_length": number(length + int(rng.integers(1, 10))),
                 "min_length": number(0), "num_beams": number(beams), "num_return_sequences": number(int(rng.integers(1, beams + 1))),
                 "length_penalty": number(1, np.float32), "repetition_penalty": number(pick(rng, 1.0, 1.5), np.float32)}
        feeds, results = run(model, feeds)
        keep(folder / "f32" / "node" / f"test_gpt2_{i}", model, feeds, results)


def main():
    folder = pathlib.Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    only = sys.argv[4] if len(sys.argv) > 4 else ""
    refused = {}
    for number, generator in enumerate(GENERATORS):
        if only not in generator.__name__:
            continue
        for i in range(count):
            case = generator(np.random.default_rng([seed, number, i]))
            model, present = build(case)
            try:
                feeds, results = run(model, present)
            except Exception as error:  # pylint: disable=broad-except
                refused.setdefault(generator.__name__, []).append(f"{i}: {str(error).splitlines()[0]}")
                continue
            name = f"test_{generator.__name__}_{case.op.lower()}_{i}"
            keep(folder / (case.suite or "f32") / "node" / name, model, feeds, results)
    if only in "gpt2":
        keep_gpt2(folder, count // 3, seed)
    for name, reasons in refused.items():
        print(f"onnxruntime refuses {len(reasons)} of {count} {name}, as: {reasons[0][:300]}")


if __name__ == "__main__":
    main()
