"""The YOLOv5n example against LiteRT running the twin that its weights are drawn from, on a photo.

usage: yolov5_wts_test.py PROGRAM. Exits with 77 where the assets or LiteRT are not there.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", pathlib.Path(__file__).resolve().parents[2] / "shared/assets"))
TWIN = ASSETS / "tflite/yolov5n-fp16-320.tflite"
SIDE = 320
# The twin scales boxes to [0, 1] by 1/320 kept as f16.
TWIN_SCALE = 0.003124237060546875
EPSILON = 1e-3

try:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:
    print("skipped: no ai_edge_litert")
    sys.exit(77)


def c3(name, depth):
    blocks = [f"{name}.m.{i}.cv{j}" for i in range(depth) for j in (1, 2)]
    return [f"{name}.cv1", *blocks, f"{name}.cv2", f"{name}.cv3"]


def layer_names():
    """The convolutions in the order in which the twin runs them."""
    names = ["model.0", "model.1", *c3("model.2", 1), "model.3", *c3("model.4", 2), "model.5", *c3("model.6", 3),
             "model.7", *c3("model.8", 1), "model.9.cv1", "model.9.cv2", "model.10", *c3("model.13", 1), "model.14",
             *c3("model.17", 1), "model.18", *c3("model.20", 1), "model.21", *c3("model.23", 1)]
    return [name + ".conv" for name in names] + ["model.24.m.2", "model.24.m.1", "model.24.m.0"]


def twin_weights(twin):
    """Name -> f32 array, PyTorch's layout."""
    ops = twin._get_ops_details()
    source = {op["outputs"][0]: op["inputs"][0] for op in ops if op["op_name"] == "DEQUANTIZE"}
    convolutions = [op["inputs"] for op in ops if op["op_name"] == "CONV_2D"]
    arrays = {}
    for name, (_, weight, bias) in zip(layer_names(), convolutions, strict=True):
        arrays[name + ".weight"] = twin.get_tensor(source[weight]).astype(np.float32).transpose(0, 3, 1, 2)
        arrays[name + ".bias"] = twin.get_tensor(source[bias]).astype(np.float32)
    return arrays


def unfolded(arrays, random):
    """The same network with a batch normalisation behind every convolution that a block has."""
    out = {}
    for name, array in arrays.items():
        block, _, role = name.rpartition(".conv.")
        if not block:
            out[name] = array
        elif role == "weight":
            count = len(array)
            gain, variance = random.uniform(0.5, 2, count), random.uniform(0.5, 2, count)
            mean, scale = random.normal(size=count), gain / np.sqrt(variance + EPSILON)
            out[name] = array / scale[:, None, None, None]
            out[block + ".bn.weight"], out[block + ".bn.running_var"] = gain, variance
            out[block + ".bn.running_mean"] = mean
            out[block + ".bn.bias"] = arrays[block + ".conv.bias"] + mean * scale
    return out


def write_wts(path, arrays):
    with open(path, "w") as out:
        out.write(f"{len(arrays)}\n")
        for name, array in arrays.items():
            words = np.ascontiguousarray(array, ">f4").tobytes()
            out.write(f"{name} {array.size} {words.hex(' ', 4)}\n")


def main():
    program = sys.argv[1]
    photo = ASSETS / "images/task/burger_crop.jpg"
    if not TWIN.exists() or not photo.exists():
        print(f"skipped: no {TWIN} or {photo}")
        return 77
    from PIL import Image
    image = np.asarray(Image.open(photo).convert("RGB").resize((SIDE, SIDE)), np.float32)[None] / 255
    twin = Interpreter(str(TWIN), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    twin.allocate_tensors()
    arrays = twin_weights(twin)
    twin.set_tensor(twin.get_input_details()[0]["index"], image)
    twin.invoke()
    want = twin.get_tensor(twin.get_output_details()[0]["index"]).copy()
    want[..., :4] /= TWIN_SCALE * SIDE
    with tempfile.TemporaryDirectory() as folder:
        weights, given, made = (os.path.join(folder, name) for name in ("yolov5n.wts", "image.npy", "boxes.npy"))
        np.save(given, image.transpose(0, 3, 1, 2).copy())
        for kind, each in (("folded", arrays), ("with normalisation", unfolded(arrays, np.random.default_rng(3)))):
            write_wts(weights, each)
            subprocess.run([program, weights, given, made], check=True)
            got = np.load(made)
            got[..., :4] /= SIDE
            assert got.shape == want.shape, (got.shape, want.shape)
            worst = np.abs(got - want).max()
            print(f"{kind}: {len(each)} arrays, largest difference {worst:.2g}, best score "
                  f"{(want[..., 4:5] * want[..., 5:]).max():.3f}")
            assert worst <= 1e-4, kind
    return 0


if __name__ == "__main__":
    sys.exit(main())
