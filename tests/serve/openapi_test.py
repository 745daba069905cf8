"""Every answer that apps/web/openapi.yaml documents, asked of the real server and held against its schema.

A session asks each operation for each status and media type that it lists; what no session reaches is listed with its reason. What
an answer holds and the description does not know is a failure, too.

usage: openapi_test.py SLIPWAY [unittest arguments]
"""
import base64
import http.client
import io
import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest
import urllib.parse

import numpy as np
import yaml
from PIL import Image

import picture_models
import served
from schema import Schemas

PROGRAM = ""
ROOT = pathlib.Path(__file__).resolve().parents[2]
DESCRIPTION = yaml.safe_load((ROOT / "apps/web/openapi.yaml").read_text())
KEY = "key-of-the-test"
PICTURE_VERBS = {"boxes": "detect", "classes": "classify", "segments": "segment"}
# (operation, status, media type) that no session reaches.
UNREACHED = {(name, "default", "application/json"): "asks for no key and takes no input: only a broken request gets an error"
             for name in ("live", "ready", "ping")}


def picture():
    file = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), 200, np.uint8)).save(file, "PNG")
    return file.getvalue()


def operations():
    """{operationId: (method, path, responses)}"""
    return {entry["operationId"]: (method.upper(), path, entry["responses"])
            for path, item in DESCRIPTION["paths"].items() for method, entry in item.items() if method != "parameters"}


def documented():
    schemas = Schemas(DESCRIPTION)
    return {(name, status, media) for name, (_, _, responses) in operations().items() for status, response in responses.items()
            for media in schemas.resolve(response).get("content", {None: None})}


class Session:
    """Asks a server, and remembers which documented answers were seen."""

    def __init__(self, test, port, key=""):
        self.test, self.port, self.key, self.seen, self.schemas = test, port, key, set(), Schemas(DESCRIPTION)

    def ask(self, name, status, model="", body=None, query="", **headers):
        method, path, responses = operations()[name]
        path = path.replace("{model}", urllib.parse.quote(model, safe="")) + query
        headers = {field.replace("_", "-"): value for field, value in headers.items()}
        connection = http.client.HTTPConnection("localhost", self.port, timeout=60)
        connection.request(method, path, body, {**({"X-API-Key": self.key} if self.key else {}), **headers})
        answer = connection.getresponse()
        body = b"" if answer.status == 101 else answer.read()
        connection.close()
        context = f"{method} {path}: {answer.status} {body[:200]!r}"
        self.test.assertEqual(answer.status, status, context)
        return self.check(name, str(status), responses, answer.headers.get_content_type(), body, context)

    def check(self, name, status, responses, media, body, context):
        status = status if status in responses else "default"
        response = self.schemas.resolve(responses[status])
        if "content" not in response:
            self.seen.add((name, status, None))
            return body
        self.test.assertIn(media, response["content"], context)
        self.seen.add((name, status, media))
        if media == "application/json":
            body = json.loads(body)
            self.test.assertEqual(self.schemas.problems(body, response["content"][media].get("schema", {})), [], context)
        elif media.startswith("image/"):
            self.test.assertEqual(Image.open(io.BytesIO(body)).size, (64, 48), context)
            self.test.assertEqual("image/" + Image.open(io.BytesIO(body)).format.lower(), media)
        return body


class Described(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        models = {"boxes": picture_models.boxes(), "classes": picture_models.classes(), "logits": picture_models.logits(),
                  "segments": picture_models.segments(), "affine": served.affine(2)}
        for name, model in models.items():
            served.save(model, cls.folder / f"right/{name}.onnx")
        served.save(served.affine(2), cls.folder / "wrong/affine.onnx")
        (cls.folder / "wrong/broken.onnx").write_bytes(b"no model")
        cls.server = cls.enterClassContext(served.Served(PROGRAM, sorted((cls.folder / "right").iterdir()), "--api-key", KEY, "--trace"))
        cls.wrong = cls.enterClassContext(served.Served(PROGRAM, sorted((cls.folder / "wrong").iterdir())))

    def test_every_documented_answer_is_as_documented(self):
        session = Session(self, self.server.port, KEY)
        self.ask_for_pictures(session)
        self.ask_for_tensors(session)
        self.ask_about_models(session)
        self.ask_without_key(session)
        self.ask_a_server_that_is_not_ready(session)
        self.assertEqual(documented() - session.seen - set(UNREACHED), set(), "documented, and never seen")
        self.assertEqual(session.seen & set(UNREACHED), set(), "reached after all: no longer an exception")

    def ask_for_pictures(self, session):
        for model, verb in PICTURE_VERBS.items():
            for name in (verb, "upload"):
                session.ask(name, 200, model, picture())
                session.ask(name, 200, model, picture(), Accept="image/jpeg")
                session.ask(name, 200, model, picture(), Accept="image/png")
                session.ask(name, 400, model, b"no picture")
            session.ask(verb, 400, "affine", picture())
        session.ask("detect", 200, "boxes", picture(), "?score=0.5&iou=0.3&cross_iou=1&max=1&timeout=60000000&priority=1")
        session.ask("detect", 400, "boxes", picture(), "?score=2")
        session.ask("classify", 200, "logits", picture(), "?top_k=2")
        form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + picture() + b"\r\n--b--\r\n"
        answer = session.ask("upload", 200, "boxes", form, Content_Type="multipart/form-data; boundary=b")
        self.assertEqual(answer["file"], "a.png")
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13",
                   "Sec_WebSocket_Key": base64.b64encode(os.urandom(16)).decode()}
        session.ask("stream", 101, "boxes", **upgrade)
        session.ask("stream", 404, "none", **upgrade)
        session.ask("stream", 400, "boxes", query="?score=2", **upgrade)
        session.ask("stream", 426, "boxes")

    def ask_for_tensors(self, session):
        row = {"name": "x", "datatype": "FP32", "shape": [1, 3]}
        session.ask("infer", 200, "affine", json.dumps({"id": "7", "inputs": [{**row, "data": [1, 2, 3]}]}))
        session.ask("infer", 200, "affine", json.dumps({"inputs": [{**row, "data": [[1, 2, 3]]}], "outputs": [
            {"name": "y", "parameters": {"classification": 2}}]}))
        head = json.dumps({"inputs": [{**row, "parameters": {"binary_data_size": 12}}], "parameters": {"binary_data_output": True}})
        session.ask("infer", 200, "affine", head.encode() + np.float32([1, 2, 3]).tobytes(),
                    Inference_Header_Content_Length=str(len(head)), Content_Type="application/octet-stream")
        session.ask("infer", 400, "affine", json.dumps({"inputs": [{**row, "data": [1]}]}))

    def ask_about_models(self, session):
        for name in ("task", "modelMetadata", "modelConfig", "modelStats", "explain"):
            for model in ("boxes", "classes", "segments", "affine"):
                session.ask(name, 200, model)
            session.ask(name, 404, "none")
        session.ask("modelReady", 200, "affine")
        session.ask("modelReady", 503, "none")
        for name in ("stats", "serverMetadata", "live", "ready", "ping", "metrics", "trace"):
            session.ask(name, 200)
        session.ask("index", 200)
        session.ask("index", 200, body='{"ready": true}')
        session.ask("index", 400, body='{"ready": 1}')
        session.ask("unload", 200, "affine")
        session.ask("infer", 404, "affine", "{}")
        session.ask("load", 200, "affine")
        session.ask("load", 404, "none")
        session.ask("unload", 404, "none")

    def ask_without_key(self, session):
        """Every operation but those of health answers 401."""
        stranger = Session(self, self.server.port)
        for name, (_, path, _) in operations().items():
            if not path.startswith("/v2/health") and path != "/ping":
                stranger.ask(name, 401, "boxes")
        session.seen |= stranger.seen

    def ask_a_server_that_is_not_ready(self, session):
        other = Session(self, self.wrong.port)
        other.ask("ready", 503)
        other.ask("ping", 500)
        other.ask("index", 200)
        other.ask("trace", 404)
        session.seen |= other.seen

    def test_the_server_gives_out_this_description_and_without_a_key(self):
        if not self.server.has_page(KEY):
            self.skipTest("the program was built without its page (tools/setup/make_web.sh)")
        given = json.loads(self.server.get("/openapi.json"))
        self.assertTrue(given == json.loads(json.dumps(DESCRIPTION)), "the program's page is another one than apps/web makes")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
