"""The edges of `slipway serve`: who is let in by which door, what is refused and with which status, and what of it is logged.

usage: edges_test.py SLIPWAY [unittest arguments]
"""
import http.client
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

import served

PROGRAM = ""


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


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.model = served.save(served.affine(2), self.folder / "affine.onnx")

    def serve(self, *flags, models=None):
        return self.enterContext(served.Served(PROGRAM, models or [self.model], *map(str, flags)))


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
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        self.assertEqual(Answer(server.port, "GET", "/v2/models/affine/stream", Host="attacker.example", **upgrade).status, 421)
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


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
