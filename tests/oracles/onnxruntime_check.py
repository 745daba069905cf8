"""Compares operators with onnxruntime, a model of one operator each, on the interpreter and every backend.

usage: onnxruntime_check.py NAME CONFORMANCE_PROGRAM

Writes the models of NAME.py (onnx_rnn, onnx_contrib, onnx_more) into a temporary folder and runs CONFORMANCE_PROGRAM over
them. Exits with 77 where onnxruntime is not installed.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
BACKENDS = ("interpret", "ref", "cpu")
# Models to draw, of each kind; the fewest to be written; relative and absolute tolerance by the folder that they are
# written to (none: the conformance program's own).
CHECKS = {
    # Those whose state grows beyond bounds are left out.
    "onnx_rnn": (300, 280, {".": None}),
    # Of 1380. onnxruntime adds up in f32, rounds f16 between its steps and quantised numbers the way we do.
    "onnx_contrib": (60, 1320, {"f32": ("1e-4", "1e-5"), "f16": ("2e-3", "4e-3"), "int": ("0", "0")}),
    # Of 660; onnxruntime refuses some. It adds up spectra in f32: noise where ours are 0.
    "onnx_more": (30, 620, {".": ("1e-4", "1e-5"), "spectra": ("1e-4", "2e-4")}),
}


def main():
    name, program = sys.argv[1:]
    try:
        import onnxruntime  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError as error:
        print(f"skipped: onnxruntime is the oracle here, and its Python package is missing ({error})")
        sys.exit(SKIPPED)
    count, fewest, tolerances = CHECKS[name]
    script = pathlib.Path(__file__).resolve().with_name(f"{name}.py")
    status = 0
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([sys.executable, script, root, str(count)], check=True)
        folders = {pathlib.Path(root) / suite: tolerance for suite, tolerance in tolerances.items()}
        written = sum(len(list(folder.glob("node/*"))) for folder in folders)
        if written < fewest:
            sys.exit(f"only {written} cases were written, not {fewest} or more")
        for folder, tolerance in folders.items():
            flags = ["--rtol", tolerance[0], "--atol", tolerance[1]] if tolerance else []
            for backend in BACKENDS:
                command = [program, "--data", folder, "--list-file", os.devnull, "--backend", backend, *flags]
                status = subprocess.run(command, check=False).returncode or status
    sys.exit(status)


if __name__ == "__main__":
    main()
