"""The same trained net in several formats: its answers agree.

usage: twins.py SLIPWAY [--only TEXT]

Pairs of pairs.tsv in SLIPWAY_ASSETS, on a photo. Nets of the same f32 weights agree within 1e-4 of the largest number,
those of halved or 8-bit weights as closely as such weights allow, quantised ones on what wins.
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy as np
from PIL import Image

import mtcnn
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
    # Made into 8 bits on photos of 0..1, which the net was not trained on: there they agree.
    ("tflite/yunet_120x160_f32.tflite", "tflite/yunet_120x160_int8_float_io.tflite", (FACE, 120, 160, 1 / 255, 0), 0.12),
    ("onnx/ultraface_rfb320_nopost.onnx", "caffe/ultraface_rfb320.caffemodel", (FACE, 240, 320, 1 / 128, -127 / 128), 1e-4),
    ("tensorflow/mobilenet_v1_0.25_128_frozen.pb", "tensorflow/mobilenet_v1_0.25_128_weightquant.pb",
     (OBJECT, 128, 128, 1 / 127.5, -1), 0.2),
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
        is_nchw = net.startswith(("onnx/", "caffe/")) and "mediapipe" not in net
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
    scales = list(scales_of(suite.ASSETS / "tflite/tflm_hello_world_int8.tflite").values())
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


def check_faces(slipway, backend, scratch):
    """MTCNN whole in one TensorFlow graph, and as a cascade written in Python over its three Caffe nets (mtcnn.py)."""
    picture = np.asarray(Image.open(suite.ASSETS / FACE).convert("RGB"))[..., ::-1]
    feeds = {"input": picture.astype(np.float32), "min_size": np.float32(40),
             "thresholds": np.float32([0.6, 0.7, 0.7]), "factor": np.float32(0.709)}
    whole = suite.run_net(slipway, backend, suite.ASSETS / "tensorflow/mtcnn.pb", feeds, scratch)
    if isinstance(whole, str):
        return whole
    boxes, score, marks = mtcnn.Cascade(slipway, backend, picture, scratch).faces(40, 0.709, (0.6, 0.7, 0.7))
    for name, ours, tolerance in (("prob", score, 1e-3), ("box", boxes, 0.1), ("landmarks", marks, 0.1)):
        if whole[name].shape != ours.shape:
            return f"{name}: {whole[name].shape} and {ours.shape}"
        if np.abs(whole[name] - ours).max() > tolerance:
            return f"{name}: {np.abs(whole[name] - ours).max():.3g} apart, not {tolerance}"
    return None if len(boxes) >= 5 else f"only {len(boxes)} faces"


def check_yunet(slipway, backend, scratch):
    """The net of 8 bits with real inputs and outputs, and with those in 8 bits, too: the same steps."""
    image = photo(FACE, 120, 160, 1 / 255, 0)
    results = []
    for name, array in (("int8_float_io", image), ("full_int8", np.round(image * 255).astype(np.uint8))):
        net = suite.ASSETS / f"tflite/yunet_120x160_{name}.tflite"
        outputs = suite.run_net(slipway, backend, net, [array], scratch)
        if isinstance(outputs, str):
            return outputs
        scales = scales_of(net)
        results.append({y.shape[-1]: dequantised(y, scales[key]) for key, y in outputs.items()})
    steps = {2: 1 / 256, 1: 0.0395, 14: 0.0395}
    apart = {width: np.abs(y - results[1][width]).max() / steps[width] for width, y in results[0].items()}
    return None if max(apart.values()) <= 1.01 else f"{apart} steps apart"


def scales_of(net):
    """(scale, zero point) of the inputs and outputs of a TFLite file, by name; None where they are reals."""
    from ai_edge_litert import schema_py_generated as schema  # pylint: disable=import-outside-toplevel

    graph = schema.ModelT.InitFromPackedBuf(net.read_bytes(), 0).subgraphs[0]
    tensors = [graph.tensors[i] for i in (*graph.inputs, *graph.outputs)]
    return {tensor.name.decode(): (tensor.quantization.scale[0], tensor.quantization.zeroPoint[0])
            if tensor.quantization is not None and tensor.quantization.scale is not None else None for tensor in tensors}


def dequantised(array, scale):
    return array.astype(np.float64) if scale is None else (array.astype(np.float64) - scale[1]) * scale[0]


def spoken_features(path):
    """MLPerf Tiny's features of a second of sound, [1,49,10,1]: ten of TensorFlow's cepstral coefficients of 40 mel bands."""
    with wave.open(str(path)) as sound:
        samples = np.frombuffer(sound.readframes(16000), np.int16).astype(np.float64)
    samples = np.pad(samples, (0, 16000 - len(samples))) / samples.max()
    frames = np.lib.stride_tricks.sliding_window_view(samples, 480)[::320]
    power = np.abs(np.fft.rfft(frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(480) / 480)), 512))
    mel = 1127 * np.log1p(np.arange(257) * 16000 / 512 / 700)
    edges = np.linspace(1127 * np.log1p(20 / 700), 1127 * np.log1p(4000 / 700), 42)
    rising = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    bands = np.maximum(np.minimum(rising, falling), 0)
    bands[0] = 0
    logs = np.log(power @ bands + 1e-6)
    cosines = np.cos(np.pi / 40 * np.outer(np.arange(40) + 0.5, np.arange(10)))
    return (2 * logs @ cosines / np.sqrt(80)).astype(np.float32).reshape(1, 49, 10, 1)


def check_words(slipway, backend, scratch):
    """MLPerf Tiny's keywords. The two TFLite nets have the same weights and agree; those of the SavedModel are of another
    training: it names what is said, and of a clear yes all three do."""
    nets = ["tensorflow/mlperf_kws_savedmodel", "tflite/mlperf_kws_dscnn_dynamic_range.tflite", "tflite/mlperf_kws_dscnn_int8.tflite"]
    scales = list(scales_of(suite.ASSETS / nets[2]).values())
    for sound, word in (("tflm_yes_1000ms", 9), ("tflm_no_1000ms", 3), ("nns_yes", 9)):
        features = spoken_features(suite.ASSETS / f"audio/{sound}.wav")
        results = []
        for net in nets:
            array = quantised(features / scales[0][0], scales[0][1], np.int8) if "int8" in net else features
            outputs = suite.run_net(slipway, backend, suite.ASSETS / net, [array], scratch)
            if isinstance(outputs, str):
                return outputs
            results.append(dequantised(next(iter(outputs.values())), scales[1] if "int8" in net else None).ravel())
        words = [int(y.argmax()) for y in results]
        if words[0] != word or words[1] != words[2] or (word == 9 and words[1] != word):
            return f"{sound}: the words are {words}, not {word}"
        if np.abs(results[1] - results[2]).max() > 0.15:
            return f"{sound}: probabilities of the twins are {np.abs(results[1] - results[2]).max():.2g} apart"
    return None


def digits(count):
    """The first of MNIST's test digits, [n,28,28] levels, and what they are."""
    folder = suite.ASSETS / "images/mnist"
    with gzip.open(folder / "t10k-images-idx3-ubyte.gz") as images, gzip.open(folder / "t10k-labels-idx1-ubyte.gz") as labels:
        levels = np.frombuffer(images.read(), np.uint8, count * 784, 16).reshape(count, 28, 28)
        return levels.astype(np.float32), np.frombuffer(labels.read(), np.uint8, count, 8)


def accuracy(slipway, backend, net, images, labels, scratch, *options):
    """The share that the net names rightly, or the error's text."""
    right = 0
    for i, image in enumerate(images):
        outputs = suite.run_net(slipway, backend, net, [image], scratch, *options)
        if isinstance(outputs, str):
            return outputs
        rows = next(iter(outputs.values())).reshape(-1, 10)
        right += int((rows.argmax(1) == labels[i * len(rows):(i + 1) * len(rows)]).sum())
    return right / len(labels)


def lenet_of_wts(slipway, scratch):
    """LeNet-5 as ONNX with empty weights, taken from lenet5.wts by name: a .slip file, or the error's text."""
    import onnx  # pylint: disable=import-outside-toplevel
    from onnx import helper  # pylint: disable=import-outside-toplevel

    shapes = {"conv1": [6, 1, 5, 5], "conv2": [16, 6, 5, 5], "fc1": [120, 400], "fc2": [84, 120], "fc3": [10, 84]}
    weights, nodes, x = [], [], "data"
    for name, shape in shapes.items():
        weights += [helper.make_tensor(f"{name}.{part}", onnx.TensorProto.FLOAT, dims, np.zeros(dims, np.float32).tobytes(), raw=True)
                    for part, dims in (("weight", shape), ("bias", shape[:1]))]
        inputs = [x, f"{name}.weight", f"{name}.bias"]
        is_conv = name.startswith("conv")
        nodes.append(helper.make_node("Conv", inputs, [name]) if is_conv else helper.make_node("Gemm", inputs, [name], transB=1))
        x = name
        if name != "fc3":
            nodes.append(helper.make_node("Relu", [x], [f"{name}_relu"]))
            x = f"{name}_relu"
        if is_conv:
            nodes.append(helper.make_node("AveragePool", [x], [f"{name}_pool"], kernel_shape=[2, 2], strides=[2, 2]))
            x = f"{name}_pool"
        if name == "conv2":
            nodes.append(helper.make_node("Flatten", [x], ["flat"]))
            x = "flat"
    ends = [helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, dims)
            for end, dims in (("data", [1, 1, 32, 32]), ("prob", [1, 10]))]
    nodes.append(helper.make_node("Softmax", ["fc3"], ["prob"]))
    graph = helper.make_graph(nodes, "lenet5", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), scratch / "lenet5.onnx")
    run = subprocess.run([slipway, "convert", scratch / "lenet5.onnx", "--wts", suite.ASSETS / "wts/lenet5.wts", "-o",
                          scratch / "lenet5.slip"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return scratch / "lenet5.slip" if run.returncode == 0 else run.stderr.strip()


def check_digits(slipway, backend, scratch):
    """LeNet of two trainings: Caffe's takes all digits at once, CNTK's one by one."""
    count = 2000 if backend == "cpu" else 200
    levels, labels = digits(count)
    caffe = accuracy(slipway, backend, suite.ASSETS / "caffe/lenet_iter_9000.caffemodel", [levels[:, None] / 256], labels, scratch,
                     "--input", f"data[{count},1,28,28]")
    onnx = accuracy(slipway, backend, suite.ASSETS / "onnx/mnist-8.onnx", levels[:100, None, None], labels[:100], scratch)
    shares = {"caffe": caffe, "onnx": onnx}
    return None if all(not isinstance(share, str) and share >= 0.97 for share in shares.values()) else str(shares)


def check_wts(slipway, backend, scratch):
    """The weights of lenet5.wts were never trained: they give the ten numbers that tensorrtx publishes for an image of ones."""
    cases = json.loads((suite.ASSETS / "golden/tasks.json").read_text())
    cases = cases if isinstance(cases, list) else next(value for value in cases.values() if isinstance(value, list))
    expect = next(case for case in cases if case["id"] == "wts_lenet5")["expect"]["output"]
    net = lenet_of_wts(slipway, scratch)
    if isinstance(net, str):
        return net
    outputs = suite.run_net(slipway, backend, net, [np.ones((1, 1, 32, 32), np.float32)], scratch)
    return suite.only_output(outputs, np.array([expect]))


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
    cases["yunet_120x160_full_int8"] = suite.on_backends(lambda backend: check_yunet(slipway, backend, scratch))
    cases["mtcnn"] = suite.on_backends(lambda backend: check_faces(slipway, backend, scratch))
    cases["mlperf_kws"] = suite.on_backends(lambda backend: check_words(slipway, backend, scratch))
    cases["lenet"] = suite.on_backends(lambda backend: check_digits(slipway, backend, scratch))
    cases["lenet5_wts"] = suite.on_backends(lambda backend: check_wts(slipway, backend, scratch))
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
