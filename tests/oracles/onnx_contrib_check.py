"""Compares attention and fused operators with onnxruntime, on the interpreter and every backend.

usage: onnx_contrib_check.py CONFORMANCE_PROGRAM

Writes the models of onnx_contrib.py into a temporary folder and runs CONFORMANCE_PROGRAM over them. Exits with 77
where onnxruntime is not installed.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
COUNT = 60
FEWEST = 1320  # of 1380
# Relative and absolute tolerance: onnxruntime adds up in f32, rounds f16 between its steps and quantised numbers
# the way we do.
SUITES = {"f32": ("1e-4", "1e-5"), "f16": ("2e-3", "4e-3"), "int": ("0", "0")}


def main():
    try:
        import onnxruntime  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError as error:
        print(f"skipped: onnxruntime is the oracle here, and its Python package is missing ({error})")
        sys.exit(SKIPPED)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx_contrib.py")
    status = 0
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([sys.executable, script, root, str(COUNT)], check=True)
        count = len(list(pathlib.Path(root).glob("*/node/*")))
        if count < FEWEST:
            sys.exit(f"only {count} cases were written, not {FEWEST} or more")
        for suite, (rtol, atol) in SUITES.items():
            for backend in ("interpret", "ref", "cpu"):
                command = [sys.argv[1], "--data", os.path.join(root, suite), "--list-file", os.devnull, "--backend", backend,
                           "--rtol", rtol, "--atol", atol]
                status = subprocess.run(command, check=False).returncode or status
    sys.exit(status)


if __name__ == "__main__":
    main()
