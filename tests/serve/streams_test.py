"""Frames over a WebSocket, by a client of sockets alone: answers, who may open one, and the page's files beside keys.

usage: streams_test.py SLIPWAY [unittest arguments]
"""
import base64
import gzip
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import struct
import sys
import tempfile
import unittest

import picture_models
import served
from openapi_test import picture

PROGRAM = ""
KEY = "se?cret>~"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # of RFC 6455


def protocol_of(key):
    return "slipway.key." + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


class Stream:
    """An open WebSocket, or the answer that refused it: status, headers (lower case), body."""

    def __init__(self, port, model="boxes", query="", **headers):
        self.socket = socket.create_connection(("localhost", port), timeout=20)
        nonce = base64.b64encode(os.urandom(16)).decode()
        fields = {"Host": f"localhost:{port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                  "Sec-WebSocket-Key": nonce, **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.socket.sendall(f"GET /v2/models/{model}/stream{query} HTTP/1.1\r\n{lines}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while line := self.file.readline().strip():
            name, value = line.decode().split(": ", 1)
            self.headers[name.lower()] = value
        self.body = b"" if self.status == 101 else self.file.read()
        self.accepts = base64.b64encode(hashlib.sha1((nonce + GUID).encode()).digest()).decode()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.file.close()
        self.socket.close()

    def send(self, payload):
        """One masked binary frame."""
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        size = struct.pack("!BH", 254, len(payload)) if len(payload) > 125 else bytes([128 | len(payload)])
        self.socket.sendall(b"\x82" + size + mask + masked)

    def receive(self):
        """The next text message."""
        first, payload = self.receive_frame()
        assert first == 0x81, first
        return json.loads(payload)

    def receive_frame(self):
        """(first byte, payload)"""
        first, size = self.file.read(2)
        if size == 126:
            size, = struct.unpack("!H", self.file.read(2))
        return first, self.file.read(size)

    def receive_close(self):
        """(code, reason), and no byte behind it."""
        first, payload = self.receive_frame()
        assert first == 0x88, first
        self.socket.sendall(b"\x88\x82" + bytes(4) + payload[:2])
        assert self.file.read() == b""
        return struct.unpack("!H", payload[:2])[0], payload[2:].decode()


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.models = [served.save(picture_models.boxes(), folder / "boxes.onnx"),
                      served.save(picture_models.classes(), folder / "hidden.onnx")]
        cls.open = cls.enterClassContext(served.Served(PROGRAM, cls.models))
        cls.closed = cls.enterClassContext(served.Served(PROGRAM, cls.models, "--api-key", KEY, "--allow-model", "boxes"))

    def refused(self, status, word, stream):
        self.assertEqual(stream.status, status, stream.body)
        self.assertIn(word, json.loads(stream.body)["error"])
        stream.__exit__()


class Frames(Streams):
    def test_each_frame_is_answered_as_a_photo_is(self):
        with Stream(self.open.port, query="?max=1") as stream:
            self.assertEqual((stream.status, stream.headers["sec-websocket-accept"]), (101, stream.accepts))
            for _ in range(3):
                stream.send(picture())
                answer = stream.receive()
                self.assertEqual([each["score"] for each in answer["detections"]], [0.81])
                self.assertEqual((answer["width"], answer["height"], answer["dropped"]), (64, 48, 0))

    def test_a_frame_that_is_no_picture_ends_nothing(self):
        with Stream(self.open.port) as stream:
            stream.send(b"no picture")
            self.assertIn("error", stream.receive())
            stream.send(picture())
            self.assertEqual(len(stream.receive()["detections"]), 2)

    def test_what_is_wrong_is_said(self):
        self.refused(404, "'none'", Stream(self.open.port, "none"))
        self.refused(400, "'score'", Stream(self.open.port, query="?score=2"))
        self.refused(400, "scores", Stream(self.open.port, query="?scores=1"))

    def test_the_protocol_is_chosen_and_no_other(self):
        with Stream(self.open.port, Sec_WebSocket_Protocol="x, slipway.frames") as stream:
            self.assertEqual(stream.headers["sec-websocket-protocol"], "slipway.frames")
        with Stream(self.open.port, Sec_WebSocket_Protocol="x") as stream:
            self.assertNotIn("sec-websocket-protocol", stream.headers)


class Swaps(unittest.TestCase):
    """A stream stays while models change under it."""

    def setUp(self):
        self.models = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.models)
        (self.models / "boxes").mkdir()
        (self.models / "boxes/config.pbtxt").write_text("version_policy { all { } }")
        served.save(picture_models.boxes(), self.models / "boxes/1/model.onnx")
        self.server = self.enterContext(served.Served(PROGRAM, [self.models]))

    def control(self, what):
        connection = http.client.HTTPConnection("localhost", self.server.port, timeout=20)
        connection.request("POST", f"/v2/repository/models/boxes/{what}", "{}")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def kind(self, stream):
        """What the answer to a frame tells of."""
        stream.send(picture())
        answer = stream.receive()
        return next((kind for kind in ("detections", "classes") if kind in answer), answer)

    def test_a_frame_is_looked_at_by_the_version_that_serves(self):
        with Stream(self.server.port) as newest, Stream(self.server.port, "boxes/versions/1") as first:
            self.assertEqual((newest.status, first.status), (101, 101))
            self.assertEqual((self.kind(newest), self.kind(first)), ("detections", "detections"))
            served.save(picture_models.classes(), self.models / "boxes/2/model.onnx")
            self.control("load")
            self.assertEqual((self.kind(newest), self.kind(first)), ("classes", "detections"))

    def test_without_a_model_the_stream_ends_and_says_why(self):
        with Stream(self.server.port) as stream:
            self.assertEqual(self.kind(stream), "detections")
            self.control("unload")
            stream.send(picture())
            self.assertIn("'boxes' is not loaded", stream.receive()["error"])
            self.assertEqual(stream.receive_close(), (1001, "the model can no longer be asked"))
        with Stream(self.server.port) as stream:
            self.assertEqual(stream.status, 404)

    def test_versions_that_are_not_there(self):
        for version in ("2", "x"):
            with Stream(self.server.port, f"boxes/versions/{version}") as stream:
                self.assertEqual(stream.status, 404)
                self.assertIn(f"version {version}", json.loads(stream.body)["error"])

    def test_the_end_of_the_server_is_said(self):
        with Stream(self.server.port) as stream:
            self.server.process.terminate()
            self.assertEqual(stream.receive_close(), (1001, "the server stops"))


class Keys(Streams):
    def test_the_key_comes_as_a_subprotocol_and_is_not_sent_back(self):
        with Stream(self.closed.port, Sec_WebSocket_Protocol=f"slipway.frames, {protocol_of(KEY)}") as stream:
            self.assertEqual((stream.status, stream.headers["sec-websocket-protocol"]), (101, "slipway.frames"))
            stream.send(picture())
            self.assertEqual(len(stream.receive()["detections"]), 2)

    def test_or_in_a_header(self):
        with Stream(self.closed.port, X_API_Key=KEY) as stream:
            self.assertEqual(stream.status, 101)

    def test_without_the_key_no_stream_opens(self):
        self.refused(401, "key", Stream(self.closed.port))
        self.refused(401, "key", Stream(self.closed.port, Sec_WebSocket_Protocol=protocol_of(KEY + "x")))
        self.refused(401, "key", Stream(self.closed.port, query=f"?key={KEY}"))

    def test_models_that_are_not_given_out_are_not_streamed(self):
        self.refused(403, "give out", Stream(self.closed.port, "hidden", X_API_Key=KEY))

    def test_a_subprotocol_is_no_key_of_a_plain_request(self):
        self.assertEqual(self.ask("GET", "/v2", Sec_WebSocket_Protocol=protocol_of(KEY)).status, 401)

    def test_the_pages_files_need_no_key(self):
        if not self.closed.has_page(KEY):
            self.skipTest("the program was built without its page (tools/setup/make_web.sh)")
        for path in ("/", "/models/boxes", "/docs/", "/openapi.json", "/favicon.svg"):
            self.assertEqual(self.ask("GET", path).status, 200, path)
        for path in ("/v2", "/metrics", "/nothing"):
            self.assertEqual(self.ask("GET", path).status, 401, path)

    def test_the_pages_files_are_compressed_and_not_sent_twice(self):
        if not self.closed.has_page(KEY):
            self.skipTest("the program was built without its page (tools/setup/make_web.sh)")
        plain = self.ask("GET", "/docs/swagger-ui.css")
        coded = self.ask("GET", "/docs/swagger-ui.css", Accept_Encoding="gzip")
        self.assertEqual(coded.headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(coded.body), plain.body)
        self.assertIn("default-src 'self'", plain.headers["Content-Security-Policy"])
        again = self.ask("GET", "/docs/swagger-ui.css", If_None_Match=plain.headers["ETag"])
        self.assertEqual((again.status, again.body), (304, b""))
        for field in ("Content-Length", "Content-Type", "Content-Encoding"):
            self.assertIsNone(again.headers[field])

    def ask(self, method, path, **headers):
        connection = http.client.HTTPConnection("localhost", self.closed.port, timeout=20)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.body = answer.read()
        connection.close()
        return answer


class PagesElsewhere(Streams):
    def post(self, **headers):
        connection = http.client.HTTPConnection("localhost", self.open.port, timeout=20)
        connection.request("POST", "/v2/repository/index", "{}", headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def test_open_no_stream(self):
        self.refused(403, "http://elsewhere", Stream(self.open.port, Origin="http://elsewhere"))
        with Stream(self.open.port, Origin=f"http://localhost:{self.open.port}") as stream:
            self.assertEqual(stream.status, 101)

    def test_post_nothing(self):
        self.assertEqual(self.post(Origin="http://elsewhere"), 403)
        self.assertEqual(self.post(Origin=f"http://localhost:{self.open.port}"), 200)
        self.assertEqual(self.post(), 200)

    def test_unless_they_may(self):
        with served.Served(PROGRAM, self.models[:1], "--cors", "http://elsewhere") as server:
            with Stream(server.port, Origin="http://elsewhere") as stream:
                self.assertEqual(stream.status, 101)
            self.refused(403, "http://another", Stream(server.port, Origin="http://another"))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
