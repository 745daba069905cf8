"""Every GraphDef of the shared assets: runs as other implementations do, or says what it cannot read.

usage: tensorflow_models.py SLIPWAY [unittest arguments]

Oracles: tests/oracles/graphdef_numpy.py in f64, and OpenCV's dnn where it reads the file. Both backends.
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import cv2
import numpy as np

from suite import ASSETS, ROOT, SKIPPED, run_net

sys.path.insert(0, str(ROOT / "tests" / "oracles"))
import graphdef_numpy  # noqa: E402

SLIPWAY = ""
MODELS = ASSETS / "tensorflow"
BROKEN, UNSUPPORTED = 4, 5
FACES = 6  # that MTCNN finds in ultraface_12.jpg


def photo(name, width, height, channels, scale, offset):
    picture = cv2.imread(str(ASSETS / "images" / name), cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR)
    levels = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    levels = levels[..., None] if channels == 1 else levels[..., ::-1]
    return np.ascontiguousarray(levels[None] * np.float32(scale) + np.float32(offset))


def noise(*shape):
    return np.random.default_rng(7).standard_normal(shape, np.float32)


CAT = "calib_imagenet/n02123159_tiger_cat.JPEG"


class Models(unittest.TestCase):
    def run_model(self, model, feeds, *options, backend="cpu"):
        """Outputs by name."""
        with tempfile.TemporaryDirectory() as text:
            outputs = run_net(SLIPWAY, backend, MODELS / model, feeds, pathlib.Path(text), *options)
            self.assertIsInstance(outputs, dict, outputs)
            return outputs

    def assert_near(self, ours, expected, what, tolerance=1e-5):
        self.assertEqual(ours.shape, expected.shape, what)
        error = np.abs(ours - expected).max() / np.abs(expected).max()
        self.assertLess(error, tolerance, what)

    def check(self, model, feeds, *options, tolerance=1e-5, removed=()):
        """Every output of both backends against numpy; the outputs of the cpu backend. `removed`: feeds that the import
        does without."""
        graph = graphdef_numpy.GraphDef(MODELS / model)
        expected = {}
        for backend in ("ref", "cpu"):
            ours = self.run_model(model, {name: feeds[name] for name in feeds if name not in removed}, *options,
                                  backend=backend)
            for name, array in ours.items():
                if name not in expected:
                    expected[name] = graph.run(feeds, name)
                self.assert_near(array, expected[name], f"{model}, {name}, {backend}", tolerance)
        return ours

    def assert_refused(self, model, code, *texts):
        run = subprocess.run([SLIPWAY, "inspect", MODELS / model], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, code, run.stderr)
        for text in texts:
            self.assertIn(text, run.stderr)

    # --- Vision ---

    def test_super_resolution(self):
        for model in ("ESPCN_x2", "ESPCN_x4", "FSRCNN-small_x2", "FSRCNN_x2", "FSRCNN_x4"):
            with self.subTest(model):
                factor = int(model[-1])
                ours = self.check(f"{model}.pb", {"IteratorGetNext": photo(CAT, 40, 30, 1, 1 / 255, 0)})
                self.assertEqual([array.size for array in ours.values()], [40 * 30 * factor * factor])

    def test_mobilenet(self):
        feeds = {"input": photo(CAT, 128, 128, 3, 1 / 127.5, -1)}
        blob = np.ascontiguousarray(feeds["input"].transpose(0, 3, 1, 2))
        best = set()
        for model in ("mobilenet_v1_0.25_128_frozen.pb", "mobilenet_v1_0.25_128_weightquant.pb"):
            with self.subTest(model):
                # Softmax makes of 28 layers' f32 rounding up to 1.5e-5 against numpy's f64 (OpenCV's own: 7e-6).
                ours, = self.check(model, feeds, tolerance=3e-5).values()
                net = cv2.dnn.readNetFromTensorflow(str(MODELS / model))
                net.setInput(blob)
                self.assert_near(ours, net.forward(), "OpenCV", tolerance=3e-5)
                best.add(int(ours.argmax()))
        self.assertEqual(len(best), 1, "twins must agree on the best class")

    def test_mnist(self):
        ours, = self.check("mnist_nnstreamer.pb", {"input": photo("mnist/7.pgm", 28, 28, 1, 1 / 255, 0).reshape(1, 784)}
                           ).values()
        self.assertEqual(ours.argmax(), 7)

    def test_face_detector(self):
        feeds = {"data": photo("faces/ultraface_12.jpg", 300, 300, 3, 1, 0)[..., ::-1] - np.float32([104, 177, 123])}
        ours = self.check("opencv_face_detector_uint8.pb", feeds)
        net = cv2.dnn.readNetFromTensorflow(str(MODELS / "opencv_face_detector_uint8.pb"),
                                            str(MODELS / "opencv_face_detector.pbtxt"))
        net.setInput(np.ascontiguousarray(feeds["data"].transpose(0, 3, 1, 2)))
        # The .pbtxt pads the last two of six branches less than the graph itself: compare the first four.
        for name, count in (("mbox_loc", 34768), ("mbox_conf_flatten", 17384)):
            self.assert_near(ours[name][:, :count], net.forward(name)[:, :count], f"OpenCV, {name}")

    # --- Sound and sequences, from where their features start ---

    def test_keywords_behind_the_features(self):
        for model, shape in (("kws_DNN_S.pb", (1, 25, 10)), ("kws_CNN_S.pb", (1, 49, 10)),
                             ("kws_DS_CNN_S.pb", (1, 49, 10)), ("conv_actions_frozen_compact.pb", (1, 98, 40))):
            with self.subTest(model):
                ours = self.check(model, {"Mfcc": noise(*shape)}, "--input", f"Mfcc{list(shape)}".replace(" ", ""))
                self.assertEqual([array.ndim for array in ours.values()], [2])

    def test_hey_snips(self):
        """The file leaves its input's shape open; that of its readers is [?,40]."""
        self.check("hey_snips_3.pb", {"inputs": noise(98, 40)})
        self.check("hey_snips_3.pb", {"inputs": noise(131, 40)}, "--input", "inputs[131,40]")

    def test_recurrent(self):
        feeds = {"X": noise(2, 784), "keep_prob": np.float32(1)}
        for model in ("tf2onnx_gru_frozen.pb", "tf2onnx_lstm_frozen.pb"):
            with self.subTest(model):
                self.check(model, feeds, removed=["keep_prob"])  # dropout is left out

    def test_loops(self):
        for model, shape in (("kws_GRU_S.pb", (1, 25, 10)), ("kws_Basic_LSTM_S.pb", (1, 49, 10))):
            with self.subTest(model):
                self.check(model, {"Mfcc": noise(*shape)}, "--input", f"Mfcc{list(shape)}".replace(" ", ""))

    def test_faces(self):
        """MTCNN: a pyramid of scales in a loop, three nets, branches where nothing is found."""
        picture = cv2.imread(str(ASSETS / "images" / "faces" / "ultraface_12.jpg"))
        feeds = {"input": picture.astype(np.float32), "min_size": np.float32(40),
                 "thresholds": np.float32([0.6, 0.7, 0.7]), "factor": np.float32(0.709)}
        ours = self.run_model("mtcnn.pb", feeds)
        twin = self.run_model("mtcnn.pb", feeds, backend="ref")
        for name, array in twin.items():
            self.assert_near(ours[name], array, name, tolerance=1e-4)
        count = len(ours["prob"])
        self.assertEqual(count, FACES)
        self.assertTrue((ours["prob"] > 0.7).all())
        self.assertEqual((ours["box"].shape, ours["landmarks"].shape), ((count, 4), (count, 10)))
        nothing = self.run_model("mtcnn.pb", {**feeds, "thresholds": np.float32([1, 1, 1])})
        self.assertEqual([array.shape[0] for array in nothing.values()], [0, 0, 0])

    # --- SavedModel ---

    def test_saved_model(self):
        """Names the word that its twins of 8-bit weights name. TensorFlow's own numbers are make test-full's."""
        feeds = {"input_1": noise(3, 49, 10, 1)}
        ours, = self.run_model("mlperf_kws_savedmodel", feeds).values()
        for word, one in zip(ours, feeds["input_1"]):
            twin, = self.run_model("../tflite/mlperf_kws_dscnn_dynamic_range.tflite", {"input_1": one[None]}).values()
            self.assertEqual(word.argmax(), twin.argmax())
        of_file, = self.run_model("mlperf_kws_savedmodel/saved_model.pb", feeds, backend="ref").values()
        self.assert_near(ours, of_file, "the other backend")

    # --- From a sound file to a word: TensorFlow's own numbers are make test-full's ---

    def test_sounds_are_recognised(self):
        sound = (ASSETS / "audio" / "tflm_yes_1000ms.wav").read_bytes()
        yes = (MODELS / "kws_labels.txt").read_text().split().index("yes")
        for model in ("kws_Basic_LSTM_S", "kws_CNN_S", "kws_DNN_S", "kws_DS_CNN_S", "kws_GRU_S"):
            with self.subTest(model):
                ours, = self.run_model(f"{model}.pb", {"wav_data": sound}).values()
                self.assertEqual(ours.argmax(), yes)
                self.assertGreater(ours.max(), 0.99)
        sound = (ASSETS / "audio" / "speechcmd_cat.wav").read_bytes()
        ours, = self.run_model("conv_actions_frozen_compact.pb", {"wav_data": sound}, backend="ref").values()
        self.assertEqual(ours.argmax(), (MODELS / "conv_actions_labels.txt").read_text().split().index("cat"))

    def test_broken_sounds_are_refused(self):
        sound = (ASSETS / "audio" / "tflm_yes_1000ms.wav").read_bytes()
        for broken, word in ((sound[:1000], "the file only"), (b"ID3" + sound, "not with 'RIFF'"), (b"", "ends within")):
            with tempfile.TemporaryDirectory() as text:
                why = run_net(SLIPWAY, "cpu", MODELS / "kws_CNN_S.pb", {"wav_data": broken}, pathlib.Path(text))
            self.assertIn(word, why)

    # --- Text form ---

    def test_text_form(self):
        """The same numbers from a graph in protobuf's text form: the whole of it, constants too."""
        feeds = {"IteratorGetNext": photo(CAT, 20, 15, 1, 1 / 255, 0)}
        of_binary, = self.run_model("FSRCNN-small_x2.pb", feeds).values()
        with tempfile.TemporaryDirectory() as text:
            path = pathlib.Path(text) / "graph.pbtxt"
            path.write_text(graphdef_numpy.as_text((MODELS / "FSRCNN-small_x2.pb").read_bytes()))
            of_text, = self.run_model(path, feeds).values()
        np.testing.assert_array_equal(of_text, of_binary)

    def test_descriptions_without_weights_are_named(self):
        self.assert_refused("opencv_face_detector.pbtxt", UNSUPPORTED, "description of a network without its weights",
                            "'data_bn/gamma'", "convert the frozen graph (.pb)")


if __name__ == "__main__":
    if not MODELS.is_dir():
        print(f"skipped: no {MODELS}")
        sys.exit(SKIPPED)
    SLIPWAY = sys.argv.pop(1)
    unittest.main()
