"""Servers behind HAProxy with deploy/haproxy.cfg: killed, stopped, restarted, given a new model, while clients ask. No request is lost.

usage: haproxy_test.py SLIPWAY [unittest arguments]
"""
import collections
import contextlib
import http.client
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import served
from load import Clients
from served import free_port, until

PROGRAM = ""
CONFIGURATION = pathlib.Path(__file__).resolve().parents[2] / "deploy/haproxy.cfg"
CLIENTS = 8
NOTICE_SECONDS = 3  # as the configuration says
WIDTH, LAYERS = 1024, 4  # of a network that takes a few milliseconds: some request is always under way


def slow_affine(scale):
    """y = scale * x + 1, [N, 3], by way of matrix products whose result is multiplied by zero."""
    random = np.random.default_rng(1)
    weights = {"first": random.normal(size=(3, WIDTH)), "last": np.zeros((WIDTH, 3)), "scale": np.array(scale), "one": np.array(1.0)}
    nodes, at = [helper.make_node("MatMul", ["x", "first"], ["h0"])], "h0"
    for i in range(LAYERS):
        weights[f"w{i}"] = random.normal(size=(WIDTH, WIDTH)) / WIDTH
        nodes.append(helper.make_node("MatMul", [at, f"w{i}"], [f"h{i + 1}"]))
        at = f"h{i + 1}"
    nodes += [helper.make_node("MatMul", [at, "last"], ["zero"]), helper.make_node("Mul", ["x", "scale"], ["scaled"]),
              helper.make_node("Add", ["scaled", "one"], ["moved"]), helper.make_node("Add", ["moved", "zero"], ["y"])]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3]) for name in "xy"]
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "slow", ports[:1], ports[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def get(port, path, method="GET"):
    """(status, body); None where nobody answers."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return None


class Server:
    """One of those behind the balancer, on a port that stays its own."""

    def __init__(self, repository):
        self.port, self.repository, self.process = free_port(), repository, None

    def start(self):
        self.process = subprocess.Popen([PROGRAM, "serve", self.repository, "--port", str(self.port), "--threads", "1", "--notice",
                                         str(NOTICE_SECONDS), "--drain", "30"], stdout=subprocess.DEVNULL)
        if not until(lambda: get(self.port, "/v2/health/ready") == (200, '{"ready":true}')):
            raise RuntimeError("the server does not get ready")

    def served(self):
        """How many requests it has answered since it started."""
        return int(re.search(r"^nv_inference_request_success{.*} (\d+)$", get(self.port, "/metrics")[1], re.MULTILINE)[1])

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Load(Clients):
    """answers: how often each came; lost: what else happened."""

    def __init__(self, port):
        super().__init__(CLIENTS)
        self.port, self.answers, self.lost = port, collections.Counter(), []

    def _run(self, client):
        body = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}
        # Some are as long as a photo.
        text = json.dumps(body) + " " * (200_000 if client % 2 else 0)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self._stop.is_set():
            try:
                connection.request("POST", "/v2/models/slow/infer", text)
                answer = connection.getresponse()
                said = answer.read().decode()
                data = json.loads(said)["outputs"][0]["data"] if answer.status == 200 else None
            except (OSError, http.client.HTTPException) as error:
                data, said = None, repr(error)
                connection.close()
            with self._lock:
                if data is None:
                    self.lost.append(said)
                else:
                    self.answers[tuple(data)] += 1
                    self.answered += 1
        connection.close()


@unittest.skipUnless(shutil.which("haproxy"), "haproxy is absent")
class Balanced(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.repository = self.folder / "models"
        served.save(slow_affine(2), self.repository / "slow/1/model.onnx")
        self.servers = [Server(self.repository), Server(self.repository)]
        for server in self.servers:
            server.start()
            self.addCleanup(server.stop)
        self.port = free_port()
        self.start_balancer()

    def start_balancer(self):
        """By the configuration of the documentation; only addresses are others."""
        text = CONFIGURATION.read_text()
        for documented, port in [("bind :8000", self.port), ("192.0.2.11:8000", self.servers[0].port),
                                 ("192.0.2.12:8000", self.servers[1].port)]:
            self.assertEqual(text.count(documented), 1)
            text = text.replace(documented, ("bind " if "bind" in documented else "") + f"127.0.0.1:{port}")
        path = self.folder / "haproxy.cfg"
        path.write_text(text)
        balancer = subprocess.Popen(["haproxy", "-db", "-f", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(balancer.wait)
        self.addCleanup(balancer.terminate)
        self.assertTrue(until(lambda: get(self.port, "/v2/health/ready") == (200, '{"ready":true}')))

    def assert_nothing_lost(self, load, *answers):
        self.assertEqual(load.lost[:5], [])
        self.assertEqual(set(load.answers), set(answers))
        self.assertGreater(sum(load.answers.values()), 100)

    def assert_both_serve(self):
        before = [server.served() for server in self.servers]
        self.assertTrue(until(lambda: all(server.served() > count for server, count in zip(self.servers, before))))

    def test_one_is_killed_and_comes_back(self):
        with Load(self.port) as load:
            self.assert_both_serve()
            for _ in range(3):
                self.servers[0].process.send_signal(signal.SIGKILL)
                self.servers[0].process.wait()
                time.sleep(1.5)
                self.servers[0].start()
                self.assert_both_serve()
        self.assert_nothing_lost(load, (3, 5, 7))

    def test_each_is_restarted_in_turn(self):
        with Load(self.port) as load:
            for server in self.servers:
                self.assert_both_serve()
                server.process.send_signal(signal.SIGTERM)
                self.assertTrue(until(lambda server=server: get(server.port, "/v2/health/ready") != (200, '{"ready":true}')))
                self.assertEqual(server.process.wait(90), 0)
                server.start()
            self.assert_both_serve()
        self.assert_nothing_lost(load, (3, 5, 7))

    def test_each_gets_a_new_version_in_turn(self):
        with Load(self.port) as load:
            self.assert_both_serve()
            # Whole folders are moved in, so that nobody loads half of one.
            served.save(slow_affine(3), self.folder / "new/model.onnx")
            (self.folder / "new").rename(self.repository / "slow/2")
            for server in self.servers:
                self.assertEqual(get(server.port, "/v2/repository/models/slow/load", "POST"), (200, "{}"))
                time.sleep(0.5)
            load.answers.clear()
            self.assert_both_serve()
            time.sleep(0.5)
        self.assertEqual(load.lost[:5], [])
        self.assertEqual(set(load.answers) - {(3, 5, 7)}, {(4, 7, 10)})
        # At most what was under way when the count began is of the old version.
        self.assertLessEqual(load.answers[(3, 5, 7)], CLIENTS)


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
