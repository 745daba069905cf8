"""OpenCV's TensorFlow layer tests: small GraphDefs with the input and the output that TensorFlow gave.

usage: tensorflow_suite.py SLIPWAY [--only TEXT] [--update]

Every net of suites/opencv_dnn_tensorflow.tar.xz in SLIPWAY_ASSETS runs on both backends. The data are stored as
OpenCV lays them out: what TensorFlow has as [N,H,W,C] stands as [N,C,H,W], other ranks as they are. What does not
pass stands in conformance/tensorflow_expected_failures.txt, one reason above its cases; a listed case that passes
fails the run. --update rewrites the list: it keeps known reasons and marks new ones.
"""
import subprocess
import sys

import numpy as np

import suite

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
    feeds = {"": fit(np.load(folder / f"{INPUT_OF.get(name, name)}_in.npy"))}
    expected = fit(np.load(folder / f"{name}_out.npy"))
    return suite.only_output(suite.run_net(slipway, backend, net, feeds, scratch), expected, tolerance(name))


def make_cases(slipway, folder, scratch):
    found = {}
    for net in sorted(folder.glob("*_net.pb")):
        name = net.name.removesuffix("_net.pb")
        if name in REFUSED:
            found[name] = lambda name=name: [why] if (why := check_refused(slipway, folder, name)) else []
        elif name not in WITHOUT_INPUT:
            found[name] = suite.on_backends(lambda backend, name=name: check(slipway, backend, folder, name, scratch))
    return found


if __name__ == "__main__":
    sys.exit(suite.main("opencv_dnn_tensorflow", "tensorflow_expected_failures.txt", make_cases))
