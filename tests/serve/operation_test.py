"""`slipway serve` in operation: TLS, the service manager, the trace, manifests.

usage: operation_test.py SLIPWAY [unittest arguments]
"""
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request
from unittest import mock

import served
from served import Folder, until

PROGRAM = ""


def infer(url, value=1.0, **headers):
    """The answer to one row of three."""
    body = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [value] * 3}]}
    request = urllib.request.Request(f"http://{url}/v2/models/affine/infer", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["outputs"][0]["data"]


@unittest.skipUnless(shutil.which("openssl") and shutil.which("curl"), "openssl or curl is absent")
class Tls(Folder):
    def certificate(self, name):
        """(certificate, key) of localhost, signed by itself."""
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", paths[0],
                        "-keyout", paths[1]], check=True, capture_output=True)
        return paths

    def curl(self, *arguments):
        return subprocess.run(["curl", "--silent", "--show-error", "--max-time", "20", *map(str, arguments)], capture_output=True, text=True,
                              check=False)

    def assert_fails_to_start(self, words, certificate, key):
        run = subprocess.run([PROGRAM, "serve", self.model, "--port", "0", "--tls-cert", certificate, "--tls-key", key],
                             capture_output=True, text=True, check=False, timeout=20)
        self.assertEqual((run.returncode, run.stdout), (8, ""))
        self.assertEqual(run.stderr.count("error:"), 1)
        for word in words:
            self.assertIn(word, run.stderr)

    def test_from_end_to_end(self):
        certificate, key = self.certificate("good")
        server = self.serve("--tls-cert", certificate, "--tls-key", key)
        url = f"https://localhost:{server.port}"
        self.assertIn(f"https://127.0.0.1:{server.port}/", "".join(server.lines))
        body = '{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}'
        answer = self.curl("--cacert", certificate, "--data-binary", body, f"{url}/v2/models/affine/infer")
        self.assertEqual(json.loads(answer.stdout)["outputs"][0]["data"], [3, 5, 7], answer.stderr)
        # The certificate is looked at, old protocols and plain HTTP get no answer, and all that leaves the server well.
        self.assertEqual(self.curl(f"{url}/v2/health/ready").returncode, 60)
        self.assertEqual(self.curl("--cacert", self.certificate("other")[0], f"{url}/v2/health/ready").returncode, 60)
        self.assertNotEqual(self.curl("--cacert", certificate, "--tls-max", "1.1", f"{url}/v2/health/ready").returncode, 0)
        self.assertNotEqual(self.curl(f"http://localhost:{server.port}/v2/health/ready").returncode, 0)
        self.assertEqual(self.curl("--cacert", certificate, f"{url}/v2/health/ready").stdout, '{"ready":true}')

    def test_wrong_files(self):
        certificate, key = self.certificate("good")
        other_key = self.certificate("other")[1]
        text = self.folder / "text.pem"
        text.write_text("text")
        self.assert_fails_to_start(["TLS certificate", "absent.pem"], "absent.pem", key)
        self.assert_fails_to_start(["TLS certificate", "text.pem"], text, key)
        self.assert_fails_to_start(["TLS key", "absent.key"], certificate, "absent.key")
        self.assert_fails_to_start(["TLS key", "text.pem"], certificate, text)
        self.assert_fails_to_start(["TLS key", "other.key"], certificate, other_key)


class ServiceManager(Folder):
    """What systemd hears, by a socket of its kind."""

    def listen(self):
        manager = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        manager.settimeout(60)
        path = self.folder / "notify"
        manager.bind(str(path))
        self.enterContext(mock.patch.dict(os.environ, NOTIFY_SOCKET=str(path)))
        return manager

    def heard(self, manager):
        return manager.recv(4096).decode()

    def test_it_hears_of_start_reload_and_end(self):
        manager = self.listen()
        server = self.serve()
        self.assertEqual(self.heard(manager), "READY=1")
        server.process.send_signal(signal.SIGHUP)
        self.assertRegex(self.heard(manager), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertEqual(self.heard(manager), "READY=1")
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.heard(manager), "STOPPING=1")
        self.assertEqual(server.process.wait(60), 0)

    def test_it_hears_who_takes_over(self):
        manager = self.listen()
        server = self.serve()
        self.assertEqual(self.heard(manager), "READY=1")
        server.process.send_signal(signal.SIGUSR2)
        words = {self.heard(manager), self.heard(manager)}  # of two processes, in any order
        self.assertIn("READY=1", words)
        successor = next(int(found[1]) for word in words if (found := re.fullmatch(r"MAINPID=(\d+)", word)))
        self.addCleanup(os.kill, successor, signal.SIGTERM)
        self.assertEqual(server.process.wait(60), 0)
        self.assertEqual(infer(server.url), [3, 3, 3])


class DebugTrace(Folder):
    def fetch(self, server):
        return json.loads(server.get("/debug/trace"))["traceEvents"]

    def test_it_is_off_unless_asked_for(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.serve().get("/debug/trace")
        self.assertEqual(caught.exception.code, 404)
        self.assertIn("--trace", json.load(caught.exception)["error"])
        caught.exception.close()

    def test_every_request_is_there_with_its_parts(self):
        server = self.serve("--trace", "--threads", 2)
        threads = [threading.Thread(target=infer, args=(server.url,), kwargs={"X-Request-ID": f"request-{i}"}) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        def requests():
            return {event["args"]["id"]: event for event in self.fetch(server) if event["ph"] == "b" and "outcome" in event.get("args", {})}
        # A request is over a moment after its answer.
        found = until(requests, lambda every: len(every) == 20)
        self.assertEqual(set(found), {f"request-{i}" for i in range(20)})
        self.assertEqual({event["args"]["outcome"] for event in found.values()}, {"ok"})
        events = self.fetch(server)
        for event in found.values():
            parts = [each["name"] for each in events if each["ph"] == "b" and each["id"] == event["id"]]
            self.assertEqual(parts[:2], ["affine", "receive"])
            self.assertLessEqual({"queue", "compute_input", "compute_infer", "compute_output"}, set(parts))
        self.assert_nested(events)

    def assert_nested(self, events):
        """Bars of a track do not overlap; what begins on a request's track ends there, the last first."""
        bars, open_parts = collections.defaultdict(list), collections.defaultdict(list)
        for event in events:
            if event["ph"] == "X":
                bars[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
            elif event["ph"] == "b":
                open_parts[event["id"]].append((event["name"], event["ts"]))
            elif event["ph"] == "e":
                name, begin = open_parts[event["id"]].pop()
                self.assertEqual(name, event["name"])
                self.assertLessEqual(begin, event["ts"])
        self.assertEqual([each for each in open_parts.values() if each], [])
        self.assertLessEqual(set(bars), {1, 2})
        for track in bars.values():
            track.sort()
            for (_, end), (begin, _) in zip(track, track[1:]):
                self.assertLessEqual(end, begin + 0.001)

    def test_what_failed_is_there_too_and_the_ring_is_bounded(self):
        server = self.serve("--trace")
        request = urllib.request.Request(f"http://{server.url}/v2/models/affine/infer", b"{}")
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=20)
        caught.exception.close()
        outcomes = until(lambda: [event["args"]["outcome"] for event in self.fetch(server) if event["ph"] == "b" and "args" in event])
        self.assertEqual(outcomes, ["invalid"])
        for _ in range(1010):
            infer(server.url)
        requests = [event["args"]["outcome"] for event in self.fetch(server) if event["ph"] == "b" and "args" in event]
        self.assertEqual(requests, ["ok"] * 1000)


class Manifests(Folder):
    def labels(self, server, model="affine"):
        return json.loads(server.get(f"/v2/models/{model}/task"))["labels"]

    def write(self, name, labels):
        path = self.folder / name
        path.write_text(json.dumps({"labels": labels}))
        return path

    def test_of_model_files(self):
        server = self.serve("--manifest", self.write("m.json", ["a", "b", "c"]))
        self.assertEqual(self.labels(server), ["a", "b", "c"])

    def test_of_a_repositorys_model_and_read_anew(self):
        served.save(served.affine(2), self.folder / "models/one/1/model.onnx")
        served.save(served.affine(2), self.folder / "models/two/1/model.onnx")
        path = self.write("models/one/manifest.json", ["a"])
        server = self.serve("--manifest", self.write("m.json", ["of a file"]), models=[self.folder / "models", self.model])
        self.assertEqual([self.labels(server, model) for model in ("one", "two", "affine")], [["a"], [], ["of a file"]])
        path.write_text('{"labels": ["a", "b"]}')
        server.process.send_signal(signal.SIGHUP)
        self.assertTrue(until(lambda: self.labels(server, "one") == ["a", "b"]))

    def test_a_broken_one_leaves_the_model_as_it_was_and_says_why(self):
        served.save(served.affine(2), self.folder / "models/one/1/model.onnx")
        path = self.write("models/one/manifest.json", ["a"])
        server = self.serve(models=[self.folder / "models"])
        path.write_text('{"lables": []}')
        server.process.send_signal(signal.SIGHUP)

        def reason():
            request = urllib.request.Request(f"http://{server.url}/v2/repository/index", b"{}")
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)[0]["reason"]
        self.assertRegex(until(reason), "^one/manifest.json: .*'lables'")
        self.assertEqual(self.labels(server, "one"), ["a"])


if __name__ == "__main__":
    PROGRAM = Folder.program = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
