"""Compares the operators of ai.onnx.ml, spectra, losses and text with onnxruntime, on the interpreter and every backend.

usage: onnx_more_check.py CONFORMANCE_PROGRAM

Writes the models of onnx_more.py into a temporary folder and runs CONFORMANCE_PROGRAM over them. Exits with 77
where onnxruntime is not installed.
"""
import os
import subprocess
import sys
import tempfile

SKIPPED = 77
COUNT = 30
FEWEST = 620  # of 660; onnxruntime refuses some
# Relative and absolute tolerance. onnxruntime adds up spectra in f32: noise where ours are 0.
TOLERANCES = {"": ("1e-4", "1e-5"), "spectra": ("1e-4", "2e-4")}


def main():
    try:
        import onnxruntime  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError as error:
        print(f"skipped: onnxruntime is the oracle here, and its Python package is missing ({error})")
        sys.exit(SKIPPED)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx_more.py")
    status = 0
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([sys.executable, script, root, str(COUNT)], check=True)
        folders = {suite: os.path.join(root, suite) for suite in TOLERANCES}
        count = sum(len(os.listdir(os.path.join(folder, "node"))) for folder in folders.values())
        if count < FEWEST:
            sys.exit(f"only {count} cases were written, not {FEWEST} or more")
        for suite, (rtol, atol) in TOLERANCES.items():
            for backend in ("interpret", "ref", "cpu"):
                command = [sys.argv[1], "--data", folders[suite], "--list-file", os.devnull, "--backend", backend, "--rtol", rtol, "--atol", atol]
                status = subprocess.run(command, check=False).returncode or status
    sys.exit(status)


if __name__ == "__main__":
    main()
