"""The server when things go wrong around it: workers that die or hang, models that change or break, signals under load,
disks that are full. Every request is counted: none is lost that was accepted, and none is answered wrongly.

usage: faults_test.py SLIPWAY [unittest arguments]. What clients do wrong is in hostile_test.py.
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import served
from load import Load, infer_body
from processes import children, end_servers_of, gets_to_work, is_alive, processor_seconds, started
from served import wait_until

PROGRAM = ""


def endless(least=0):
    """x rounds of work and `least` more, as long as one likes: [1] i64. A model is run on zeros when it is loaded."""
    size = 64
    ports = [helper.make_tensor_value_info(*port) for port in (
        ("i", TensorProto.INT64, []), ("go", TensorProto.BOOL, []), ("sum", TensorProto.FLOAT, [size, size]),
        ("go_on", TensorProto.BOOL, []), ("next", TensorProto.FLOAT, [size, size]))]
    body = helper.make_graph([helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("MatMul", ["sum", "w"], ["next"])],
                             "body", ports[:3], ports[3:])
    constants = [numpy_helper.from_array(value, name) for name, value in (
        ("w", np.eye(size, dtype=np.float32)), ("true", np.array(True)), ("axis", np.array([0])),
                                                                          ("least", np.array([least])))]
    nodes = [helper.make_node("Add", ["x", "least"], ["more"]), helper.make_node("Squeeze", ["more", "axis"], ["n"]), helper.make_node("Loop", ["n", "true", "w"], ["y"], body=body)]
    graph = helper.make_graph(nodes, "endless", [helper.make_tensor_value_info("x", TensorProto.INT64, [1])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [size, size])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def heavy(seed):
    """16 MiB of weights, whose answers nobody asks for."""
    size = 1024
    random = np.random.default_rng(seed)
    weights = [numpy_helper.from_array(random.standard_normal((size, size), np.float32), f"w{i}") for i in range(4)]
    nodes = [helper.make_node("MatMul", [f"h{i}" if i else "x", f"w{i}"], [f"h{i + 1}" if i < 3 else "y"]) for i in range(4)]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name in "xy"]
    graph = helper.make_graph(nodes, "heavy", ports[:1], ports[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def held_mib(pid):
    """Memory of a process that is no file's."""
    return int(re.search(r"RssAnon:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def put(model, path):
    """In one step, as a file should be replaced that others read."""
    served.save(model, path.with_suffix(".new"))
    os.replace(path.with_suffix(".new"), path)


class Faults(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.models = self.folder / "models"
        served.save(served.affine(2), self.models / "affine/1/model.onnx")

    @contextlib.contextmanager
    def served(self, *flags, program=None):
        with served.Served(program or PROGRAM, [self.models], "--threads", "1", *flags) as server:
            yield server

    def serve(self, *flags):
        return self.enterContext(self.served(*flags))

    def post(self, server, path, body="{}"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("POST", path, body)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def index(self, server):
        return {(entry["name"], entry.get("version")): entry
                for entry in json.loads(self.post(server, "/v2/repository/index")[1])}

    def readiness(self, port):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", "/v2/health/ready")
            return connection.getresponse().status

    def assert_unharmed(self, load, answers=100):
        self.assertFalse(load.wrong or load.lost or load.statuses, str(load))
        self.assertGreaterEqual(load.answered, answers, str(load))


class Workers(Faults):
    def serve_workers(self, *flags):
        return self.serve("--workers", "2", *flags)

    def test_one_that_is_killed_is_replaced_and_the_others_do_not_notice(self):
        server = self.serve_workers()
        before = children(server.process.pid)
        with Load(server.port, "affine", [2], clients=8, learns_worker=True) as load:
            load.wait_for(200)
            os.kill(before[0], signal.SIGKILL)
            wait_until(lambda: len(set(children(server.process.pid)) - set(before)) == 1, "another worker")
            load.wait_for(1000)
        self.assertFalse(load.wrong or load.statuses or load.refused, str(load))
        # A client loses the one request that the dead one had, or finds its connection closed; both are errors that it sees.
        self.assertLessEqual(len(load.lost), 8, str(load))
        self.assertLessEqual({worker for worker, _ in load.lost}, {"0"}, str(load))

    def test_one_that_dies_again_and_again_is_replaced_later_and_later(self):
        server = self.serve_workers()
        times, delays = [], []
        for _ in range(4):
            before = set(children(server.process.pid))
            start = time.monotonic()
            os.kill(max(before), signal.SIGKILL)  # the newest
            delays.append(next(int(found[1]) for line in server.process.stdout if (found := re.search(r"takes its place in (\d+) ms", line))))
            wait_until(lambda: set(children(server.process.pid)) - before, "another worker")
            times.append(time.monotonic() - start)
        self.assertEqual(delays, [100, 200, 400, 800])
        self.assertGreater(times[3], 0.7, times)
        self.assertLess(times[0], 0.6, times)

    def test_one_whose_scheduler_stands_still_is_replaced(self):
        served.save(endless(), self.models / "endless/1/model.onnx")
        server = self.serve_workers("--timeout", "3")
        before = set(children(server.process.pid))
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.post(server, "/v2/models/endless/infer", infer_body([10**12], [1], "INT64"))
        wait_until(lambda: len(set(children(server.process.pid)) - before) == 1, "another worker")
        with Load(server.port, "affine", [2]) as load:
            load.wait_for(200)
        self.assert_unharmed(load)

    def test_one_that_is_stopped_is_replaced(self):
        server = self.serve_workers("--timeout", "3")
        before = set(children(server.process.pid))
        os.kill(min(before), signal.SIGSTOP)
        wait_until(lambda: not is_alive(min(before)), "the worker is killed")
        wait_until(lambda: len(set(children(server.process.pid)) - before) == 1, "another worker")

    def test_a_machine_that_stands_still_is_not_held_against_workers(self):
        server = self.serve_workers("--timeout", "3")
        before = set(children(server.process.pid))
        for pid in [server.process.pid, *before]:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(5)
        for pid in [server.process.pid, *before]:
            os.kill(pid, signal.SIGCONT)
        time.sleep(1.5)  # a few looks at the workers
        self.assertEqual(set(children(server.process.pid)), before)

    def test_workers_end_with_their_supervisor(self):
        server = self.serve_workers()
        workers = children(server.process.pid)
        server.process.kill()
        wait_until(lambda: not any(map(is_alive, workers)), "no orphans")

    def test_one_more_and_one_less_under_load(self):
        server = self.serve_workers()
        with Load(server.port, "affine", [2]) as load:
            for signal_number, count in ((signal.SIGTTIN, 3), (signal.SIGTTIN, 4), (signal.SIGTTOU, 3), (signal.SIGTTOU, 2)):
                server.process.send_signal(signal_number)
                wait_until(lambda: len(children(server.process.pid)) == count, f"{count} workers")
                load.wait_for(200)
        self.assert_unharmed(load)

    def test_those_that_have_had_enough_are_replaced_without_loss(self):
        server = self.serve_workers("--max-requests", "50", "--max-requests-jitter", "20")
        before = set(children(server.process.pid))
        with Load(server.port, "affine", [2]) as load:
            wait_until(lambda: not before & set(children(server.process.pid)), "no worker of the first is left")
            load.wait_for(200)
        self.assert_unharmed(load)

    def test_the_service_manager_hears_the_supervisor_alone(self):
        manager = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        manager.bind(str(self.folder / "notify"))
        manager.settimeout(60)
        with mock.patch.dict(os.environ, {"NOTIFY_SOCKET": str(self.folder / "notify")}):
            server = self.serve_workers()
        server.process.send_signal(signal.SIGHUP)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
        self.assertEqual([manager.recv(100), manager.recv(100)], [b"READY=1", b"STOPPING=1"])
        manager.setblocking(False)
        with self.assertRaises(BlockingIOError):
            manager.recv(100)

    def test_an_error_at_the_start_is_said_once(self):
        run = subprocess.run([PROGRAM, "serve", self.folder / "none.onnx", "--workers", "3", "--port", "0"],
                             capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertEqual(run.stderr.count("error: "), 1, run.stderr)

    def test_weights_are_shared(self):
        constant = numpy_helper.from_array(np.ones([1024, 4096], np.float32), "w")  # 16 MiB
        graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "large",
                                  [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1024, 4096])], [constant])
        model = served.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), self.folder / "l.onnx")
        (self.models / "large/1").mkdir(parents=True)
        subprocess.run([PROGRAM, "convert", model, "-o", self.models / "large/1/model.slip"], check=True, capture_output=True)
        server = self.serve_workers()

        def mapped_kib(pid):
            """Resident and proportional size of the model's pages."""
            text = pathlib.Path(f"/proc/{pid}/smaps").read_text()
            parts = re.findall(r"model\.slip\n(?:.*\n)*?Rss: +(\d+) kB\nPss: +(\d+) kB", text)
            return sum(int(rss) for rss, _ in parts), sum(int(pss) for _, pss in parts)

        for pid in children(server.process.pid):
            rss, pss = mapped_kib(pid)
            self.assertGreater(rss, 16000)
            self.assertLess(pss, 0.6 * rss)


class Models(Faults):
    def test_a_model_is_swapped_under_load(self):
        server = self.serve()
        with Load(server.port, "affine", [2]) as load:
            load.wait_for(50)
            for scale in (3, 4, 5, 6):
                load.scales.append(scale)
                put(served.affine(scale), self.models / "affine/1/model.onnx")
                self.assertEqual(self.post(server, "/v2/repository/models/affine/load"), (200, "{}"))
                load.wait_for(20)  # those that had been asked when it was loaded
                load.scales[:] = [scale]
                load.wait_for(50)
        self.assert_unharmed(load)

    def test_a_broken_version_changes_nothing_but_the_index(self):
        server = self.serve()
        with Load(server.port, "affine", [2]) as load:
            load.wait_for(50)
            (self.models / "affine/2").mkdir()
            (self.models / "affine/2/model.onnx").write_bytes(b"no model")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: self.index(server).get(("affine", "2"), {}).get("state") == "UNAVAILABLE", "it is in the index")
            self.assertTrue(self.index(server)["affine", "2"]["reason"])
            load.wait_for(50)
        self.assert_unharmed(load)
        self.assertEqual(self.index(server)["affine", "1"]["state"], "READY")

    def test_a_file_that_a_full_disk_cut_off_does_not_replace_one_that_works(self):
        server = self.serve()
        path = self.models / "affine/1/model.onnx"
        whole = path.read_bytes()
        with Load(server.port, "affine", [2]) as load:
            path.with_suffix(".new").write_bytes(whole[:len(whole) // 2])
            os.replace(path.with_suffix(".new"), path)
            status, text = self.post(server, "/v2/repository/models/affine/load")
            self.assertNotEqual(status, 200)
            self.assertTrue(json.loads(text)["error"])
            self.assertEqual(self.index(server)["affine", "1"]["state"], "READY")
            self.assertTrue(self.index(server)["affine", "1"]["reason"])
            load.wait_for(50)
        self.assert_unharmed(load, 50)

    def test_memory_of_what_is_replaced_or_unloaded_goes_back(self):
        path = served.save(heavy(1), self.models / "heavy/1/model.onnx")
        server = self.serve()
        loaded = held_mib(server.process.pid)
        for seed in (2, 3, 4):
            put(heavy(seed), path)
            self.assertEqual(self.post(server, "/v2/repository/models/heavy/load")[0], 200)
            wait_until(lambda: held_mib(server.process.pid) < loaded + 8, "there is one of it again")
        self.assertEqual(self.post(server, "/v2/repository/models/heavy/unload")[0], 200)
        wait_until(lambda: held_mib(server.process.pid) < loaded - 12, "nothing of it is left")

    def test_a_full_disk_stops_no_request(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        server = self.serve("--log", "json", "--log-file", "/dev/full")
        # Nothing can be written from here on, neither by a load.
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, 0))
        with Load(server.port, "affine", [2, 3]) as load:
            load.wait_for(50)
            put(served.affine(3), self.models / "affine/1/model.onnx")
            self.assertEqual(self.post(server, "/v2/repository/models/affine/load"), (200, "{}"))
            load.wait_for(50)
        self.assert_unharmed(load)


class Signals(Faults):
    """Each with one process, and with workers."""

    WAYS = ((), ("--workers", "2"))

    def test_a_successor_takes_over_under_load(self):
        for flags in self.WAYS:
            with self.subTest(flags=flags), self.served(*flags) as server:
                self.addCleanup(end_servers_of, str(self.models))
                with Load(server.port, "affine", [2], clients=8) as load:
                    load.wait_for(100)
                    server.process.send_signal(signal.SIGUSR2)
                    self.assertEqual(server.process.wait(90), 0)
                    load.wait_for(200)
                self.assert_unharmed(load)
                self.assertEqual(load.refused, 0)
                end_servers_of(str(self.models))

    def test_a_successor_that_does_not_start_takes_over_nothing(self):
        for flags in self.WAYS:
            program = self.folder / "slipway"
            shutil.copy(PROGRAM, program)
            with self.subTest(flags=flags), self.served(*flags, program=program) as server:
                program.unlink()
                with Load(server.port, "affine", [2]) as load:
                    server.process.send_signal(signal.SIGUSR2)
                    for line in server.process.stdout:
                        if "this one goes on" in line:
                            break
                    load.wait_for(100)
                self.assert_unharmed(load)
                self.assertIsNone(server.process.poll())

    def test_a_successor_may_have_other_numbers_of_workers(self):
        """One socket of a server that was alone, for two workers; three, for one that is alone."""
        for count, flags in ((1, ("--workers", "2")), (3, ())):
            sockets = [self.enterContext(socket.socket()) for _ in range(count)]
            for each in sockets:
                if count > 1:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                each.bind(("127.0.0.1", sockets[0].getsockname()[1]))
                each.listen()
            numbers = [each.fileno() for each in sockets]
            command = [PROGRAM, "serve", str(self.models), "--threads", "1", *flags]
            with self.subTest(flags=flags), started(
                    command, stdout=subprocess.PIPE, text=True, pass_fds=numbers,
                    env={**os.environ, "SLIPWAY_LISTEN_FD": ",".join(map(str, numbers))}) as process:
                next(line for line in process.stdout if line.startswith("workers" if flags else "metrics"))
                port = sockets[0].getsockname()[1]
                for each in sockets:
                    each.close()
                with Load(port, "affine", [2], clients=8) as load:
                    load.wait_for(200)
                self.assert_unharmed(load)
                process.terminate()
                self.assertEqual(process.wait(90), 0)

    def test_a_drain_loses_nothing(self):
        for flags in self.WAYS:
            with self.subTest(flags=flags), self.served("--notice", "5", *flags) as server:
                with Load(server.port, "affine", [2], clients=8) as load:
                    load.wait_for(100)
                    server.process.send_signal(signal.SIGTERM)
                    # A balancer: asks whether it is ready, and sends nobody there from then on.
                    wait_until(lambda: self.readiness(server.port) == 503, "it is not ready")
                    self.assertIsNone(server.process.poll(), "it gives notice before it goes")
                    load.wait_for(20)
                    load.stop()
                self.assertEqual(server.process.wait(90), 0)
                self.assert_unharmed(load)
                self.assertEqual(load.refused, 0)

    def test_a_drain_loses_nothing_of_clients_that_do_not_listen(self):
        for flags in self.WAYS:
            with self.subTest(flags=flags), self.served(*flags) as server:
                with Load(server.port, "affine", [2], clients=8) as load:
                    load.wait_for(100)
                    server.process.send_signal(signal.SIGTERM)
                    self.assertEqual(server.process.wait(90), 0)
                    wait_until(lambda: load.refused > 0, "the port is closed")
                self.assert_unharmed(load)

    def test_ends_at_once_where_it_is_told_to(self):
        served.save(endless(), self.models / "endless/1/model.onnx")
        server = self.serve("--workers", "2")
        server.process.send_signal(signal.SIGQUIT)
        self.assertEqual(server.process.wait(10), 0)


class Cancelled(Faults):
    def test_nobody_works_for_clients_that_have_left(self):
        served.save(endless(), self.models / "endless/1/model.onnx")
        server = self.serve()
        body = infer_body([self.rounds(server, seconds=3)], [1], "INT64")
        busy = threading.Thread(target=self.post, args=(server, "/v2/models/endless/infer", body))
        with gets_to_work(server.process.pid):
            busy.start()
        self.addCleanup(busy.join)
        leaving = [http.client.HTTPConnection("127.0.0.1", server.port) for _ in range(20)]
        for connection in leaving:
            connection.request("POST", "/v2/models/affine/infer", infer_body([1, 2, 3]))
        wait_until(lambda: b"\nslipway_waiting_requests 20\n" in server.get("/metrics"), "all wait")
        for connection in leaving:
            connection.close()
        count = r'nv_inference_request_failure\{model="affine",version="1",reason="CANCELED"\} 20\n'
        wait_until(lambda: re.search(count, server.get("/metrics").decode()), "20 are cancelled")
        self.assertIn('nv_inference_request_success{model="affine",version="1"} 0\n', server.get("/metrics").decode())

    def rounds(self, server, seconds):
        """Of the endless model, that take so long of a processor, and so at least that on a busy machine."""
        count, spent = 1000, 0
        while spent < 0.2:
            count, before = 4 * count, processor_seconds(server.process.pid)
            self.post(server, "/v2/models/endless/infer", infer_body([count], [1], "INT64"))
            spent = processor_seconds(server.process.pid) - before
        return int(count * seconds / spent)


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
