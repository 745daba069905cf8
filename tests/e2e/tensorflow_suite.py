"""OpenCV's TensorFlow layer tests: small GraphDefs with the input and the output that TensorFlow gave.

usage: tensorflow_suite.py SLIPWAY [--only TEXT] [--update]

Every net of suites/opencv_dnn_tensorflow.tar.xz in SLIPWAY_ASSETS runs on both backends. The data are stored as
OpenCV lays them out: what TensorFlow has as [N,H,W,C] stands as [N,C,H,W], other ranks as they are. What does not
pass stands in conformance/tensorflow_expected_failures.txt, one reason above its cases; a listed case that passes
fails the run. --update rewrites the list: it keeps known reasons and marks new ones.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = ROOT / "conformance" / "tensorflow_expected_failures.txt"
ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", ROOT.parent / "shared" / "assets"))
SKIPPED = 77  # ctest's SKIP_RETURN_CODE

# Cases that share another's input.
INPUT_OF = {
    "reduce_sum_channel_keep_dims": "reduce_sum_channel",
    "resize_bilinear_align_corners": "resize_bilinear",
    "resize_bilinear_factor_align_corners": "resize_bilinear_factor",
    "resize_bilinear_factor_half_pixel": "resize_bilinear_factor",
}


def tolerance(name):
    """Relative to the largest number expected. The fp16_ nets hold halves of the f32 weights that gave the answer."""
    return 2e-3 if name.startswith("fp16_") else 1e-5


# The archive has no input for these.
WITHOUT_INPUT = {"reduce_max_channel_keep_dims", "resize_nearest_neighbor_half_pixel"}
# To be refused: exit code (broken model, unsupported model) and what the message names.
REFUSED = {
    "broken_layer": (4, "Mul 'model_24/tf.math.multiply_24/Mul': input 'b' is missing"),
    "not_implemented_layer": (5, "'model_28/tf.expand_dims_12/ExpandDims': UnknownLayer on (f32[2,3,4], i32[])"),
}
# Placeholders beside the data.
SWITCHES = {"batch_norm_text": {"isTraining": np.bool_(False)}}


def to_channels_last(array):
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if array.ndim in (4, 5) else array


def check_refused(slipway, folder, name):
    """None, or why the case fails."""
    code, text = REFUSED[name]
    run = subprocess.run([slipway, "inspect", folder / f"{name}_net.pb"], capture_output=True, text=True, check=False)
    return None if run.returncode == code and text in run.stderr else f"exit {run.returncode}: {run.stderr.strip()}"


def check(slipway, backend, folder, name, scratch):
    """None, or why the case fails."""
    net = folder / f"{name}_net.pb"
    is_nchw = b"NCHW" in net.read_bytes()
    fit = (lambda array: array) if is_nchw else to_channels_last
    array = np.load(folder / f"{INPUT_OF.get(name, name)}_in.npy")
    expected = fit(np.load(folder / f"{name}_out.npy"))
    np.save(scratch / "in.npy", fit(array))
    data = [scratch / "in.npy"]
    for switch, value in SWITCHES.get(name, {}).items():
        np.save(scratch / "switch.npy", value)
        data.append(f"{switch}={scratch / 'switch.npy'}")
    run = subprocess.run([slipway, "run", net, *data, "-o", scratch / "out.npz", "--backend", backend],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return run.stderr.strip()
    outputs = np.load(scratch / "out.npz")
    if len(outputs.files) != 1:
        return f"has {len(outputs.files)} outputs"
    ours = outputs[outputs.files[0]]
    if ours.shape != expected.shape:
        return f"shape {ours.shape}, expected {expected.shape}"
    error = np.abs(ours.astype(np.float64) - expected).max() / max(np.abs(expected).max(), 1e-30)
    return None if error <= tolerance(name) else f"differs by {error:.2g} of the largest number"


def read_list():
    """Case to reason, in the format of expected_failures.h."""
    reasons, reason = {}, ""
    for line in LIST.read_text().splitlines() if LIST.exists() else []:
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] == " ":
            reasons[line.strip()] = reason
        else:
            reason = line.strip()
    return reasons


def write_list(reasons):
    text = "# Nets of OpenCV's TensorFlow layer tests that do not pass, by reason. See tests/e2e/tensorflow_suite.py.\n"
    for reason in sorted(set(reasons.values())):
        text += f"\n{reason}\n" + "".join(f"  {name}\n" for name in sorted(reasons) if reasons[name] == reason)
    LIST.write_text(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("slipway")
    parser.add_argument("--only", default="")
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    archive = ASSETS / "suites" / "opencv_dnn_tensorflow.tar.xz"
    if not archive.exists():
        print(f"skipped: no {archive}")
        return SKIPPED
    listed, failed, complaints = read_list(), {}, []
    num_cases = 0
    with tempfile.TemporaryDirectory() as text:
        scratch = pathlib.Path(text)
        with tarfile.open(archive) as tar:
            tar.extractall(scratch)
        folder = scratch / "opencv_dnn_tensorflow"
        for net in sorted(folder.glob("*_net.pb")):
            name = net.name.removesuffix("_net.pb")
            if arguments.only not in name or name in WITHOUT_INPUT:
                continue
            num_cases += 1
            if name in REFUSED:
                whys = [why] if (why := check_refused(arguments.slipway, folder, name)) else []
            else:
                whys = [f"{backend}: {why}" for backend in ("ref", "cpu")
                        if (why := check(arguments.slipway, backend, folder, name, scratch))]
            if whys:
                failed[name] = whys[0]
            if whys and name not in listed:
                complaints.append(f"{name}: {whys[0]}")
            if not whys and name in listed:
                complaints.append(f"{name}: passes, but the list says: {listed[name]}")
    if arguments.update:
        write_list({name: listed.get(name, f"not yet: {why.splitlines()[0]}") for name, why in failed.items()})
    print("\n".join(complaints))
    print(f"{num_cases - len(failed)} of {num_cases} nets pass, {len(failed)} fail, {len(complaints)} unexpectedly")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
