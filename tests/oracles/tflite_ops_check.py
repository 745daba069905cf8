"""Compares operators with LiteRT's reference kernels, a model of one operator each, on every backend.

usage: tflite_ops_check.py TEST_PROGRAM

Writes the cases of tflite_ops.py, tflite_math_ops.py, tflite_rnn.py, tflite_resources.py, tflite_more_ops.py,
tflite_move_ops.py and, with TensorFlow Lite Micro's answers, tflite_micro_ops.py into a temporary folder and runs
TEST_PROGRAM (tests/tflite_models_test.cc) over all of them in one go. Exits with 77 where either is not installed.
"""
import os
import subprocess
import sys
import tempfile

SKIPPED = 77
FEWEST_CASES = 2300  # a run over fewer has lost some on the way


def main():
    try:
        import ai_edge_litert  # pylint: disable=import-outside-toplevel,unused-import
        import tflite_micro  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError as error:
        print(f"skipped: LiteRT and TensorFlow Lite Micro are the oracles here, and a Python package is missing ({error})")
        sys.exit(SKIPPED)
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as root:
        folders = []
        for script in ("tflite_ops", "tflite_math_ops", "tflite_rnn", "tflite_resources", "tflite_more_ops", "tflite_move_ops", "tflite_micro_ops"):
            folders.append(os.path.join(root, script))
            subprocess.run([sys.executable, os.path.join(here, script + ".py"), folders[-1]], check=True, stderr=subprocess.DEVNULL)
        count = sum(len(os.listdir(folder)) for folder in folders)
        if count < FEWEST_CASES:
            sys.exit(f"only {count} cases were written, not {FEWEST_CASES} or more")
        environment = dict(os.environ, SLIPWAY_TFLITE_ORACLE=":".join(folders))
        ran = subprocess.run([sys.argv[1], "--gtest_brief=1", "--gtest_filter=Oracle/TfliteModel.*"], env=environment, check=False)
        print(f"{count} operators compared with LiteRT")
        sys.exit(ran.returncode)


if __name__ == "__main__":
    main()
