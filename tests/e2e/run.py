"""End to end: the built `slipway`, as a user meets it, from model files and photos to answers and exit codes.

usage: run.py SLIPWAY [unittest arguments]

SLIPWAY_DEMO_DIR holds model/ and photos/ (tools/demo/fetch.sh); SLIPWAY_ASSETS the oracle data. Tests whose
files are absent are skipped and say so. Expected numbers of the demo are TensorFlow's own.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import cv2
import numpy as np

SLIPWAY = ""
DEMO = pathlib.Path(os.environ.get("SLIPWAY_DEMO_DIR", "absent"))
ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", "absent"))
OK, USAGE, NOT_FOUND, BROKEN, UNSUPPORTED, WRONG_INPUT, MISMATCH = 0, 2, 3, 4, 5, 6, 7

# TensorFlow 2.21 on the demo's model: label, score, [ymin, xmin, ymax, xmax] relative to the photo.
FOUND_BY_TENSORFLOW = {
    "chelsea.png": [("cat", 0.9345, [0.0095, 0.0016, 0.9921, 0.8953])],
    "coffee.png": [("cup", 0.9613, [0.054, 0.2893, 0.6231, 0.6866]),
                   ("dining table", 0.8242, [0.0072, 0.0035, 0.9901, 0.9983])],
    "motorcycle_left.png": [("motorcycle", 0.982, [0.1137, 0.1327, 0.9098, 0.9325])],
    "astronaut.png": [("person", 0.6855, [0.0162, 0.0473, 0.9586, 0.7191])],
}


def slipway(*arguments):
    return subprocess.run([SLIPWAY, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def corners(box):
    x, y, width, height = box
    return np.array([x, y, x + width, y + height])


class EndToEnd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def run_ok(self, *arguments):
        run = slipway(*arguments)
        self.assertEqual(run.returncode, OK, run.stderr)
        return run.stdout

    def assert_fails(self, code, text, *arguments):
        run = slipway(*arguments)
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertIn(text, run.stderr)
        self.assertEqual(run.stdout, "")


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


@unittest.skipUnless((ASSETS / "golden/tasks.json").exists(), "SLIPWAY_ASSETS is absent")
class OtherProjectsExpectations(EndToEnd):
    """The image cases of golden/tasks.json whose task exists; by their ids."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cases = {case["id"]: case for case in json.loads((ASSETS / "golden/tasks.json").read_text())["cases"]}

    def answer(self, task, case, *flags):
        return json_lines(self.run_ok(task, ASSETS / case["model"], ASSETS / case["input"], "--json", *flags))[0]

    def test_classify_burger(self):
        case = self.cases["tfls_imgcls_quant_burger"]
        expected, best = case["expect"]["top1"][0], self.answer("classify", case)["classes"][0]
        self.assertEqual((best["label"], best["class"]), (expected["label"], expected["index"]))
        self.assertAlmostEqual(best["score"], expected["score"], delta=case["tolerance"]["score"])

    def test_classify_coral_cat(self):
        case = self.cases["coral_cls_mbv1_025"]
        expected = case["expect"]["topk_contains"]
        scores = {each["class"]: each["score"] for each in self.answer("classify", case)["classes"][:expected["k"]]}
        self.assertGreaterEqual(scores.get(expected["index"], 0), expected["min_score"])

    def test_detect_cats_and_dogs(self):
        # The model suppresses for itself: no second suppression. Its boxes reach past the photo, ours end there.
        case = self.cases["tfls_detect_cats_dogs"]
        answer = self.answer("detect", case, "--iou", 1, "--cross-iou", 1)
        limit = np.array([answer["width"], answer["height"]] * 2)
        for each, expected in zip(answer["detections"], case["expect"]["detections"]):
            self.assertEqual(each["label"], expected["label"])
            self.assertAlmostEqual(each["score"], expected["score"], delta=case["tolerance"]["score"])
            truth = np.minimum(corners([expected[key] for key in "xywh"]), limit)
            self.assertLessEqual(np.abs(corners(each["box"]) - truth).max(), case["tolerance"]["box_px"])
        self.assertGreaterEqual(len(answer["detections"]), len(case["expect"]["detections"]))

    def test_segment_mask(self):
        # The turned photo's case needs an orientation from outside the file, which no flag gives yet.
        case = self.cases["tfls_deeplab_rot0"]
        self.answer("segment", case, "--save", self.folder)
        mask = cv2.imread(str(self.folder / (pathlib.Path(case["input"]).stem + "_mask.png")), cv2.IMREAD_UNCHANGED)
        golden = cv2.imread(str(ASSETS / case["expect"]["mask_png"]), cv2.IMREAD_UNCHANGED)
        different = (mask.astype(int) * case["expect"]["mask_factor"] != golden).mean()
        self.assertLess(different, case["tolerance"]["different_pixels_fraction"])

    def test_segment_finds_the_horse(self):
        case = self.cases["tfex_deeplab_horse"]
        labels = {each["label"] for each in self.answer("segment", case)["segments"]}
        self.assertLessEqual(set(case["expect"]["classes_present"]), labels)

    def test_run_face_detector(self):
        case = self.cases["opencv_face_detection_short_range"]
        photo = cv2.resize(cv2.imread(str(ASSETS / case["input"])), (128, 128))[:, :, ::-1]
        np.save(self.folder / "face.npy", (photo.astype(np.float32) / 255)[None])
        self.run_ok("run", ASSETS / case["model"], self.folder / "face.npy", "-o", self.folder / "face.npz")
        ours = np.load(self.folder / "face.npz")
        for name, path in case["expect"]["npy"].items():
            expected = np.load(ASSETS / path).ravel()
            error = np.abs(ours[name].ravel() - expected).mean() / max(1, np.abs(expected).mean())
            self.assertLess(error, case["tolerance"]["l1"], name)

    def test_run_person_detector(self):
        # tflite-micro's own test copies the photo's bytes as they are into the int8 tensor.
        for name, is_person in (("tflm_person", True), ("tflm_no_person", False)):
            case = self.cases[name]
            photo = cv2.imread(str(ASSETS / case["input"]), cv2.IMREAD_GRAYSCALE)
            np.save(self.folder / "grey.npy", photo.view(np.int8)[None, :, :, None])
            self.run_ok("run", ASSETS / case["model"], self.folder / "grey.npy", "-o", self.folder / "scores.npy")
            other, person = np.load(self.folder / "scores.npy")[0].astype(int)
            self.assertEqual(bool(person > other), is_person, name)

    def test_unsupported_operators_are_all_named(self):
        self.assert_fails(UNSUPPORTED, "CUSTOM_OP_STRING_TO_BOOLS", "inspect",
                          ASSETS / self.cases["tfls_nl_bool_customop"]["model"])


if __name__ == "__main__":
    SLIPWAY = sys.argv.pop(1)
    unittest.main()
