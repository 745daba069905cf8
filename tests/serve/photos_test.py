"""Photos in, answers out: the direct endpoints give what the command line gives.

usage: photos_test.py SLIPWAY [unittest arguments]; SLIPWAY_ASSETS names the folder of real models and photos.
"""
import io
import json
import os
import pathlib
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

import served

PROGRAM = ""
ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", "absent"))
DETECTOR = ASSETS / "tflite/yolov5n-fp16-320.tflite"
DIGITS = ASSETS / "onnx/mnist-8.onnx"
BUS = ASSETS / "images/task/bus.jpg"
BOUNDARY = "----a-boundary"


def form(*fields):
    """A multipart body of (name, filename or None, bytes)."""
    body = b""
    for name, filename, content in fields:
        file = f'; filename="{filename}"' if filename else ""
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


@unittest.skipUnless(DETECTOR.exists() and BUS.exists(), "no SLIPWAY_ASSETS: there are no real models")
class Photos(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(served.Served(PROGRAM, [DETECTOR, DIGITS]))
        cls.photo = BUS.read_bytes()

    def post(self, path, body, headers=None):
        request = urllib.request.Request(f"http://{self.server.url}/v2/models/{path}", body, headers or {"Content-Type": "image/jpeg"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.headers["Content-Type"], answer.read()

    def refused(self, path, body, headers=None):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.post(path, body, headers)
        error = json.load(caught.exception)["error"]
        caught.exception.close()
        return caught.exception.code, error

    def by_command_line(self, *flags):
        run = subprocess.run([PROGRAM, "detect", DETECTOR, BUS, "--json", *flags], capture_output=True, text=True, check=True)
        return json.loads(run.stdout)

    def test_detect_answers_as_the_command_line_does(self):
        kind, body = self.post("yolov5n-fp16-320/detect", self.photo)
        want = self.by_command_line()
        self.assertEqual(kind, "application/json")
        self.assertGreater(len(want["detections"]), 2)
        self.assertEqual(json.loads(body), {**want, "file": ""})

    def test_thresholds(self):
        _, body = self.post("yolov5n-fp16-320/detect?score=0.6&iou=0.3&max=2", self.photo)
        want = self.by_command_line("--score", "0.6", "--iou", "0.3", "--max", "2")
        self.assertEqual(json.loads(body)["detections"], want["detections"])

    def test_a_form_and_the_other_names_of_the_endpoint(self):
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        body = form(("note", None, b"hello"), ("file", "bus.jpg", self.photo))
        want = {**self.by_command_line(), "file": "bus.jpg"}
        for path in ("yolov5n-fp16-320/detect", "yolov5n-fp16-320/upload", "yolov5n-fp16-320/versions/1/upload"):
            self.assertEqual(json.loads(self.post(path, body, headers)[1]), want)
        request = urllib.request.Request(f"http://{self.server.url}/predictions/yolov5n-fp16-320", self.photo)
        with urllib.request.urlopen(request, timeout=60) as answer:
            self.assertEqual(json.load(answer)["detections"], want["detections"])

    def test_the_drawn_picture(self):
        for kind, magic in (("image/jpeg", b"\xff\xd8"), ("image/png", b"\x89PNG")):
            got, body = self.post("yolov5n-fp16-320/detect", self.photo, {"Content-Type": "image/jpeg", "Accept": kind})
            self.assertEqual(got, kind)
            self.assertTrue(body.startswith(magic))

    def test_classify(self):
        digit = sorted((ASSETS / "images/mnist").glob("*.png"))[0]
        _, body = self.post("mnist-8/classify?top_k=3", digit.read_bytes())
        run = subprocess.run([PROGRAM, "classify", DIGITS, digit, "--json", "--top-k", "3"], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(body), {**json.loads(run.stdout), "file": ""})

    def test_what_is_no_photo_is_refused(self):
        path = "yolov5n-fp16-320/detect"
        self.assertEqual(self.refused(path, b"hello")[0], 400)
        self.assertEqual(self.refused(path, b"")[0], 400)
        self.assertEqual(self.refused(path, self.photo[: len(self.photo) // 2])[0], 400)
        self.assertEqual(self.refused("yolov5n-fp16-320/classify", self.photo)[0], 400)
        code, error = self.refused(path + "?score=2", self.photo)
        self.assertEqual(code, 400)
        self.assertIn("score", error)
        self.assertIn("scoer", self.refused(path + "?scoer=0.5", self.photo)[1])
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        self.assertEqual(self.refused(path, form(("note", None, b"")), headers)[0], 400)
        self.assertEqual(self.refused(path, form(("file", "a.jpg", self.photo))[:-4], headers)[0], 400)

    def test_a_huge_photo_is_refused_by_its_header(self):
        huge = io.BytesIO(b"P6 20000 20000 255\n" + b"\0" * 1000).getvalue()
        code, error = self.refused("yolov5n-fp16-320/detect", huge)
        self.assertEqual(code, 400)
        self.assertIn("20000", error)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
