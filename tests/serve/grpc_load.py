"""Clients that call over gRPC without pause and count every call: answered, wrong, failed."""
import json
import random
import threading
import time

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

# docs/serve_grpc.md has it, too.
RETRIES = {"methodConfig": [{"name": [{"service": "inference.GRPCInferenceService"}],
                             "retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.05s", "maxBackoff": "1s", "backoffMultiplier": 2,
                                             "retryableStatusCodes": ["UNAVAILABLE"]}}]}


class GrpcLoad:
    """with GrpcLoad(address, "model", scale) as load: ...; load.stop() ends it, as does leaving.

    The model gives y = scale * x + 1. One thread a client, each with a connection that it keeps. `service_config`: of the
    clients.
    """

    def __init__(self, address, model, scale, clients=8, service_config=None):
        # Channels of one process share connections, unless they are told not to.
        self.options = [("grpc.use_local_subchannel_pool", 1)]
        if service_config is not None:
            self.options.append(("grpc.service_config", json.dumps(service_config)))
        self.address, self.model, self.scale = address, model, scale
        self.answered, self.wrong, self.failed = 0, [], []
        self.slowest = 0
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

    def wait_for(self, answers, seconds=60):
        """Until so many more have come."""
        until, wanted = time.monotonic() + seconds, self.answered + answers
        while self.answered < wanted:
            assert time.monotonic() < until, f"{self.answered} answers of {wanted} within {seconds} s: {self}"
            time.sleep(0.005)

    def __str__(self):
        return (f"{self.answered} answered, {len(self.wrong)} wrong {self.wrong[:2]}, {len(self.failed)} failed {self.failed[:4]}, "
                f"the slowest took {self.slowest:.3f} s")

    def _run(self, seed):
        draw = random.Random(seed)
        with grpc.insecure_channel(self.address, self.options) as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            while not self._stop.is_set():
                self._ask(stub, np.float32([[draw.randrange(-1000, 1000) for _ in range(3)]]))

    def _ask(self, stub, values):
        message = service_pb2.ModelInferRequest(model_name=self.model, raw_input_contents=[values.tobytes()])
        message.inputs.add(name="x", datatype="FP32", shape=values.shape)
        start = time.monotonic()
        try:
            got = np.frombuffer(stub.ModelInfer(message, timeout=60).raw_output_contents[0], np.float32)
        except grpc.RpcError as error:
            with self._lock:
                self.failed.append(f"{error.code()}: {error.details()}")
            time.sleep(0.01)
            return
        with self._lock:
            if got.tolist() != (self.scale * values[0] + 1).tolist():
                self.wrong.append(f"{values} gave {got}")
            self.answered += 1
            self.slowest = max(self.slowest, time.monotonic() - start)
