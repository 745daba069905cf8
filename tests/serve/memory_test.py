"""The server's memory over very many requests: tensors, photos, drawn photos, broken ones. It stays where it is.

usage: memory_test.py SLIPWAY [unittest arguments]. SLIPWAY_REQUESTS=N asks N times (200000), and a tenth of it with photos.
"""
import concurrent.futures
import io
import os
import pathlib
import re
import shutil
import socket
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

import picture_models
import served
from load import infer_body, request
from served import until

PROGRAM = ""
REQUESTS = int(os.environ.get("SLIPWAY_REQUESTS", 200_000))
FIRST = 2000  # requests that make the server as large as it gets
MOST = 4 << 10  # KiB that it may grow by
CLIENTS = 2
DETECT = "POST /v2/models/boxes/detect HTTP/1.1"
# What is asked, and what the answer holds.
TENSOR = (request("POST /v2/models/affine/infer HTTP/1.1", infer_body([1, 2, 3]).encode()), b'"data":[3,5,7]}]}')


def photo(width, height):
    """A JPEG of noise."""
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


class Client:
    """One connection, kept."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def ask(self, text):
        """The answer's body."""
        self._socket.sendall(text)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._more(answer)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])
        while len(body) < length:
            body += self._more(answer)
        return body

    def _more(self, answer):
        more = self._socket.recv(65536)
        assert more, f"closed after {answer!r}"
        return more

    def close(self):
        self._socket.close()


class Memory(unittest.TestCase):
    def setUp(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        served.save(served.affine(2), folder / "affine/1/model.onnx")
        served.save(picture_models.boxes(), folder / "boxes/1/model.onnx")
        self.server = self.enterContext(served.Served(PROGRAM, [folder]))

    def resident(self):
        """KiB."""
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def burst(self, turns, count):
        """As fast as it goes. turns: of (request, part of its answer), again and again."""
        client = Client(self.server.port)
        for i in range(count):
            asked, expected = turns[i % len(turns)]
            self.assertIn(expected, client.ask(asked))
        client.close()

    def ask(self, turns, count):
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            for burst in [pool.submit(self.burst, turns, count // CLIENTS) for _ in range(CLIENTS)]:
                burst.result()

    def assert_memory_stays(self, turns, count):
        self.ask(turns, FIRST)
        before = self.resident()
        self.ask(turns, count)
        self.assertLess(self.resident() - before, MOST, f"KiB more after {count} requests; {before} before")

    def test_tensors(self):
        self.assert_memory_stays([TENSOR], REQUESTS)
        self.assertEqual(until(self.success, lambda count: count == FIRST + REQUESTS), FIRST + REQUESTS)

    def success(self):
        """What the server has counted, a moment after the answers."""
        metrics = self.server.get("/metrics").decode()
        return int(re.search(r'nv_inference_request_success\{[^}]*model="affine"[^}]*\} (\d+)', metrics)[1])

    def test_photos_among_tensors(self):
        photos = [(request(DETECT, photo(*size)), b'"detections":[{') for size in ((40, 30), (320, 240), (97, 301))]
        drawn = (request(DETECT + "\nAccept: image/jpeg", photo(200, 100)), b"\xff\xd8")
        broken = (request(DETECT, photo(320, 240)[:2000]), b'"error"')
        self.assert_memory_stays([*photos, drawn, broken, *5 * [TENSOR]], REQUESTS // 10)


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
