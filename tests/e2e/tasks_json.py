"""The cases of golden/tasks.json, other projects' end-to-end expectations: every image case, and those of other kinds by
the reason why they are not run.

usage: tasks_json.py SLIPWAY [unittest arguments]; see common.py for the variables.
"""
import csv
import gzip
import json
import pathlib
import unittest

import cv2
import numpy as np

from common import ASSETS, EndToEnd, OK, UNSUPPORTED, corners, json_lines, main, slipway

# Cases that are not run, by the reason. A model named here must still be refused: one that is read has to be run.
NOT_RUN = {
    "tfls_nl_positive": "text: no tokenizer yet",
    "tfls_nl_negative": "text: no tokenizer yet",
    "tfex_yamnet_meow": "audio: no front end yet",
    "tflm_micro_speech": "audio: no front end yet",
    "wts_lenet5": "weights without a graph: examples/lenet_wts_test.py builds it in code",
}

TESTED = set()

# Columns of the reference as MoveNet orders them: y, x, score.
KEYPOINT_COLUMNS = ("keypoint_y", "keypoint_x", "keypoint_score")


def covers(*ids):
    TESTED.update(ids)
    return lambda test: test


def mnist_test_set():
    """Levels [10000,1,28,28] and digits."""
    photos, labels = (np.frombuffer(gzip.decompress((ASSETS / "images" / "mnist" / name).read_bytes()), np.uint8)
                      for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"))
    return photos[16:].reshape(-1, 1, 28, 28), labels[8:]


def letterboxed(photo, width, height, is_centered):
    """As YOLO models are trained: grey 114 around (YOLOX: behind) the photo; and scale, left, top to map back."""
    scale = min(width / photo.shape[1], height / photo.shape[0])
    size = round(photo.shape[1] * scale), round(photo.shape[0] * scale)
    left, top = ((width - size[0]) // 2, (height - size[1]) // 2) if is_centered else (0, 0)
    padded = np.full((height, width, 3), 114, np.uint8)
    padded[top:top + size[1], left:left + size[0]] = cv2.resize(photo, size)
    return padded, scale, left, top


def iou(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.maximum(0, high - low))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def suppressed(found, limit=0.45):
    """Greedy non-maximum suppression within a class. found: (class, score, corners)."""
    kept = []
    for each in sorted(found, key=lambda each: -each[1]):
        if all(each[0] != other[0] or iou(each[2], other[2]) <= limit for other in kept):
            kept.append(each)
    return kept


def recalled(truth, found):
    """How many true boxes (class, corners) a found one of their class covers by half."""
    return sum(any(kind == each[0] and iou(box, each[2]) >= 0.5 for each in found) for kind, box in truth)


def best(rows, boxes):
    """Rows of objectness and class scores, and corners, as (class, score, corners) from 0.25 on."""
    scores = rows[:, :1] * rows[:, 1:]
    kinds = scores.argmax(1)
    top = scores[np.arange(len(rows)), kinds]
    return [(kinds[i], top[i], boxes[i]) for i in np.flatnonzero(top >= 0.25)]


def yolov5_by_litert(path, photo):
    from ai_edge_litert.interpreter import Interpreter
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    _, height, width, _ = source["shape"]
    image, scale, left, top = letterboxed(photo, width, height, is_centered=True)
    interpreter.set_tensor(source["index"], (image[None, :, :, ::-1] / 255).astype(np.float32))
    interpreter.invoke()
    rows = interpreter.get_tensor(target["index"])[0]
    centers, sizes = rows[:, :2] * [width, height], rows[:, 2:4] * [width, height]
    boxes = (np.hstack([centers - sizes / 2, centers + sizes / 2]) - [left, top] * 2) / scale
    return best(rows[:, 4:], boxes)


def yolox_by_onnxruntime(path, photo):
    import onnxruntime
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    _, _, height, width = session.get_inputs()[0].shape
    image, scale, left, top = letterboxed(photo, width, height, is_centered=False)
    rows = session.run(None, {session.get_inputs()[0].name: image.transpose(2, 0, 1)[None].astype(np.float32)})[0][0]
    cells = [(x, y, stride) for stride in (8, 16, 32) for y in range(height // stride) for x in range(width // stride)]
    grid, stride = np.array([cell[:2] for cell in cells]), np.array([[cell[2]] for cell in cells])
    centers, sizes = (rows[:, :2] + grid) * stride, np.exp(rows[:, 2:4]) * stride
    boxes = (np.hstack([centers - sizes / 2, centers + sizes / 2]) - [left, top] * 2) / scale
    return best(rows[:, 4:], boxes)


def fastestdet_by_onnxruntime(path, photo):
    import onnxruntime
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    _, _, height, width = session.get_inputs()[0].shape
    image = cv2.resize(photo, (width, height)).transpose(2, 0, 1)[None].astype(np.float32) / 255
    planes = session.run(None, {session.get_inputs()[0].name: image})[0][0]
    _, lines, columns = planes.shape
    y, x = np.mgrid[:lines, :columns]
    size = np.array([photo.shape[1], photo.shape[0]])
    centers = np.stack([(x + np.tanh(planes[1])) / columns, (y + np.tanh(planes[2])) / lines], -1).reshape(-1, 2) * size
    extents = (1 / (1 + np.exp(-planes[3:5]))).reshape(2, -1).T * size
    rows = planes.reshape(len(planes), -1).T
    rows = np.hstack([rows[:, :1] ** 0.6, rows[:, 5:] ** 0.4])
    return best(rows, np.hstack([centers - extents / 2, centers + extents / 2]))


def rgb(path):
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


@unittest.skipUnless((ASSETS / "golden/tasks.json").exists(), "SLIPWAY_ASSETS is absent")
class OtherProjectsExpectations(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cases = {case["id"]: case for case in json.loads((ASSETS / "golden/tasks.json").read_text())["cases"]}

    def answer(self, task, case, *flags):
        return json_lines(self.run_ok(task, ASSETS / case["model"], ASSETS / case["input"], "--json", *flags))[0]

    def outputs(self, model, tensor):
        """The model's outputs on an array, by name."""
        np.save(self.folder / "input.npy", tensor)
        self.run_ok("run", ASSETS / model, self.folder / "input.npy", "-o", self.folder / "outputs.npz")
        with np.load(self.folder / "outputs.npz") as arrays:
            return dict(arrays)

    def output(self, model, tensor):
        return next(iter(self.outputs(model, tensor).values()))

    def test_every_case_is_run_or_has_a_reason(self):
        self.assertEqual(set(self.cases), TESTED | set(NOT_RUN))
        self.assertFalse(TESTED & set(NOT_RUN))
        for name, reason in NOT_RUN.items():
            with self.subTest(name):
                model = self.cases[name]["model"].split(" + ")[0]
                if not reason.startswith(("text", "audio")):
                    self.assertNotEqual(slipway("run", ASSETS / model).returncode, OK, "is read now: run it")

    @covers("coral_lstm_mnist")
    def test_classify_digit_with_lstm(self):
        case = self.cases["coral_lstm_mnist"]
        wanted = case["expect"]["topk_contains"]
        photo = ASSETS / case["input"]
        first, second = json_lines(self.run_ok("classify", ASSETS / case["model"], photo, photo, "--json", "--top-k", wanted["k"]))
        scores = {each["class"]: each["score"] for each in first["classes"]}
        self.assertGreaterEqual(scores.get(wanted["index"], 0), wanted["min_score"])
        self.assertEqual(first, second, "what the layer remembers of one photo must not reach the next")

    @covers("tfls_imgcls_quant_burger")
    def test_classify_burger(self):
        case = self.cases["tfls_imgcls_quant_burger"]
        expected, best_class = case["expect"]["top1"][0], self.answer("classify", case)["classes"][0]
        self.assertEqual((best_class["label"], best_class["class"]), (expected["label"], expected["index"]))
        self.assertAlmostEqual(best_class["score"], expected["score"], delta=case["tolerance"]["score"])

    @covers("coral_cls_mbv1_025")
    def test_classify_coral_cat(self):
        case = self.cases["coral_cls_mbv1_025"]
        expected = case["expect"]["topk_contains"]
        scores = {each["class"]: each["score"] for each in self.answer("classify", case)["classes"][:expected["k"]]}
        self.assertGreaterEqual(scores.get(expected["index"], 0), expected["min_score"])

    @covers("tfls_detect_cats_dogs")
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

    def test_detect_in_a_turned_photo(self):
        # Boxes come back in the photo as given, whichever way it is turned and mirrored for the model.
        case = self.cases["tfls_detect_cats_dogs"]
        photo = cv2.imread(str(ASSETS / case["input"]))
        upright = self.answer("detect", case)["detections"]
        turned = cv2.flip(cv2.rotate(photo, cv2.ROTATE_90_COUNTERCLOCKWISE), 0)  # undone by 90 clockwise, then mirrored
        cv2.imwrite(str(self.folder / "turned.png"), turned)
        answer = json_lines(self.run_ok("detect", ASSETS / case["model"], self.folder / "turned.png", "--json", "--rotate",
                                        90, "--mirror"))[0]
        self.assertEqual((answer["width"], answer["height"]), turned.shape[1::-1])
        self.assertEqual([each["label"] for each in answer["detections"]], [each["label"] for each in upright])
        for each, expected in zip(answer["detections"], upright):
            x, y, width, height = expected["box"]
            self.assertLess(np.abs(np.array(each["box"]) - [y, x, height, width]).max(), 2, expected["label"])

    def assert_mask(self, case, *flags):
        self.answer("segment", case, "--save", self.folder, *flags)
        mask = cv2.imread(str(self.folder / (pathlib.Path(case["input"]).stem + "_mask.png")), cv2.IMREAD_UNCHANGED)
        golden = cv2.imread(str(ASSETS / case["expect"]["mask_png"]), cv2.IMREAD_UNCHANGED)
        different = (mask.astype(int) * case["expect"]["mask_factor"] != golden).mean()
        self.assertLess(different, case["tolerance"]["different_pixels_fraction"])

    @covers("tfls_deeplab_rot0")
    def test_segment_mask(self):
        self.assert_mask(self.cases["tfls_deeplab_rot0"])

    @covers("tfls_deeplab_rot90flop")
    def test_segment_mask_of_a_turned_photo(self):
        self.assert_mask(self.cases["tfls_deeplab_rot90flop"], "--rotate", 270, "--mirror")

    @covers("tfex_deeplab_horse")
    def test_segment_finds_the_horse(self):
        case = self.cases["tfex_deeplab_horse"]
        labels = {each["label"] for each in self.answer("segment", case)["segments"]}
        self.assertLessEqual(set(case["expect"]["classes_present"]), labels)

    @covers("opencv_face_detection_short_range")
    def test_run_face_detector(self):
        case = self.cases["opencv_face_detection_short_range"]
        photo = cv2.resize(rgb(ASSETS / case["input"]), (128, 128)).astype(np.float32) / 255
        ours = self.outputs(case["model"], photo[None])
        for name, path in case["expect"]["npy"].items():
            expected = np.load(ASSETS / path).ravel()
            error = np.abs(ours[name].ravel() - expected).mean() / max(1, np.abs(expected).mean())
            self.assertLess(error, case["tolerance"]["l1"], name)

    @covers("tflm_person", "tflm_no_person")
    def test_run_person_detector(self):
        # tflite-micro's own test copies the photo's bytes as they are into the int8 tensor.
        for name, is_person in (("tflm_person", True), ("tflm_no_person", False)):
            case = self.cases[name]
            photo = cv2.imread(str(ASSETS / case["input"]), cv2.IMREAD_GRAYSCALE)
            other, person = self.output(case["model"], photo.view(np.int8)[None, :, :, None])[0].astype(int)
            self.assertEqual(bool(person > other), is_person, name)

    @covers("coral_movenet")
    def test_run_movenet_on_a_squat(self):
        # Points whose reference score is high; the reference gives x and y as ratios of the photo.
        case = self.cases["coral_movenet"]
        photo = cv2.resize(rgb(ASSETS / case["input"]), (192, 192))
        ours = self.output(case["model"], photo[None]).reshape(17, 3)
        with open(ASSETS / case["expect"]["keypoints_csv"]) as file:
            rows = [[float(row[key]) for key in KEYPOINT_COLUMNS] for row in csv.DictReader(file)]
        expected = np.array(rows)
        sure = expected[:, 2] > case["tolerance"]["only_keypoints_with_score_above"]
        close = np.abs(ours[:, :2] - expected[:, :2]).max(1) <= case["tolerance"]["xy"]
        self.assertGreaterEqual((sure & close).sum(), case["tolerance"]["at_least_keypoints"])

    @covers("tfex_movenet_truth")
    def test_run_movenet_against_labelled_points(self):
        case = self.cases["tfex_movenet_truth"]
        with open(ASSETS / case["expect"]["keypoints_px_csv"].split(" ")[0]) as file:
            rows = list(csv.reader(file))[1:]
        for path, row in zip(case["input"], rows):
            photo = rgb(ASSETS / path)
            side = max(photo.shape[:2])
            top, left = (side - photo.shape[0]) // 2, (side - photo.shape[1]) // 2
            square = np.zeros((side, side, 3), np.uint8)
            square[top:top + photo.shape[0], left:left + photo.shape[1]] = photo
            points = self.output(case["model"], cv2.resize(square, (192, 192))[None]).reshape(17, 3)
            ours = points[:, 1::-1] * side - [left, top]
            error = np.abs(ours - np.array(row, float).reshape(17, 2)).max()
            self.assertLessEqual(error, case["tolerance"]["px_inf_norm"], path)

    @covers("caffe_lenet_t10k")
    def test_count_digits(self):
        case = self.cases["caffe_lenet_t10k"]
        weights = ASSETS / case["model"].split(" + ")[0]
        photos, labels = mnist_test_set()
        correct, batch = 0, 1000
        levels, scores = self.folder / "levels.npy", self.folder / "scores.npy"
        for first in range(0, len(photos), batch):
            np.save(levels, photos[first:first + batch] / np.float32(256))
            self.run_ok("run", weights, levels, "-o", scores, "--input", f"data[{batch},1,28,28]")
            correct += int((np.load(scores).argmax(axis=1) == labels[first:first + batch]).sum())
        self.assertEqual(case["expect"]["of"], len(photos))
        self.assertLessEqual(abs(correct - case["expect"]["correct"]), case["tolerance"]["correct"])

    @covers("onnx_mnist_2018")
    def test_run_mnist(self):
        case = self.cases["onnx_mnist_2018"]
        for path in case["expect"]["npz"]:
            with np.load(ASSETS / path) as arrays:
                digit, label = arrays["inputs"], arrays["outputs"]  # the label as ten numbers, one of them 1
            ours = self.output(case["model"], digit.reshape(1, 1, 28, 28).astype(np.float32))
            self.assertEqual(ours.argmax(), label.argmax(), path)

    def assert_like_golden(self, case, floor):
        import onnx
        folder = ASSETS / case["expect"]["dir"]
        given, expected = (onnx.numpy_helper.to_array(onnx.load_tensor(str(folder / name)))
                           for name in ("input_0.pb", "output_0.pb"))
        ours = self.output(case["model"], given).ravel().astype(float)
        expected = expected.ravel().astype(float)
        self.assertEqual(ours.argmax(), expected.argmax())
        cosine = ours @ expected / np.linalg.norm(ours) / np.linalg.norm(expected)
        self.assertGreater(cosine, floor)

    @covers("onnx_shufflenet_int8")
    def test_run_shufflenet(self):
        # onnxruntime 1.32 itself comes to 0.93897.
        self.assert_like_golden(self.cases["onnx_shufflenet_int8"], 0.938)

    @covers("onnx_mobilenetv2_qdq")
    def test_run_mobilenet_qdq(self):
        self.assert_like_golden(self.cases["onnx_mobilenetv2_qdq"], 0.99)

    @covers("coco8_boxes")
    def test_detect_coco8(self):
        # The floor is what LiteRT and onnxruntime recall on the same photos with numpy's decoding.
        case = self.cases["coco8_boxes"]
        oracles = {"tflite/yolov5n-fp16-320.tflite": yolov5_by_litert, "onnx/yolox_nano.onnx": yolox_by_onnxruntime,
                   "onnx/FastestDet.onnx": fastestdet_by_onnxruntime}
        self.assertEqual(set(case["model"]), set(oracles))
        folders = sorted((ASSETS / case["input"]).iterdir())
        for model, oracle in oracles.items():
            answers = json_lines(self.run_ok("detect", ASSETS / model, *folders, "--json", "--cross-iou", 1))
            floor, ours, total = 0, 0, 0
            for answer in answers:
                path = pathlib.Path(answer["file"])
                size = [answer["width"], answer["height"]]
                truth = []
                label = ASSETS / case["expect"]["yolo_labels"] / path.parent.name / (path.stem + ".txt")
                for line in label.read_text().splitlines():
                    kind, *numbers = map(float, line.split())
                    center, extent = np.array(numbers[:2]) * size, np.array(numbers[2:]) * size
                    truth.append((int(kind), np.hstack([center - extent / 2, center + extent / 2])))
                found = [(each["class"], each["score"], corners(each["box"])) for each in answer["detections"]]
                ours += recalled(truth, found)
                floor += recalled(truth, suppressed(oracle(ASSETS / model, cv2.imread(str(path)))))
                total += len(truth)
            self.assertGreater(floor, total / 4, "the oracle itself finds next to nothing")
            self.assertGreaterEqual(ours, floor, f"{model}: {ours} of {total} boxes")

    @covers("tfls_nl_bool_customop")
    def test_unsupported_operators_are_all_named(self):
        self.assert_fails(UNSUPPORTED, "CUSTOM_OP_STRING_TO_BOOLS", "inspect",
                          ASSETS / self.cases["tfls_nl_bool_customop"]["model"])

    # pairs.tsv: the same weights in two files. Formats and audio models of later days are left out.

    def assert_twins(self, first, second, tolerance):
        """first, second: outputs. Each of one has an equal of the same count among the other's."""
        self.assertEqual(len(first), len(second))
        for name, a in first.items():
            errors = [np.abs(a.ravel() - b.ravel()).max() / max(1, np.abs(b).max()) for b in second.values()
                      if a.size == b.size]
            self.assertLess(min(errors, default=np.inf), tolerance, name)

    def photo(self, width, height, scale=1.0):
        return cv2.resize(rgb(ASSETS / "images/task/lena.png"), (width, height)).astype(np.float32)[None] * np.float32(scale)

    @covers("cross_format")
    def test_twins_of_onnx_and_tflite(self):
        for first, second, photo, tolerance in [
                ("onnx/yunet_120x160.onnx", "tflite/yunet_120x160_f32.tflite", self.photo(160, 120), 1e-4),
                ("onnx/mediapipe_hand_recrop.onnx", "tflite/mediapipe_hand_recrop_f32.tflite",
                 self.photo(256, 256, 1 / 255), 1e-4),
                ("onnx/mediapipe_face_detection_short_range.onnx", "tflite/mediapipe_face_detection_short_range_fp16.tflite",
                 self.photo(128, 128, 1 / 255), 1e-2),
                ("onnx/ultraface_rfb320_nopost.onnx", "tflite/ultraface_rfb320_nopost.tflite",
                 (self.photo(320, 240) - 127) / 128, 1e-3)]:
            with self.subTest(first):
                wants_first = slipway("inspect", ASSETS / first, "--json")
                shape = json.loads(wants_first.stdout)["inputs"][0]["shape"]
                given = photo if shape[-1] == 3 else photo.transpose(0, 3, 1, 2)
                self.assert_twins(self.outputs(first, given), self.outputs(second, photo), tolerance)

    def test_twins_of_precision_agree_on_the_answer(self):
        for first, second, photo, flags in [
                ("tflite/mobilenet_v1_0.25_224_float_metadata.tflite",
                 "tflite/mobilenet_v1_0.25_224_quant_metadata.tflite", "images/task/burger.jpg", []),
                ("tensorflow/mobilenet_v1_0.25_128_frozen.pb", "tensorflow/mobilenet_v1_0.25_128_weightquant.pb",
                 "images/task/coral_cat.bmp", []),
                ("tflite/mlperf_ic_resnet8_float.tflite", "tflite/mlperf_ic_resnet8_int8.tflite",
                 "images/task/coral_cat.bmp", ["--mean", 0, "--std", 1])]:
            with self.subTest(first):
                answers = [self.run_ok("classify", ASSETS / model, ASSETS / photo, "--json", *flags)
                           for model in (first, second)]
                best_classes = [json_lines(answer)[0]["classes"][0]["class"] for answer in answers]
                self.assertEqual(best_classes[0], best_classes[1])


def skip_case(name, reason):
    def test(self):
        self.skipTest(f"{name}: {reason}")
    return test


for case_name, case_reason in NOT_RUN.items():
    setattr(OtherProjectsExpectations, "test_later_" + case_name, skip_case(case_name, case_reason))


if __name__ == "__main__":
    main()
