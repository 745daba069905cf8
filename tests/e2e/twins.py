"""The same trained net in several formats: its answers agree.

usage: twins.py SLIPWAY [--only TEXT]

Pairs of pairs.tsv in SLIPWAY_ASSETS, on a photo. Nets of the same f32 weights agree within 1e-4 of the largest number,
those of halved or 8-bit weights as closely as such weights allow, quantised ones on what wins.
"""
import argparse
import pathlib
import sys
import tempfile

import numpy as np
from PIL import Image

import suite

FACE, OBJECT, DIGIT = "images/faces/ultraface_12.jpg", "images/calib_imagenet/n01443537_goldfish.JPEG", "images/mnist/7.pgm"


def photo(path, height, width, scale, offset, channels=3):
    """[1,h,w,c] of reals."""
    picture = Image.open(suite.ASSETS / path).convert("RGB" if channels == 3 else "L").resize((width, height), Image.BILINEAR)
    return (np.asarray(picture, np.float32).reshape(1, height, width, channels) * np.float32(scale) + np.float32(offset)).astype(np.float32)


def to_nchw(array):
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2))


def by_width(outputs):
    """Results as rows, by the length of a row: formats order and shape them differently."""
    return {array.shape[-1]: array.reshape(-1, array.shape[-1]).astype(np.float64) for array in outputs.values()}


def worst(a, b):
    """The largest difference over the largest number, over all results."""
    if a.keys() != b.keys() or any(a[width].shape != b[width].shape for width in a):
        return f"shapes {[x.shape for x in a.values()]} and {[x.shape for x in b.values()]}"
    return max(np.abs(a[width] - b[width]).max() / max(np.abs(a[width]).max(), 1e-9) for width in a)


# The pair, the input as [1,h,w,c], and how far apart they may be. ONNX and Caffe take channels first.
REAL = [
    ("onnx/ultraface_rfb320_nopost.onnx", "tflite/ultraface_rfb320_nopost.tflite", (FACE, 240, 320, 1 / 128, -127 / 128), 1e-4),
    ("onnx/yunet_120x160.onnx", "tflite/yunet_120x160_f32.tflite", (FACE, 120, 160, 1, 0), 1e-4),
    ("tflite/yunet_120x160_f32.tflite", "tflite/yunet_120x160_fp16.tflite", (FACE, 120, 160, 1, 0), 2e-2),
    ("tflite/yunet_120x160_f32.tflite", "tflite/yunet_120x160_dynamic_range.tflite", (FACE, 120, 160, 1, 0), 0.2),
    ("onnx/mediapipe_hand_recrop.onnx", "tflite/mediapipe_hand_recrop_f32.tflite", (FACE, 256, 256, 1 / 255, 0), 1e-4),
    ("onnx/mediapipe_face_detection_short_range.onnx", "tflite/mediapipe_face_detection_short_range_fp16.tflite",
     (FACE, 128, 128, 1 / 127.5, -1), 1e-2),
]


def quantised(array, low, dtype):
    return np.clip(np.round(array + low), np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)


def check_real(slipway, backend, first, second, picture, tolerance, scratch):
    image = photo(*picture)
    results = []
    for net in (first, second):
        # MediaPipe's ONNX twins come from TFLite and keep its layout.
        is_nchw = net.startswith("onnx/") and "mediapipe" not in net
        outputs = suite.run_net(slipway, backend, suite.ASSETS / net, [to_nchw(image) if is_nchw else image], scratch)
        if isinstance(outputs, str):
            return outputs
        results.append(by_width(outputs))
    apart = worst(*results)
    return apart if isinstance(apart, str) else None if apart <= tolerance else f"{apart:.2g} apart, not {tolerance}"


def check_winner(slipway, backend, nets, inputs, scratch):
    """Classes of a float net and of a quantised one."""
    winners = []
    for net, array in zip(nets, inputs):
        outputs = suite.run_net(slipway, backend, suite.ASSETS / "tflite" / net, [array], scratch)
        if isinstance(outputs, str):
            return outputs
        winners.append(int(next(iter(outputs.values())).argmax()))
    return None if len(set(winners)) == 1 else f"winners are {winners}"


def check_sine(slipway, backend, scratch):
    """TFLite Micro's hello_world: y = sin(x), in f32 and in 8 bits of its input's and output's scales."""
    from ai_edge_litert import schema_py_generated as schema  # pylint: disable=import-outside-toplevel

    content = (suite.ASSETS / "tflite/tflm_hello_world_int8.tflite").read_bytes()
    graph = schema.ModelT.InitFromPackedBuf(content, 0).subgraphs[0]
    scales = [(q.scale[0], q.zeroPoint[0]) for q in (graph.tensors[graph.inputs[0]].quantization, graph.tensors[graph.outputs[0]].quantization)]
    for x in np.linspace(0.2, 6, 7):
        steps = np.array([[np.clip(round(x / scales[0][0] + scales[0][1]), -128, 127)]], np.int8)
        for net, array in (("float", np.array([[x]], np.float32)), ("int8", steps)):
            outputs = suite.run_net(slipway, backend, suite.ASSETS / f"tflite/tflm_hello_world_{net}.tflite", [array], scratch)
            if isinstance(outputs, str):
                return outputs
            y = float(next(iter(outputs.values())).ravel()[0])
            y = y if net == "float" else (y - scales[1][1]) * scales[1][0]
            if abs(y - np.sin(x)) > 0.12:
                return f"{net}: sin({x:.2f}) is {y:.3f}, not {np.sin(x):.3f}"
    return None


def make_cases(slipway, scratch):
    cases = {}
    for first, second, picture, tolerance in REAL:
        name = f"{pathlib.Path(first).name} and {pathlib.Path(second).name}"
        cases[name] = suite.on_backends(lambda backend, a=first, b=second, p=picture, t=tolerance:
                                        check_real(slipway, backend, a, b, p, t, scratch))
    fish = photo(OBJECT, 32, 32, 1, 0)
    cases["mlperf_ic_resnet8"] = suite.on_backends(lambda backend: check_winner(
        slipway, backend, ("mlperf_ic_resnet8_float.tflite", "mlperf_ic_resnet8_int8.tflite"), (fish, quantised(fish, -128, np.int8)), scratch))
    digit = photo(DIGIT, 28, 28, 1 / 255, 0, 1)[..., 0]
    cases["tflm_mnist_lstm"] = suite.on_backends(lambda backend: check_winner(
        slipway, backend, ("tflm_mnist_lstm_float.tflite", "tflm_mnist_lstm_int8.tflite"),
        (digit, quantised(digit * 255, -128, np.int8)), scratch))
    burger = photo("images/task/burger.jpg", 224, 224, 1, 0)
    cases["mobilenet_v1_0.25_224"] = suite.on_backends(lambda backend: check_winner(
        slipway, backend, ("mobilenet_v1_0.25_224_float_metadata.tflite", "mobilenet_v1_0.25_224_quant_metadata.tflite"),
        ((burger / 127.5 - 1).astype(np.float32), burger.astype(np.uint8)), scratch))
    cases["tflm_hello_world"] = suite.on_backends(lambda backend: check_sine(slipway, backend, scratch))
    return cases


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("slipway")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    if not (suite.ASSETS / "pairs.tsv").exists():
        print(f"skipped: no {suite.ASSETS / 'pairs.tsv'}")
        return suite.SKIPPED
    failed = 0
    with tempfile.TemporaryDirectory() as text:
        cases = make_cases(arguments.slipway, pathlib.Path(text))
        cases = {name: check for name, check in cases.items() if arguments.only in name}
        for name, check in cases.items():
            for why in check():
                failed += 1
                print(f"{name}: {why}")
    print(f"{len(cases)} groups of twins, {failed} complaints")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
