"""Another model's file -> .mnn, by the converter in MNN's own wheel.

Its command line, `mnnconvert`, would install a package and send a report of the conversion to its makers; the function below
that command does neither.
"""
import pathlib
import sys

SOURCES = {".onnx": "ONNX", ".tflite": "TFLITE"}


def convert(source, path):
    import _tools  # of MNN's wheel
    _tools.mnnconvert(["mnnconvert", "-f", SOURCES[pathlib.Path(source).suffix], "--modelFile", str(source), "--MNNModel",
                       str(path), "--bizCode", "bench", "--optimizePrefer", "2"])
    if not pathlib.Path(path).exists():
        raise SystemExit(f"mnn_writer: MNN's converter made nothing of '{source}'")


if __name__ == "__main__":
    convert(*sys.argv[1:])
