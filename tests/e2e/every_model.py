"""Every model of the shared assets converts, and some test holds its answers against those of its format's own runtime.

usage: every_model.py SLIPWAY [--only TEXT] [--update]

Each model file of SLIPWAY_ASSETS is converted to a .slip, which then loads. What does not convert is listed with its reason
in conformance/models_expected_failures.txt: `inspect --support` must have said so beforehand, and nothing may be left behind.
Which test compares a model's answers: ORACLES; a model that none of them names is a complaint, too.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from suite import ASSETS, ROOT, SKIPPED, read_list, write_list

LIST = ROOT / "conformance" / "models_expected_failures.txt"
# By folder: what is a model, and the programs that compare models with onnxruntime, LiteRT, TensorFlow and OpenCV. Caffe's
# takes every file of the folder and names none.
ORACLES = {
    "onnx": (["*.onnx"], ["tests/oracles/onnx_models.py", "tests/oracles/onnx_extensions.py"]),
    "tflite": (["*.tflite"], ["tests/oracles/tflite_models.py", "tests/oracles/tensorflow_text_check.py"]),
    "tensorflow": (["*.pb", "*.pbtxt", "*/saved_model.pb"],
                   [f"tests/oracles/tensorflow_{maker}.py" for maker in ("saved_models", "frozen")]),
    "caffe": (["*.caffemodel"], []),
}
# What a file lacks, and the documentation of the model gives.
OPTIONS = {}


def models():
    """Name relative to the assets, and the folder it counts to."""
    for folder, (patterns, _) in ORACLES.items():
        for pattern in patterns:
            for path in sorted((ASSETS / folder).glob(pattern)):
                yield str(path.relative_to(ASSETS)), folder


def slipway(program, *arguments):
    return subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def conversion(program, name, scratch):
    """None, or why the model does not become a .slip that loads."""
    path, options, slip = ASSETS / name, OPTIONS.get(name, []), scratch / "model.slip"
    report = slipway(program, "inspect", path, "--support", "--json", *options)
    state = json.loads(report.stdout)["models"][0]["state"] if report.stdout else "no report"
    run = slipway(program, "convert", path, *options, "-o", slip)
    if (run.returncode == 0) != (state == "supported"):
        return f"the report says {state}, convert exits with {run.returncode}: {run.stderr.strip()}"
    if run.returncode != 0:
        left = [each.name for each in scratch.iterdir()]
        return f"leaves {left} behind" if left else run.stderr.strip().splitlines()[0]
    loads = slipway(program, "inspect", slip)
    slip.unlink()
    return None if loads.returncode == 0 else f"the .slip does not load: {loads.stderr.strip()}"


def is_compared(name, folder):
    path = pathlib.Path(name)
    stem = path.parent.name if path.name == "saved_model.pb" else path.stem
    scripts = ORACLES[folder][1]
    return not scripts or any(stem in (ROOT / script).read_text() for script in scripts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("slipway")
    parser.add_argument("--only", default="")
    parser.add_argument("--update", action="store_true", help="rewrite the list")
    arguments = parser.parse_args()
    if not ASSETS.is_dir():
        print(f"skipped: no {ASSETS}")
        return SKIPPED
    listed, failed, complaints, count = read_list(LIST), {}, [], 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, folder in models():
            if arguments.only not in name:
                continue
            count += 1
            why = conversion(arguments.slipway, name, pathlib.Path(scratch))
            if why:
                failed[name] = why
            if why and name not in listed:
                complaints.append(f"{name}: {why}")
            if not why and name in listed:
                complaints.append(f"{name}: converts, but the list says: {listed[name]}")
            if not why and not is_compared(name, folder):
                complaints.append(f"{name}: no oracle compares its answers: {', '.join(ORACLES[folder][1])}")
    if arguments.update:
        write_list(LIST, {name: listed.get(name, f"not yet: {why}") for name, why in failed.items()})
    print("\n".join(complaints))
    print(f"{count - len(failed)} of {count} models convert, {len(failed)} do not, {len(complaints)} complaints")
    return 1 if complaints or not count else 0


if __name__ == "__main__":
    sys.exit(main())
