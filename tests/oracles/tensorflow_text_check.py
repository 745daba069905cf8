"""TensorFlow Text's SentencePiece tokenizer gives what TensorFlow gives, in TFLite files and in graphs.

usage: tensorflow_text_check.py SLIPWAY

Runs in the environment of tensorflow.sh with tensorflow-text beside it (extensions.sh). TensorFlow's own interpreter of
TFLite files no longer runs TensorFlow's kernels, so these are asked directly.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tensorflow_text  # noqa: E402

from onnx_extensions_texts import TEXTS  # noqa: E402

ASSET = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", "absent")) / "tflite/sentencepiece_tokenizer_flex.tflite"


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at


def model_of(tflite):
    """The attribute "model" of the SentencepieceOp in the file: AttrValue{s: bytes}."""
    data = tflite.read_bytes()
    _, at = varint(data, data.index(b"\n\x05model\x12") + 8)
    size, at = varint(data, at + 1)
    return data[at:at + size]


def ours(slipway, model, name, texts, folder):
    arrays, out = folder / "in.npz", folder / "out.npy"
    np.savez(arrays, **{name: np.array(texts)})
    run = subprocess.run([slipway, "run", model, arrays, "-o", out], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return np.load(out)


def graph_of(model, flags, path):
    with tf.Graph().as_default() as graph:
        texts = tf.compat.v1.placeholder(tf.string, [None], name="x")
        tokenizer = tensorflow_text.SentencepieceTokenizer(model, **flags)
        tf.identity(tokenizer.tokenize(texts).to_tensor(-1), name="y")
    path.write_bytes(graph.as_graph_def().SerializeToString())


def main():
    slipway = sys.argv[1]
    if not ASSET.exists():
        return print("tensorflow_text: SLIPWAY_ASSETS is absent, skipped")
    model = model_of(ASSET)
    count = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        plain = tensorflow_text.SentencepieceTokenizer(model)
        for text in TEXTS:
            want = plain.tokenize([text]).to_tensor(-1).numpy()
            got = ours(slipway, ASSET, "input", [text], folder)
            assert np.array_equal(want, got), (text, want, got)
            count += 1
        for bits in range(8):
            flags = {key: bool(bits >> i & 1) for i, key in enumerate(("add_bos", "add_eos", "reverse"))}
            graph_of(model, flags, folder / "graph.pb")
            want = tensorflow_text.SentencepieceTokenizer(model, **flags).tokenize(TEXTS).to_tensor(-1).numpy()
            got = ours(slipway, folder / "graph.pb", "x", TEXTS, folder)
            assert np.array_equal(want, got), (flags, want, got)
            count += 1
    print(f"tensorflow_text: {count} agree")


if __name__ == "__main__":
    main()
