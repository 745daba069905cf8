"""Photos in, answers out: the direct endpoints give what the command line gives.

usage: photos_test.py SLIPWAY [unittest arguments]. SLIPWAY_ASSETS names the folder of real models and photos; models and a photo that
are made here ask the same without it.
"""
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import numpy as np
from PIL import Image

import picture_models
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


def make_photo(path):
    """Patches of colour, smooth between, as a JPEG of no special size."""
    patches = np.random.default_rng(1).integers(0, 256, (9, 12, 3), np.uint8)
    Image.fromarray(patches).resize((301, 203), Image.Resampling.BICUBIC).save(path, "JPEG", quality=90)
    return path


class Photos:
    """What models of both kinds are asked; a class below says which: models (files: a detector, a classifier, perhaps a segmenter),
    photo, small (a picture for the classifier), score (leaves some detections), least (how many there are)."""

    @classmethod
    def setUpClass(cls):
        cls.prepare()
        cls.server = cls.enterClassContext(served.Served(PROGRAM, cls.models))
        cls.detector, cls.classifier = (model.stem for model in cls.models[:2])
        cls.bytes = cls.photo.read_bytes()

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

    def by_command_line(self, verb, photo, *flags):
        model = self.models[("detect", "classify", "segment").index(verb)]
        run = subprocess.run([PROGRAM, verb, model, photo, "--json", *flags], capture_output=True, text=True, check=True)
        return json.loads(run.stdout)

    def assert_same(self, verb, photo, query="", *flags):
        """The server's answer is the command line's, but for the name of the file."""
        model = self.models[("detect", "classify", "segment").index(verb)]
        kind, body = self.post(f"{model.stem}/{verb}{query}", photo.read_bytes())
        want = self.by_command_line(verb, photo, *flags)
        self.assertEqual(kind, "application/json")
        self.assertEqual(json.loads(body), {**want, "file": ""})
        return want

    def test_detect_answers_as_the_command_line_does(self):
        self.assertGreaterEqual(len(self.assert_same("detect", self.photo)["detections"]), self.least)

    def test_thresholds(self):
        score = str(self.score)
        want = self.assert_same("detect", self.photo, f"?score={score}&iou=0.3&max=2", "--score", score, "--iou", "0.3", "--max", "2")
        self.assertLess(len(want["detections"]), self.least)

    def test_classify(self):
        want = self.assert_same("classify", self.small, "?top_k=3", "--top-k", "3")
        self.assertEqual(len(want["classes"]), 3)

    def test_a_form_and_the_other_names_of_the_endpoint(self):
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        body = form(("score", None, b""), ("file", "bus.jpg", self.bytes))
        want = {**self.by_command_line("detect", self.photo), "file": "bus.jpg"}
        for path in ("detect", "upload", "versions/1/upload"):
            self.assertEqual(json.loads(self.post(f"{self.detector}/{path}", body, headers)[1]), want)
        request = urllib.request.Request(f"http://{self.server.url}/predictions/{self.detector}", self.bytes)
        with urllib.request.urlopen(request, timeout=60) as answer:
            self.assertEqual(json.load(answer)["detections"], want["detections"])

    def test_the_drawn_picture(self):
        for kind in ("JPEG", "PNG"):
            headers = {"Content-Type": "image/jpeg", "Accept": f"image/{kind.lower()}"}
            got, body = self.post(f"{self.detector}/detect", self.bytes, headers)
            self.assertEqual(got, headers["Accept"])
            drawn = Image.open(io.BytesIO(body))
            self.assertEqual((drawn.format, drawn.size), (kind, Image.open(io.BytesIO(self.bytes)).size))

    def test_what_is_no_photo_is_refused(self):
        path = f"{self.detector}/detect"
        self.assertEqual(self.refused(path, b"hello")[0], 400)
        self.assertEqual(self.refused(path, b"")[0], 400)
        self.assertEqual(self.refused(path, self.bytes[: len(self.bytes) // 2])[0], 400)
        self.assertEqual(self.refused(f"{self.detector}/classify", self.bytes)[0], 400)
        code, error = self.refused(path + "?score=2", self.bytes)
        self.assertEqual(code, 400)
        self.assertIn("score", error)
        self.assertIn("scoer", self.refused(path + "?scoer=0.5", self.bytes)[1])
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        self.assertEqual(self.refused(path, form(("note", None, b"")), headers)[0], 400)
        self.assertIn("'note'", self.refused(path, form(("note", None, b"hello"), ("file", "a.jpg", self.bytes)), headers)[1])
        self.assertEqual(self.refused(path, form(("file", "a.jpg", self.bytes))[:-4], headers)[0], 400)

    def test_a_huge_photo_is_refused_by_its_header(self):
        huge = io.BytesIO(b"P6 20000 20000 255\n" + b"\0" * 1000).getvalue()
        code, error = self.refused(f"{self.detector}/detect", huge)
        self.assertEqual(code, 400)
        self.assertIn("20000", error)


class Made(Photos, unittest.TestCase):
    score, least = 0.75, 2

    @classmethod
    def prepare(cls):
        folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.models = [served.save(getattr(picture_models, name)(), folder / f"{name}.onnx") for name in ("boxes", "classes", "segments")]
        cls.photo = cls.small = make_photo(folder / "photo.jpg")

    def test_segment(self):
        self.assertGreater(len(self.assert_same("segment", self.photo)["segments"]), 2)


@unittest.skipUnless(DETECTOR.exists() and BUS.exists(), "no SLIPWAY_ASSETS: there are no real models")
class Real(Photos, unittest.TestCase):
    score, least = 0.6, 3

    @classmethod
    def prepare(cls):
        cls.models, cls.photo = [DETECTOR, DIGITS], BUS
        cls.small = sorted((ASSETS / "images/mnist").glob("*.png"))[0]


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
