"""The server in bad hands: clients that are slow, vanish, send too much, or nonsense. None of it harms the others.

usage: hostile_test.py SLIPWAY [unittest arguments]. SLIPWAY_MUTATIONS=N sends so many damaged requests (400).
"""
import gzip
import http.client
import json
import os
import pathlib
import random
import re
import resource
import shutil
import socket
import statistics
import struct
import sys
import tempfile
import time
import unittest
import zlib

import served
from load import Load, infer_body, request
from served import wait_until

PROGRAM = ""
MUTATIONS = int(os.environ.get("SLIPWAY_MUTATIONS", 400))
IDLE = 10_000
SLOW = 1.0  # seconds that the server waits for headers and bodies
INFER = "/v2/models/affine/infer"


def chunked(*chunks):
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


VALID = request(f"POST {INFER} HTTP/1.1", infer_body([1, 2, 3]).encode())


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder)
        served.save(served.affine(2), folder / "affine/1/model.onnx")
        cls.server = cls.enterClassContext(served.Served(
            PROGRAM, [folder], "--threads", "1", "--header-timeout", str(SLOW), "--body-timeout", str(SLOW),
            "--max-body-mb", "4", "--max-decoded-mb", "16"))

    def connect(self):
        return self.enterContext(socket.create_connection(("127.0.0.1", self.server.port), timeout=20))

    def read_all(self, client):
        """Until the server closes; it may reset a client that still sends."""
        text = b""
        try:
            while more := client.recv(65536):
                text += more
        except ConnectionError:
            pass
        return text

    def ask(self, text):
        client = self.connect()
        try:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
        except OSError:  # it has answered and closed already
            pass
        return self.read_all(client)

    def statuses(self, answer):
        """Of all answers but interim ones."""
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer) if status[0:1] != b"1"]

    def memory(self):
        """Resident, in KiB."""
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def assert_serves(self):
        self.assertIsNone(self.server.process.poll())
        answer = self.ask(VALID)
        self.assertEqual(self.statuses(answer), [200])
        self.assertIn(b'"data":[3,5,7]', answer)


class Slow(Hostile):
    def feed(self, text, clients=50):
        """Byte by byte, over many connections at once. Returns what each got, and when it was seen to be closed."""
        sockets = [self.connect() for _ in range(clients)]
        start = time.monotonic()
        for at in range(len(text)):
            if time.monotonic() - start > 4 * SLOW:
                break
            for client in sockets:
                try:
                    client.send(text[at:at + 1])
                except OSError:
                    pass
            time.sleep(0.1)
        answers, closed = [], []
        for client in sockets:
            answers.append(self.read_all(client))
            closed.append(time.monotonic() - start)
        return answers, closed

    def assert_closed_while_others_are_served(self, text):
        with Load(self.server.port, "affine", [2], clients=1) as load:
            load.wait_for(100)
            answers, closed = self.feed(text)
            load.wait_for(100)
        self.assertFalse(load.wrong or load.lost or load.statuses, str(load))
        self.assertLess(max(closed), 5 * SLOW, list(zip(closed, answers)))
        for answer in answers:
            self.assertIn(self.statuses(answer), ([408], []))  # a reset may take the words away
        self.assertIn(408, sum(map(self.statuses, answers), []))

    def test_headers_byte_by_byte(self):
        self.assert_closed_while_others_are_served(request("GET /v2 HTTP/1.1\nX: " + 100 * "x"))

    def test_bodies_byte_by_byte(self):
        head, body = VALID.split(b"\r\n\r\n")
        client = self.connect()  # one that is quick with its head, and gives up
        client.sendall(head + b"\r\n\r\n" + body[:5])
        self.assertEqual(self.statuses(self.read_all(client)), [408])
        sockets = [self.connect() for _ in range(50)]
        for each in sockets:
            each.sendall(head + b"\r\n\r\n")
        start = time.monotonic()
        with Load(self.server.port, "affine", [2], clients=1) as load:
            while sockets and time.monotonic() - start < 5 * SLOW:
                for each in list(sockets):
                    try:
                        each.send(b" ")
                    except OSError:
                        sockets.remove(each)
                time.sleep(0.1)
            load.wait_for(50)
        self.assertFalse(sockets, "all are closed")
        self.assertFalse(load.wrong or load.lost or load.statuses, str(load))

    def test_a_client_that_does_not_read_is_not_waited_for(self):
        clients = [self.connect() for _ in range(20)]
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(200 * request("GET /metrics HTTP/1.1"))
        with Load(self.server.port, "affine", [2], clients=1) as load:
            load.wait_for(100)
        self.assertFalse(load.wrong or load.lost or load.statuses, str(load))


class HalfClosed(Hostile):
    def test_who_has_only_stopped_sending_gets_an_answer(self):
        for text in (VALID, VALID + VALID, request("GET /v2 HTTP/1.1"), request("GET /v2 HTTP/1.0")):
            answer = self.ask(text)
            self.assertEqual(self.statuses(answer), [200] * (text.count(b"POST") or 1), answer)

    def test_who_stops_in_the_middle_gets_none(self):
        for end in (10, VALID.index(b"\r\n\r\n") + 10, len(VALID) - 1):
            self.assertEqual(self.statuses(self.ask(VALID[:end])), [])
        self.assert_serves()


class Large(Hostile):
    def assert_refused_without_memory(self, head, chunks):
        before = self.memory()
        client = self.connect()
        client.sendall(head)
        try:
            for chunk in chunks:
                client.sendall(chunk)
        except OSError:
            pass
        self.assertIn(self.statuses(self.read_all(client)), ([413], []))
        self.assertLess(self.memory() - before, 40 << 10)
        self.assert_serves()

    def test_a_gigabyte_is_refused_before_it_is_read(self):
        client = self.connect()
        client.sendall(request(f"POST {INFER} HTTP/1.1\nContent-Length: {1 << 30}", length=False))
        answer = self.read_all(client)
        self.assertEqual(self.statuses(answer), [413])
        self.assertIn(b"the body has 1073741824 bytes; 4194304 are allowed here", answer)
        megabyte = bytes(1 << 20)
        self.assert_refused_without_memory(
            request(f"POST {INFER} HTTP/1.1\nContent-Length: {1 << 30}", length=False), (megabyte for _ in range(1024)))

    def test_a_gigabyte_that_is_not_announced_is_refused_when_it_is_too_much(self):
        chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
        self.assert_refused_without_memory(
            request(f"POST {INFER} HTTP/1.1\nTransfer-Encoding: chunked", length=False), (chunk for _ in range(1024)))
        # By a single chunk, before its bytes.
        answer = self.ask(request(f"POST {INFER} HTTP/1.1\nTransfer-Encoding: chunked", b"40000000\r\n", length=False))
        self.assertEqual(self.statuses(answer), [413])

    def test_endless_headers_and_chunk_extensions(self):
        head = request("GET /v2 HTTP/1.1", length=False)[:-2] + b"X: "
        self.assert_endless_refused(head, 431)
        self.assert_endless_refused(request("POST /v2 HTTP/1.1\nTransfer-Encoding: chunked", b"5;", length=False), 400)
        self.assert_endless_refused(request("POST /v2 HTTP/1.1\nTransfer-Encoding: chunked", b"0\r\nX: ", length=False), (400, 431))

    def assert_endless_refused(self, head, statuses):
        before = self.memory()
        client = self.connect()
        client.sendall(head)
        try:
            for _ in range(1024):
                client.sendall(b"x" * (1 << 16))
        except OSError:
            pass
        got = self.statuses(self.read_all(client))
        self.assertIn(got, [[status] for status in (statuses if isinstance(statuses, tuple) else (statuses,))] + [[]])
        self.assertLess(self.memory() - before, 20 << 10)
        self.assert_serves()

    def test_zip_bombs(self):
        before = self.memory()
        zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b"".join(zeros.compress(bytes(1 << 20)) for _ in range(1024)) + zeros.flush()
        for text in 5 * (bomb, gzip.compress(bomb)):
            answer = self.ask(request(f"POST {INFER} HTTP/1.1\nContent-Encoding: gzip", text))
            self.assertIn(self.statuses(answer), ([413], [400]), answer)
        answer = self.ask(request(f"POST {INFER} HTTP/1.1\nContent-Encoding: gzip, gzip", gzip.compress(bomb)))
        self.assertIn(self.statuses(answer), ([413], [400], [501]), answer)
        self.assertLess(self.memory() - before, 100 << 10)  # a few times what a body may become, and not a gigabyte
        self.assert_serves()

    def test_a_picture_that_claims_to_be_huge(self):
        def part(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        png = (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)) +
               part(b"IDAT", zlib.compress(bytes(1 << 20))) + part(b"IEND", b""))
        before = self.memory()
        for verb in ("upload", "detect", "classify", "segment"):
            self.assertNotEqual(self.statuses(self.ask(request(f"POST /v2/models/affine/{verb} HTTP/1.1", png))), [200])
        self.assertLess(self.memory() - before, 40 << 10)
        self.assert_serves()

    def test_claims_that_no_body_keeps(self):
        """Shapes and lengths that would need more memory than there is."""
        body = infer_body([1, 2, 3]).replace("[1, 3]", "[%s, 3]")
        for rows in ("9223372036854775807", "1000000000", "-1", "1e9", "null", "[1]"):
            answer = self.ask(request(f"POST {INFER} HTTP/1.1", (body % rows).encode()))
            self.assertIn(self.statuses(answer), ([400],), answer)
        binary = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1 << 40, 3],
                                         "parameters": {"binary_data_size": 12 << 40}}]}).encode()
        answer = self.ask(request(f"POST {INFER} HTTP/1.1\nInference-Header-Content-Length: {len(binary)}", binary + bytes(12)))
        self.assertEqual(self.statuses(answer), [400], answer)
        nested = b'{"inputs":' + b"[" * 1_000_000
        self.assertEqual(self.statuses(self.ask(request(f"POST {INFER} HTTP/1.1", nested))), [400])
        self.assert_serves()


class Malformed(Hostile):
    def test_damaged_requests(self):
        draw = random.Random(20261129)
        valid = [VALID, request("GET /v2/models/affine/config HTTP/1.1"), request("GET /metrics HTTP/1.1"),
                 request(f"POST {INFER} HTTP/1.1\nTransfer-Encoding: chunked", chunked(VALID.split(b"\r\n\r\n")[1]), length=False),
                 request("POST /v2/repository/index HTTP/1.1\nExpect: 100-continue", b"{}"),
                 request(f"POST {INFER} HTTP/1.1\nContent-Encoding: gzip", gzip.compress(infer_body([1, 2, 3]).encode())),
                 request("GET /v2/models/affine/stream HTTP/1.1\nConnection: Upgrade\nUpgrade: websocket\n"
                         "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", length=False)]
        for i in range(MUTATIONS):
            text = bytearray(draw.choice(valid))
            for _ in range(draw.randrange(1, 4)):
                self.damage(text, draw)
            with self.subTest(number=i, text=bytes(text)):
                for status in self.statuses(self.ask(bytes(text))):
                    self.assertTrue(100 < status < 500 or status == 501, status)
        self.assert_serves()

    def damage(self, text, draw):
        at = draw.randrange(len(text))
        end = min(len(text), at + draw.randrange(1, 20))
        way = draw.randrange(6)
        if way == 0:
            text[at] ^= 1 << draw.randrange(8)
        elif way == 1:
            del text[at:end]
        elif way == 2:
            text[at:at] = text[at:end]
        elif way == 3:
            text[at:at] = draw.choice([b"\0", b"\r\n", b"\n", b"\r", b" ", b":", b"\xff", b"-", b"99999999999", b"%00", b"/../"])
        elif way == 4:
            text[at:] = text[:at + 1]
        else:
            text[at:end] = bytes(draw.randrange(256) for _ in range(end - at))

    def test_requests_that_hide_others(self):
        """Whatever a proxy in front may have read, the second request is not answered."""
        hidden = request("GET /metrics HTTP/1.1")
        zero = b"0\r\n\r\n"
        for headers, body in (
                (f"Content-Length: {len(hidden)}\nContent-Length: 0", hidden),
                (f"Content-Length: 0\nContent-Length: {len(hidden)}", hidden),
                ("Content-Length: 5\nTransfer-Encoding: chunked", zero + hidden),
                ("Transfer-Encoding: chunked\nContent-Length: 5", zero + hidden),
                ("Transfer-Encoding: chunked\nTransfer-Encoding: identity", zero + hidden),
                ("Transfer-Encoding: xchunked", zero + hidden), ("Transfer-Encoding: identity", hidden),
                ("Transfer-Encoding: chunked, identity", zero + hidden), ("Transfer-Encoding: chunked, chunked", zero + hidden),
                ("Transfer-Encoding : chunked", zero + hidden), ("Transfer-Encoding:\vchunked", zero + hidden),
                ("X: y\rTransfer-Encoding: chunked", zero + hidden), ("Content-Length: 0x5", hidden),
                ("Content-Length: +5", hidden), ("Content-Length: 5 5", hidden), ("Content-Length: 5,6", hidden),
                ("Content-Length: 18446744073709551621", hidden), ("Transfer-Encoding: chunked", b"-1\r\n" + hidden),
                ("Transfer-Encoding: chunked", b"0x1\r\na\r\n" + hidden), ("Transfer-Encoding: chunked", b"1 1\r\na\r\n" + hidden),
                ("Transfer-Encoding: chunked", b"10000000000000000\r\n" + hidden), ("Transfer-Encoding: chunked", b"\r\n" + hidden),
                ("Transfer-Encoding: chunked", b"1\na\n0\n\n" + hidden), ("Content-Length: \x005", hidden)):
            answer = self.ask(request(f"POST /v2/repository/index HTTP/1.1\n{headers}", body, length=False))
            with self.subTest(headers=headers, body=body[:12]):
                self.assertIn(self.statuses(answer), ([400], [501]), answer)
                self.assertNotIn(b"nv_inference", answer)
        self.assert_serves()

    def test_what_is_no_http_at_all(self):
        for text in (b"", b"\r\n\r\n\r\n", b"\0" * 1000, b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", b"SSH-2.0-OpenSSH_9\r\n",
                     b"GET\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n", b"GET / HTTP/3.0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     b"A" * 100_000, bytes(range(256)) * 20):
            with self.subTest(text=text[:20]):
                self.assertIn(self.statuses(self.ask(text)), ([400], [431], []))
        self.assert_serves()


class Many(Hostile):
    def test_new_connections_leave_nothing(self):
        def connect(count):
            for _ in range(count):
                socket.create_connection(("127.0.0.1", self.server.port)).close()
                with socket.create_connection(("127.0.0.1", self.server.port)) as client:
                    client.sendall(VALID)

            # Those that did not read their answers are given a second.
            wait_until(lambda: len(os.listdir(f"/proc/{self.server.process.pid}/fd")) < 50, "they are closed")

        connect(500)
        before = self.memory()
        connect(3000)
        self.assertLess(self.memory() - before, 4 << 10)
        self.assert_serves()

    def median_latency(self):
        """The best of three medians, in ms: other work of this machine counts little."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        medians = []
        for _ in range(3):
            times = []
            for _ in range(200):
                start = time.perf_counter()
                connection.request("POST", INFER, infer_body([1, 2, 3]))
                connection.getresponse().read()
                times.append(time.perf_counter() - start)
            medians.append(1000 * statistics.median(times))
        connection.close()
        return min(medians)

    def test_idle_connections_slow_nobody_down(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < IDLE + 500:
            self.skipTest(f"this machine allows {hard} open files a process; {IDLE + 500} are needed")
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (IDLE + 500, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, soft)
        usual, before, idle = self.median_latency(), self.memory(), []
        self.addCleanup(lambda: [client.close() for client in idle])
        for _ in range(IDLE):
            client = socket.create_connection(("127.0.0.1", self.server.port), timeout=20)
            client.sendall(request("GET /v2/health/live HTTP/1.1"))
            idle.append(client)
        for client in idle:
            self.assertIn(b" 200 OK", client.recv(1024))
        self.assertLess(self.median_latency(), 2 * usual)
        self.assertLess((self.memory() - before) / IDLE, 8, "KiB a connection")
        for client in idle[::1000]:  # they are still served
            client.sendall(request("GET /v2/health/live HTTP/1.1"))
            self.assertIn(b" 200 OK", client.recv(1024))


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
