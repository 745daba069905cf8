"""The edges of `slipway serve`: who is let in by which door, what is refused and with which status, and what of it is logged.

usage: edges_test.py SLIPWAY [unittest arguments]
"""
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

import picture_models
import served
from openapi_test import picture
from processes import open_files
from served import Folder, free_port, until, wait_until

PROGRAM = ""
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13",
           "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA=="}


class Answer:
    """To one request of its own connection: status, headers, body, json."""

    def __init__(self, port, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()
        connection.close()

    @property
    def json(self):
        return json.loads(self.body)


class Hosts(Folder):
    """A page elsewhere that turns its name to this machine is told apart by that name."""

    def unload(self, server, host):
        origin = {"Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
        return Answer(server.port, "POST", "/v2/repository/models/affine/unload", Host=host, **origin).status

    def test_on_loopback_names_of_others_are_refused(self):
        server = self.serve()
        self.assertEqual(self.unload(server, "attacker.example"), 421)
        said = Answer(server.port, "GET", "/", Host="attacker.example")
        self.assertEqual(said.status, 421)
        self.assertIn("--host", said.json["error"])
        self.assertEqual(Answer(server.port, "GET", "/v2/models/affine/stream", Host="attacker.example", **UPGRADE).status, 421)
        for host in ("127.0.0.1", f"localhost:{server.port}", "[::1]:8000"):
            self.assertEqual(Answer(server.port, "GET", "/v2", Host=host).status, 200, host)
        self.assertEqual(self.unload(server, "localhost"), 200)

    def test_names_that_are_given_are_known(self):
        server = self.serve("--host", "models.example")
        self.assertEqual(self.unload(server, "attacker.example"), 421)
        self.assertEqual(self.unload(server, "models.example"), 200)
        self.assertEqual(self.unload(self.serve("--host", "*"), "anything.example"), 200)

    def test_on_other_addresses_they_are_looked_at_once_one_is_given(self):
        self.assertEqual(self.unload(self.serve("--address", "0.0.0.0"), "models.example"), 200)
        server = self.serve("--address", "0.0.0.0", "--host", "models.example")
        self.assertEqual(self.unload(server, "attacker.example"), 421)
        self.assertEqual(self.unload(server, "models.example"), 200)


class Hidden(Folder):
    """Of models that are not given out nothing is told, wherever one looks."""

    def test_they_are_nowhere(self):
        """But the trace has a request a moment after its answer."""
        other = served.save(served.affine(3), self.folder / "secret.onnx")
        server = self.serve("--allow-model", "affine", "--trace", models=[self.model, other])
        row = json.dumps({"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]})
        self.assertEqual(Answer(server.port, "POST", "/v2/models/affine/infer", row).status, 200)
        self.assertEqual(Answer(server.port, "POST", "/v2/models/secret/infer", row).status, 403)
        for method, path in (("POST", "/v2/repository/index"), ("GET", "/v2/models/stats"), ("GET", "/metrics"), ("GET", "/debug/trace")):
            answer = until(lambda method=method, path=path: Answer(server.port, method, path), lambda said: b"affine" in said.body)
            self.assertEqual(answer.status, 200, path)
            self.assertIn(b"affine", answer.body, path)
            self.assertNotIn(b"secret", answer.body, path)

    def test_errors_do_not_tell_them_either(self):
        root = self.folder / "models"
        for name in ("affine", "secret"):
            served.save(served.affine(2), root / name / "1/model.onnx")
        server = self.serve("--allow-model", "affine", models=[root])
        shutil.rmtree(root / "affine")
        for method, path in (("POST", "/v2/repository/models/affine/load"), ("GET", "/v2/models/affine/versions/9")):
            answer = Answer(server.port, method, path)
            self.assertEqual(answer.status, 404, path)
            self.assertNotIn(b"secret", answer.body, path)

    def test_a_name_that_no_model_has_is_an_error(self):
        run = subprocess.run([PROGRAM, "serve", self.model, "--port", "0", "--allow-model", "afine"], capture_output=True, text=True,
                             check=False, timeout=20)
        self.assertEqual((run.returncode, run.stdout), (3, ""))
        self.assertIn("there is no model 'afine' (did you mean 'affine'?)", run.stderr)


class MetricsPort(Folder):
    def test_it_answers_metrics_and_health_alone(self):
        port = free_port()
        self.serve("--metrics-port", port)
        for path in ("/metrics", "/v2/health/live", "/v2/health/ready", "/ping"):
            self.assertEqual(Answer(port, "GET", path).status, 200, path)
        for method, path in (("GET", "/"), ("GET", "/v2"), ("POST", "/v2/models/affine/infer"), ("GET", "/metrics/../v2"),
                             ("POST", "/v2/repository/models/affine/unload"), ("GET", "/v2/models/affine/stream")):
            answer = Answer(port, method, path)
            self.assertEqual(answer.status, 404, path)
            self.assertIn("X-Request-ID", answer.headers)
        self.assertEqual(Answer(port, "GET", "/v2/models/affine/stream", **UPGRADE).status, 404)


class Traces(Folder):
    """traceparent, as W3C's Trace Context has it."""

    def setUp(self):
        super().setUp()
        self.log = self.folder / "log"
        self.server = self.serve("--log", "json", "--log-file", self.log, "--trace")

    def ask(self, **headers):
        """The answer, and the request's line in the log."""
        row = json.dumps({"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]})
        answer = Answer(self.server.port, "POST", "/v2/models/affine/infer", row, **headers)
        self.assertEqual(answer.status, 200)
        self.assertNotIn("traceparent", answer.headers)
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return answer, [line for line in lines if line["request_id"] == answer.headers["X-Request-ID"]][-1]

    def test_a_valid_one_has_a_span_of_ours_in_the_log_and_the_trace(self):
        trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
        _, line = self.ask(traceparent=f"00-{trace}-{parent}-01", tracestate="a=1", X_Request_ID="mine")
        self.assertEqual((line["trace_id"], line["parent_id"], line["request_id"]), (trace, parent, "mine"))
        self.assertRegex(line["span_id"], r"^(?!0{16})[0-9a-f]{16}$")
        self.assertNotEqual(line["span_id"], parent)

        def traced():
            events = Answer(self.server.port, "GET", "/debug/trace").json["traceEvents"]
            return [event["args"] for event in events if event.get("args", {}).get("id") == "mine" and "trace_id" in event["args"]]
        spans = until(traced)  # a moment after the answer
        self.assertEqual([(span["trace_id"], span["span_id"], span["parent_id"]) for span in spans], [(trace, line["span_id"], parent)])

    def test_invalid_ones_are_none(self):
        for text in ("garbage", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
                     "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
            _, line = self.ask(traceparent=text)
            self.assertNotIn("trace_id", line, text)
        self.assertNotIn("trace_id", self.ask()[1])


class Refusals(Folder):
    """What the server answers before it knows what is asked is logged and counted as any other answer."""

    def send(self, port, text):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(text)
            if text.endswith(b"\r\n\r\n"):
                client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: client.recv(4096), b""))
        head = answer.split(b"\r\n\r\n")[0].decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:])
        return int(head[0].split()[1]), fields["X-Request-ID"]

    def test_they_are_in_the_log_and_the_metrics(self):
        log = self.folder / "log"
        server = self.serve("--log", "json", "--log-file", log, "--header-timeout", 2, "--max-body-mb", 1)
        sent = {b"nonsense\r\n\r\n": (400, "", ""), b"GET /slow HTTP/1.1\r\nHo": (408, "GET", "/slow"),
                b"POST /large?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n": (413, "POST", "/large?x=1"),
                b"GET /long HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 20000 + b"\r\n\r\n": (431, None, None)}
        asked = {text: self.send(server.port, text) for text in sent}
        lines = {line["request_id"]: line for line in map(json.loads, log.read_text().splitlines())}
        for text, (status, method, target) in sent.items():
            self.assertEqual(asked[text][0], status, text[:40])
            line = lines[asked[text][1]]
            self.assertEqual(line["status"], status, text[:40])
            if method is not None:
                self.assertEqual((line["method"], line["target"]), (method, target))
        metrics = Answer(server.port, "GET", "/metrics").body.decode()
        for status in (400, 408, 413, 431):
            self.assertIn(f'slipway_responses_total{{code="{status}"}} 1\n', metrics)


class Rotation(Folder):
    """A log's file that was moved away is made anew on SIGUSR1."""

    def check(self, *flags):
        log, moved = self.folder / "log", self.folder / "log.1"
        server = self.serve("--log", "json", "--log-file", log, *flags)  # with all workers, each of which has its log open
        Answer(server.port, "GET", "/ping?before")
        log.rename(moved)
        Answer(server.port, "GET", "/ping?between")
        self.assert_has(moved, ["/ping?before", "/ping?between"])
        server.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: moved not in open_files(server.process.pid), "nobody has what was moved away")
        for _ in range(8):
            Answer(server.port, "GET", "/ping?after")
        self.assert_has(log, ["/ping?after"] * 8)
        self.assert_has(moved, ["/ping?before", "/ping?between"])

    def assert_has(self, path, targets):
        """Soon."""
        lines = until(lambda: path.read_text().splitlines(), lambda lines: len(lines) >= len(targets))
        self.assertEqual([json.loads(line)["target"] for line in lines], targets)

    def test_of_one_process(self):
        self.check()

    def test_of_workers(self):
        self.check("--workers", 2)

    def test_without_a_log_nothing_happens(self):
        server = self.serve()
        server.process.send_signal(signal.SIGUSR1)
        self.assertEqual(Answer(server.port, "GET", "/ping").status, 200)


class Events(Folder):
    """What becomes of models after the start is on standard error, in the log's form."""

    def serve_repository(self, *flags):
        root = self.folder / "models"
        served.save(served.affine(2), root / "affine/1/model.onnx")
        errors = self.folder / "stderr"
        with errors.open("w") as file:
            process = subprocess.Popen([PROGRAM, "serve", root, "--port", "0", "--watch", "0.1", *flags], stdout=subprocess.PIPE,
                                       stderr=file, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        for line in process.stdout:
            if found := re.search(r"page +http://\S+:(\d+)/", line):
                return root, errors, int(found[1])
        raise RuntimeError(errors.read_text())

    def lines(self, errors, count):
        def read():  # but notes on what of a model is guessed
            return [line for line in errors.read_text().splitlines() if not line.startswith("note: ")]
        said = until(read, lambda lines: len(lines) >= count)
        self.assertEqual(len(said), count, said)
        return said

    def test_as_json(self):
        root, errors, port = self.serve_repository("--log", "json", "--log-file", self.folder / "log")
        self.lines(errors, 0)
        served.save(served.affine(3), self.folder / "2/model.onnx")
        (self.folder / "2").rename(root / "affine/2")
        self.lines(errors, 2)
        (self.folder / "3").mkdir()
        (self.folder / "3/model.onnx").write_text("no model")
        (self.folder / "3").rename(root / "affine/3")
        self.lines(errors, 3)
        self.assertEqual(Answer(port, "POST", "/v2/repository/models/affine/unload").status, 200)
        said = [json.loads(line) for line in self.lines(errors, 4)]
        self.assertEqual([(line["event"], line["model"], line.get("version")) for line in said],
                         [("loaded", "affine", "2"), ("unloaded", "affine", "1"), ("failed", "affine", "3"), ("unloaded", "affine", None)])
        self.assertIn("text file", said[2]["reason"])

    def test_as_text(self):
        root, errors, port = self.serve_repository()
        self.assertEqual(Answer(port, "POST", "/v2/repository/models/affine/load").status, 200)
        self.assertRegex(self.lines(errors, 1)[0], r"^20\S+Z model 'affine' version 1 replaced in \d+\.\d\d s$")
        root.rename(self.folder / "elsewhere")
        self.assertIn("reading the repositories failed: ", self.lines(errors, 2)[1])
        time.sleep(0.5)
        self.lines(errors, 2)  # once, not each time


def form(*parts):
    """A body of multipart/form-data of (name, filename or None, bytes), and its headers."""
    body = b""
    for name, filename, data in parts:
        head = f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
        body += f"--b\r\n{head}\r\n\r\n".encode() + data + b"\r\n"
    return body + b"--b--\r\n", {"Content_Type": "multipart/form-data; boundary=b"}


class Photos(Folder):
    """What a request for a photo may ask for beside it, and how it is refused."""

    def setUp(self):
        super().setUp()
        self.photo = picture()
        self.boxes = served.save(picture_models.boxes(), self.folder / "boxes.onnx")

    def ask(self, server, query="", body=None, **headers):
        return Answer(server.port, "POST", f"/v2/models/boxes/detect{query}", body or self.photo, **headers)

    def test_fields_of_a_form_are_taken_like_the_querys(self):
        server = self.serve(models=[self.boxes])
        for parts, count in (((), 2), ((("score", None, b"0.8"),), 1), ((("max", None, b"1"), ("iou", None, b"")), 1)):
            body, headers = form(("file", "a.png", self.photo), *parts)
            answer = self.ask(server, body=body, **headers)
            self.assertEqual((answer.status, len(answer.json["detections"])), (200, count), parts)
        for parts, word in (((("scoer", None, b"0.8"),), "'scoer'"), ((("score", None, b"2"),), "'score'"),
                            ((("other", "b.png", self.photo),), "'b.png'"), ((("timeout", None, b"-1"),), "'timeout'")):
            body, headers = form(("file", "a.png", self.photo), *parts)
            answer = self.ask(server, body=body, **headers)
            self.assertEqual(answer.status, 400, parts)
            self.assertIn(word, answer.json["error"])
        body, headers = form(("file", "a.png", self.photo), ("score", None, b"0.8"))
        self.assertIn("twice", self.ask(server, "?score=0.1", body, **headers).json["error"])

    def test_timeouts_are_the_requests_own(self):
        server = self.serve(models=[self.boxes])
        self.assertEqual(self.ask(server, "?timeout=60000000&priority=1").status, 200)
        late = self.ask(server, "?timeout=1")
        self.assertEqual(late.status, 503)
        self.assertIn("time is over", late.json["error"])
        self.assertGreaterEqual(int(late.headers["Retry-After"]), 1)
        body, headers = form(("file", "a.png", self.photo), ("timeout", None, b"1"))
        self.assertEqual(self.ask(server, body=body, **headers).status, 503)
        for query in ("?timeout=soon", "?timeout=-1", "?priority=-1", "?priority=high"):
            self.assertEqual(self.ask(server, query).status, 400, query)

    def test_a_models_own_queue_policy_holds_for_photos(self):
        root = self.folder / "models"
        served.save(picture_models.boxes(), root / "boxes/1/model.onnx")
        (root / "boxes/config.pbtxt").write_text(
            "dynamic_batching { default_queue_policy { default_timeout_microseconds: 1 allow_timeout_override: false } }")
        server = self.serve(models=[root])
        self.assertEqual(self.ask(server).status, 503)
        self.assertEqual(self.ask(server, "?timeout=60000000").status, 503)

    def test_what_cannot_be_given_or_read_has_its_own_status(self):
        server = self.serve(models=[self.boxes])
        self.assertEqual(self.ask(server).headers["Vary"], "Accept")
        refused = self.ask(server, Accept="text/html")
        self.assertEqual((refused.status, refused.headers["Vary"]), (406, "Accept"))
        self.assertEqual(self.ask(server, Content_Type="multipart/mixed; boundary=b").status, 415)
        self.assertEqual(self.ask(server, Content_Type="multipart/form-data").status, 400)
        refused = self.ask(server, Content_Encoding="br")
        self.assertEqual((refused.status, refused.headers["Accept-Encoding"]), (415, "gzip, deflate"))
        self.assertIn("'br'", refused.json["error"])


if __name__ == "__main__":
    PROGRAM = Folder.program = sys.argv.pop(1)
    unittest.main()
