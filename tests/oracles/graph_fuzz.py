"""Answers for random graphs by onnxruntime, batch after batch: the oracle of slipway_graph_fuzz.

usage: graph_fuzz.py

Reads the paths of folders, one a line. Each folder in there that holds a model.onnx gets, from its input_N.pb, a
want_N.pb for every output, or an error.txt with the reason why there is none. A line "done" answers each line read.
onnx.checker looks at every model first: what it complains of is in error.txt behind "checker: ".
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper


def read_tensor(path):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return tensor


def feed(tensor):
    array = numpy_helper.to_array(tensor)
    plain = array.dtype == object or array.dtype.name in (
        "float16", "float32", "float64", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    if plain:
        return array
    if array.dtype.name == "bfloat16":
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(array.view(np.uint16), onnx.TensorProto.BFLOAT16)
    raise NotImplementedError(f"no way to hand over {array.dtype}")


def answer(folder):
    model = onnx.load(folder / "model.onnx")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        # It wants a rank of every input; onnxruntime does not, nor do we.
        if "Field 'shape' of 'type' is required" not in str(error):
            return f"checker: {error}"
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    inputs = {}
    for i, _ in enumerate(model.graph.input):
        tensor = read_tensor(folder / f"input_{i}.pb")
        inputs[tensor.name] = feed(tensor)
    for i, array in enumerate(session.run(None, inputs)):
        if array is None or isinstance(array, list):
            raise NotImplementedError(f"output {i} is no tensor")
        (folder / f"want_{i}.pb").write_bytes(numpy_helper.from_array(array).SerializeToString())
    return None


def main():
    for line in sys.stdin:
        for folder in sorted(pathlib.Path(line.rstrip("\n")).iterdir()):
            if not (folder / "model.onnx").exists():
                continue
            try:
                error = answer(folder)
            except Exception as failure:  # pylint: disable=broad-exception-caught
                error = str(failure)
            if error is not None:
                (folder / "error.txt").write_text(error, encoding="utf-8")
        print("done", flush=True)


if __name__ == "__main__":
    main()
