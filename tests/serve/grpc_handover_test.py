"""gRPC while servers and workers are replaced under load, die and end: every call is counted.

usage: grpc_handover_test.py SLIPWAY [unittest arguments]
"""
import os
import pathlib
import signal
import sys
import unittest

import faults_test
from grpc_load import RETRIES, GrpcLoad
from processes import children, end_servers_of, is_alive, servers_of
from served import wait_until


class Handover(faults_test.Faults):
    def serve_grpc(self, *flags):
        server = self.serve("--grpc-port", "0", *flags)
        self.addCleanup(end_servers_of, str(self.models))
        return server, server.grpc_address()

    def assert_unharmed(self, load, answers=100):
        self.assertFalse(load.wrong or load.failed, str(load))
        self.assertGreaterEqual(load.answered, answers, str(load))

    def assert_survives_successors(self, *flags):
        server, address = self.serve_grpc(*flags)
        pid = server.process.pid
        with GrpcLoad(address, "affine", 2) as load:
            load.wait_for(1000)
            for _ in range(2):
                os.kill(pid, signal.SIGUSR2)
                wait_until(lambda: not is_alive(pid), "the old one has ended")
                pid = min(servers_of(str(self.models)))  # of a supervisor and its workers
                load.wait_for(1000)
        self.assert_unharmed(load)

    def test_successors_take_over_from_one_process(self):
        self.assert_survives_successors()

    def test_successors_take_over_from_workers(self):
        self.assert_survives_successors("--workers", "2")

    def test_workers_that_have_had_enough_are_replaced(self):
        server, address = self.serve_grpc("--workers", "2", "--max-requests", "1000")
        before = set(children(server.process.pid))
        with GrpcLoad(address, "affine", 2) as load:
            wait_until(lambda: not before & set(children(server.process.pid)), "both are replaced, for gRPC's calls count", 120)
            load.wait_for(500)
        self.assert_unharmed(load)

    def test_one_more_and_one_less(self):
        server, address = self.serve_grpc("--workers", "2")
        with GrpcLoad(address, "affine", 2) as load:
            for signal_number, count in ((signal.SIGTTIN, 3), (signal.SIGTTOU, 2)):
                server.process.send_signal(signal_number)
                wait_until(lambda: len(children(server.process.pid)) == count, f"{count} workers")
                load.wait_for(500)
        self.assert_unharmed(load)

    def test_clients_that_know_another_server_lose_nothing_when_one_ends(self):
        (one, first), (_, second) = self.serve_grpc(), self.serve_grpc()
        with GrpcLoad(f"ipv4:{first},{second}", "affine", 2) as load:
            load.wait_for(1000)
            one.process.send_signal(signal.SIGTERM)
            self.assertEqual(one.process.wait(90), 0)
            load.wait_for(1000)
        self.assert_unharmed(load)

    def kill_workers(self, service_config):
        """What became of calls of such clients while workers died."""
        server, address = self.serve_grpc("--workers", "2")
        with GrpcLoad(address, "affine", 2, service_config=service_config) as load:
            load.wait_for(1000)
            for _ in range(3):
                before = set(children(server.process.pid))
                os.kill(min(before), signal.SIGKILL)
                wait_until(lambda: len(set(children(server.process.pid)) - before) == 1, "another worker")
                load.wait_for(500)
        return load

    def test_a_killed_worker_costs_clients_that_try_again_nothing(self):
        self.assert_unharmed(self.kill_workers(RETRIES))

    def test_a_killed_worker_is_unavailable_to_others(self):
        load = self.kill_workers(None)
        self.assertFalse(load.wrong, str(load))
        self.assertTrue(all(failure.startswith("StatusCode.UNAVAILABLE") for failure in load.failed), str(load))


if __name__ == "__main__":
    faults_test.PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    if not (pathlib.Path(faults_test.PROGRAM).parent / "slipway_grpc.so").exists():
        print("skipped: this build has no gRPC module (SLIPWAY_GRPC)")
        sys.exit(77)
    unittest.main()
