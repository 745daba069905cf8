"""What a server hears while it is busy with something else, and whose its ports are.

usage: lifecycle_test.py SLIPWAY [unittest arguments]. Signals one at a time and under load are in faults_test.py.
"""
import contextlib
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

import faults_test
import served
from faults_test import endless, put
from load import infer_body
from processes import children, end_servers_of, gets_to_work, has_begun, is_alive, started
from served import wait_until

FOR_EVER = 10**12  # rounds
AT_ONCE = 3  # seconds that ending may take on a busy machine


class Lifecycle(faults_test.Faults):
    WAYS = ((), ("--workers", "2"))

    def add_endless(self):
        """A model that is never loaded."""
        served.save(endless(FOR_EVER), self.models / "endless/1/model.onnx")

    def assert_ends(self, server, code=0):
        """Now, with nobody left behind."""
        workers = children(server.process.pid)
        start = time.monotonic()
        self.assertEqual(server.process.wait(90), code)
        self.assertLess(time.monotonic() - start, AT_ONCE)
        wait_until(lambda: not any(map(is_alive, workers)), "no workers")

    def keep_busy(self, server):
        """By a request whose answer never comes."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.addCleanup(connection.close)
        with gets_to_work(server.process.pid):
            connection.request("POST", "/v2/models/slow/infer", infer_body([FOR_EVER], [1], "INT64"))


class Ending(Lifecycle):
    """Whoever asks again, and harder, does not wait."""

    def test_at_once_while_notice_is_given(self):
        for number in (signal.SIGQUIT, signal.SIGINT):
            for flags in self.WAYS:
                with self.subTest(number.name, flags=flags), self.served("--notice", "60", *flags) as server:
                    server.process.send_signal(signal.SIGINT)
                    wait_until(lambda: self.readiness(server.port) == 503, "it is not ready")
                    time.sleep(1)
                    self.assertIsNone(server.process.poll())
                    server.process.send_signal(number)
                    self.assert_ends(server)

    def test_at_once_while_requests_are_waited_for(self):
        served.save(endless(), self.models / "slow/1/model.onnx")
        for number in (signal.SIGQUIT, signal.SIGINT):
            for flags in self.WAYS:
                with self.subTest(number.name, flags=flags), self.served("--drain", "60", *flags) as server:
                    self.keep_busy(server)
                    server.process.send_signal(signal.SIGTERM)
                    time.sleep(1)
                    self.assertIsNone(server.process.poll())
                    server.process.send_signal(number)
                    self.assert_ends(server)

    def test_one_key_is_not_two(self):
        """A terminal's Ctrl-C that somebody passes on as well."""
        for flags in self.WAYS:
            with self.subTest(flags=flags), self.served("--notice", "2", *flags) as server:
                start = time.monotonic()
                for _ in range(3):
                    server.process.send_signal(signal.SIGINT)
                    time.sleep(0.05)
                self.assertEqual(server.process.wait(30), 0)
                self.assertGreater(time.monotonic() - start, 1.9)

    def test_workers_leave_the_key_to_their_supervisor(self):
        server = self.serve("--workers", "2")
        workers = children(server.process.pid)
        for pid in workers:
            os.kill(pid, signal.SIGINT)
        time.sleep(0.5)
        self.assertEqual(children(server.process.pid), workers)

    def test_what_cannot_be_answered_is_not_waited_for(self):
        served.save(endless(), self.models / "slow/1/model.onnx")
        server = self.serve("--drain", "1")
        self.keep_busy(server)
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(60), 8)
        self.assertIn("within 1 s", server.process.stdout.read())


class Loading(Lifecycle):
    """Models take their time, also one that never gets there."""

    def test_it_says_at_once_that_it_is_not_ready_any_more(self):
        for flags in self.WAYS:
            with self.subTest(flags=flags), self.served("--notice", "5", *flags) as server:
                put(endless(FOR_EVER), self.models / "affine/1/model.onnx")
                with gets_to_work(server.process.pid):
                    server.process.send_signal(signal.SIGHUP)
                self.assertEqual(self.readiness(server.port), 200, "what was there serves")
                server.process.send_signal(signal.SIGTERM)
                wait_until(lambda: self.readiness(server.port) == 503, "it is not ready", 1)
                self.assertEqual(server.process.wait(60), 0)
            put(served.affine(2), self.models / "affine/1/model.onnx")

    def test_it_ends_while_it_loads(self):
        for number in (signal.SIGTERM, signal.SIGQUIT):
            with self.subTest(number.name), self.served() as server:
                self.add_endless()
                server.process.send_signal(signal.SIGHUP)
                wait_until(lambda: ("endless", "1") in self.index(server), "it is being loaded")
                server.process.send_signal(number)
                self.assert_ends(server)
            shutil.rmtree(self.models / "endless")

    def test_it_ends_before_it_serves(self):
        self.add_endless()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            for flags in self.WAYS:
                with self.subTest(number.name, flags=flags), started(
                        [faults_test.PROGRAM, "serve", self.models, "--port", "0", *flags], stdout=subprocess.DEVNULL) as process:
                    wait_until(lambda process=process: has_begun(process.pid), "it loads")
                    process.send_signal(number)
                    self.assertIn(process.wait(AT_ONCE), (0, 1))

    def test_a_check_that_is_interrupted_finds_nothing_right(self):
        self.add_endless()
        with started([faults_test.PROGRAM, "serve", self.models, "--check-config"], stdout=subprocess.PIPE,
                     stderr=subprocess.PIPE) as process:
            wait_until(lambda: has_begun(process.pid), "it loads")
            process.terminate()
            self.assertEqual((process.wait(AT_ONCE), process.stdout.read()), (8, b""))
            process.stderr.read()

    def test_a_successor_that_is_waited_for_ends_as_well(self):
        for flags in self.WAYS:
            for number in (signal.SIGTERM, signal.SIGQUIT):
                with self.subTest(number.name, flags=flags), self.served(*flags) as server:
                    self.add_endless()
                    before = set(children(server.process.pid))
                    server.process.send_signal(signal.SIGUSR2)
                    wait_until(lambda: set(children(server.process.pid)) - before, "there is a successor")
                    successor, = set(children(server.process.pid)) - before
                    wait_until(lambda successor=successor: has_begun(successor), "it loads")
                    server.process.send_signal(number)
                    self.assert_ends(server)
                    wait_until(lambda: not is_alive(successor), "no successor")
                shutil.rmtree(self.models / "endless")


class Ports(Lifecycle):
    """A port is one server's, and its successor's."""

    OPTIONS = ("--port", "--metrics-port", "--grpc-port")

    def setUp(self):
        super().setUp()
        self.has_grpc = (pathlib.Path(faults_test.PROGRAM).parent / "slipway_grpc.so").exists()

    def free_ports(self):
        """For metrics, with one above for a second worker, and for gRPC."""
        ports = served.free_ports(3)
        return [ports[0], ports[2]]

    def flags(self, ports):
        """Of a server that has them, and a main one that is free."""
        pairs = zip(self.OPTIONS[1:3 if self.has_grpc else 2], ports)
        return [text for option, port in pairs for text in (option, str(port))]

    def run_beside(self, option, port, *flags):
        command = [faults_test.PROGRAM, "serve", self.models, *(() if option == "--port" else ("--port", "0")), option, str(port), *flags]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def assert_taken(self, ports, *flags):
        for option, port in zip(self.OPTIONS, ports):
            if option == "--grpc-port" and not self.has_grpc:
                continue
            for way in self.WAYS:
                with self.subTest(option, first=flags, second=way):
                    run = self.run_beside(option, port, *way)
                    self.assertEqual((run.returncode, run.stdout), (8, ""), run.stderr)
                    self.assertIn(f"127.0.0.1:{port}", run.stderr)
                    self.assertIn(f"{option} takes another", run.stderr)
                    self.assertEqual(run.stderr.count("error: "), 1, run.stderr)

    def test_of_another_server_are_found_out(self):
        for flags in self.WAYS:
            ports = self.free_ports()
            with self.served(*self.flags(ports), *flags) as server:
                self.assert_taken([server.port, *ports], *flags)

    def test_of_a_successor_too(self):
        for flags in self.WAYS:
            ports = self.free_ports()
            with self.served(*self.flags(ports), *flags) as server:
                server.process.send_signal(signal.SIGUSR2)
                self.addCleanup(end_servers_of, str(self.models))
                self.assertEqual(server.process.wait(90), 0)
                self.assert_taken([server.port, *ports], *flags)
                end_servers_of(str(self.models))

    def test_of_a_server_that_has_ended_are_free(self):
        ports = self.free_ports()
        for flags in (*self.WAYS, *self.WAYS):
            with self.subTest(flags=flags), self.served(*self.flags(ports), *flags) as server:
                self.assertEqual(self.readiness(server.port), 200)
                self.assertEqual(self.readiness(ports[0]), 200)

    def test_of_workers_that_are_replaced_stay_theirs(self):
        ports = self.free_ports()
        server = self.serve(*self.flags(ports), "--workers", "2")
        before = set(children(server.process.pid))
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: set(children(server.process.pid)) - before, "another worker")
        self.assert_taken([server.port, *ports], "--workers", "2")
        wait_until(lambda: self.answers(ports[0]) and self.answers(ports[0] + 1), "each gives its metrics")

    def answers(self, port):
        with contextlib.suppress(OSError):
            return self.readiness(port) == 200
        return False

    def test_that_are_the_same_are_named(self):
        port = self.free_ports()[0]
        for flags, options in ((("--metrics-port", port), ("--metrics-port", "--port")), (("--grpc-port", port), ("--grpc-port", "--port")),
                               (("--metrics-port", port - 1, "--workers", "2"), ("--metrics-port", "--port"))):
            run = self.run_beside("--port", port, *map(str, flags))
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(f"{options[0]} and {options[1]} are both to have port {port}", run.stderr)

    def test_two_that_start_together_do_not_both_get_them(self):
        for _ in range(5):
            ports = self.free_ports()
            command = [faults_test.PROGRAM, "serve", self.models, "--port", "0", "--metrics-port", str(ports[0])]
            with contextlib.ExitStack() as stack:
                both = [stack.enter_context(started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)) for _ in "ab"]
                wait_until(lambda both=both: any(each.poll() == 8 for each in both), "one of them has ended")
                self.assertEqual(sorted(each.poll() is None for each in both), [False, True])


if __name__ == "__main__":
    faults_test.PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
