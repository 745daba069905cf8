"""Our messages against those of tritonclient: the same bytes mean the same.

usage: grpc_messages_test.py [unittest arguments]
"""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from google.protobuf import descriptor_pb2
from tritonclient.grpc import model_config_pb2, service_pb2

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src"


def ours():
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["protoc", "-I", SOURCES, "--include_imports", f"--descriptor_set_out={file.name}", "server/grpc/inference.proto"],
                       check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(file.read()).file


def theirs():
    """Messages, enums and services by name."""
    named = {}
    for module in (service_pb2, model_config_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        named.update({each.name: each for each in [*file.message_type, *file.enum_type, *file.service]})
    return named


@unittest.skipIf(shutil.which("protoc") is None, "protoc is not installed")
class Messages(unittest.TestCase):
    def test_fields_have_the_same_numbers_types_and_labels(self):
        known = theirs()
        for file in ours():
            self.assertEqual(file.package, "inference")
            for message in file.message_type:
                self.compare(message, known[message.name])
            for enum in file.enum_type:
                self.assertEqual(enum, known[enum.name])

    def compare(self, mine, other):
        known = {field.name: field for field in other.field}
        kinds = ("number", "type", "label", "type_name")
        for field in mine.field:
            for kind in kinds:
                self.assertEqual(getattr(field, kind), getattr(known[field.name], kind), f"{mine.name}.{field.name}: {kind}")
            self.assertEqual(field.HasField("oneof_index"), known[field.name].HasField("oneof_index"), f"{mine.name}.{field.name}")
        nested = {each.name: each for each in [*other.nested_type, *other.enum_type]}
        for message in mine.nested_type:
            self.compare(message, nested[message.name])
        for enum in mine.enum_type:
            self.assertEqual(enum, nested[enum.name])

    def test_what_inference_needs_is_whole(self):
        """Fields that we did not know would be passed over in silence."""
        known = theirs()
        mine = {message.name: message for file in ours() for message in file.message_type}
        for name in ("ModelInferRequest", "ModelInferResponse", "InferTensorContents", "InferParameter", "ModelStatistics",
                     "RepositoryModelLoadRequest", "ModelRepositoryParameter"):
            self.assertEqual({field.name for field in mine[name].field}, {field.name for field in known[name].field}, name)

    def test_calls_are_the_same_but_for_those_left_out(self):
        (service,) = [service for file in ours() for service in file.service]
        known = {method.name: method for method in theirs()[service.name].method}
        for method in service.method:
            got = known.pop(method.name)
            self.assertEqual((method.input_type, method.output_type, method.client_streaming, method.server_streaming),
                             (got.input_type, got.output_type, got.client_streaming, got.server_streaming))
        for left_out in known:
            self.assertRegex(left_out, "SharedMemory|TraceSetting|LogSettings")


if __name__ == "__main__":
    unittest.main()
