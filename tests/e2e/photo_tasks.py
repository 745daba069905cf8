"""detect, classify, segment, inspect, bench and doctor as a user meets them: lists, failures in the middle, the progress bar,
decoders by name and by manifest, and what the documents promise.

usage: photo_tasks.py SLIPWAY [unittest arguments]; see common.py for the variables.
"""
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import unittest

import cv2
import numpy as np

import common
from common import ASSETS, BROKEN, EndToEnd, NOT_FOUND, OK, USAGE, WRONG_INPUT, corners, json_lines, main, slipway

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = ASSETS / "images/mnist"
MNIST = ASSETS / "onnx/mnist-8.onnx"
YOLOV5 = ASSETS / "tflite/yolov5n-fp16-320.tflite"
ULTRAFACE = ASSETS / "onnx/ultraface_rfb320_nopost.onnx"
BUS = ASSETS / "images/task/bus.jpg"


def on_a_terminal(*arguments, is_stdout_too):
    """What a terminal gets to see: stderr, and stdout or not."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([common.SLIPWAY, *map(str, arguments)], stdout=theirs if is_stdout_too else subprocess.DEVNULL,
                          stderr=theirs, stdin=subprocess.DEVNULL):
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    return seen.decode()


def manifest_examples():
    """The JSON blocks of docs/manifest.md."""
    return re.findall(r"```json\n(.*?)```", (ROOT / "docs/manifest.md").read_text(), re.DOTALL)


def ultraface_by_onnxruntime(photo):
    """Faces as UltraFace's own scripts decode them: corners and scores, best first, before suppression."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every weight of this old file
    session = onnxruntime.InferenceSession(str(ULTRAFACE), options, providers=["CPUExecutionProvider"])
    image = (cv2.resize(photo[:, :, ::-1], (320, 240)).astype(np.float32) - 127) / 128
    scores, offsets = session.run(["scores", "boxes"], {"input": image.transpose(2, 0, 1)[None]})
    priors = []
    for stride, sides in ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256))):
        for y in range(-(-240 // stride)):
            for x in range(-(-320 // stride)):
                priors += [((x + 0.5) * stride / 320, (y + 0.5) * stride / 240, side / 320, side / 240) for side in sides]
    priors = np.array(priors)
    centers = offsets[0][:, :2] * 0.1 * priors[:, 2:] + priors[:, :2]
    sizes = np.exp(offsets[0][:, 2:] * 0.2) * priors[:, 2:]
    boxes = np.hstack([centers - sizes / 2, centers + sizes / 2]) * ([photo.shape[1], photo.shape[0]] * 2)
    order = np.argsort(-scores[0][:, 1])
    return boxes[order], scores[0][order, 1]


@unittest.skipUnless(MNIST.exists(), "SLIPWAY_ASSETS is absent")
class PhotoLists(EndToEnd):
    def test_blank_lines_and_blanks_around_paths_mean_nothing(self):
        names = f"\n  {DIGITS / '3.pgm'}  \n\n{DIGITS / '7.pgm'}\r\n\n"
        run = slipway("classify", MNIST, "-", "--json", "--std", 1, stdin=names)
        self.assertEqual(run.returncode, OK, run.stderr)
        self.assertEqual([each["file"] for each in json_lines(run.stdout)], [str(DIGITS / "3.pgm"), str(DIGITS / "7.pgm")])
        self.assertEqual(slipway("classify", MNIST, "-", stdin="\n\n").returncode, USAGE)

    def test_failures_in_the_middle_are_counted_and_the_first_gives_the_code(self):
        text = self.folder / "text.jpg"
        text.write_text("no image")
        run = slipway("classify", MNIST, DIGITS / "1.pgm", "absent.png", DIGITS / "2.pgm", text, "--csv", "--std", 1)
        self.assertEqual(run.returncode, NOT_FOUND)
        self.assertEqual({line.split(",")[0] for line in run.stdout.splitlines()[1:]},
                         {str(DIGITS / "1.pgm"), str(DIGITS / "2.pgm")})
        self.assertTrue(run.stderr.endswith("error: 2 of 4 photos failed\n"), run.stderr)

    def test_one_photo_fails_with_one_error(self):
        run = slipway("classify", MNIST, "absent.png", "--std", 1)
        self.assertEqual(run.returncode, NOT_FOUND)
        self.assertEqual(run.stderr.count("error:"), 1, run.stderr)

    def test_photos_are_not_saved_over(self):
        photo = self.folder / "photo.png"
        cv2.imwrite(str(photo), cv2.imread(str(DIGITS / "5.pgm")))
        before = photo.read_bytes()
        run = slipway("classify", MNIST, photo, "--save", self.folder, "--std", 1)
        self.assertEqual(run.returncode, USAGE)
        self.assertIn("would overwrite the photo itself", run.stderr)
        self.assertEqual(photo.read_bytes(), before)

    def test_the_bar_is_for_terminals(self):
        digits = [DIGITS / f"{digit}.pgm" for digit in range(10)]
        seen = on_a_terminal("classify", MNIST, *digits, "--std", 1, is_stdout_too=False)
        self.assertIn("10/10", seen)
        self.assertRegex(seen, r"\d+ s left")
        piped = slipway("classify", MNIST, *digits, "--std", 1)
        self.assertNotIn("left", piped.stderr + piped.stdout)
        self.assertNotIn("/1", on_a_terminal("classify", MNIST, digits[0], "--std", 1, is_stdout_too=False).replace(str(DIGITS), ""))

    def test_results_and_the_bar_never_share_a_line(self):
        digits = [DIGITS / f"{digit}.pgm" for digit in range(10)]
        seen = on_a_terminal("classify", MNIST, *digits, "absent.png", "--std", 1, is_stdout_too=True)
        for line in seen.split("\n"):
            self.assertNotIn("s left", line.split("\x1b[K")[-1])


@unittest.skipUnless(YOLOV5.exists(), "SLIPWAY_ASSETS is absent")
class Decoders(EndToEnd):
    def test_a_named_decoder_brings_what_belongs_to_it(self):
        for model, decoder in ((YOLOV5, "yolov5"), (ASSETS / "onnx/yolox_nano.onnx", "yolox"),
                               (ASSETS / "onnx/mediapipe_face_detection_short_range.onnx", "anchors")):
            photos = [BUS, ASSETS / "images/task/grace_hopper.jpg"]
            guessed = self.run_ok("detect", model, *photos, "--json")
            self.assertTrue(any(each["detections"] for each in json_lines(guessed)))
            self.assertEqual(self.run_ok("detect", model, *photos, "--json", "--decoder", decoder), guessed)

    def test_a_model_that_is_no_detector_says_so_once(self):
        run = slipway("detect", ASSETS / "onnx/yunet_120x160.onnx", BUS, BUS)
        self.assertEqual(run.returncode, USAGE)
        self.assertEqual(run.stderr.count("error:"), 1, run.stderr)
        self.assertIn("--decoder yolov5", run.stderr)

    def test_unfit_flags_and_names_are_errors(self):
        self.assert_fails(WRONG_INPUT, "'mean' has 2 numbers", "detect", YOLOV5, BUS, "--mean", "1,2")
        for outputs, message in (({"boxes": "nope", "scores": "scores"}, "names 'nope' as the output for 'boxes'; the model has"),
                                 ({"objectness": "boxes"}, "decoder ssd reads no tensor as 'objectness'")):
            path = self.folder / "manifest.json"
            path.write_text(json.dumps({"outputs": [{"decoder": "ssd", "tensors": outputs}]}))
            self.assert_fails(BROKEN, message, "detect", ULTRAFACE, BUS, "--manifest", path)

    def test_offsets_read_as_corners_are_refused(self):
        self.assert_fails(BROKEN, "boxes have no area", "detect", ULTRAFACE, BUS)

    def test_thresholds(self):
        def count(*flags):
            return len(json_lines(self.run_ok("detect", YOLOV5, BUS, "--json", *flags))[0]["detections"])
        self.assertEqual(count(), count("--score", 0.25, "--iou", 0.45, "--cross-iou", 0.7))
        self.assertGreater(count("--score", 0.05), count())
        self.assertGreater(count("--iou", 1, "--cross-iou", 1), count("--cross-iou", 1))
        self.assertLess(count("--score", 0.05, "--cross-iou", 0.3), count("--score", 0.05, "--cross-iou", 1))
        self.assertEqual(count("--max", 1), 1)

    def test_the_manifests_of_the_document_work(self):
        yolov5, classifier, face, ultraface = manifest_examples()
        path = self.folder / "manifest.json"
        path.write_text(yolov5)
        boxes = lambda answer: [(each["score"], each["box"]) for each in json_lines(answer)[0]["detections"]]
        self.assertEqual(boxes(self.run_ok("detect", YOLOV5, BUS, "--json", "--manifest", path)),
                         boxes(self.run_ok("detect", YOLOV5, BUS, "--json")))
        path.write_text(classifier)
        labels = ["--labels", ASSETS / "tflite/labels/coral_imagenet_labels.txt"]
        answer = json_lines(self.run_ok("classify", ASSETS / "onnx/shufflenet-v2-12-int8.onnx",
                                        ASSETS / "images/task/coral_cat.bmp", "--json", "--manifest", path, *labels))[0]
        self.assertIn("cat", answer["classes"][0]["label"])
        path.write_text(face)
        model = ASSETS / "onnx/mediapipe_face_detection_short_range.onnx"
        photo = ASSETS / "images/task/grace_hopper.jpg"
        found = json_lines(self.run_ok("detect", model, photo, "--json", "--manifest", path))[0]["detections"]
        expected = json_lines(self.run_ok("detect", model, photo, "--json"))[0]["detections"]
        self.assertEqual(len(found), 1)
        # Its letterbox is grey, that of the guess black.
        self.assertLess(np.abs(corners(found[0]["box"]) - corners(expected[0]["box"])).max(), 12)
        self.assertEqual(len(found[0]["keypoints"]), 6)
        path.write_text(ultraface)
        for name in ("ultraface_2.jpg", "ultraface_12.jpg", "ultraface_19.jpg"):
            with self.subTest(name):
                photo = ASSETS / "images/faces" / name
                found = json_lines(self.run_ok("detect", ULTRAFACE, photo, "--json", "--score", 0.6, "--manifest", path))[0]
                truth, scores = ultraface_by_onnxruntime(cv2.imread(str(photo)))
                self.assertTrue(found["detections"])
                limit = [found["width"], found["height"]] * 2
                best = found["detections"][0]
                self.assertAlmostEqual(best["score"], scores[0], delta=0.01)
                self.assertLess(np.abs(corners(best["box"]) - np.clip(truth[0], 0, limit)).max(), 2)


@unittest.skipUnless(YOLOV5.exists(), "SLIPWAY_ASSETS is absent")
class OtherVerbs(EndToEnd):
    def test_inspect_shows_the_manifest_that_would_be_used(self):
        run = slipway("inspect", YOLOV5, "--json")
        self.assertEqual(run.returncode, OK)
        shown = json.loads(run.stdout)
        self.assertEqual(shown["manifest"]["outputs"][0]["decoder"], "yolov5")
        self.assertIn("decoder yolov5 guessed", run.stderr)
        self.assertGreater(shown["flops"], 1e9)
        self.assertIn("task detection, 80 labels, decoder yolov5", self.run_ok("inspect", YOLOV5))

    def test_inspect_lists_every_node(self):
        shown = json.loads(self.run_ok("inspect", YOLOV5, "--json", "--graph"))
        self.assertEqual(len(shown["graph"]), shown["nodes"])
        self.assertAlmostEqual(sum(node["flops"] for node in shown["graph"]), shown["flops"], delta=1)
        made = {name for node in shown["graph"] for name in node["outputs"]}
        self.assertLessEqual({port["name"] for port in shown["outputs"]}, made)

    def test_inspect_says_what_open_shapes_leave_unknown(self):
        model = ASSETS / "onnx/super_resolution_2019.onnx"
        shown = json.loads(self.run_ok("inspect", model, "--json", "--dim", "batch_size=1..8"))
        self.assertIsNone(shown["flops"])
        self.assertEqual(shown["ranges"], {"batch_size": [1, 8]})
        text = self.run_ok("inspect", model, "--dim", "batch_size=1..8")
        self.assertIn("FLOPs a run unknown", text)
        self.assertIn("dimension batch_size: 1 to 8", text)
        self.assertGreater(json.loads(self.run_ok("inspect", model, "--json", "--dim", "batch_size=1"))["flops"], 5e9)

    def test_dot_declares_every_node_that_its_edges_join(self):
        text = self.run_ok("inspect", YOLOV5, "--dot")
        self.assertTrue(text.startswith("digraph") and text.endswith("}\n"))
        declared = set(re.findall(r"^  (\w+) \[label", text, re.MULTILINE))
        joined = re.findall(r"^  (\w+) -> (\w+)", text, re.MULTILINE)
        self.assertLessEqual({name for edge in joined for name in edge}, declared)
        if shutil.which("dot"):
            drawn = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True)
            self.assertIn("<svg", drawn.stdout)

    def test_bench_gives_what_the_document_lists(self):
        fields = re.search(r"`bench --json` gives (.*?), and with", (ROOT / "docs/cli.md").read_text(), re.DOTALL)[1]
        answer = json.loads(self.run_ok("bench", MNIST, "--json", "--runs", 5, "--seconds", 0.1, "--steps"))
        self.assertEqual([*re.findall(r"`(\w+)`", fields), "steps"], list(answer))
        self.assertTrue(answer["min_ms"] <= answer["median_ms"] <= answer["p90_ms"] <= answer["p99_ms"])
        self.assertEqual(slipway("bench", MNIST, "--threads", -1).returncode, USAGE)

    def test_kernels_are_chosen_by_time_and_times_are_kept(self):
        cache = self.folder / "times.txt"
        flags = ["--seconds", 0.1, "--threads", 1, "--timing-cache", cache]
        first = slipway("bench", ULTRAFACE, *flags, "--tune-seconds", 2)
        self.assertEqual(first.returncode, OK, first.stderr)
        self.assertRegex(first.stderr, r"note: timed [1-9]\d* kernels of \d+ steps")
        lines = cache.read_text().splitlines()
        self.assertGreater(len(lines), 2)
        self.assertEqual(lines[1:], sorted(set(lines[1:])))
        again = slipway("bench", ULTRAFACE, *flags, "--tune-seconds", 2)
        self.assertIn("timed 0 kernels", again.stderr)
        self.assertEqual(cache.read_text().splitlines(), lines)
        cache.write_text("\n".join(lines + ["rubbish"]) + "\n")
        self.assertIn("1 lines say nothing", slipway("bench", ULTRAFACE, *flags).stderr)
        missing = slipway("bench", ULTRAFACE, "--tune-seconds", 0.1, "--timing-cache", self.folder / "none" / "t")
        self.assertNotEqual(missing.returncode, OK)
        self.assertIn("cannot write", missing.stderr)
        self.assertEqual(slipway("bench", MNIST, "--accuracy", "some").returncode, USAGE)

    def test_run_names_arrays_and_files_that_do_not_fit(self):
        digit = self.folder / "digit.npy"
        np.save(digit, np.zeros((1, 1, 28, 28), np.float32))
        self.assert_fails(WRONG_INPUT, "no input 'Inptu3' (did you mean 'Input3'?)", "run", MNIST, f"Inptu3={digit}")
        self.assert_fails(USAGE, "the model has 2 outputs", "run", ULTRAFACE, "-o", self.folder / "out.npy")
        self.assert_fails(USAGE, "name it .npz", "run", MNIST, digit, "-o", self.folder / "out.txt")
        self.assert_fails(USAGE, "did you mean 'Conv'?", "ops", "Cnv")

    def test_doctor_checks_every_format(self):
        for model in (MNIST, ASSETS / "tflite/mlperf_ic_resnet8_int8.tflite",
                      ASSETS / "tensorflow/mobilenet_v1_0.25_128_frozen.pb"):
            with self.subTest(model.name):
                self.assertTrue(self.run_ok("doctor", model).startswith("ok"))


if __name__ == "__main__":
    main()
