"""Caffe nets: OpenCV's layer tests with the outputs that Caffe gave; single layers and real nets (on a photo) against
OpenCV; layers that OpenCV lacks against numpy (caffe_layers.py).

usage: caffe_suite.py SLIPWAY [--only TEXT] [--update]

Every net of suites/opencv_dnn_caffe_layers.tar.xz in SLIPWAY_ASSETS and every .caffemodel of its folder caffe/ runs on
both backends. What does not pass stands in conformance/caffe_expected_failures.txt, one reason above its cases; a listed
case that passes fails the run. --update rewrites the list: it keeps known reasons and marks new ones.
"""
import json
import re
import subprocess
import sys

import cv2
import numpy as np

import caffe_layers
import suite
from suite import ASSETS, difference, on_backends, run_net


def layer_feeds(folder, name):
    """Inputs by name, as the archive's files are called."""
    if name == "prior_box":
        return {"data": np.zeros((1, 3, 10, 10), np.float32), "shape": np.zeros((1, 2, 3, 4), np.float32)}
    feeds = {f"input_{i}": np.load(path) for i, path in enumerate(sorted(folder.glob(f"{name}.input_?.npy")))}
    if feeds:
        return feeds
    own = folder / f"{name}.input.npy"
    feeds["input"] = np.load(own if own.exists() else folder / "blob.npy")
    if (folder / f"{name}.rois.npy").exists():
        feeds["rois"] = np.load(folder / f"{name}.rois.npy")
    return feeds


def check_layer(slipway, backend, folder, name, scratch):
    """None, or why the case fails."""
    weights = folder / f"{name}.caffemodel"
    # The archive holds other nets' weights too: a description without its own is given alone.
    net = scratch / f"{name}.prototxt"
    net.write_bytes((folder / net.name).read_bytes())
    if weights.exists():
        (scratch / weights.name).write_bytes(weights.read_bytes())
    expected = np.load(folder / ("priorbox_output.npy" if name == "prior_box" else f"{name}.npy"))
    return suite.only_output(run_net(slipway, backend, net, layer_feeds(folder, name), scratch), expected)


def description_of(weights):
    own = weights.with_suffix(".prototxt")
    return own if own.exists() else weights.with_name("lenet_deploy.prototxt")


def photo(shape):
    """A face as levels -1..1, [N,C,H,W]."""
    image = cv2.imread(str(ASSETS / "images/faces/ultraface_12.jpg"),
                       cv2.IMREAD_COLOR if shape[1] == 3 else cv2.IMREAD_GRAYSCALE)
    image = cv2.resize(image, (shape[3], shape[2])).reshape(shape[2], shape[3], shape[1])
    return np.repeat(((image.astype(np.float32) - 127.5) / 128).transpose(2, 0, 1)[None], shape[0], 0)


def check_model(slipway, backend, weights, scratch):
    """None, or why the net's outputs are not OpenCV's."""
    # OpenCV lacks Upsample and calls the same thing Resample.
    text = description_of(weights).read_text().replace('"Upsample"', '"Resample"')
    text = text.replace("upsample_param {", "resample_param { type: NEAREST factor: 2")
    text = re.sub(r"factor: 2\s+scale: (\d+)", r"factor: \1", text)
    (scratch / "oracle.prototxt").write_text(text)
    oracle = cv2.dnn.readNetFromCaffe(str(scratch / "oracle.prototxt"), str(weights))
    info = subprocess.run([slipway, "inspect", "--json", weights], capture_output=True, text=True, check=False)
    if info.returncode != 0:
        return info.stderr.strip()
    [entry] = json.loads(info.stdout)["inputs"]
    array = photo(entry["shape"])
    outputs = run_net(slipway, backend, weights, {entry["name"]: array}, scratch)
    if isinstance(outputs, str):
        return outputs
    oracle.setInput(array, entry["name"])
    names = oracle.getUnconnectedOutLayersNames()
    if len(names) != len(outputs):
        return f"outputs {sorted(outputs)}, expected {sorted(names)}"
    expected = dict(zip(names, oracle.forward(names)))
    tops = {layer: top for layer in names for top in outputs if top == layer}
    for layer, array in expected.items():
        top = tops.get(layer)
        # OpenCV names outputs by layer: where the top is called otherwise, it is the one of that shape.
        candidates = [top] if top else [name for name, ours in outputs.items() if ours.shape == array.shape]
        whys = [difference(outputs[name], array) for name in candidates]
        if not whys or all(whys):
            return f"output of layer '{layer}': {whys[0] if whys else 'of another shape'}"
    return None


def check_halves(slipway, backend, scratch):
    """A net whose weights OpenCV halved (NVIDIA's raw_data): the same net to OpenCV."""
    weights = scratch / "halves.caffemodel"
    cv2.dnn.shrinkCaffeModel(str(ASSETS / "caffe/lenet_iter_9000.caffemodel"), str(weights))
    (scratch / "halves.prototxt").write_text(description_of(ASSETS / "caffe/lenet_iter_9000.caffemodel").read_text())
    return check_model(slipway, backend, weights, scratch)


SSD = """input: "loc" input_shape { dim: 1 dim: 1200 }
input: "conf" input_shape { dim: 1 dim: 1200 }
input: "feature" input_shape { dim: 1 dim: 1 dim: 10 dim: 10 }
input: "image" input_shape { dim: 1 dim: 3 dim: 100 dim: 100 }
layer { name: "priors" type: "PriorBox" bottom: "feature" bottom: "image" top: "priors"
  prior_box_param { min_size: 20 aspect_ratio: 2 flip: true clip: true variance: [0.1, 0.1, 0.2, 0.2] } }
layer { name: "out" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "priors" top: "out"
  detection_output_param { num_classes: 4 share_location: true background_label_id: 0 code_type: CENTER_SIZE
    nms_param { nms_threshold: 0.4 top_k: 50 } keep_top_k: 20 confidence_threshold: 0.3 } }
"""


def check_detection(slipway, backend, scratch):
    """None, or why SSD's detections are not OpenCV's."""
    net = scratch / "ssd.prototxt"
    net.write_text(SSD)
    random = np.random.default_rng(3)
    feeds = {"loc": random.standard_normal((1, 1200), np.float32), "conf": random.random((1, 1200), np.float32),
             "feature": np.zeros((1, 1, 10, 10), np.float32), "image": np.zeros((1, 3, 100, 100), np.float32)}
    oracle = cv2.dnn.readNetFromCaffe(str(net))
    for name, array in feeds.items():
        oracle.setInput(array, name)
    outputs = run_net(slipway, backend, net, feeds, scratch)
    if isinstance(outputs, str):
        return outputs
    # Caffe writes class by class, OpenCV by score over all classes.
    expected = oracle.forward("out")[0, 0]
    return difference(outputs["out"][0, 0], expected[np.lexsort((-expected[:, 2], expected[:, 1]))])


# Layers without weights on x f32[2,6,7,9], by name: type, parameters, bottoms, tops (one each when left out).
SMALL = {
    "lrn_across": ("LRN", "lrn_param { local_size: 3 alpha: 2 beta: 0.6 }"),
    "lrn_within": ("LRN", "lrn_param { local_size: 3 alpha: 2 norm_region: WITHIN_CHANNEL }"),
    "elu": ("ELU", "elu_param { alpha: 0.7 }"),
    "relu_leaky": ("ReLU", "relu_param { negative_slope: 0.3 }"),
    "relu6": ("ReLU6", ""),
    "sigmoid": ("Sigmoid", ""),
    "tanh": ("TanH", ""),
    "abs": ("AbsVal", ""),
    "bnll": ("BNLL", ""),
    "power": ("Power", "power_param { power: 3 scale: 0.5 shift: 1 }"),
    "exp": ("Exp", "exp_param { base: 2 scale: 0.5 shift: 1 }"),
    "pool_ceil": ("Pooling", "pooling_param { kernel_size: 2 stride: 2 }"),
    "pool_ceil_average": ("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 }"),
    "pool_clip": ("Pooling", "pooling_param { kernel_size: 2 stride: 3 pad: 1 }"),
    "pool_clip_average": ("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }"),
    "pool_global": ("Pooling", "pooling_param { pool: AVE global_pooling: true }"),
    "softmax_axis": ("Softmax", "softmax_param { axis: 2 }"),
    "flatten": ("Flatten", "flatten_param { axis: 1 end_axis: 2 }"),
    "permute": ("Permute", "permute_param { order: [0, 3, 1, 2] }"),
    "shuffle": ("ShuffleChannel", "shuffle_channel_param { group: 3 }"),
    "reshape": ("Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 3 } }"),
    "reshape_inner": ("Reshape", "reshape_param { axis: 1 num_axes: 2 shape { dim: 14 dim: 3 } }"),
    "sum": ("Eltwise", "eltwise_param { coeff: 0.5 coeff: -2 }", ["x", "x"]),
    "product": ("Eltwise", "eltwise_param { operation: PROD }", ["x", "x"]),
    "mvn": ("MVN", "mvn_param { normalize_variance: false }"),
    "mvn_across": ("MVN", "mvn_param { across_channels: true eps: 1e-6 }"),
    "slice": ("Slice", "slice_param { axis: 3 slice_point: [2, 5] }", ["x"], ["a", "b", "c"]),
    "interp": ("Interp", "interp_param { zoom_factor: 3 }"),
}


def check_small(slipway, backend, name, scratch):
    """None, or why the layer's outputs are not OpenCV's."""
    kind, parameters, *links = SMALL[name]
    bottoms, tops = (links + [["x"], ["y"]][len(links):])
    links = " ".join([f'bottom: "{each}"' for each in bottoms] + [f'top: "{each}"' for each in tops])
    net = scratch / f"{name}.prototxt"
    net.write_text('input: "x" input_shape { dim: 2 dim: 6 dim: 7 dim: 9 }\n'
                   f'layer {{ name: "{tops[0]}" type: "{kind}" {links} {parameters} }}\n')
    array = np.random.default_rng(5).standard_normal((2, 6, 7, 9), np.float32)
    outputs = run_net(slipway, backend, net, {"x": array}, scratch)
    if isinstance(outputs, str):
        return outputs
    oracle = cv2.dnn.readNetFromCaffe(str(net))
    oracle.setInput(array, "x")
    expected = oracle.forwardAndRetrieve([tops[0]])[0]
    if len(expected) < len(tops):  # of a maximum OpenCV gives the mask, too
        return f"OpenCV gives {len(expected)} outputs for {len(tops)} tops"
    whys = [difference(outputs[top], array) for top, array in zip(tops, expected)]
    return next((why for why in whys if why), None)


def check_definition(slipway, backend, name, scratch):
    """None, or why outputs are not what numpy makes of the layer's definition."""
    text, feeds, weights, expected = caffe_layers.CASES[name]()
    return check_net(slipway, backend, text, feeds, weights, expected, scratch / name)


def check_net(slipway, backend, text, feeds, weights, expected, folder, tolerance=1e-5):
    folder.mkdir(exist_ok=True)
    (folder / "net.prototxt").write_text(text)
    if weights:
        (folder / "net.caffemodel").write_bytes(caffe_layers.caffemodel(weights))
    outputs = run_net(slipway, backend, folder / "net.prototxt", feeds, folder)
    if isinstance(outputs, str):
        return outputs
    if outputs.keys() != expected.keys():
        return f"outputs {sorted(outputs)}, expected {sorted(expected)}"
    for output, array in expected.items():
        if not np.array_equal(np.isnan(outputs[output]), np.isnan(array)):
            return f"{output}: NaN elsewhere"
        if why := difference(np.nan_to_num(outputs[output]), np.nan_to_num(array), tolerance):
            return f"{output}: {why}"
    return None


def check_recurrent(slipway, backend, folder, kind, scratch):
    """None, or why a recurrent layer's outputs are not those that Caffe gave (the archive has them without a net)."""
    stem = f"{kind.lower()}.prototxt"
    weights = [np.load(path) for path in sorted(folder.glob(f"{stem}.w_?.npy"))]
    # Where the sequences begin nothing is carried over; from there on everything is.
    feeds = {"x": np.load(folder / "recurrent.input.npy"), "cont": np.ones((12, 2), np.float32)}
    feeds["cont"][0] = 0
    text = caffe_layers.net(feeds, (kind, "x cont", "y", "recurrent_param { num_output: 17 }"))
    expected = {"y": np.load(folder / f"{stem}.h_1.npy")}
    # What goes into its sigmoids are sums of up to 335 over 1332 products: f32, Caffe's too, knows them to some 1e-4.
    return check_net(slipway, backend, text, feeds, {"y": weights}, expected, scratch / kind, tolerance=1e-4)


def make_cases(slipway, folder, scratch):
    found = {}
    for net in sorted(folder.glob("*.prototxt")):
        found[net.stem] = on_backends(lambda backend, name=net.stem: check_layer(slipway, backend, folder, name, scratch))
    for weights in sorted((ASSETS / "caffe").glob("*.caffemodel")):
        found[weights.stem] = on_backends(lambda backend, at=weights: check_model(slipway, backend, at, scratch))
    for name in SMALL:
        found[name] = on_backends(lambda backend, name=name: check_small(slipway, backend, name, scratch))
    for name in caffe_layers.CASES:
        found[name] = on_backends(lambda backend, name=name: check_definition(slipway, backend, name, scratch))
    for kind in ("LSTM", "RNN"):
        found[kind] = on_backends(lambda backend, kind=kind: check_recurrent(slipway, backend, folder, kind, scratch))
    found["halves"] = on_backends(lambda backend: check_halves(slipway, backend, scratch))
    found["ssd_detection"] = on_backends(lambda backend: check_detection(slipway, backend, scratch))
    return found


if __name__ == "__main__":
    sys.exit(suite.main("opencv_dnn_caffe_layers", "caffe_expected_failures.txt", make_cases))
