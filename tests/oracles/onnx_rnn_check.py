"""Compares RNN, LSTM and GRU with onnxruntime, on the interpreter and every backend.

usage: onnx_rnn_check.py CONFORMANCE_PROGRAM

Writes the models of onnx_rnn.py into a temporary folder and runs CONFORMANCE_PROGRAM over them. Exits with 77
where onnxruntime is not installed.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
COUNT = 300
FEWEST = 280  # those whose state grows beyond bounds are left out


def main():
    try:
        import onnxruntime  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError as error:
        print(f"skipped: onnxruntime is the oracle here, and its Python package is missing ({error})")
        sys.exit(SKIPPED)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx_rnn.py")
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([sys.executable, script, root, str(COUNT)], check=True)
        count = len(list(pathlib.Path(root).glob("node/*")))
        if count < FEWEST:
            sys.exit(f"only {count} cases were written, not {FEWEST} or more")
        status = 0
        for backend in ("interpret", "ref", "cpu"):
            ran = subprocess.run([sys.argv[1], "--data", root, "--list-file", os.devnull, "--backend", backend], check=False)
            status = status or ran.returncode
    sys.exit(status)


if __name__ == "__main__":
    main()
