"""Models whose batch is open (rows of several requests may run together), as repositories, and a request for each.

A wide network of matrices reads more weights than it computes with, once a run: there batching has much to gain. MobileNetV2
computes much with few weights: there it has little.
"""
import dataclasses
import json
import pathlib

import make_models
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from peers.models import NETWORKS
from peers.writers import onnx_writer
from run import CLASSIFY

WIDTHS = (784, 1024, 1024, 1024, 10)


def _perceptron(path):
    """x: [N,784] f32 -> y: [N,10]; 12 MB of weights."""
    random = np.random.default_rng(1)
    nodes, constants, last = [], [], "x"
    for i, (inputs, outputs) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        weights = random.standard_normal((inputs, outputs)).astype(np.float32) / np.float32(np.sqrt(inputs))
        constants.append(numpy_helper.from_array(weights, f"w{i}"))
        is_last = i == len(WIDTHS) - 2
        nodes.append(helper.make_node("MatMul", [last, f"w{i}"], ["y" if is_last else f"m{i}"]))
        if not is_last:
            nodes.append(helper.make_node("Relu", [f"m{i}"], [f"r{i}"]))
        last = f"r{i}"
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width]) for name, width in (("x", WIDTHS[0]), ("y", WIDTHS[-1]))]
    graph = helper.make_graph(nodes, "mlp", ports[:1], ports[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def _mobilenet(path):
    onnx_writer.write(NETWORKS["mobilenetv2_224"](), path)
    model = onnx.load(path)
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "N"
    del model.graph.value_info[:]  # their batch is one
    onnx.save(model, path)


WRITERS = {"mlp": _perceptron, "mobilenetv2_224": _mobilenet}
MANIFESTS = {"mlp": {}, "mobilenetv2_224": CLASSIFY}


def write_repository(folder, names, limit):
    """limit: of a batch's rows; 0: requests are never joined."""
    for name in names:
        model = pathlib.Path(folder) / name
        (model / "1").mkdir(parents=True, exist_ok=True)
        WRITERS[name](model / "1/model.onnx")
        (model / "config.pbtxt").write_text(f"max_batch_size: {limit}\n")
        (model / "manifest.json").write_text(json.dumps(MANIFESTS[name]))


@dataclasses.dataclass(frozen=True)
class Request:
    """path: of the url. body: a file, None for a GET."""
    path: str
    body: pathlib.Path | None = None
    headers: tuple = ()

    def load_flags(self):
        """What slipway_load must be told."""
        return [*(["--body", self.body] if self.body else []), *[word for header in self.headers for word in ("--header", header)]]


def row_request(folder):
    """One row for the mlp, as bytes behind JSON."""
    values = np.random.default_rng(2).standard_normal((1, WIDTHS[0])).astype(np.float32)
    head = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": list(values.shape),
                                   "parameters": {"binary_data_size": values.nbytes}}]}).encode()
    body = pathlib.Path(folder) / "row"
    body.write_bytes(head + values.tobytes())
    return Request("/v2/models/mlp/infer", body,
                   ("Content-Type: application/octet-stream", f"Inference-Header-Content-Length: {len(head)}"))


def photo_request(photo):
    """photo: a JPEG file; made where missing."""
    if not photo.exists():
        make_models.make_photo(photo)
    return Request("/v2/models/mobilenetv2_224/classify", photo, ("Content-Type: image/jpeg",))
