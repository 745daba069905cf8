"""What a server says of its models when it starts: what was guessed, names that are not the file's, and a line to try one that works.

usage: notes_test.py SLIPWAY [unittest arguments]
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

from onnx import TensorProto, helper

import picture_models
import served
from served import until

PROGRAM = ""


class Notes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def serve(self, models, *flags):
        paths = [served.save(model, self.folder / f"{name}.onnx") for name, model in models.items()]
        return self.enterContext(served.Served(PROGRAM, paths, *flags))

    def started(self, server, word):
        """The lines that begin so."""
        return [line.strip() for line in server.lines if line.startswith(word)]

    def run_line(self, server, word):
        line, = self.started(server, word)
        run = subprocess.run(["sh", "-c", line.removeprefix(word)], capture_output=True, timeout=60, check=False, cwd=self.folder)
        return json.loads(run.stdout)

    def task(self, server, name):
        return json.loads(server.get(f"/v2/models/{name}/task"))

    def ask(self, server, path, body=b"no picture"):
        request = urllib.request.Request(f"http://{server.url}{path}", data=body)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=60)
        return json.loads(caught.exception.read())["error"]

    def test_guesses_are_said(self):
        server = self.serve({"boxes": picture_models.boxes(), "classes": picture_models.classes()})
        notes = self.started(server, "note: ")
        self.assertTrue(any(note.startswith("note: boxes: decoder yolov5 guessed: ") for note in notes), notes)
        self.assertTrue(any("classes: decoder classification guessed" in note for note in notes), notes)
        guessed = self.task(server, "boxes")["guessed"]
        self.assertTrue(guessed[0].startswith("decoder yolov5 guessed: "), guessed)
        self.assertIn("normalisation guessed: levels divided by 255", guessed)

    def test_what_a_manifest_says_is_no_guess(self):
        manifest = self.folder / "manifest.json"
        manifest.write_text(json.dumps({"task": "raw", "inputs": [{"kind": "tensor"}], "outputs": [{"decoder": "raw"}]}))
        server = self.serve({"boxes": picture_models.boxes()}, "--manifest", manifest)
        self.assertEqual(self.started(server, "note: "), [])
        self.assertEqual(self.task(server, "boxes")["guessed"], [])

    def test_a_name_that_no_model_can_have_is_said(self):
        server = self.serve({"my model (1)": served.affine(2)})
        note = self.started(server, "note: 'my model")[0]
        self.assertTrue(note.startswith("note: 'my model (1)' is served as 'my_model__1_': names are of letters"), note)

    def test_the_photo_line_is_of_a_model_that_takes_photos(self):
        server = self.serve({"affine": served.affine(2), "classes": picture_models.classes()})
        line, = self.started(server, "photo ")
        self.assertIn("/v2/models/classes/upload", line)
        self.assertEqual(self.started(server, "infer "), [])
        self.assertEqual([self.task(server, name)["photos"] for name in ("affine", "classes")], [False, True])

    def test_other_models_have_an_infer_line_that_works(self):
        large = picture_models.features()
        for model, shape in ((served.affine(2), [1, 3]), (served.identity(TensorProto.STRING), [1, 2]), (large, [1, 4, 4, 4, 16])):
            with self.subTest(shape=shape):
                server = self.serve({"model": model})
                self.assertEqual(self.started(server, "photo "), [])
                self.assertEqual(self.run_line(server, "infer ")["outputs"][0]["shape"], shape)

    def test_hints_name_no_flags_that_a_server_lacks(self):
        server = self.serve({"affine": served.affine(2), "features": picture_models.features()})
        for path in ("/v2/models/affine/classify", "/v2/models/affine/upload", "/v2/models/features/detect"):
            error = self.ask(server, path)
            self.assertNotIn("--", error)
            self.assertIn("manifest", error)
        self.assertIn("takes no photos", self.ask(server, "/v2/models/affine/upload"))

    def test_hints_of_importers_are_of_convert(self):
        model = served.affine(2)
        model.graph.node[-1].domain = "nowhere"
        model.opset_import.append(helper.make_opsetid("nowhere", 1))
        error = self.ask(self.serve({"unknown": model}), "/v2/repository/models/unknown/load", b"{}")
        self.assertRegex(error, r"\(with slipway convert: .*--input")

    def test_scores_are_probabilities_only_behind_a_softmax(self):
        server = self.serve({"classes": picture_models.classes(), "logits": picture_models.logits()})
        self.assertEqual([self.task(server, name)["scores"] for name in ("classes", "logits")], ["probability", "score"])

    def test_a_worker_says_which_it_is(self):
        alone = self.serve({"affine": served.affine(2)})
        self.assertNotIn("worker", json.loads(alone.get("/v2/models/stats")))
        several = self.serve({"affine": served.affine(2)}, "--workers", "2")
        stats = json.loads(several.get("/v2/models/stats"))
        self.assertIn(stats["worker"], ("0", "1"))
        self.assertEqual(stats["workers"], 2)

    def test_latencies_are_counted(self):
        server = self.serve({"affine": served.affine(2)})
        body = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}]}).encode()
        for _ in range(5):
            urllib.request.urlopen(f"http://{server.url}/v2/models/affine/infer", data=body, timeout=60).close()
        # Counted a moment after the answer.
        stats = until(lambda: json.loads(server.get("/v2/models/stats")), lambda said: said["model_stats"][0]["inference_count"] == 5)
        counts, bounds = stats["model_stats"][0]["latency_counts"], stats["latency_bounds_us"]
        self.assertEqual((sum(counts), len(counts)), (5, len(bounds) + 1))
        self.assertEqual(bounds, sorted(set(bounds)))
        mean = stats["model_stats"][0]["inference_stats"]["success"]["ns"] / 5000
        lowest = sum(count * bound for count, bound in zip(counts, [0, *bounds], strict=True)) / 5
        self.assertLessEqual(lowest, mean)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
