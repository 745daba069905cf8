"""TFLite and ONNX models of other projects' tests: with the outputs that come with them, else with their runtime's.

usage: tflite_suites.py SLIPWAY [--only TEXT] [--update]

tflm_seanet      operators of a sound codec on int16, with TensorFlow Lite Micro's outputs, to the bit
hannk_tflite_ops operators of quantised vision nets; LiteRT's outputs on seeded noise, to the bit
litert_testdata  LiteRT's own test models, broken ones among them; LiteRT's outputs, integers to the bit
polygraphy_models  Polygraphy's and GraphSurgeon's ONNX models; onnxruntime's outputs

Every model runs on both backends. What must be refused is refused, in words that name the culprit. What does not pass
stands in conformance/<suite>_expected_failures.txt, one reason above its cases.
"""
import subprocess
import sys
import zlib

import numpy as np

import suite

BROKEN, UNSUPPORTED, NOT_FOUND = 4, 5, 3


# --- TensorFlow Lite Micro's seanet ---
def csv(path):
    dtype = path.stem.rsplit("_", 1)[1]
    return np.array(path.read_text().replace(",", " ").split(), dtype=dtype)


def seanet_inputs(net, shapes):
    files = sorted(net.parent.glob(f"{net.stem}_input*.csv"))
    return [csv(file).reshape(shape) for file, shape in zip(files, shapes)]


def check_seanet(slipway, backend, net, scratch):
    shapes = input_shapes(net.read_bytes())
    outputs = suite.run_net(slipway, backend, net, seanet_inputs(net, shapes), scratch)
    if isinstance(outputs, str):
        return outputs
    golden = csv(next(net.parent.glob(f"{net.stem}_golden_*.csv")))
    got = next(iter(outputs.values()))
    if got.dtype != golden.dtype or got.size != golden.size:
        return f"gives {got.dtype}{list(got.shape)}, expected {golden.dtype}[{golden.size}]"
    wrong = int((got.ravel() != golden).sum())
    return f"{wrong} of {golden.size} elements differ" if wrong else None


def input_shapes(content):
    from ai_edge_litert import schema_py_generated as schema  # pylint: disable=import-outside-toplevel

    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(graph.Inputs(i)) for i in range(graph.InputsLength())]
    free = [t for t in tensors if model.Buffers(t.Buffer()).DataLength() == 0]
    return [list(t.ShapeAsNumpy()) if t.ShapeLength() else [] for t in free]


def make_seanet(slipway, folder, scratch):
    return {f"{net.stem}": suite.on_backends(lambda backend, net=net: check_seanet(slipway, backend, net, scratch))
            for net in sorted(folder.rglob("*.tflite"))}


# --- against a reference runtime ---
class Refusal(Exception):
    """The reference runtime does not run the model."""


def as_text(array):
    """LiteRT's bytes objects as NumPy's own strings; other arrays as they are."""
    if array.dtype.kind not in "SO":
        return array
    return np.array([each.decode(errors="replace") for each in array.ravel()], np.str_).reshape(array.shape)


def same(got, wanted):
    """None, or how the outputs differ: integers to the bit, floats by 1e-5 of the largest number."""
    if len(got) != len(wanted):
        return f"{len(got)} outputs, expected {len(wanted)}"
    for i, (ours, theirs) in enumerate(zip(got, wanted)):
        if theirs.dtype.kind in "SUO":
            if not np.array_equal(ours, as_text(theirs)):
                return f"output {i}: strings differ"
            continue
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            return f"output {i} is {ours.dtype}{list(ours.shape)}, expected {theirs.dtype}{list(theirs.shape)}"
        if theirs.dtype.kind in "iub" and not np.array_equal(ours, theirs):
            return f"output {i}: {int((ours != theirs).sum())} of {ours.size} integers differ"
        if theirs.dtype.kind == "f" and ours.size:
            finite = np.isfinite(theirs)
            if not np.array_equal(ours[~finite], theirs[~finite], equal_nan=True):
                return f"output {i}: numbers that are not finite differ"
            if finite.any() and (why := suite.difference(ours[finite], theirs[finite])):
                return f"output {i} {why}"
    return None


def check_against(slipway, net, answer, scratch):
    """The complaints of both backends. answer(net): inputs and outputs of the reference runtime."""
    try:
        inputs, wanted = answer(net)
    except Refusal:  # then either is right, as long as it ends in an orderly way
        run = subprocess.run([slipway, "inspect", net], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return [] if run.returncode in (0, NOT_FOUND, BROKEN, UNSUPPORTED) else [f"exit {run.returncode}: {run.stderr.strip()}"]
    inputs = [as_text(array) for array in inputs] if isinstance(inputs, list) else inputs
    whys = []
    for backend in suite.BACKENDS:
        got = suite.run_net(slipway, backend, net, inputs, scratch)
        why = got if isinstance(got, str) else same(list(got.values()), wanted)
        if why:
            whys.append(f"{backend}: {why}")
    return whys


def litert_answer(net):
    sys.path.insert(0, str(suite.ROOT / "tests" / "oracles"))
    import tflite_models  # pylint: disable=import-outside-toplevel

    answered = tflite_models.apart(tflite_models.answer, net)
    if isinstance(answered, str):
        raise Refusal(answered)
    return answered


def make_against_litert(refusals):
    def make(slipway, folder, scratch):
        cases = {}
        for net in sorted([*folder.rglob("*.tflite"), *folder.rglob("*.bin")]):
            name = str(net.relative_to(folder))
            if name in refusals:
                code, text = refusals[name]
                cases[name] = lambda net=net, code=code, text=text: list(filter(None, [suite.refused(slipway, net, code, text)]))
            elif name in PER_COLUMN:
                cases[name] = lambda net=net: check_per_column(slipway, net, scratch)
            else:
                cases[name] = lambda net=net: check_against(slipway, net, litert_answer, scratch)
        return cases
    return make


# LiteRT's BATCH_MATMUL gives zeros where the second operand has a scale for each column: the scale that it looks at is 0.
PER_COLUMN = {f"litert_testdata/static_w8_a16_quantized_{name}_einsum.tflite" for name in ("attn_vec", "k", "q", "v")}


def check_per_column(slipway, net, scratch):
    """Reshape, product, Reshape of int16: near the product in real numbers, by a step of rounding and the 16 bits of
    the multiplier."""
    from ai_edge_litert import schema_py_generated as schema  # pylint: disable=import-outside-toplevel

    model = schema.ModelT.InitFromPackedBuf(net.read_bytes(), 0)
    graph = model.subgraphs[0]
    x, y = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    w = graph.tensors[graph.operators[1].inputs[1]]
    steps = np.asarray(model.buffers[w.buffer].data, np.uint8).view(np.int8).reshape(w.shape)
    values = np.random.default_rng(1).integers(-32768, 32768, x.shape).astype(np.int16)
    real = (values.reshape(-1, len(steps)) * np.float64(x.quantization.scale[0])) @ (steps * np.float64(w.quantization.scale))
    wanted = np.clip(real / y.quantization.scale[0], -32768, 32767).reshape(y.shape)
    whys = []
    for backend in suite.BACKENDS:
        got = suite.run_net(slipway, backend, net, [values], scratch)
        error = got if isinstance(got, str) else np.abs(next(iter(got.values())) - wanted).max()
        if isinstance(error, str) or error > 1.5:
            whys.append(f"{backend}: {error} steps")
    return whys


def onnx_answer(net):
    import onnxruntime as ort  # pylint: disable=import-outside-toplevel

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(net), options, providers=["CPUExecutionProvider"])
        rng = np.random.default_rng(zlib.crc32(net.name.encode()))
        feeds = {}
        for each in session.get_inputs():
            shape = [extent if isinstance(extent, int) else 3 for extent in each.shape]
            dtype = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16, "tensor(int64)": np.int64,
                     "tensor(int32)": np.int32, "tensor(bool)": np.bool_, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8}[each.type]
            values = rng.uniform(-1, 1, shape) if np.dtype(dtype).kind == "f" else rng.integers(0, 2, shape)
            feeds[each.name] = np.asarray(values, dtype)
        return feeds, session.run(None, feeds)
    except KeyError as error:
        raise RuntimeError(f"no random {error}") from error
    except Exception as error:  # onnxruntime's own kinds
        raise Refusal(str(error)) from error


def make_against_onnxruntime(refusals):
    def make(slipway, folder, scratch):
        cases = {}
        for net in sorted(folder.rglob("*.onnx")):
            name = str(net.relative_to(folder))
            if name in refusals:
                code, text = refusals[name]
                cases[name] = lambda net=net, code=code, text=text: list(filter(None, [suite.refused(slipway, net, code, text)]))
            else:
                cases[name] = lambda net=net: check_against(slipway, net, onnx_answer, scratch)
        return cases
    return make


# To be refused: exit code (broken file, unsupported operator, file not found) and what the message says.
LITERT_REFUSED = {
    "java_testdata/invalid_model.bin": (BROKEN, "is a text file"),
    "litert_testdata/simple_model_npu_google_tensor_precompiled.tflite": (UNSUPPORTED, "DISPATCH_OP"),
    "litert_testdata/simple_model_npu_mediatek_mt6989_precompiled.tflite": (UNSUPPORTED, "DISPATCH_OP"),
    "quantization_testdata/custom_op.bin": (UNSUPPORTED, "CustomTestOp"),
    "quantization_testdata/mixed.bin": (UNSUPPORTED, "CustomTestOp"),
    "quantization_testdata/transpose.bin": (BROKEN, "schema version 2"),
    "tflite_testdata/0_subgraphs.bin": (BROKEN, "sub-graph 0 of 0 is missing"),
    # Sums of quantised integers that are declared f32.
    "tflite_testdata/add_quantized.bin": (BROKEN, "output 0 has no scale"),
    "tflite_testdata/add_quantized_int8.bin": (BROKEN, "output 0 has no scale"),
    "tflite_testdata/custom_sinh.bin": (UNSUPPORTED, "Sinh"),
    "tflite_testdata/double_flex.bin": (UNSUPPORTED, "FlexDouble"),
    "tflite_testdata/multi_add_flex.bin": (UNSUPPORTED, "FlexAddV2"),
    "tflite_testdata/no_subgraphs.bin": (BROKEN, "sub-graph 0 of 0 is missing"),
    "tflite_testdata/segment_sum_invalid_buffer.bin": (BROKEN, "reads tensor 'pyx/y', which nothing computes"),
    "tflite_testdata/softplus_flex.bin": (UNSUPPORTED, "FlexSoftplus"),
    "tflite_testdata/sparse_tensor.bin": (UNSUPPORTED, "FakeOp"),
    "tflite_testdata/test_custom_node_with_init_data.bin": (UNSUPPORTED, "the_custom_code"),
    "tflite_testdata/test_model.bin": (UNSUPPORTED, "testing_op"),
    "tflite_testdata/test_model_broken.bin": (BROKEN, "damaged at its start"),
    "tflite_testdata/test_model_versioned_ops.bin": (UNSUPPORTED, "testing_op (version 2)"),
    "tflite_testdata/with_metadata.bin": (UNSUPPORTED, "NPU_OP"),
}
POLYGRAPHY_REFUSED = {
    "graphsurgeon/ext_weights.onnx": (NOT_FOUND, "ext_weights.data' is missing"),
    "graphsurgeon/nested_dup_names.onnx": (UNSUPPORTED, "Nested (opset 11)"),
    "graphsurgeon/test_recursive_pattern_building.onnx": (UNSUPPORTED, "A (opset 11)"),
    "polygraphy/bad_graph_with_dup_value_info.onnx": (BROKEN, "value 'inp' is defined twice"),
    "polygraphy/bad_graph_with_multi_level_errors.onnx": (BROKEN, "5 columns against 4 rows"),
    "polygraphy/bad_graph_with_parallel_invalid_nodes.onnx": (BROKEN, "3 columns against 4 rows"),
    "polygraphy/capability.onnx": (UNSUPPORTED, "FAKE!"),
    "polygraphy/custom_op_node.onnx": (UNSUPPORTED, "NegPos"),
    "polygraphy/empty.onnx": (BROKEN, "has no outputs"),
    "polygraphy/ext_weights.onnx": (NOT_FOUND, "ext_weights.data' is missing"),
    "polygraphy/ext_weights_same_dir/ext_weights.onnx": (NOT_FOUND, "ext_weights.data' is missing"),
    "polygraphy/toy_subgraph.onnx": (UNSUPPORTED, "A (opset 11)"),
    "polygraphy/weightless.conv.onnx": (BROKEN, "has too few values"),
    "polygraphy/weightless.matmul.bf16.onnx": (BROKEN, "has too few values"),
    "polygraphy/weightless.matmul.fp16.onnx": (BROKEN, "has too few values"),
    "polygraphy/weightless.qdq_conv.onnx": (BROKEN, "has too few values"),
    "polygraphy/weightless.sparse.conv.onnx": (BROKEN, "has too few values"),
    "polygraphy/weightless.sparse.matmul.onnx": (BROKEN, "has too few values"),
    "polygraphy/weightless.transpose_matmul.onnx": (BROKEN, "has too few values"),
}
for case in ("base_match_case", "callback_check_unmatch_case", "constant_initializer_match_case", "constant_node_match_case",
             "intermediate_output_to_other_node_unmatch_case", "intermediate_output_unmatch_case"):
    POLYGRAPHY_REFUSED[f"graphsurgeon/test_toyPlugin_{case}.onnx"] = (UNSUPPORTED, "A (opset 11)")

SUITES = {
    "tflm_seanet": make_seanet,
    "hannk_tflite_ops": make_against_litert({}),
    "litert_testdata": make_against_litert(LITERT_REFUSED),
    "polygraphy_models": make_against_onnxruntime(POLYGRAPHY_REFUSED),
}


def main():
    try:
        import ai_edge_litert  # pylint: disable=import-outside-toplevel,unused-import
        import onnxruntime  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError as error:
        print(f"skipped: the oracles' Python packages are missing ({error})")
        return suite.SKIPPED
    statuses = []
    for name, make in SUITES.items():
        print(f"{name}:")
        statuses.append(suite.main(name, f"{name}_expected_failures.txt", make))
    return max(statuses, key=lambda status: (status == 1, status))


if __name__ == "__main__":
    sys.exit(main())
