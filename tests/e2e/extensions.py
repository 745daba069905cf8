"""Models that hold their own tokenizer or picture codec: onnxruntime-extensions' and TensorFlow Text's operators.

usage: extensions.py SLIPWAY [unittest's options]

What the libraries themselves say stands here as numbers (tests/oracles/extensions.sh asks them again); what lies
between decoding and encoding is compared with onnxruntime.
"""
import unittest

import cv2
import numpy as np
import onnx
import onnxruntime as ort

from common import ASSETS, EndToEnd, WRONG_INPUT, main

BERT = ASSETS / "onnx/bert_tokenizer_customop.onnx"
SENTENCEPIECE = ASSETS / "tflite/sentencepiece_tokenizer_flex.tflite"
SUPER_RESOLUTION = ASSETS / "onnx/superres_with_pre_post.onnx"

# onnxruntime-extensions 0.15.2, TensorFlow Text 2.21.1.
BERT_IDS = {
    "Hello, world! Café is naïve 中文 test": [101, 8667, 117, 1362, 106, 18375, 1110, 22607, 100, 100, 2774, 102],
    "": [101, 102],
}
SENTENCEPIECE_IDS = {
    "Hello, world! Café is naïve 中文 test":
        [151, 88, 21, 5, 887, 147, 408, 19, 57, 0, 47, 4, 24, 19, 0, 125, 4, 0, 4, 15, 400],
    "": [],
}


@unittest.skipUnless(ASSETS.exists(), "SLIPWAY_ASSETS is absent")
class Extensions(EndToEnd):
    def outputs(self, model, data):
        out = self.folder / "out.npz"
        self.run_ok("run", model, data, "-o", out)
        with np.load(out) as file:
            return {name: file[name] for name in file.files}

    def converted(self, model):
        slip = self.folder / (model.stem + ".slip")
        self.run_ok("convert", model, "-o", slip)
        return slip

    def text(self, content):
        path = self.folder / "text.txt"
        path.write_bytes(content.encode())
        return path

    def test_bert(self):
        for model in (BERT, self.converted(BERT)):
            for text, ids in BERT_IDS.items():
                got = self.outputs(model, f"text={self.text(text)}")
                self.assertEqual(got["input_ids"].tolist(), ids)
                self.assertEqual(got["token_type_ids"].tolist(), [0] * len(ids))
                self.assertEqual(got["attention_mask"].tolist(), [1] * len(ids))

    def test_sentencepiece(self):
        for model in (SENTENCEPIECE, self.converted(SENTENCEPIECE)):
            for text, ids in SENTENCEPIECE_IDS.items():
                got, = self.outputs(model, f"input={self.text(text)}").values()
                self.assertEqual(got.tolist(), [ids])

    def between_the_codecs(self, pixels):
        """onnxruntime's answer of the model without its first and last operator; BGR in and out."""
        model = onnx.load(SUPER_RESOLUTION)
        nodes = {node.op_type: node for node in model.graph.node}
        first, last = nodes["DecodeImage"], nodes["EncodeImage"]
        rename = next(node for node in model.graph.node if last.output[0] in node.input)
        for node in (first, last, rename):
            model.graph.node.remove(node)
        for values, name in [(model.graph.input, first.output[0]), (model.graph.output, last.input[0])]:
            del values[:]
            values.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, None))
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, {first.output[0]: pixels})[0]

    def test_super_resolution(self):
        slip = self.converted(SUPER_RESOLUTION)
        for name in ("superres_cat_224.jpg", "superres_input.png"):
            photo = ASSETS / "images/task" / name
            want = self.between_the_codecs(cv2.imread(str(photo), cv2.IMREAD_COLOR))
            for model in (SUPER_RESOLUTION, slip):
                file, = self.outputs(model, f"image={photo}").values()
                self.assertEqual(bytes(file[:8]), b"\x89PNG\r\n\x1a\n")
                got = cv2.imdecode(file, cv2.IMREAD_COLOR)
                self.assertEqual(got.shape, want.shape)
                difference = np.abs(got.astype(int) - want)
                self.assertLessEqual(difference.max(), 3, name)
                self.assertLess((difference > 0).mean(), 1e-3, name)

    def test_what_is_no_picture(self):
        self.assert_fails(WRONG_INPUT, "ImageDecoder 'pre_process_0'", "run", SUPER_RESOLUTION,
                          f"image={self.text('<html>')}")


if __name__ == "__main__":
    main()
