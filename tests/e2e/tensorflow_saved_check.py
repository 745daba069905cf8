"""SavedModels and frozen graphs run as TensorFlow ran them.

usage: tensorflow_saved_check.py SLIPWAY FOLDER [--only TEXT]

FOLDER is what tests/oracles/tensorflow_saved_models.py and tensorflow_frozen.py make. Every output of every model on both
backends: real numbers within 1e-5 of the largest (or what the model's maker says), others exactly; ports by the signature's names; and the same from a .slip file.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from suite import ASSETS, BACKENDS, difference, run_net


def complaints(slipway, folder, name, scratch):
    with np.load(folder / f"{name}.npz") as arrays:
        kept = dict(arrays)
    feeds = {key.removeprefix("in:"): array for key, array in kept.items() if key.startswith("in:")}
    feeds.update({key.removeprefix("file:"): array.tobytes() for key, array in kept.items() if key.startswith("file:")})
    answers = {key.removeprefix("out:"): array for key, array in kept.items() if key.startswith("out:")}
    # An output that is called as an input is gets a name of its own.
    answers = {f"{port}_out" if port in feeds else port: array for port, array in answers.items()}
    options = ["--signature", str(kept["signature"])] if "signature" in kept else []
    options += [str(option) for option in kept.get("options", []) if str(option)]
    model = ASSETS / str(kept["model"]) if "model" in kept else folder / name
    slip = scratch / "model.slip"
    tolerance = float(kept.get("tolerance", 1e-5))
    convert = subprocess.run([slipway, "convert", model, "-o", slip, *options], capture_output=True, text=True,
                             check=False)
    if convert.returncode != 0:
        yield convert.stderr.strip()
        return
    runs = [(backend, model, options) for backend in BACKENDS] + [("cpu", slip, [])]
    for backend, path, flags in runs:
        ours = run_net(slipway, backend, path, feeds, scratch, *flags)
        if isinstance(ours, str):
            yield f"{backend}: {ours}"
        elif sorted(ours) != sorted(answers):
            yield f"{backend}: outputs {sorted(ours)}, expected {sorted(answers)}"
        else:
            for port, expected in answers.items():
                if expected.dtype.kind == "U":
                    same = ours[port].shape == expected.shape and (ours[port] == expected).all()
                    why = None if same else f"{ours[port]}, expected {expected}"
                else:
                    why = difference(ours[port], expected, tolerance if expected.dtype.kind == "f" else 0)
                if why:
                    yield f"{backend}, {port}: {why}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("slipway")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    names = sorted(path.stem for path in arguments.folder.glob("*.npz") if arguments.only in path.stem)
    num_failed = 0
    with tempfile.TemporaryDirectory() as text:
        for name in names:
            whys = list(complaints(arguments.slipway, arguments.folder, name, pathlib.Path(text)))
            num_failed += bool(whys)
            for why in whys:
                print(f"{name}: {why}")
    print(f"{len(names) - num_failed} of {len(names)} models agree with TensorFlow")
    return 1 if num_failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
