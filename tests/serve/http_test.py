"""The Open Inference Protocol over HTTP, by an unmodified tritonclient.

usage: http_test.py SLIPWAY [unittest arguments]
"""
import concurrent.futures
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import numpy as np
import tritonclient.http as triton
from onnx import TensorProto
from tritonclient.utils import InferenceServerException

import served
from served import until

PROGRAM = ""


def tensor(array, datatype="FP32", binary=True):
    given = triton.InferInput("x", list(array.shape), datatype)
    given.set_data_from_numpy(array, binary_data=binary)
    return given


class Models(unittest.TestCase):
    """One server with small models; each test asks it something."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        served.save(served.affine(2), cls.folder / "affine/1/model.onnx")
        served.save(served.affine(3), cls.folder / "affine/2/model.onnx")
        (cls.folder / "affine/config.pbtxt").write_text("max_batch_size: 4\nversion_policy { all { } }\n")
        served.save(served.affine(2, batch=1), cls.folder / "fixed/1/model.onnx")
        served.save(served.affine(2), cls.folder / "counted/1/model.onnx")
        (cls.folder / "counted/config.pbtxt").write_text("max_batch_size: 4\n")
        for name, dtype in (("text", TensorProto.STRING), ("half", TensorProto.FLOAT16), ("flags", TensorProto.BOOL),
                            ("longs", TensorProto.INT64)):
            served.save(served.identity(dtype), cls.folder / name / "1/model.onnx")
        for name in ("labelled", "named"):
            served.save(served.affine(2), cls.folder / name / "1/model.onnx")
            (cls.folder / name / "manifest.json").write_text('{"labels": ["of the manifest"]}')
        (cls.folder / "labelled/config.pbtxt").write_text('output { name: "y" label_filename: "text/labels.txt" }')
        (cls.folder / "labelled/text").mkdir()
        (cls.folder / "labelled/text/labels.txt").write_text("cat\na: dog\n")
        (cls.folder / "broken/1").mkdir(parents=True)
        (cls.folder / "broken/1/model.onnx").write_bytes(b"no model")
        cls.server = cls.enterClassContext(served.Served(PROGRAM, [cls.folder], "--threads", "2"))
        cls.client = triton.InferenceServerClient(cls.server.url, concurrency=8)

    def assertRefused(self, status, words, call, *arguments, **named):
        with self.assertRaises(InferenceServerException) as caught:
            call(*arguments, **named)
        self.assertEqual(caught.exception.status(), str(status))
        for word in words:
            self.assertIn(word, caught.exception.message())


class Health(Models):
    def test_a_broken_model_makes_the_server_not_ready_and_hides_no_other(self):
        self.assertTrue(self.client.is_server_live())
        self.assertFalse(self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready("affine"))
        self.assertTrue(self.client.is_model_ready("affine", "1"))
        self.assertFalse(self.client.is_model_ready("affine", "3"))
        self.assertFalse(self.client.is_model_ready("broken"))

    def test_metadata(self):
        self.assertEqual(self.client.get_server_metadata()["name"], "slipway")
        self.assertIn("binary_tensor_data", self.client.get_server_metadata()["extensions"])
        self.assertEqual(self.client.get_model_metadata("affine"), {
            "name": "affine", "versions": ["1", "2"], "platform": "slipway_onnx",
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}],
            "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}]})

    def test_the_configuration_leaves_the_batch_out_of_shapes(self):
        config = self.client.get_model_config("affine")
        self.assertEqual(config["max_batch_size"], 4)
        self.assertEqual(config["input"][0]["dims"], [3])
        self.assertEqual(config["input"][0]["data_type"], "TYPE_FP32")

    def test_the_index_says_what_is_wrong(self):
        index = {(entry["name"], entry.get("version")): entry for entry in self.client.get_model_repository_index()}
        self.assertEqual(index["affine", "2"]["state"], "READY")
        self.assertEqual(index["broken", "1"]["state"], "UNAVAILABLE")
        self.assertIn("ONNX", index["broken", "1"]["reason"].upper())


class Infer(Models):
    def test_every_combination_of_binary_and_json_and_compression(self):
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        for binary_in in (True, False):
            for binary_out in (None, True, False):
                for coding in (None, "gzip", "deflate"):
                    with self.subTest(binary_in=binary_in, binary_out=binary_out, coding=coding):
                        outputs = None if binary_out is None else [triton.InferRequestedOutput("y", binary_data=binary_out)]
                        answer = self.client.infer("affine", [tensor(x, binary=binary_in)], outputs=outputs, request_id="7",
                                                   request_compression_algorithm=coding, response_compression_algorithm=coding)
                        np.testing.assert_array_equal(answer.as_numpy("y"), 3 * x + 1)
                        self.assertEqual(answer.get_response()["id"], "7")
                        self.assertEqual(answer.get_response()["model_version"], "2")

    def test_versions(self):
        x = np.ones((1, 3), np.float32)
        np.testing.assert_array_equal(self.client.infer("affine", [tensor(x)], model_version="1").as_numpy("y"), 2 * x + 1)

    def test_types(self):
        for name, datatype, array in (
                ("text", "BYTES", np.array([["grün", ""], ["b", "c" * 300]], dtype=np.object_)),
                ("half", "FP16", np.array([[1, 2]], np.float16)), ("flags", "BOOL", np.array([[True, False]])),
                ("longs", "INT64", np.array([[2**63 - 1, -2**63]], np.int64))):
            for binary in (True, False):
                if datatype == "FP16" and not binary:
                    continue  # has no form in JSON
                with self.subTest(name=name, binary=binary):
                    outputs = [triton.InferRequestedOutput("y", binary_data=binary)]
                    got = self.client.infer(name, [tensor(array, datatype, binary)], outputs=outputs).as_numpy("y")
                    if datatype == "BYTES" and binary:
                        got = np.char.decode(got.astype(bytes), "utf-8")
                    self.assertEqual(got.tolist(), array.tolist())

    def test_classification(self):
        x = np.array([[0, 5, 1], [9, 1, 3]], np.float32)
        got = self.client.infer("affine", [tensor(x)], outputs=[triton.InferRequestedOutput("y", class_count=2)]).as_numpy("y")
        self.assertEqual([[text.decode().split(":")[1] for text in row] for row in got], [["1", "2"], ["0", "2"]])

    def test_labels_of_an_output_come_before_the_manifests(self):
        x = [tensor(np.array([[0, 5, 1]], np.float32))]
        for binary in (True, False):
            outputs = [triton.InferRequestedOutput("y", binary_data=binary, class_count=3)]
            self.assertEqual(self.client.infer("labelled", x, outputs=outputs).as_numpy("y").astype(str).tolist(),
                             [["11:1:a: dog", "3:2", "1:0:cat"]])
            self.assertEqual(self.client.infer("named", x, outputs=outputs).as_numpy("y").astype(str).tolist(),
                             [["11:1", "3:2", "1:0:of the manifest"]])
        with urllib.request.urlopen(f"http://{self.server.url}/v2/models/labelled/task") as answer:
            self.assertEqual(json.load(answer)["labels"], ["of the manifest"])

    def test_a_raw_request(self):
        request = urllib.request.Request(f"http://{self.server.url}/v2/models/affine/infer", np.ones(3, np.float32).tobytes(),
                                         {"Inference-Header-Content-Length": "0", "Content-Type": "application/octet-stream"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            body, length = answer.read(), int(answer.headers["Inference-Header-Content-Length"])
        self.assertEqual(json.loads(body[:length])["outputs"][0]["shape"], [1, 3])
        np.testing.assert_array_equal(np.frombuffer(body[length:], np.float32), [4, 4, 4])

    def test_requests_that_wait_are_answered_together_and_each_rightly(self):
        def ask(i):
            x = np.full((1, 3), i, np.float32)
            client = triton.InferenceServerClient(self.server.url)
            return [np.array_equal(client.infer("counted", [tensor(x)]).as_numpy("y"), 2 * x + 1) for _ in range(50)]

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertTrue(all(all(right) for right in pool.map(ask, range(16))))

        def explained():
            return json.loads(self.server.get("/v2/models/counted/explain"))

        def rows(said):
            return sum(int(size) * runs for size, runs in said["runs_by_batch"].items())
        said = until(explained, lambda said: rows(said) == 800)  # counted a moment after the answers
        self.assertEqual(rows(said), 800)
        self.assertTrue(said["reasons"])
        stats = self.client.get_inference_statistics("counted")["model_stats"][0]
        self.assertEqual(stats["inference_count"], 800)
        self.assertLessEqual(stats["execution_count"], 800)

    def test_async(self):
        x = np.ones((1, 3), np.float32)
        waiting = [self.client.async_infer("affine", [tensor(i * x)]) for i in range(20)]
        for i, each in enumerate(waiting):
            np.testing.assert_array_equal(each.get_result().as_numpy("y"), 3 * i * x + 1)


class Errors(Models):
    def test_what_is_wrong_is_named(self):
        x = np.ones((1, 3), np.float32)
        ask = self.client.infer
        self.assertRefused(404, ["nope", "affine"], ask, "nope", [tensor(x)])
        self.assertRefused(404, ["affine", "3"], ask, "affine", [tensor(x)], model_version="3")
        self.assertRefused(400, ["x", "missing"], ask, "affine", [])
        self.assertRefused(400, ["zzz", "'y'"], ask, "affine", [tensor(x)], outputs=[triton.InferRequestedOutput("zzz")])
        self.assertRefused(400, ["FP64", "FP32"], ask, "affine", [tensor(x.astype(np.float64), "FP64")])
        self.assertRefused(400, ["[1,4]"], ask, "affine", [tensor(np.ones((1, 4), np.float32))])
        self.assertRefused(400, ["5", "4"], ask, "affine", [tensor(np.ones((5, 3), np.float32))])
        self.assertRefused(501, ["sequence"], ask, "affine", [tensor(x)], sequence_id=3)

    def test_paths_and_methods(self):
        for path, method, status in (("/v2/nothing", "GET", 404), ("/v2", "POST", 405), ("/v2/models/affine/infer", "GET", 405)):
            request = urllib.request.Request(f"http://{self.server.url}{path}", method=method)
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request, timeout=20)
            self.assertEqual(caught.exception.code, status)
            self.assertIn("error", json.load(caught.exception))
            caught.exception.close()


class Control(unittest.TestCase):
    """Loading and unloading, in a repository of the test's own."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        served.save(served.affine(2), self.folder / "affine/1/model.onnx")

    def serve(self, *flags):
        server = self.enterContext(served.Served(PROGRAM, [self.folder], *flags))
        return triton.InferenceServerClient(server.url)

    def ask(self, client):
        return client.infer("affine", [tensor(np.ones((1, 3), np.float32))]).as_numpy("y")[0, 0]

    def test_a_new_version_takes_over_when_it_is_loaded(self):
        client = self.serve()
        served.save(served.affine(5), self.folder / "affine/2/model.onnx")
        self.assertEqual(self.ask(client), 3)
        client.load_model("affine")
        self.assertEqual(self.ask(client), 6)

    def test_a_version_that_fails_leaves_the_old_one_and_says_why(self):
        client = self.serve()
        (self.folder / "affine/1/model.onnx").write_bytes(b"broken")
        with self.assertRaises(InferenceServerException):
            client.load_model("affine")
        self.assertEqual(self.ask(client), 3)
        entry = client.get_model_repository_index()[0]
        self.assertEqual(entry["state"], "READY")
        self.assertTrue(entry["reason"])

    def test_changed_labels_are_read_anew_and_missing_ones_say_so(self):
        labels = self.folder / "affine/labels.txt"
        labels.write_text("a\nb\nold\n")
        (self.folder / "affine/config.pbtxt").write_text('output { name: "y" label_filename: "labels.txt" }')
        server = self.enterContext(served.Served(PROGRAM, [self.folder]))
        client = triton.InferenceServerClient(server.url)

        def best():
            outputs = [triton.InferRequestedOutput("y", class_count=1)]
            return client.infer("affine", [tensor(np.array([[0, 0, 1]], np.float32))], outputs=outputs).as_numpy("y")[0, 0]
        self.assertEqual(best(), b"3:2:old")
        labels.write_text("a\nb\nnew one\n")
        server.process.send_signal(signal.SIGHUP)
        self.assertEqual(until(best, lambda label: label != b"3:2:old"), b"3:2:new one")
        labels.unlink()
        with self.assertRaises(InferenceServerException) as caught:
            client.load_model("affine")
        self.assertIn("model 'affine': label_filename 'labels.txt' of output 'y': there is no such file", caught.exception.message())
        self.assertEqual(best(), b"3:2:new one")

    def test_unload_and_load_again(self):
        client = self.serve()
        client.unload_model("affine")
        self.assertFalse(client.is_model_ready("affine"))
        with self.assertRaises(InferenceServerException) as caught:
            self.ask(client)
        self.assertIn("unloaded", caught.exception.message())
        client.load_model("affine", config=json.dumps({"max_batch_size": 2}))
        self.assertEqual(client.get_model_config("affine")["max_batch_size"], 2)
        self.assertEqual(self.ask(client), 3)

    def test_control_can_be_denied(self):
        client = self.serve("--model-control", "none")
        with self.assertRaises(InferenceServerException):
            client.unload_model("affine")
        self.assertEqual(self.ask(client), 3)

    def test_models_that_are_not_asked_for_are_not_loaded(self):
        served.save(served.affine(7), self.folder / "other/1/model.onnx")
        client = self.serve("--load", "affine")
        self.assertFalse(client.is_model_ready("other"))
        client.load_model("other")
        self.assertTrue(client.is_model_ready("other"))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
