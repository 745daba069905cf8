"""The models of a run with their files: networks of our own are written, real ones come from the shared assets."""
import dataclasses
import hashlib
import pathlib
import subprocess
import sys

import numpy as np

from .models import NETWORKS
from .writers import mnn_writer, ncnn_writer, onnx_writer, tflite_writer

SEED = 20261128
VOCABULARY = 30000


@dataclasses.dataclass
class Model:
    """files: suffix -> path. inputs: name -> array. Counts of multiply-accumulates are 0 where nobody counted.

    known_wrong: engine -> why its answer is not the reference's; it is left out.
    """
    name: str
    files: dict
    inputs: dict
    macs: int = 0
    fewest_macs: float = 0
    known_wrong: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Asset:
    """A real model: path within the assets, shapes of its f32 inputs in its own order of axes; known_wrong as Model's."""
    path: str
    inputs: dict
    known_wrong: dict = dataclasses.field(default_factory=dict)


ASSETS = {
    "yolox_nano_416": Asset("onnx/yolox_nano.onnx", {"images": (1, 3, 416, 416)}),
    "fastestdet_352": Asset("onnx/FastestDet.onnx", {"input.1": (1, 3, 352, 352)}),
    "ultraface_320": Asset("onnx/ultraface_rfb320_nopost.onnx", {"input": (1, 3, 240, 320)}),
    "yolov5n_320_tflite": Asset("tflite/yolov5n-fp16-320.tflite", {"serving_default_input_1:0": (1, 320, 320, 3)},
                                {"mnn": "its converter's network answers otherwise, by half of the largest value"}),
    "mobilenetv1_025_tflite": Asset("tflite/mobilenet_v1_0.25_224_float_metadata.tflite", {"input": (1, 224, 224, 3)}),
}


def _array(name, shape, dtype, random):
    if dtype == "f32":
        return random.random(shape, dtype=np.float32)
    if "mask" in name:
        return np.ones(shape, np.int64)
    return random.integers(0, 2 if "type" in name else VOCABULARY, shape)


def make_inputs(ports):
    """ports: (name, shape, dtype) of every input. Seeded."""
    random = np.random.default_rng(SEED)
    return {name: _array(name, shape, dtype, random) for name, shape, dtype in ports}


def _sources_digest():
    """Of everything that decides what the files hold."""
    digest = hashlib.sha256()
    here = pathlib.Path(__file__).parent
    for path in sorted([*here.glob("models/*.py"), *here.glob("writers/*.py"), here / "requirements.txt"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _convert_to_mnn(source, path):
    """In a process of its own: the converter prints much, and keeps what it read."""
    run = subprocess.run([sys.executable, "-m", "peers.writers.mnn_writer", source, path], capture_output=True, text=True,
                         check=False)
    if run.returncode != 0:
        raise SystemExit(f"bench-peers: MNN's converter failed on '{source}':\n{run.stdout}{run.stderr}")


def _write_network(net, folder):
    """suffix -> path of the files that exist for it."""
    files = {".onnx": folder / f"{net.name}.onnx", ".mnn": folder / f"{net.name}.mnn"}
    onnx_writer.write(net, files[".onnx"])
    _convert_to_mnn(files[".onnx"], files[".mnn"])
    for suffix, writer in ((".param", ncnn_writer), (".tflite", tflite_writer)):
        if writer.can_write(net):
            files[suffix] = folder / f"{net.name}{suffix}"
            writer.write(net, files[suffix])
    return files


def network(name, folder):
    """One of NETWORKS; its files are kept from the last run where nothing they depend on has changed."""
    net = NETWORKS[name]()
    stamp = folder / f"{name}.stamp"
    if stamp.exists() and stamp.read_text() == _sources_digest():
        files = {suffix: path for suffix in (".onnx", ".mnn", ".param", ".tflite")
                 if (path := folder / f"{name}{suffix}").exists()}
    else:
        files = _write_network(net, folder)
        stamp.write_text(_sources_digest())
    ports = [(value.name, value.shape, value.dtype) for value in net.inputs]
    return Model(name, files, make_inputs(ports), net.macs, net.fewest_macs)


def asset(name, assets, folder):
    entry = ASSETS[name]
    source, converted = assets / entry.path, folder / f"{name}.mnn"
    if not converted.exists():
        _convert_to_mnn(source, converted)
    ports = [(port, shape, "f32") for port, shape in entry.inputs.items()]
    return Model(name, {source.suffix: source, ".mnn": converted}, make_inputs(ports), known_wrong=entry.known_wrong)


def names(assets):
    """Of all models that can take part here."""
    return [*NETWORKS, *(name for name, entry in ASSETS.items() if (assets / entry.path).exists())]


def load(name, assets, folder):
    folder.mkdir(parents=True, exist_ok=True)
    return network(name, folder) if name in NETWORKS else asset(name, assets, folder)
