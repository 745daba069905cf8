"""Clients that ask without pause and count every request: answered, wrong, lost, refused.

Standard library alone. A request is lost where its connection was made and no answer came; it is refused where no
connection was made at all.
"""
import collections
import http.client
import json
import random
import re
import threading
import time

from served import until


def infer_body(values, shape=None, datatype="FP32"):
    return json.dumps({"inputs": [{"name": "x", "datatype": datatype, "shape": shape or [1, len(values)], "data": values}]})


def request(head, body=b"", length=True):
    """As it is sent. head: the request line, and headers beside Host and Content-Length."""
    lines = [*head.split("\n"), "Host: localhost", *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Clients:
    """with Clients(count) as clients: ...; clients.stop() ends them, as does leaving. A kind of client gives _run(seed), which asks
    until self._stop is set, and counts in self.answered with self._lock; one thread a client."""

    def __init__(self, count):
        self.answered = 0
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(seed,)) for seed in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *unused):
        self.stop()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, answers, seconds=120):
        """Until so many more have come."""
        wanted = self.answered + answers
        are_there = until(lambda: self.answered >= wanted, seconds=seconds)
        assert are_there, f"{self.answered} answers of {wanted} within {seconds} s: {self}"


class Load(Clients):
    """Over HTTP, each over a connection that it keeps. The model gives y = scale * x + 1, by any of the scales."""

    def __init__(self, port, model, scales, clients=4, learns_worker=False):
        super().__init__(clients)
        self.port, self.path, self.scales = port, f"/v2/models/{model}/infer", list(scales)
        self.learns_worker = learns_worker
        self.refused = 0
        self.wrong, self.lost = [], []  # texts; (worker, text)
        self.statuses = collections.Counter()

    def __str__(self):
        return (f"{self.answered} answered, {len(self.wrong)} wrong {self.wrong[:2]}, {len(self.lost)} lost {self.lost[:4]}, "
                f"{self.refused} refused, other statuses {dict(self.statuses)}")

    def _connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        return connection

    def _worker_of(self, connection):
        """Which process is at the other end."""
        if not self.learns_worker:
            return ""
        connection.request("GET", "/metrics")
        return re.search(r'worker="(\d+)"', connection.getresponse().read().decode())[1]

    def _run(self, seed):
        draw = random.Random(seed)
        connection, worker = None, ""

        def forget():
            if connection is not None:
                connection.close()

        while not self._stop.is_set():
            try:
                if connection is None:
                    connection = self._connect()
                    worker = self._worker_of(connection)
                if self._ask(connection, [float(draw.randrange(-1000, 1000)) for _ in range(3)]) == "close":
                    forget()
                    connection = None
            except ConnectionRefusedError:
                self._count("refused")
                connection = None
                time.sleep(0.01)
            except (http.client.HTTPException, OSError) as error:
                with self._lock:
                    self.lost.append((worker, repr(error)))
                forget()
                connection = None
        forget()

    def _count(self, name):
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)

    def _ask(self, connection, values):
        scales = list(self.scales)
        connection.request("POST", self.path, infer_body(values))
        response = connection.getresponse()
        text = response.read()
        with self._lock:
            if response.status != 200:
                self.statuses[response.status] += 1
            else:
                got = json.loads(text)["outputs"][0]["data"]
                scales += self.scales  # of before it was asked, and of after it was answered
                if all(got != [scale * value + 1 for value in values] for scale in scales):
                    self.wrong.append(f"{values} gave {got}, with scales of {scales}")
                self.answered += 1
        return "close" if response.will_close else "keep"
