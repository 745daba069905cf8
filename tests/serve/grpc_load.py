"""Clients that call over gRPC without pause and count every call: answered, wrong, failed."""
import json
import random
import time

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from load import Clients

# docs/serve_grpc.md has it, too.
RETRIES = {"methodConfig": [{"name": [{"service": "inference.GRPCInferenceService"}],
                             "retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.05s", "maxBackoff": "1s", "backoffMultiplier": 2,
                                             "retryableStatusCodes": ["UNAVAILABLE"]}}]}


class GrpcLoad(Clients):
    """Each over a connection that it keeps. The model gives y = scale * x + 1. `service_config`: of the clients."""

    def __init__(self, address, model, scale, clients=8, service_config=None):
        super().__init__(clients)
        # Channels of one process share connections, unless they are told not to.
        self.options = [("grpc.use_local_subchannel_pool", 1)]
        if service_config is not None:
            self.options.append(("grpc.service_config", json.dumps(service_config)))
        self.address, self.model, self.scale = address, model, scale
        self.wrong, self.failed = [], []
        self.slowest = 0

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
