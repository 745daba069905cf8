"""End to end: the built `slipway`, as a user meets it, from model files and photos to answers and exit codes.

usage: run.py SLIPWAY [unittest arguments]; see common.py for the variables. Tests whose files are absent are skipped and
say so. Expected numbers of the demo are TensorFlow's own.
"""
import csv
import pathlib
import struct
import unittest
import zlib

import cv2
import numpy as np

from common import (ASSETS, BROKEN, DEMO, EndToEnd, IO, MISMATCH, NOT_FOUND, OK, USAGE, WRONG_INPUT,
                    corners, json_lines, main, slipway)

# TensorFlow 2.21 on the demo's model: label, score, [ymin, xmin, ymax, xmax] relative to the photo.
FOUND_BY_TENSORFLOW = {
    "chelsea.png": [("cat", 0.9345, [0.0095, 0.0016, 0.9921, 0.8953])],
    "coffee.png": [("cup", 0.9613, [0.054, 0.2893, 0.6231, 0.6866]),
                   ("dining table", 0.8242, [0.0072, 0.0035, 0.9901, 0.9983])],
    "motorcycle_left.png": [("motorcycle", 0.982, [0.1137, 0.1327, 0.9098, 0.9325])],
    "astronaut.png": [("person", 0.6855, [0.0162, 0.0473, 0.9586, 0.7191])],
}


class Usage(EndToEnd):
    def test_alone_prints_five_lines_to_get_going(self):
        lines = self.run_ok().splitlines()
        self.assertEqual([line.split()[0] for line in lines[1:]], ["slipway"] * 5)

    def test_mistyped_names_get_the_nearest(self):
        self.assert_fails(USAGE, "did you mean 'detect'?", "detct")
        self.assert_fails(USAGE, "did you mean '--score'?", "detect", "m.slip", "p.jpg", "--scroe", "1")

    def test_missing_arguments_are_usage(self):
        self.assert_fails(USAGE, "model", "detect")

    def test_missing_files_are_named(self):
        self.assert_fails(NOT_FOUND, "'absent.slip'", "inspect", "absent.slip")

    def test_wrong_files_are_named_for_what_they_are(self):
        for name, content, text in [
                ("page.onnx", b"<!DOCTYPE html><html></html>", "web page"),
                ("pointer.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
                ("archive.onnx", b"PK\x03\x04" + bytes(40), "zip archive"),
                ("empty.onnx", b"", "is empty")]:
            with self.subTest(name):
                path = self.folder / name
                path.write_bytes(content)
                self.assert_fails(BROKEN, text, "inspect", path)

    def test_unusable_flags_are_usage(self):
        self.assert_fails(USAGE, "--json", "classify", "m.slip", "p.jpg", "--csv", "--json")
        self.assert_fails(USAGE, "multiple of 90", "detect", "m.slip", "p.jpg", "--rotate", 45)
        self.assert_fails(USAGE, "did you mean 'yolov5'?", "detect", "m.slip", "p.jpg", "--decoder", "yolo5")

    def test_unknown_manifest_keys_get_the_nearest(self):
        path = self.folder / "manifest.json"
        path.write_text('{"inputs": [{"resise": {"mode": "stretch"}}]}')
        model = self.folder / "model.onnx"
        model.write_bytes(tiny_onnx())
        self.assert_fails(BROKEN, "'inputs[0].resise' (did you mean 'resize'?)", "classify", model, "p.jpg", "--manifest", path)


def tiny_onnx():
    """Relu of f32[2], as bytes."""
    from onnx import TensorProto, helper
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "tiny", values[:1], values[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString()


class ExitCodes(EndToEnd):
    """Codes 2 to 8 as docs/cli.md lists them; 1, a defect of slipway, is what no test can ask for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.folder / "tiny.onnx"
        cls.source.write_bytes(tiny_onnx())
        cls.model = cls.folder / "tiny.slip"
        run = slipway("convert", cls.source, "-o", cls.model)
        assert run.returncode == OK, run.stderr

    def test_wrong_input_is_6(self):
        np.save(self.folder / "three.npy", np.zeros(3, np.float32))
        self.assert_fails(WRONG_INPUT, "f32[3]", "run", self.model, self.folder / "three.npy")

    def test_other_results_than_golden_are_7(self):
        # The golden output is the last piece of the file, at a multiple of 64 bytes; the graph part holds its checksum, and
        # the header that part's.
        content = bytearray(self.model.read_bytes())
        graph_offset, graph_bytes, data_offset = struct.unpack_from("<QQQ", content, 16)
        last = data_offset + (len(content) - data_offset - 1) // 64 * 64
        old = struct.pack("<I", zlib.crc32(content[last:]))
        content[-4:] = struct.pack("<f", 1000)
        graph = content[graph_offset:graph_offset + graph_bytes]
        # The golden input is the same, and so is its checksum, which stands behind.
        self.assertEqual(graph.count(old), 2)
        graph = graph.replace(old, struct.pack("<I", zlib.crc32(content[last:])), 1)
        content[graph_offset:graph_offset + graph_bytes] = graph
        struct.pack_into("<I", content, 48, zlib.crc32(graph))
        other = self.folder / "other.slip"
        other.write_bytes(content)
        run = slipway("doctor", other)
        self.assertEqual(run.returncode, MISMATCH, run.stderr)
        self.assertIn("FAIL", run.stdout)
        self.assertIn("1 outputs differ", run.stderr)

    def test_what_cannot_be_written_is_8(self):
        (self.folder / "folder.slip").mkdir()
        self.assert_fails(IO, "folder.slip", "convert", self.source, "-o", self.folder / "folder.slip")

    def test_a_model_without_golden_vectors_says_how_to_get_them(self):
        self.run_ok("convert", self.source, "-o", self.folder / "bare.slip", "--no-golden")
        self.assert_fails(USAGE, "without --no-golden", "doctor", self.folder / "bare.slip")

    def test_a_mistyped_pass_gets_the_nearest(self):
        run = slipway("inspect", self.source, environment={"SLIPWAY_DISABLE": "fuse_silou"})
        self.assertEqual(run.returncode, USAGE)
        self.assertIn("did you mean 'fuse_silu'?", run.stderr)
        self.assertEqual(slipway("inspect", self.source, environment={"SLIPWAY_DISABLE": "fuse_silu,all"}).returncode, OK)


@unittest.skipUnless((ASSETS / "onnx").exists(), "SLIPWAY_ASSETS is absent")
class Verbs(EndToEnd):
    MODELS = {"onnx": "onnx/mnist-8.onnx", "tflite": "tflite/mlperf_ic_resnet8_int8.tflite",
              "pb": "tensorflow/mobilenet_v1_0.25_128_frozen.pb"}
    DIGITS = ASSETS / "images/mnist"

    def test_every_verb_takes_every_format(self):
        models = [ASSETS / path for path in self.MODELS.values()]
        models += [path for path in [DEMO / "model/model.json"] if path.exists()]
        converted = []
        for model in models:
            with self.subTest(model.name):
                converted.append(self.folder / (model.parent.name + model.stem + ".slip"))
                self.run_ok("convert", model, "-o", converted[-1])
        for model in models + converted[:1]:
            task = "detect" if model.name == "model.json" else "classify"
            for verb, *flags in [("inspect", "--json"), ("run", "--seed", 3), ("bench", "--runs", 3, "--seconds", 0.1),
                                 (task, self.DIGITS / "3.pgm", "--json")]:
                with self.subTest(f"{verb} {model.name}"):
                    self.assertTrue(self.run_ok(verb, model, *flags))
        for model in converted:
            with self.subTest(f"doctor {model.name}"):
                self.assertIn("ok", self.run_ok("doctor", model))

    def test_the_wrong_verb_names_the_right_one(self):
        models = {"classify": "tflite/mobilenet_v1_0.25_224_quant_metadata.tflite",
                  "detect": "tflite/coco_ssd_mobilenet_v1_quant_metadata.tflite",
                  "segment": "tflite/deeplabv3_float_metadata.tflite"}
        for right, model in models.items():
            for verb in set(models) - {right}:
                with self.subTest(f"{verb} {model}"):
                    self.assert_fails(USAGE, f"use 'slipway {right}'", verb, ASSETS / model,
                                      ASSETS / "images/task/burger.jpg", ASSETS / "images/task/lena.png")

    def test_files_folders_and_lists_give_the_same(self):
        model = ASSETS / self.MODELS["onnx"]
        folder = self.folder / "digits"
        folder.mkdir()
        paths = [folder / f"{digit}.pgm" for digit in range(10)]
        for path in paths:
            path.write_bytes((self.DIGITS / path.name).read_bytes())
        (folder / "notes.txt").write_text("no image")
        names = "".join(f"{path}\n" for path in paths)
        (self.folder / "list.txt").write_text(names)
        answers = [self.run_ok("classify", model, *paths, "--json", "--std", 1),
                   self.run_ok("classify", model, folder, "--json", "--std", 1),
                   self.run_ok("classify", model, f"@{self.folder / 'list.txt'}", "--json", "--std", 1),
                   slipway("classify", model, "-", "--json", "--std", 1, stdin=names).stdout]
        for answer in answers:
            found = json_lines(answer)
            self.assertEqual([each["file"] for each in found], [str(path) for path in paths])
            self.assertEqual([each["classes"][0]["class"] for each in found], list(range(10)))
        (self.folder / "nothing").mkdir()
        self.assert_fails(NOT_FOUND, "holds no images", "classify", model, self.folder / "nothing")

    def test_csv_and_saved_pictures_of_classes_and_segments(self):
        photo = ASSETS / "images/task/segmentation_input_rotation0.jpg"
        for verb, model, header in [
                ("classify", "tflite/mobilenet_v1_0.25_224_float_metadata.tflite", "file,label,class,score"),
                ("segment", "tflite/deeplabv3_float_metadata.tflite", "file,label,class,fraction")]:
            with self.subTest(verb):
                saved = self.folder / verb
                with_flags = self.run_ok(verb, ASSETS / model, photo, "--csv", "--save", saved)
                lines = list(csv.DictReader(with_flags.splitlines()))
                self.assertEqual(with_flags.splitlines()[0], header)
                answer = json_lines(self.run_ok(verb, ASSETS / model, photo, "--json"))[0]
                expected = answer["classes" if verb == "classify" else "segments"]
                self.assertEqual([(row["file"], row["label"], int(row["class"])) for row in lines],
                                 [(str(photo), each["label"], each["class"]) for each in expected])
                drawn = cv2.imread(str(saved / photo.name))
                self.assertTrue((drawn != cv2.imread(str(photo))).any())


@unittest.skipUnless((DEMO / "model/model.json").exists(), "SLIPWAY_DEMO_DIR has no demo model")
class Demo(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.folder / "coco_ssd.slip"
        run = slipway("convert", DEMO / "model/model.json", "-o", cls.model)
        assert run.returncode == OK, run.stderr

    def test_finds_what_tensorflow_finds(self):
        results = json_lines(self.run_ok("detect", self.model, DEMO / "photos", "--json"))
        found = {pathlib.Path(each["file"]).name: each for each in results}
        self.assertEqual(sorted(found), sorted(FOUND_BY_TENSORFLOW))
        for name, expected in FOUND_BY_TENSORFLOW.items():
            photo = found[name]
            scale = np.array([photo["width"], photo["height"]] * 2)
            self.assertEqual([each["label"] for each in photo["detections"]], [label for label, _, _ in expected])
            for each, (label, score, (top, left, bottom, right)) in zip(photo["detections"], expected):
                self.assertAlmostEqual(each["score"], score, delta=0.01, msg=label)
                error = np.abs(corners(each["box"]) - np.array([left, top, right, bottom]) * scale).max()
                self.assertLess(error, 1, label)

    @unittest.skipUnless(ASSETS.exists(), "SLIPWAY_ASSETS is absent")
    def test_raw_outputs_equal_tensorflows(self):
        photo = cv2.imread(str(DEMO / "photos/chelsea.png"))[:, :, ::-1].astype(np.float32)
        np.save(self.folder / "input.npy", legacy_bilinear(photo, 300) * np.float32(0.00784314) - np.float32(1))
        self.run_ok("run", self.model, self.folder / "input.npy", "-o", self.folder / "raw.npz")
        ours = np.load(self.folder / "raw.npz")
        expected = np.load(ASSETS / "golden/coco_ssd_tfjs/chelsea_raw.npz")
        np.testing.assert_allclose(ours["Postprocessor/Slice"], expected["scores"], rtol=0, atol=1e-4)
        np.testing.assert_allclose(ours["Postprocessor/ExpandDims_1"], expected["boxes"], rtol=0, atol=1e-4)

    def test_csv_and_saved_pictures(self):
        photo = DEMO / "photos/chelsea.png"
        rows = self.run_ok("detect", self.model, photo, "--csv", "--save", self.folder / "saved").splitlines()
        self.assertEqual(rows[0], "file,label,class,score,x,y,w,h")
        self.assertEqual(rows[1].split(",")[:3], [str(photo), "cat", "17"])
        self.assertEqual(len(rows), 2)
        before, after = cv2.imread(str(photo)), cv2.imread(str(self.folder / "saved/chelsea.png"))
        self.assertEqual(before.shape, after.shape)
        self.assertTrue((before != after).any())

    def test_write_read_write_is_identical(self):
        self.run_ok("convert", self.model, "-o", self.folder / "again.slip")
        self.assertEqual(self.model.read_bytes(), (self.folder / "again.slip").read_bytes())

    def test_doctor_passes_after_convert(self):
        self.assertIn("ok", self.run_ok("doctor", self.model))

    def test_damaged_slip_files_are_refused(self):
        content = self.model.read_bytes()
        damaged = self.folder / "damaged.slip"
        damaged.write_bytes(content[:10000])
        self.assert_fails(BROKEN, f"should have {len(content)} bytes, has 10000", "inspect", damaged)
        damaged.write_bytes(content[:-100] + bytes([content[-100] ^ 1]) + content[-99:])
        self.assert_fails(BROKEN, "checksum", "inspect", damaged)

    def test_a_bad_photo_does_not_stop_the_others(self):
        run = slipway("detect", self.model, "absent.jpg", DEMO / "photos/chelsea.png", "--json")
        self.assertEqual(run.returncode, NOT_FOUND)
        self.assertIn("absent.jpg", run.stderr)
        self.assertEqual([each["detections"][0]["label"] for each in json_lines(run.stdout)], ["cat"])

    def test_a_photo_is_no_array(self):
        self.assert_fails(WRONG_INPUT, "npy", "run", self.model, DEMO / "photos/chelsea.png")


def legacy_bilinear(photo, size):
    """TensorFlow's first ResizeBilinear: source = destination * scale, no half pixel. [H,W,C] -> [1,size,size,C]."""
    def taps(extent):
        at = np.arange(size, dtype=np.float32) * np.float32(extent / size)
        low = np.floor(at).astype(int)
        return low, np.minimum(low + 1, extent - 1), at - low.astype(np.float32)
    top, bottom, fy = taps(photo.shape[0])
    left, right, fx = taps(photo.shape[1])
    fy, fx = fy[:, None, None], fx[None, :, None]
    upper = photo[top][:, left] + (photo[top][:, right] - photo[top][:, left]) * fx
    lower = photo[bottom][:, left] + (photo[bottom][:, right] - photo[bottom][:, left]) * fx
    return (upper + (lower - upper) * fy)[None].astype(np.float32)


if __name__ == "__main__":
    main()
