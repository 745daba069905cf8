"""Runs the ONNX vision models on real photos with onnxruntime, graph optimisations off, and keeps inputs and outputs.

usage: onnx_models.py OUTDIR [ASSETS] [--only TEXT]

OUTDIR/<model>/ gets model.txt (the model's path), options.txt (one import option a line: "input NAME[shape]",
"output NAME"), input<i>.npy and output<i>.npy. What onnxruntime itself refuses is listed in OUTDIR/refused.txt.
"""
import argparse
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from PIL import Image

# Model: photo, scale and offset of the levels 0..255 (x * scale + offset), and the input's shape where it is free
# or too large for a test.
CASES = {
    "FastestDet": ("images/task/bus.jpg", 1 / 255, 0, None),
    "cnn_mnist_pytorch": ("images/mnist/7.pgm", 1 / 255, 0, None),
    "fns-candy": ("images/calib_imagenet/n02123159_tiger_cat.JPEG", 1, 0, [1, 3, 720, 720]),
    "mediapipe_face_detection_short_range": ("images/faces/ultraface_2.jpg", 1 / 127.5, -1, None),
    "mediapipe_hand_recrop": ("images/faces/ultraface_12.jpg", 1 / 255, 0, None),
    "mnist-8": ("images/mnist/3.pgm", 1, 0, None),
    "mnist_2018": ("images/mnist/3.pgm", 1, 0, None),
    "mobilenetv2_qdq_mixed": ("images/calib_imagenet/n02129165_lion.JPEG", 1 / 57.4, -2.1, [1, 3, 244, 244]),
    "ppocrv3_text_det_en": ("images/calib_imagenet/n04149813_scoreboard.JPEG", 1 / 57.4, -2.1, [1, 3, 160, 192]),
    "shufflenet-v2-12-int8": ("images/calib_imagenet/n02129165_lion.JPEG", 1 / 57.4, -2.1, None),
    "stm_mobilenet_v2_0.35_128": ("images/calib_imagenet/n07742313_Granny_Smith.JPEG", 1 / 127.5, -1,
                                  [1, 3, 128, 128]),
    "stm_yamnet_256": ("images/calib_imagenet/n04238763_slide_rule.JPEG", 1 / 64, -2, [1, 1, 64, 96]),
    "super_resolution_2019": ("images/calib_imagenet/n02123159_tiger_cat.JPEG", 1 / 255, 0, [1, 1, 224, 224]),
    "ultraface_rfb320_nopost": ("images/faces/ultraface_12.jpg", 1 / 128, -127 / 128, None),
    "yolox_nano": ("images/task/bus.jpg", 1, 0, None),
    "yunet_120x160": ("images/faces/ultraface_12.jpg", 1, 0, None),
}


def photo_input(path, shape, scale, offset):
    """The photo squeezed into [n,c,h,w] or, where the last extent is 1 or 3 and the second isn't, [n,h,w,c]."""
    is_nhwc = shape[1] not in (1, 3)
    height, width, channels = shape[1:] if is_nhwc else (shape[2], shape[3], shape[1])
    picture = Image.open(path).convert("L" if channels == 1 else "RGB").resize((width, height), Image.BILINEAR)
    levels = np.asarray(picture, np.float32).reshape(height, width, channels)
    levels = levels if is_nhwc else levels.transpose(2, 0, 1)
    return (levels[None] * np.float32(scale) + np.float32(offset)).astype(np.float32)


def reshaped(model, shape):
    """The model with its (only) input's shape set and every declared intermediate and output shape forgotten."""
    initializers = {each.name for each in model.graph.initializer}
    graph_input = next(each for each in model.graph.input if each.name not in initializers)
    if shape is not None:
        graph_input.CopyFrom(onnx.helper.make_tensor_value_info(graph_input.name, onnx.TensorProto.FLOAT, shape))
        del model.graph.value_info[:]
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
    return graph_input


def run_case(name, assets, outdir):
    photo, scale, offset, shape = CASES[name]
    path = assets / "onnx" / f"{name}.onnx"
    model = onnx.load(path)
    graph_input = reshaped(model, shape)
    dims = [dim.dim_value for dim in graph_input.type.tensor_type.shape.dim]
    array = photo_input(assets / photo, dims, scale, offset)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {graph_input.name: array})
    folder = outdir / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.txt").write_text(f"{path.resolve()}\n")
    text = "" if shape is None else f"input {graph_input.name}[{','.join(map(str, shape))}]\n"
    (folder / "options.txt").write_text(text)
    np.save(folder / "input0.npy", array)
    for i, output in enumerate(outputs):
        np.save(folder / f"output{i}.npy", output)


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser()
    parser.add_argument("outdir", type=pathlib.Path)
    parser.add_argument("assets", type=pathlib.Path, nargs="?", default=root.parent / "shared" / "assets")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    arguments.outdir.mkdir(parents=True, exist_ok=True)
    refused = []
    for name in CASES:
        if arguments.only not in name:
            continue
        try:
            run_case(name, arguments.assets, arguments.outdir)
            print(f"{name}: kept")
        except Exception as error:  # onnxruntime's own refusals
            refused.append(f"{name}: {str(error).splitlines()[0]}\n")
            print(f"{name}: refused: {str(error).splitlines()[0]}")
    (arguments.outdir / "refused.txt").write_text("".join(refused))


if __name__ == "__main__":
    main()
