"""Runs the ONNX models with onnxruntime, graph optimisations off, on real photos or words by number, and keeps inputs and
outputs.

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


def words(rng, vocabulary, *shape):
    return rng.integers(0, vocabulary, shape)


def bert(rng, dtype, vocabulary, batch, length):
    """Names, words, which sentence each is of, and which are there at all."""
    mask = np.ones((batch, length), dtype)
    mask[-1, length - 2 :] = 0
    return {"input_ids": words(rng, vocabulary, batch, length).astype(dtype), "mask": mask,
            "token_type_ids": (np.arange(length) >= length // 2).astype(dtype)[None].repeat(batch, 0)}


def toy_bert(rng):
    feeds = bert(rng, np.int64, 99, 2, 9)
    return {"input_ids": feeds["input_ids"], "token_type_ids": feeds["token_type_ids"], "input_mask": feeds["mask"]}


def question_answering(rng):
    feeds = bert(rng, np.int32, 20, 3, 7)
    return {"attention_mask": feeds["mask"], "input_ids": feeds["input_ids"], "token_type_ids": feeds["token_type_ids"]}


def gpt2_with_past(rng):
    past = {f"past_{i}": rng.uniform(-1, 1, (2, 3, 2, 5, 2)).astype(np.float32) for i in range(12)}
    return {"input_ids": words(rng, 20, 3, 1), **past}


def beam_search(rng):
    numbers = {"max_length": 20, "min_length": 1, "num_beams": 4, "num_return_sequences": 2}
    return {"input_ids": words(rng, 900, 2, 5).astype(np.int32), **{name: np.array([n], np.int32) for name, n in numbers.items()},
            "length_penalty": np.ones(1, np.float32), "repetition_penalty": np.ones(1, np.float32)}


# Models of words: what they are fed with, in the order of their inputs.
TEXT = {"bert_toy_optimized": toy_bert, "toy_TFBertForQuestionAnswering": question_answering, "gpt2_past_toy": gpt2_with_past,
        "tiny_gpt2_beamsearch": beam_search}


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


def keep(folder, path, options, arrays, outputs):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.txt").write_text(f"{path.resolve()}\n")
    (folder / "options.txt").write_text(options)
    for i, array in enumerate(arrays):
        np.save(folder / f"input{i}.npy", array)
    for i, output in enumerate(outputs):
        np.save(folder / f"output{i}.npy", output)


def run(model, feeds):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def run_superres(assets, outdir):
    """superres_with_pre_post between its image decoder and encoder, which are custom operators: u8 pixels, BGR."""
    path = assets / "onnx" / "superres_with_pre_post.onnx"
    model = onnx.load(path)
    first, last = "_ppp0_bgr_data", "_ppp12_bgr_data"
    for node in [each for each in model.graph.node if each.domain or each.output[0] == "image_out"]:
        model.graph.node.remove(node)
    for node in model.graph.node:  # onnxruntime now insists on what this model leaves out
        if node.op_type == "Split" and len(node.input) == 1 and "num_outputs" not in {a.name for a in node.attribute}:
            node.attribute.append(onnx.helper.make_attribute("num_outputs", len(node.output)))
    del model.graph.input[:]
    del model.graph.output[:]
    shape = [200, 240, 3]
    model.graph.input.append(onnx.helper.make_tensor_value_info(first, onnx.TensorProto.UINT8, shape))
    model.graph.output.append(onnx.helper.make_tensor_value_info(last, onnx.TensorProto.UINT8, None))
    picture = Image.open(assets / "images/calib_imagenet/n02129165_lion.JPEG").convert("RGB")
    pixels = np.ascontiguousarray(np.asarray(picture.resize((240, 200), Image.BILINEAR))[:, :, ::-1])
    options = f"input {first}[200,240,3]:u8\noutput {last}\n"
    keep(outdir / path.stem, path, options, [pixels], run(model, {first: pixels}))


def run_case(name, assets, outdir):
    photo, scale, offset, shape = CASES[name]
    path = assets / "onnx" / f"{name}.onnx"
    model = onnx.load(path)
    graph_input = reshaped(model, shape)
    dims = [dim.dim_value for dim in graph_input.type.tensor_type.shape.dim]
    array = photo_input(assets / photo, dims, scale, offset)
    text = "" if shape is None else f"input {graph_input.name}[{','.join(map(str, shape))}]\n"
    keep(outdir / name, path, text, [array], run(model, {graph_input.name: array}))


def run_text(name, assets, outdir):
    path = assets / "onnx" / f"{name}.onnx"
    feeds = TEXT[name](np.random.default_rng(1))
    keep(outdir / name, path, "", feeds.values(), run(onnx.load(path), feeds))


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser()
    parser.add_argument("outdir", type=pathlib.Path)
    parser.add_argument("assets", type=pathlib.Path, nargs="?", default=root.parent / "shared" / "assets")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    arguments.outdir.mkdir(parents=True, exist_ok=True)
    refused = []
    for name in [*CASES, *TEXT, "superres_with_pre_post"]:
        if arguments.only not in name:
            continue
        try:
            if name in CASES:
                run_case(name, arguments.assets, arguments.outdir)
            elif name in TEXT:
                run_text(name, arguments.assets, arguments.outdir)
            else:
                run_superres(arguments.assets, arguments.outdir)
            print(f"{name}: kept")
        except Exception as error:  # onnxruntime's own refusals
            refused.append(f"{name}: {str(error).splitlines()[0]}\n")
            print(f"{name}: refused: {str(error).splitlines()[0]}")
    (arguments.outdir / "refused.txt").write_text("".join(refused))


if __name__ == "__main__":
    main()
