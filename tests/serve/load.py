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


def infer_body(values, shape=None, datatype="FP32"):
    return json.dumps({"inputs": [{"name": "x", "datatype": datatype, "shape": shape or [1, len(values)], "data": values}]})


def request(head, body=b"", length=True):
    """As it is sent. head: the request line, and headers beside Host and Content-Length."""
    lines = [*head.split("\n"), "Host: localhost", *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Load:
    """with Load(port, "model", [scales that are right]) as load: ...; load.stop() ends it, as does leaving.

    The model gives y = scale * x + 1. One thread a client, each with a connection that it keeps.
    """

    def __init__(self, port, model, scales, clients=4, learns_worker=False):
        self.port, self.path, self.scales = port, f"/v2/models/{model}/infer", list(scales)
        self.learns_worker = learns_worker
        self.answered, self.refused = 0, 0
        self.wrong, self.lost = [], []  # texts; (worker, text)
        self.statuses = collections.Counter()
        self.latencies = []
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(seed,)) for seed in range(clients)]

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

    def wait_for(self, answers, seconds=30):
        """Until so many more have come."""
        until, wanted = time.monotonic() + seconds, self.answered + answers
        while self.answered < wanted:
            assert time.monotonic() < until, f"{self.answered} answers of {wanted} within {seconds} s: {self}"
            time.sleep(0.005)

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
        scales, start = list(self.scales), time.monotonic()
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
                self.latencies.append(time.monotonic() - start)
        return "close" if response.will_close else "keep"
