"""Runs whole .tflite models on real photos with LiteRT's reference kernels and keeps inputs and outputs.

usage: tflite_models.py OUTDIR [ASSETS] [--suites] [--only TEXT]

OUTDIR/<case>/ gets model.txt (the model's path, or "model.tflite" beside it), input<i>.npy (the graph's inputs in
order) and output<i>.npy; run1/ and run2/ those of two runs more where the input is noise. --suites does the same for
the one-operator models of the suites (hannk, LiteRT's test data), unpacked beside, on seeded noise. What LiteRT itself
refuses is listed in OUTDIR/refused.txt.
"""
import argparse
import multiprocessing
import pathlib
import tarfile
import zlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from PIL import Image

# Models whose inputs are pictures: case, photo.
VISION = {
    "automl_labeler_model": "images/calib_imagenet/n02123159_tiger_cat.JPEG",
    "coco_ssd_mobilenet_v1_quant_metadata": "images/task/cats_and_dogs.jpg",
    "coral_mobilenet_v1_0.25_128_quant": "images/task/coral_cat.bmp",
    "coral_movenet_single_pose_lightning_ptq": "images/faces/ultraface_12.jpg",
    "coral_split_concat": "images/calib_imagenet/n02129165_lion.JPEG",
    "deeplabv3_float_metadata": "images/task/segmentation_input_rotation0.jpg",
    "mcunet_detection_int8": "images/faces/ultraface_13.jpg",
    "mediapipe_face_detection_front_f32": "images/faces/ultraface_2.jpg",
    "mediapipe_face_detection_short_range_fp16": "images/faces/ultraface_2.jpg",
    "mediapipe_face_full_range_sparse_fp16": "images/faces/ultraface_19.jpg",
    "mediapipe_hand_recrop_f32": "images/faces/ultraface_12.jpg",
    "mediapipe_knift_f32": "images/calib_imagenet/n04149813_scoreboard.JPEG",
    "mlperf_ic_resnet8_float": "images/calib_imagenet/n01443537_goldfish.JPEG",
    "mlperf_ic_resnet8_int8": "images/calib_imagenet/n01443537_goldfish.JPEG",
    "mlperf_vww_int8": "images/faces/ultraface_13.jpg",
    "mobilenet_v1_0.25_224_float_metadata": "images/task/burger.jpg",
    "mobilenet_v1_0.25_224_quant_metadata": "images/task/burger.jpg",
    "tflm_person_detect_int8": "images/faces/ultraface_13.jpg",
    "ultraface_rfb320_nopost": "images/faces/ultraface_12.jpg",
    "yolov5n-fp16-320": "images/task/bus.jpg",
    "yunet_120x160_dynamic_range": "images/faces/ultraface_12.jpg",
    "yunet_120x160_f32": "images/faces/ultraface_12.jpg",
    "yunet_120x160_fp16": "images/faces/ultraface_12.jpg",
    "yunet_120x160_full_int8": "images/faces/ultraface_12.jpg",
    "yunet_120x160_int8_float_io": "images/faces/ultraface_12.jpg",
    # No pictures, the same operators: fed with noise.
    "armzoo_dscnn_small_int16x8": None,
    "mlperf_kws_dscnn_dynamic_range": None,
    "mlperf_kws_dscnn_int8": None,
    "mlperf_strww_int8": None,
    "movie_review": None,
    "coral_keras_lstm_mnist_ptq": None,
    "tflm_dtln_noise_suppression": None,
    "tflm_hello_world_float": None,
    "tflm_hello_world_int8": None,
    "tflm_magic_wand": None,
    "nl_classifier_regex_tokenizer": None,
    "tflm_keyword_scrambled_16x8": None,
    "tflm_micro_speech_int8": None,
    "tflm_micro_speech_lstm": None,
    "tflm_mnist_lstm_float": None,
    "tflm_mnist_lstm_int8": None,
    "yamnet_audio_classifier_with_metadata": None,
}
# Models of TensorFlow Lite Micro that LiteRT refuses or that crash it.
MICRO = ("tflm_audio_preprocessor_float", "tflm_audio_preprocessor_int8", "tflm_keyword_scrambled_8bit")
SUITES = ("hannk_tflite_ops", "litert_testdata")
NOISE_RUNS = 3  # a model may keep state from run to run


def photo_input(assets, photo, detail):
    """The photo squeezed into the input's shape [n,h,w,c], in the value range that such models take."""
    batch, height, width, channels = detail["shape"]
    picture = Image.open(assets / photo)
    picture = picture.convert("L" if channels == 1 else "RGB").resize((width, height), Image.BILINEAR)
    levels = np.asarray(picture, np.float32).reshape(height, width, -1)[:, :, :channels]
    # Pictures of a batch differ: each is shifted.
    batched = np.stack([np.roll(levels, 3 * i, axis=1) for i in range(batch)])
    dtype = detail["dtype"]
    if dtype == np.uint8:
        return batched.astype(np.uint8)
    if dtype == np.int8:
        return (batched - 128).astype(np.int8)
    return (batched / 127.5 - 1).astype(dtype)


def noise_input(name, detail):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    shape, dtype = detail["shape"], detail["dtype"]
    if dtype in (np.float32, np.float64, np.float16):
        return rng.uniform(-1, 1, shape).astype(dtype)
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(dtype)
    if dtype in (np.int8, np.uint8, np.int16, np.uint16):
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    if dtype in (np.bytes_, np.object_):
        return np.array([f"word {i}".encode() for i in range(int(np.prod(shape)))], np.object_).reshape(shape)
    if np.issubdtype(dtype, np.integer):
        return rng.integers(0, 8, shape).astype(dtype)
    raise ValueError(f"no noise of {dtype}")


def mended(content):
    """Old converters wrote quantized_dimension 3 for a depthwise convolution's bias of rank 1; LiteRT now minds."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.quantization is not None and len(tensor.shape) == 1:
                tensor.quantization.quantizedDimension = 0
    builder = flatbuffers.Builder(len(content) + 1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def make_interpreter(content):
    """With the reference kernels; with the portable ones where an operator has no others."""
    try:
        return Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    except (RuntimeError, ValueError) as error:
        if "quantized_dimension" in str(error):
            return make_interpreter(mended(content))
        if "Didn't find op for builtin" not in str(error):
            raise
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return Interpreter(model_content=content, experimental_op_resolver_type=resolver)


def constant_inputs(content):
    """Indices of graph inputs that have content: weights of cut-out operators, not inputs to a user."""
    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    inputs = [graph.Inputs(i) for i in range(graph.InputsLength())]
    return {i for i in inputs if model.Buffers(graph.Tensors(i).Buffer()).DataLength() > 0}


class MicroInterpreter:
    """TensorFlow Lite Micro's interpreter, spoken to like LiteRT's."""

    def __init__(self, model):
        from tflite_micro.python.tflite_micro import runtime  # pylint: disable=import-outside-toplevel

        self.interpreter = runtime.Interpreter.from_file(str(model))
        graph = schema.Model.GetRootAs(model.read_bytes(), 0).Subgraphs(0)
        self.inputs, self.outputs = graph.InputsLength(), graph.OutputsLength()

    def get_input_details(self):
        details = [self.interpreter.get_input_details(i) for i in range(self.inputs)]
        return [dict(index=i, shape=list(each["shape"]), dtype=np.dtype(each["dtype"]).type) for i, each in enumerate(details)]

    def get_output_details(self):
        return [dict(index=i) for i in range(self.outputs)]

    def set_tensor(self, index, value):
        self.interpreter.set_input(value, index)

    def invoke(self):
        self.interpreter.invoke()

    def get_tensor(self, index):
        return self.interpreter.get_output(index)


def start(content):
    """An interpreter of the model, open extents at 3, and what it says of its inputs."""
    interpreter = make_interpreter(content)
    constants = constant_inputs(content)
    for detail in interpreter.get_input_details():
        if 0 in detail["shape"] or -1 in detail.get("shape_signature", ()):
            shape = [3 if extent < 0 else extent for extent in detail["shape_signature"]]
            interpreter.resize_tensor_input(detail["index"], shape)
    interpreter.allocate_tensors()
    return interpreter, [detail for detail in interpreter.get_input_details() if detail["index"] not in constants]


def answer(model):
    """Inputs of noise and the outputs of one run."""
    interpreter, details = start(model.read_bytes())
    inputs = [noise_input(f"{model.name}/{i}", detail) for i, detail in enumerate(details)]
    for detail, value in zip(details, inputs):
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    return inputs, [np.asarray(interpreter.get_tensor(detail["index"])) for detail in interpreter.get_output_details()]


def run_case(folder, model, name, assets, photo):
    if model.stem in MICRO:
        interpreter = MicroInterpreter(model)
        details = interpreter.get_input_details()
    else:
        interpreter, details = start(model.read_bytes())
    for run in range(1 if photo else NOISE_RUNS):
        inputs = []
        for i, detail in enumerate(details):
            seed = f"{name}/{i}" + (f"/run{run}" if run else "")
            value = photo_input(assets, photo, detail) if photo else noise_input(seed, detail)
            inputs.append(value)
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        outputs = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
        place = folder / f"run{run}" if run else folder
        place.mkdir(parents=True, exist_ok=True)
        for i, value in enumerate(inputs):
            np.save(place / f"input{i}.npy", value)
        for i, value in enumerate(outputs):
            np.save(place / f"output{i}.npy", np.asarray(value))
    (folder / "model.txt").write_text(f"{model}\n")


def apart(function, *arguments):
    """The function's result, or the reason that LiteRT gives for refusing as a str. In a process of its own: some models
    crash LiteRT."""
    reader, writer = multiprocessing.Pipe(duplex=False)

    def work():
        try:
            writer.send(function(*arguments))
        except (RuntimeError, ValueError, ImportError) as error:
            writer.send((str(error).splitlines() or ["?"])[0])

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    writer.close()
    try:
        return reader.recv()
    except EOFError:
        process.join()
        return f"LiteRT ended with status {process.exitcode}"
    finally:
        process.join()


def suite_models(assets, outdir):
    for suite in SUITES:
        archive = assets / "suites" / f"{suite}.tar.xz"
        if not archive.exists():
            continue
        with tarfile.open(archive) as tar:
            tar.extractall(outdir / "unpacked", filter="data")
        root = outdir / "unpacked" / suite
        for model in sorted([*root.rglob("*.tflite"), *root.rglob("*.bin")]):
            name = "_".join(model.relative_to(outdir / "unpacked").with_suffix("").parts[-3:])
            yield f"{suite}_{name}".replace(f"{suite}_{suite}", suite), model


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("outdir", type=pathlib.Path)
    parser.add_argument("assets", type=pathlib.Path, nargs="?",
                        default=pathlib.Path(__file__).resolve().parents[3] / "shared" / "assets")
    parser.add_argument("--suites", action="store_true")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    outdir = args.outdir.resolve()
    outdir.mkdir(parents=True, exist_ok=True)
    if args.suites:
        cases = [(name, model, None) for name, model in suite_models(args.assets, outdir)]
    else:
        cases = [(name, args.assets / "tflite" / f"{name}.tflite", photo) for name, photo in VISION.items()]
        cases += [(name, args.assets / "tflite" / f"{name}.tflite", None) for name in MICRO]
    refused = []
    for name, model, photo in cases:
        if args.only not in name or not model.exists():
            continue
        reason = apart(run_case, outdir / name, model, name, args.assets, photo)
        if reason:
            refused.append(f"{name}: {reason}")
    (outdir / "refused.txt").write_text("\n".join(refused) + "\n")
    print(f"{len(cases) - len(refused)} cases, {len(refused)} refused, in {outdir}")


if __name__ == "__main__":
    main()
