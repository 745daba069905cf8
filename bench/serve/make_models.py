"""Writes the benchmark's models: networks of bench/peers with seeded random weights, as .onnx.

A detector of random weights calls nearly every anchor an object. So its heads are made milder, and their objectness lower by
as much as leaves about CANDIDATES boxes of the photo above SCORE: as much work for the suppression as a street has.

usage: PYTHONPATH=bench make_models.py PHOTO FOLDER NAME...    a PHOTO that is not there is made
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from peers.models import NETWORKS
from peers.writers import onnx_writer
from PIL import Image, ImageOps

CANDIDATES = 200
SCORE = 0.25
CLASSES = 80
ANCHORS = 3
HEAD_GAIN = 0.03  # of the heads' last weights: brings their scores from 0 or 1 to what lies between


def _heads(model):
    """(weight, bias) initialisers of the convolutions that give the boxes; each tensor once."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    names = {node.input[1]: node.input[2] for node in model.graph.node
             if node.op_type == "Conv" and tensors[node.input[1]].dims[0] == ANCHORS * (5 + CLASSES)}
    return [tensors[name] for name in names], [tensors[name] for name in set(names.values())]


def _change(tensors, function):
    for tensor in tensors:
        changed = numpy_helper.from_array(function(numpy_helper.to_array(tensor).copy()), tensor.name)
        tensor.CopyFrom(changed)


def _rows(model, photo):
    """[N,5+classes] of the photo within grey borders."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    port = session.get_inputs()[0]
    image = ImageOps.pad(Image.open(photo).convert("RGB"), (port.shape[3], port.shape[2]), color=(114, 114, 114))
    return session.run(None, {port.name: np.asarray(image, np.float32).transpose(2, 0, 1)[None] / 255})[0][0]


def _bias_for(rows):
    """What added to the objectness' logits leaves CANDIDATES boxes."""
    objectness = np.clip(rows[:, 4].astype(np.float64), 1e-12, 1 - 1e-12)
    logits, best = np.log(objectness / (1 - objectness)), rows[:, 5:].max(1)
    low, high = -30.0, 30.0
    for _ in range(50):
        middle = (low + high) / 2
        count = (best / (1 + np.exp(-logits - middle)) > SCORE).sum()
        low, high = (low, middle) if count > CANDIDATES else (middle, high)
    return low


def _calm(model, photo):
    weights, biases = _heads(model)
    _change([*weights, *biases], lambda values: values * np.float32(HEAD_GAIN))
    bias = _bias_for(_rows(model, photo))

    def lower_objectness(values):
        values[4::5 + CLASSES] += np.float32(bias)
        return values

    _change(biases, lower_objectness)


def write(name, photo, folder):
    path = folder / f"{name}.onnx"
    onnx_writer.write(NETWORKS[name](), path)
    if name.startswith("yolo"):
        model = onnx.load(path)
        _calm(model, photo)
        onnx.save(model, path)


def make_photo(path):
    """A JPEG as large as a phone's preview: patches of colour, smooth between."""
    patches = np.random.default_rng(1).integers(0, 256, (27, 36, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(patches).resize((1080, 810), Image.Resampling.BICUBIC).save(path, "JPEG", quality=90)


def main(photo, folder, *names):
    photo, folder = pathlib.Path(photo), pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not photo.exists():
        make_photo(photo)
    for name in names:
        write(name, photo, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
