"""Converting is deterministic: the same model gives the same bytes, whatever its path, the working folder, the addresses of
the run and the number of cores.

usage: deterministic.py SLIPWAY [unittest arguments]
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import unittest

import common
from common import ASSETS, DEMO, EndToEnd, OK, main

# Of every format, with what makes order a question: sub-graphs, functions, quantisation, states, labels, weight shards.
MODELS = ["onnx/mnist-8.onnx", "onnx/shufflenet-v2-12-int8.onnx", "onnx/bert_toy_optimized.onnx", "onnx/yunet_120x160.onnx",
          "onnx/stm_yamnet_256.onnx", "tflite/tflm_mnist_lstm_int8.tflite", "tflite/tflm_keyword_scrambled_8bit.tflite",
          "tflite/mobilenet_v1_0.25_224_quant_metadata.tflite", "tflite/movie_review.tflite",
          "tflite/yunet_120x160_int8_float_io.tflite", "tensorflow/mobilenet_v1_0.25_128_frozen.pb",
          "tensorflow/FSRCNN_x2.pb", "caffe/lenet_iter_9000.caffemodel", "caffe/mtcnn_det1.caffemodel"]


@unittest.skipUnless((ASSETS / "onnx").exists(), "SLIPWAY_ASSETS is absent")
class Deterministic(EndToEnd):
    def convert(self, model, out, cwd, **environment):
        run = subprocess.run([common.SLIPWAY, "convert", model, "-o", out], capture_output=True, text=True, check=False,
                             cwd=cwd, env={**os.environ, **environment})
        self.assertEqual(run.returncode, OK, run.stderr)
        return hashlib.sha256(out.read_bytes()).hexdigest()

    def check(self, model, side_files):
        first = self.convert(model, self.folder / "first.slip", self.folder)
        again = self.convert(model, self.folder / "a different name.slip", "/", PADDING="x" * 5000)
        self.assertEqual(first, again)
        elsewhere = self.folder / "else where" / "deeper"
        elsewhere.mkdir(parents=True)
        try:
            for path in [model, *side_files]:
                shutil.copy(path, elsewhere)
            one_core = ["taskset", "-c", "0"] if shutil.which("taskset") else []
            run = subprocess.run([*one_core, common.SLIPWAY, "convert", model.name, "-o", "third.slip"],
                                 capture_output=True, text=True, check=False, cwd=elsewhere)
            self.assertEqual(run.returncode, OK, run.stderr)
            self.assertEqual(first, hashlib.sha256((elsewhere / "third.slip").read_bytes()).hexdigest())
        finally:
            shutil.rmtree(self.folder / "else where")

    def test_the_same_bytes(self):
        for name in MODELS:
            model = ASSETS / name
            with self.subTest(name):
                self.check(model, model.parent.glob(f"{model.stem.split('_')[0]}*.prototxt"))

    @unittest.skipUnless((DEMO / "model/model.json").exists(), "SLIPWAY_DEMO_DIR has no demo model")
    def test_the_same_bytes_from_weight_shards(self):
        model = DEMO / "model/model.json"
        self.check(model, [path for path in pathlib.Path(model.parent).iterdir() if path != model])


if __name__ == "__main__":
    main()
