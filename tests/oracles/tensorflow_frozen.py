"""Runs the frozen graphs of SLIPWAY_ASSETS with TensorFlow and keeps what went in and came out, for
tests/e2e/tensorflow_saved_check.py.

usage: tensorflow_frozen.py FOLDER

FOLDER gets NAME.npz for each, as tensorflow_saved_models.py writes it for frozen graphs. opencv_face_detector_uint8.pb is
left to OpenCV (tests/e2e/tensorflow_models.py): it holds constants of range 0, and TensorFlow's Dequantize makes NaN of them.
"""
import pathlib
import sys

import numpy as np
import tensorflow as tf
from tensorflow_saved_models import ASSETS, frozen, noise

CAT = "images/calib_imagenet/n02123159_tiger_cat.JPEG"
DIGIT = "images/mnist/7.pgm"
# Of one second, of less, of more, and of other rates than the models were trained on.
SOUNDS = ("speechcmd_cat", "speechcmd_dog", "tflm_yes_1000ms", "tflm_silence_1000ms", "meow_16k", "vocadito_10",
          "fsdd/7_jackson_0")


def photo(name, height, width, channels, scale, offset):
    """[1,h,w,c] of reals."""
    levels = tf.io.decode_jpeg((ASSETS / name).read_bytes(), channels=channels)
    levels = tf.image.resize(tf.cast(levels, tf.float32)[None], (height, width), method="area").numpy()
    return levels * np.float32(scale) + np.float32(offset)


def digit():
    """A binary PGM of 28 x 28."""
    levels = np.frombuffer((ASSETS / DIGIT).read_bytes()[-784:], np.uint8)
    return levels.astype(np.float32).reshape(1, 784) / 255


def main():
    folder = pathlib.Path(sys.argv[1])
    upscaled = {"IteratorGetNext": photo(CAT, 30, 40, 1, 1 / 255, 0)}
    for name in ("ESPCN_x2", "ESPCN_x4", "FSRCNN-small_x2", "FSRCNN_x2", "FSRCNN_x4"):
        frozen(folder, name, f"{name}.pb", upscaled, ["NCHW_output"])
    for name in ("mobilenet_v1_0.25_128_frozen", "mobilenet_v1_0.25_128_weightquant"):
        frozen(folder, name, f"{name}.pb", {"input": photo(CAT, 128, 128, 3, 1 / 127.5, -1)},
               ["MobilenetV1/Predictions/Reshape_1"], tolerance=3e-5)  # 28 layers' f32 rounding, spread by Softmax
    frozen(folder, "mnist_nnstreamer", "mnist_nnstreamer.pb", {"input": digit()}, ["softmax"])
    for name in ("tf2onnx_gru_frozen", "tf2onnx_lstm_frozen"):
        frozen(folder, name, f"{name}.pb", {"X": noise(2, 784), "keep_prob": np.float32(1)}, ["output"],
               removed=["keep_prob"])
    # The file does not say the input's shape: [?,40] is found by the readers.
    frozen(folder, "hey_snips_3", "hey_snips_3.pb", {"inputs": noise(98, 40)}, ["logits"])
    frozen(folder, "hey_snips_3_fixed", "hey_snips_3.pb", {"inputs": noise(131, 40)}, ["logits"], "--input",
           "inputs[131,40]")
    for name in ("conv_actions_frozen_compact", "kws_Basic_LSTM_S", "kws_CNN_S", "kws_DNN_S", "kws_DS_CNN_S", "kws_GRU_S"):
        for sound in SOUNDS:
            wav = ASSETS / "audio" / f"{sound}.wav"
            frozen(folder, f"{name}_{wav.stem}", f"{name}.pb", {"wav_data": wav.read_bytes()}, ["labels_softmax"])


if __name__ == "__main__":
    main()
