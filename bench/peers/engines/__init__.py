"""Which engines take part, and the files and precisions that each can run.

One module per engine, at its best documented settings; the class Session in it is what worker.py drives:

    Session(model, threads, precision, inputs)   loads; inputs: name -> array, as the network declares them
    prepare()                                    before every run, not timed: puts the inputs where the engine wants them
    run()                                        timed: one inference, results left in the engine's own buffers
    outputs()                                    name -> array of the last run
    version()                                    of the engine
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Entrant:
    """An engine at one precision: a row of the table."""
    engine: str      # its module here; "slipway" for ours
    precision: str   # "f32" or "bf16": with which rows it is compared
    suffixes: tuple  # kinds of files that it runs, the preferred first
    label: str


ENTRANTS = (
    Entrant("slipway", "f32", (".onnx", ".tflite"), "Slipway"),
    Entrant("onnxruntime", "f32", (".onnx",), "ONNX Runtime"),
    Entrant("openvino", "f32", (".onnx", ".tflite"), "OpenVINO f32"),
    Entrant("mnn", "f32", (".mnn",), "MNN"),
    Entrant("ncnn", "f32", (".param",), "ncnn"),
    Entrant("litert", "f32", (".tflite",), "LiteRT"),
    Entrant("slipway", "bf16", (".onnx", ".tflite"), "Slipway bf16"),
    Entrant("openvino", "bf16", (".onnx", ".tflite"), "OpenVINO default"),
    Entrant("ncnn", "bf16", (".param",), "ncnn bf16"),
)
