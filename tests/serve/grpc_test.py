"""The Open Inference Protocol over gRPC, by an unmodified tritonclient, and what only gRPC has: streams, deadlines,
cancellation, health, and messages that are hostile.

usage: grpc_test.py SLIPWAY [unittest arguments]
"""
import json
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import grpc
import numpy as np
import tritonclient.grpc as triton
from onnx import TensorProto, helper, numpy_helper
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

import served
from processes import gets_to_work, processor_seconds
from served import until

PROGRAM = ""


def tensor(array, datatype=None, name="x"):
    given = triton.InferInput(name, list(array.shape), datatype or np_to_triton_dtype(array.dtype))
    given.set_data_from_numpy(array)
    return given


def slow(size=768, layers=600):
    """x: [N, size] f32, through products that take a while."""
    weight = numpy_helper.from_array(np.eye(size, dtype=np.float32), "w")
    names = ["x", *(f"t{i}" for i in range(layers - 1)), "y"]
    nodes = [helper.make_node("MatMul", [names[i], "w"], [names[i + 1]]) for i in range(layers)]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size])
    graph = helper.make_graph(nodes, "slow", [value("x")], [value("y")], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class GrpcServed(served.Served):
    """with GrpcServed(program, [paths], flags...) as server: server.address"""

    def __init__(self, program, models, *flags):
        super().__init__(program, models, "--grpc-port", "0", *flags)

    def __enter__(self):
        super().__enter__()
        self.address = self.grpc_address()
        return self


class Case(unittest.TestCase):
    FLAGS = ("--threads", "2")

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.fill()

    @classmethod
    def fill(cls):
        served.save(served.affine(2), cls.folder / "affine/1/model.onnx")

    def serve(self, *flags):
        server = self.enterContext(GrpcServed(PROGRAM, [self.folder], *self.FLAGS, *flags))
        self.client = self.enterContext(triton.InferenceServerClient(server.address))
        # Answers may be larger than what a client takes unasked.
        channel = self.enterContext(grpc.insecure_channel(server.address, [("grpc.max_receive_message_length", -1)]))
        self.channel, self.stub = channel, service_pb2_grpc.GRPCInferenceServiceStub(channel)
        return server

    def assertRefused(self, code, words, call, *arguments, **named):
        with self.assertRaises((InferenceServerException, grpc.RpcError)) as caught:
            call(*arguments, **named)
        error = caught.exception
        is_raw = isinstance(error, grpc.RpcError)
        self.assertEqual(str(error.code()) if is_raw else error.status(), f"StatusCode.{code}")
        for word in words:
            self.assertIn(word, error.details() if is_raw else error.message())


def request(model="affine", values=(1, 2, 3), **named):
    array = np.array([values], np.float32)
    message = service_pb2.ModelInferRequest(model_name=model, raw_input_contents=[array.tobytes()], **named)
    message.inputs.add(name="x", datatype="FP32", shape=array.shape)
    return message


class Inference(Case):
    """One server with small models; each test asks it something."""

    @classmethod
    def fill(cls):
        served.save(served.affine(2), cls.folder / "affine/1/model.onnx")
        served.save(served.affine(3), cls.folder / "affine/2/model.onnx")
        (cls.folder / "affine/config.pbtxt").write_text("max_batch_size: 4\nversion_policy { all { } }\n")
        for name, dtype in (("BYTES", TensorProto.STRING), ("FP16", TensorProto.FLOAT16), ("BOOL", TensorProto.BOOL),
                            ("INT64", TensorProto.INT64), ("INT8", TensorProto.INT8), ("UINT16", TensorProto.UINT16)):
            served.save(served.identity(dtype), cls.folder / name / "1/model.onnx")
        served.save(served.identity(TensorProto.UINT16), cls.folder / "counted/1/model.onnx")
        served.save(served.affine(2), cls.folder / "labelled/1/model.onnx")
        (cls.folder / "labelled/config.pbtxt").write_text('output { name: "y" label_filename: "labels.txt" }')
        (cls.folder / "labelled/labels.txt").write_text("cat\ndog\n")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = cls.enterClassContext(GrpcServed(PROGRAM, [cls.folder], *cls.FLAGS, "--max-body-mb", "8"))
        cls.server = server
        cls.client = triton.InferenceServerClient(server.address)
        cls.stub = service_pb2_grpc.GRPCInferenceServiceStub(cls.enterClassContext(grpc.insecure_channel(server.address)))

    def test_health_metadata_configuration_index(self):
        self.assertTrue(self.client.is_server_live() and self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready("affine", "2"))
        self.assertFalse(self.client.is_model_ready("affine", "7"))
        self.assertEqual(self.client.get_server_metadata().name, "slipway")
        metadata = self.client.get_model_metadata("affine")
        self.assertEqual(list(metadata.versions), ["1", "2"])
        self.assertEqual((metadata.inputs[0].datatype, list(metadata.inputs[0].shape)), ("FP32", [-1, 3]))
        config = self.client.get_model_config("affine").config
        self.assertEqual(config.max_batch_size, 4)
        self.assertEqual(config.input[0].data_type, model_config_pb2.TYPE_FP32)
        self.assertEqual(config.version_policy.WhichOneof("policy_choice"), "all")
        index = self.client.get_model_repository_index().models
        self.assertIn(("affine", "2", "READY"), [(each.name, each.version, each.state) for each in index])

    def test_says_the_same_as_http(self):
        for path, got in (("", self.client.get_model_metadata("affine", as_json=True)),
                          ("/config", self.client.get_model_config("affine", as_json=True)["config"])):
            with urllib.request.urlopen(f"http://{self.server.url}/v2/models/affine{path}") as answer:
                said = json.load(answer)
            for key in ("name", "platform"):
                self.assertEqual(said[key], got.get(key, ""))

    def test_statistics_count(self):
        statistics = lambda: self.client.get_inference_statistics("counted").model_stats[0].inference_stats
        self.assertEqual(statistics().success.count, 0)
        self.client.infer("counted", [tensor(np.ones((1, 2), np.uint16))])
        after = until(statistics, lambda now: now.success.count == 1)  # counted when it is answered
        self.assertEqual(after.success.count, 1)
        self.assertGreater(after.compute_infer.ns, 0)
        self.assertGreater(len(self.client.get_inference_statistics().model_stats), 5)

    def test_tensors_of_every_kind(self):
        arrays = {"BYTES": np.array([[b"a", b"\xff\x00long, longer, longest"]], object), "FP16": np.array([[1.5, -2]], np.float16),
                  "BOOL": np.array([[True, False]]), "INT64": np.array([[1 << 60, -1]]), "INT8": np.array([[-128, 127]], np.int8),
                  "UINT16": np.zeros((0, 2), np.uint16)}
        for name, array in arrays.items():
            with self.subTest(name):
                got = self.client.infer(name, [tensor(array, name)], request_id="7")
                np.testing.assert_array_equal(got.as_numpy("y"), array)
                self.assertEqual(got.get_response().id, "7")

    def test_elements_in_fields(self):
        fields = {"BYTES": ("bytes_contents", [b"a", b""]), "BOOL": ("bool_contents", [True, False]),
                  "INT64": ("int64_contents", [1, -1 << 60]), "INT8": ("int_contents", [-128, 127]),
                  "UINT16": ("uint_contents", [0, 65535])}
        for name, (field, values) in fields.items():
            with self.subTest(name):
                message = service_pb2.ModelInferRequest(model_name=name)
                contents = message.inputs.add(name="x", datatype=name, shape=[1, 2]).contents
                getattr(contents, field).extend(values)
                got = triton.InferResult(self.stub.ModelInfer(message)).as_numpy("y")
                self.assertEqual(got.tolist(), [values])

    def test_versions_and_outputs(self):
        x = [tensor(np.array([[1, 2, 3]], np.float32))]
        self.assertEqual(self.client.infer("affine", x).as_numpy("y").tolist(), [[4, 7, 10]])
        self.assertEqual(self.client.infer("affine", x, model_version="1").as_numpy("y").tolist(), [[3, 5, 7]])
        best = self.client.infer("affine", x, outputs=[triton.InferRequestedOutput("y", class_count=2)]).as_numpy("y")
        self.assertEqual(best.tolist(), [[b"10:2", b"7:1"]])
        best = self.client.infer("labelled", x, outputs=[triton.InferRequestedOutput("y", class_count=3)]).as_numpy("y")
        self.assertEqual(best.tolist(), [[b"7:2", b"5:1:dog", b"3:0:cat"]])

    def test_wrong_requests_say_why(self):
        good = request()
        cases = {"NOT_FOUND": [(dict(model_name="none"), "unknown model 'none'"), (dict(model_version="9"), "version 9")],
                 "INVALID_ARGUMENT": [(dict(raw_input_contents=[b"", b""]), "2 entries for 1 inputs"),
                                      (dict(raw_input_contents=[b"123"]), "takes 12 bytes, binary data has 3"),
                                      (dict(outputs=[{"name": "z"}]), "no output 'z'"),
                                      (dict(parameters={"priority": {"string_param": "a"}}), "priority")],
                 "UNIMPLEMENTED": [(dict(parameters={"sequence_id": {"int64_param": 5}}), "sequences")]}
        for code, each in cases.items():
            for change, word in each:
                with self.subTest(word):
                    bad = service_pb2.ModelInferRequest()
                    bad.CopyFrom(good)
                    for field in change:
                        bad.ClearField(field)
                    bad.MergeFrom(service_pb2.ModelInferRequest(**change))
                    self.assertRefused(code, [word], self.stub.ModelInfer, bad)
        self.assertRefused("UNIMPLEMENTED", [], self.client.get_system_shared_memory_status)
        self.assertRefused("INVALID_ARGUMENT", ["the batch is 5"], self.client.infer, "affine",
                           [tensor(np.zeros((5, 3), np.float32))])
        self.assertRefused("NOT_FOUND", ["none"], self.client.get_model_metadata, "none")
        self.assertRefused("INVALID_ARGUMENT", ["is no number"], self.client.get_model_metadata, "affine", "x")

    def test_elements_in_the_wrong_place_are_refused(self):
        message = request()
        message.inputs[0].contents.fp32_contents.extend([1, 2, 3])
        self.assertRefused("INVALID_ARGUMENT", ["beside raw_input_contents"], self.stub.ModelInfer, message)
        message.ClearField("raw_input_contents")
        message.inputs[0].contents.int_contents.append(1)
        self.assertRefused("INVALID_ARGUMENT", ["not for FP32"], self.stub.ModelInfer, message)
        message = service_pb2.ModelInferRequest(model_name="INT8")
        message.inputs.add(name="x", datatype="INT8", shape=[1, 2]).contents.int_contents.extend([1, 300])
        self.assertRefused("INVALID_ARGUMENT", ["element 1 is 300"], self.stub.ModelInfer, message)

    def test_many_at_once(self):
        done = queue.Queue()
        for i in range(50):
            self.client.async_infer("affine", [tensor(np.full((1, 3), i, np.float32))], lambda result, error: done.put((result, error)),
                                    request_id=str(i))
        for _ in range(50):
            result, error = done.get(timeout=20)
            self.assertIsNone(error)
            self.assertEqual(result.as_numpy("y")[0, 0], 3 * int(result.get_response().id) + 1)

    def test_large_packed_and_hostile_messages(self):
        self.assertRefused("RESOURCE_EXHAUSTED", [], self.client.infer, "affine", [tensor(np.zeros((1 << 20, 3), np.float32))])
        self.assertRefused("UNIMPLEMENTED", [], self.client.infer, "affine", [tensor(np.zeros((1, 3), np.float32))],
                           compression_algorithm="gzip")
        raw = self.enterContext(grpc.insecure_channel(self.server.address)).unary_unary("/inference.GRPCInferenceService/ModelInfer")
        before = self.resident_mb()
        for part in (b"\x2a\x00", b"\x3a\x00"):  # empty inputs, empty raw contents
            self.assertRefused("INVALID_ARGUMENT", ["too many parts"], raw, part * (3 << 20))
        self.assertLess(self.resident_mb() - before, 100)
        for junk in (b"\x07", b"\x0b\x0c", b"\x2a\xff\xff\xff\xff\x0f", bytes(100)):
            self.assertRefused("INVALID_ARGUMENT", [], raw, junk)
        self.assertTrue(self.client.is_server_live())

    def resident_mb(self):
        text = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024

    def test_streams_answer_in_order_and_go_on_after_an_error(self):
        done = queue.Queue()
        self.client.start_stream(lambda result, error: done.put((result, error)))
        for i in range(200):
            self.client.async_stream_infer("none" if i == 100 else "affine", [tensor(np.full((1, 3), i, np.float32))], request_id=str(i),
                                           enable_empty_final_response=i == 199)
        for i in range(200):
            result, error = done.get(timeout=20)
            if i == 100:
                self.assertIn("unknown model 'none'", error.message())
                continue
            self.assertIsNone(error)
            self.assertEqual(result.get_response().id, str(i))
            self.assertEqual(result.as_numpy("y")[0, 0], 3 * i + 1)
        self.assertTrue(result.get_response().parameters["triton_final_response"].bool_param)
        self.client.stop_stream()


class Waiting(Case):
    """A model that takes its time: of a processor, and so at least that on a busy machine."""

    FLAGS = ("--threads", "1")

    @classmethod
    def fill(cls):
        served.save(slow(), cls.folder / "slow/1/model.onnx")
        (cls.folder / "slow/config.pbtxt").write_text("max_batch_size: 0\n")

    def send(self, rows=64, **named):
        x = np.ones((rows, 768), np.float32)
        message = service_pb2.ModelInferRequest(model_name="slow", raw_input_contents=[x.tobytes()])
        message.inputs.add(name="x", datatype="FP32", shape=x.shape)
        return self.stub.ModelInfer.future(message, **named)

    def send_long(self, server, seconds):
        """A request that takes so long, and has the only worker when this returns."""
        pid, measured = server.process.pid, 128
        before = processor_seconds(pid)
        self.assertEqual(self.send(measured).code(), grpc.StatusCode.OK)
        rows = int(measured * seconds / (processor_seconds(pid) - before))
        self.assertEqual(until(lambda: self.tally("success"), lambda n: n == 1), 1)  # counted when it is answered
        with gets_to_work(pid):
            sent = self.send(rows)
        return sent

    def tally(self, kind):
        return getattr(self.client.get_inference_statistics("slow").model_stats[0].inference_stats, kind).count

    def waiting(self):
        with urllib.request.urlopen(f"http://{self.server.url}/v2/models/slow/explain") as answer:
            return json.load(answer)["waiting"]

    def test_what_nobody_waits_for_is_not_computed(self):
        self.server = self.serve()
        first = self.send_long(self.server, seconds=5)
        cancelled, late = self.send(), self.send(timeout=2.5)
        self.assertEqual(until(self.waiting, lambda n: n == 2), 2)
        cancelled.cancel()
        self.assertEqual(late.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertEqual(first.code(), grpc.StatusCode.OK)
        self.assertEqual(until(lambda: self.tally("fail"), lambda n: n == 2), 2)
        self.assertEqual(self.tally("success"), 2)

    def test_the_time_of_a_request_without_a_deadline_is_the_servers(self):
        first = self.send_long(self.serve("--request-timeout", "1"), seconds=2.5)
        late = self.send()
        self.assertEqual((late.code(), first.code()), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.OK))
        self.assertIn("the request's time is over", late.details())

    def test_a_stream_that_is_left_goes_from_the_queue(self):
        self.server = self.serve()
        first = self.send_long(self.server, seconds=3)
        x = np.ones((1, 768), np.float32)
        message = service_pb2.ModelInferRequest(model_name="slow", raw_input_contents=[x.tobytes()])
        message.inputs.add(name="x", datatype="FP32", shape=x.shape)
        stream = self.stub.ModelStreamInfer(iter([message] * 10))
        self.assertEqual(until(self.waiting, lambda n: n == 10), 10)
        stream.cancel()
        self.assertEqual(first.code(), grpc.StatusCode.OK)
        self.assertEqual(until(lambda: self.tally("fail"), lambda n: n == 10), 10)
        self.assertEqual(self.tally("success"), 2)

    def test_too_much_to_do(self):
        first = self.send_long(self.serve("--max-waiting", "2"), seconds=1.5)
        codes = [each.code() for each in [self.send() for _ in range(12)]]
        self.assertEqual((codes.count(grpc.StatusCode.OK), codes.count(grpc.StatusCode.UNAVAILABLE)), (2, 10))
        self.assertEqual(first.code(), grpc.StatusCode.OK)

    def test_sigterm_answers_what_was_asked_and_ends_streams(self):
        server = self.serve("--drain", "120")
        never = queue.Queue()
        stream = self.stub.ModelStreamInfer(iter(never.get, None))
        self.assertEqual(self.health(), b"\x08\x01")
        asked = self.send_long(server, seconds=1.5)
        server.process.send_signal(signal.SIGTERM)
        with self.assertRaises(grpc.RpcError) as caught:
            next(stream)
        never.put(None)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(caught.exception.details(), "the server is stopping")
        self.assertEqual(asked.code(), grpc.StatusCode.OK)
        self.assertEqual(server.process.wait(150), 0)

    def test_notice_is_told_to_health(self):
        server = self.serve("--notice", "120")
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(until(self.health, lambda said: said == b"\x08\x02"), b"\x08\x02")
        self.assertFalse(self.client.is_server_ready())
        self.assertEqual(self.send(rows=1).code(), grpc.StatusCode.OK)
        server.process.send_signal(signal.SIGQUIT)  # it has given notice enough
        self.assertEqual(server.process.wait(60), 0)

    def health(self):
        return self.channel.unary_unary("/grpc.health.v1.Health/Check")(b"\x0a\x1einference.GRPCInferenceService")


class LogAndTrace(Case):
    """Calls are there as HTTP's requests are, by their own ids."""

    PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    def traced(self, server):
        """The ids of the requests in the trace, in no order."""
        events = json.loads(server.get("/debug/trace"))["traceEvents"]
        return sorted(event["args"]["id"] for event in events if event["ph"] == "b" and "outcome" in event.get("args", {}))

    def test_ids_are_the_messages_or_the_metadatas_or_new_ones(self):
        log = self.folder / "calls.log"
        server = self.serve("--trace", "--log", "json", "--log-file", str(log))
        metadata = (("x-request-id", "of-metadata"), ("traceparent", self.PARENT))
        self.stub.ModelInfer(request(id="of-message"), metadata=metadata)
        self.stub.ModelInfer(request(), metadata=metadata)
        self.stub.ModelInfer(request(id="no id: it has spaces"))
        list(self.stub.ModelStreamInfer(iter([request(id="first"), request(id="second"), request()]), metadata=metadata))
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        names = [line["request_id"] for line in lines]
        made = names[2]
        self.assertRegex(made, "^[0-9a-f]{16}$")
        self.assertEqual(sorted(names), sorted(["of-message", "of-metadata", made, "first", "second", "of-metadata"]))
        self.assertEqual({(line["method"], line["target"], line["status"]) for line in lines}, {("POST", "/v2/models/affine/infer", 200)})
        trace, parent = self.PARENT.split("-")[1:3]
        self.assertEqual([(line.get("trace_id"), line.get("parent_id")) for line in lines],
                         [*[(trace, parent)] * 2, (None, None), *[(trace, parent)] * 3])
        # A request is over a moment after its answer.
        self.assertEqual(until(lambda: self.traced(server), lambda ids: len(ids) == 6), sorted(names))

    def test_calls_that_http_answers_are_logged(self):
        log = self.folder / "control.log"
        self.serve("--log", "json", "--log-file", str(log))
        self.client.get_model_metadata("affine", headers={"x-request-id": "asked"})
        line = json.loads(log.read_text())
        self.assertEqual((line["request_id"], line["status"]), ("asked", 200))


class Control(Case):
    def test_load_and_unload(self):
        self.serve()
        self.client.unload_model("affine")
        self.assertFalse(self.client.is_model_ready("affine"))
        self.client.load_model("affine", config=json.dumps({"max_batch_size": 2}))
        self.assertEqual(self.client.get_model_config("affine").config.max_batch_size, 2)
        self.assertRefused("NOT_FOUND", ["no model 'other'"], self.client.load_model, "other")
        self.assertRefused("UNIMPLEMENTED", ["file:1/model.onnx"], self.client.load_model, "affine", config="{}",
                           files={"file:1/model.onnx": b"bytes"})

    def test_a_key_is_needed_for_all_but_health(self):
        served.save(served.affine(2), self.folder / "spare/1/model.onnx")
        self.addCleanup(shutil.rmtree, self.folder / "spare")
        self.serve("--api-key", "secret", "--allow-model", "spare")
        self.assertTrue(self.client.is_server_live() and self.client.is_server_ready())
        x = [tensor(np.zeros((1, 3), np.float32))]
        for call in ((self.client.infer, "affine", x), (self.client.get_model_metadata, "affine"), (self.client.is_model_ready, "affine"),
                     (self.client.load_model, "affine")):
            self.assertRefused("UNAUTHENTICATED", ["a key is needed"], *call)
        self.assertRefused("UNAUTHENTICATED", [], self.client.infer, "affine", x, headers={"x-api-key": "wrong"})
        for headers in ({"x-api-key": "secret"}, {"authorization": "Bearer secret"}):
            self.assertEqual(self.client.get_server_metadata(headers=headers).name, "slipway")
            self.assertRefused("PERMISSION_DENIED", [], self.client.infer, "affine", x, headers=headers)

    def test_tls(self):
        if shutil.which("openssl") is None:
            self.skipTest("openssl is not installed")
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        server = self.enterContext(GrpcServed(PROGRAM, [self.folder / "affine/1/model.onnx"], "--tls-cert", str(certificate),
                                              "--tls-key", str(key)))
        address = server.address.replace("127.0.0.1", "localhost")
        with triton.InferenceServerClient(address, ssl=True, root_certificates=str(certificate)) as client:
            self.assertTrue(client.is_server_ready())
        with triton.InferenceServerClient(server.address) as client:
            self.assertRefused("UNAVAILABLE", [], client.is_server_ready)


class Build(unittest.TestCase):
    def test_without_the_module_grpc_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            alone = shutil.copy(PROGRAM, folder)
            run = subprocess.run([alone, "serve", folder, "--watch", "1", "--port", "0", "--grpc-port", "0"], capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 5, run.stderr)
        self.assertIn("slipway_grpc.so", run.stderr)

    def test_an_address_of_another_machine_is_one_clear_error(self):
        with tempfile.TemporaryDirectory() as folder:
            model = served.save(served.affine(2), pathlib.Path(folder) / "m.onnx")
            run = subprocess.run([PROGRAM, "serve", model, "--port", "0", "--grpc-port", "8001", "--address", "203.0.113.1"],
                                 capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 8, run.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    if not (pathlib.Path(PROGRAM).resolve().parent / "slipway_grpc.so").exists():
        print("skipped: this build has no gRPC module (SLIPWAY_GRPC)")
        sys.exit(77)
    unittest.main()
