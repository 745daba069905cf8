"""The runtime library: as small as promised, closed but for its interface, and with the engine's answers to the bit.

usage: library.py SLIPWAY BUILD [unittest arguments]

Builds the program of a user (consumer/) against the installed library.
"""
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LIMIT_BYTES = 1_500_000  # stripped, with the kernels of all instruction sets
ALLOWED_LIBRARIES = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"}
HERE = pathlib.Path(__file__).parent
ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", "absent"))
NOT_FOUND, BROKEN, UNSUPPORTED, INVALID_INPUT = 3, 4, 5, 6
# Float and 8-bit, convolutional and not, of two formats.
MODELS = ["onnx/mnist-8.onnx", "onnx/yunet_120x160.onnx", "onnx/stm_yamnet_256.onnx",
          "tflite/mobilenet_v1_0.25_224_quant_metadata.tflite", "tflite/mlperf_vww_int8.tflite",
          "tflite/mlperf_kws_dscnn_int8.tflite", "tflite/mlperf_ic_resnet8_float.tflite"]
ISAS = ["sse4", "avx2", "avx512"]  # a processor without one of them takes the best that it has


def run(*command, **options):
    return subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False, **options)


def network_of_everyday_layers(path):
    """Convolutions (3x3, 1x1, depthwise, strided), pooling, a residual, a nearest Resize, a softmax, a linear layer."""
    random = np.random.default_rng(1)
    weights = []

    def weight(name, *dims):
        values = random.standard_normal(dims) / np.sqrt(np.prod(dims[1:]))
        weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    node = helper.make_node
    nodes = [
        node("Conv", ["x", weight("w1", 16, 3, 3, 3)], ["a"], pads=[1] * 4, strides=[2, 2]), node("Relu", ["a"], ["b"]),
        node("Conv", ["b", weight("w2", 16, 16, 3, 3)], ["c"], pads=[1] * 4), node("Add", ["c", "b"], ["d"]),
        node("Conv", ["d", weight("w3", 16, 1, 3, 3)], ["e"], pads=[1] * 4, group=16), node("Sigmoid", ["e"], ["f"]),
        node("Mul", ["e", "f"], ["g"]), node("Conv", ["g", weight("w4", 24, 16, 1, 1)], ["h"]),
        node("MaxPool", ["h"], ["i"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Resize", ["i", "", "scales"], ["r"], mode="nearest", coordinate_transformation_mode="asymmetric",
             nearest_mode="floor"),
        node("GlobalAveragePool", ["r"], ["j"]),
        node("Flatten", ["j"], ["k"]), node("MatMul", ["k", weight("w5", 24, 10)], ["l"]),
        node("Softmax", ["l"], ["y"], axis=1),
    ]
    weights.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales"))
    graph = helper.make_graph(nodes, "everyday", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 32, 32])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def network_without_kernels(path):
    node = helper.make_node("Det", ["x"], ["y"], name="area")
    graph = helper.make_graph([node], "det", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 3])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


class RuntimeLibrary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.prefix = cls.folder / "installed"
        installed = run("cmake", "--install", BUILD, "--component", "runtime", "--strip", "--prefix", cls.prefix)
        assert installed.returncode == 0, installed.stderr
        cls.library = next(cls.prefix.rglob("libslipway_runtime.so.*.*.*"))
        build = cls.folder / "consumer"
        for command in (["cmake", "-S", HERE / "consumer", "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={cls.prefix}",
                         "-DCMAKE_BUILD_TYPE=Release"], ["cmake", "--build", build]):
            made = run(*command)
            assert made.returncode == 0, made.stdout + made.stderr
        cls.program = build / "run"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def convert(self, model):
        slip = self.folder / (pathlib.Path(model).stem + ".slip")
        made = run(SLIPWAY, "convert", model, "-o", slip)
        self.assertEqual(made.returncode, 0, made.stderr)
        return slip

    def build(self, model, *flags):
        slip = self.folder / (pathlib.Path(model).stem + "_built.slip")
        made = run(SLIPWAY, "build", model, "-o", slip, "--no-tune", "--threads", 1, *flags)
        self.assertEqual(made.returncode, 0, made.stderr)
        return slip

    def everyday(self):
        path = self.folder / "everyday.onnx"
        network_of_everyday_layers(path)
        return path

    def inputs_of(self, slip):
        """Random inputs of a network, as .npy files and as raw ones."""
        random = np.random.default_rng(7)
        arrays, raw = [], []
        for i, port in enumerate(json.loads(run(SLIPWAY, "inspect", slip, "--json").stdout)["inputs"]):
            dims = [each if isinstance(each, int) else 1 for each in port["shape"]]
            array = random.random(dims, np.float32) if port["dtype"] == "f32" else random.integers(0, 100, dims).astype(
                {"u8": np.uint8, "i8": np.int8, "i32": np.int32, "i64": np.int64}[port["dtype"]])
            arrays.append(self.folder / f"in{i}.npy")
            raw.append(self.folder / f"in{i}.raw")
            np.save(arrays[-1], array)
            array.tofile(raw[-1])
        return arrays, raw

    def assert_same_bits(self, slip, threads=1, precision="f32", isa=None):
        """The engine's outputs and the library's, on random inputs. No note: a tuned section is taken where there is one."""
        environment = {**os.environ, "SLIPWAY_ISA": isa} if isa else None
        arrays, raw = self.inputs_of(slip)
        whole = run(SLIPWAY, "run", slip, *arrays, "--threads", threads, "--precision", precision, "-o",
                    self.folder / "want.npz", env=environment)
        self.assertEqual(whole.returncode, 0, whole.stderr)
        alone = run(self.program, slip, threads, precision, self.folder / "got", *raw, env=environment)
        self.assertEqual(alone.returncode, 0, alone.stderr)
        with np.load(self.folder / "want.npz") as want:
            self.assertEqual(len(want.files), len(alone.stdout.splitlines()), alone.stdout)
            for i, name in enumerate(want.files):
                got = (self.folder / f"got.{i}").read_bytes()
                self.assertEqual(got, want[name].tobytes(), f"{slip.name}, '{name}', {threads} threads, {precision}, {isa}")
                self.assertNotEqual(len(set(got)), 1, "every byte is the same: nothing was computed")

    def assert_refused(self, slip, code, *parts, inputs=(), **options):
        refused = run(self.program, slip, 1, "f32", self.folder / "no", *inputs, **options)
        self.assertEqual(refused.returncode, code, refused.stdout + refused.stderr)
        for part in parts:
            self.assertIn(part, refused.stderr)
        self.assertLessEqual(len(refused.stderr.splitlines()), 2, "one error, one hint")

    def test_it_is_small(self):
        size = self.library.stat().st_size
        print(f"stripped: {size} bytes of {LIMIT_BYTES}", file=sys.stderr)
        self.assertLess(size, LIMIT_BYTES, run("size", "-A", self.library).stdout)

    def test_it_exports_its_interface_alone(self):
        lines = run("nm", "-D", "--defined-only", self.library).stdout.splitlines()
        names = [line.split(" ", 2)[2] for line in lines]
        self.assertIn("slipway_runtime_load", names)
        self.assertEqual([name for name in names if not name.startswith("slipway_runtime_")], [])

    def test_it_has_the_operators_that_cpu_has_kernels_for(self):
        source = HERE.parents[1] / "src"
        listed = re.compile(r"SLIPWAY_OP\((\w+)\)")
        operators = set(listed.findall((source / "ops/ops.inc").read_text()))
        named = set()
        for file in [*source.glob("backends/cpu/*.cc"), *source.glob("backends/cpu/*.inc")]:
            if not file.name.endswith("_test.cc"):
                named |= {a or b for a, b in re.findall(r'"(\w+)"|SLIPWAY_OP\((\w+)\)', file.read_text())} & operators
        self.assertIn("Conv", named)
        self.assertEqual(sorted(named), run(self.program).stdout.split())

    def test_it_needs_the_systems_libraries_alone(self):
        lines = run("readelf", "-d", self.library).stdout.splitlines()
        needed = {line.split("[")[1].rstrip("]") for line in lines if "(NEEDED)" in line}
        self.assertIn("libc.so.6", needed)
        self.assertLessEqual(needed, ALLOWED_LIBRARIES)

    def test_it_is_found_by_pkg_config(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(next(self.prefix.rglob("pkgconfig")))}
        flags = run("pkg-config", "--cflags", "--libs", "slipway-runtime", env=environment)
        self.assertEqual(flags.returncode, 0, flags.stderr)
        program = self.folder / "by_pkg_config"
        made = run("cc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", HERE / "consumer/run.c", "-o", program,
                   *flags.stdout.split())
        self.assertEqual(made.returncode, 0, made.stderr)
        listed = run(program, env={**os.environ, "LD_LIBRARY_PATH": str(self.library.parent)})
        self.assertIn("Conv\n", listed.stdout)

    def test_answers_are_the_engines(self):
        slip = self.convert(self.everyday())
        for threads in (1, 2):
            self.assert_same_bits(slip, threads)
        for isa in ISAS:
            with self.subTest(isa):
                self.assert_same_bits(slip, 1, isa=isa)
        self.assert_same_bits(self.build(slip))

    def test_answers_in_bf16_are_the_engines(self):
        slip = self.convert(self.everyday())
        if run(SLIPWAY, "run", slip, "--precision", "bf16").returncode == UNSUPPORTED:
            self.skipTest("this processor has no bf16")
        self.assert_same_bits(self.build(slip, "--precision", "bf16"), precision="bf16")

    def test_answers_of_known_models_are_the_engines(self):
        models = [ASSETS / model for model in MODELS if (ASSETS / model).exists()]
        if not models:
            self.skipTest("no models")
        for model in models:
            with self.subTest(model.name):
                slip = self.build(model)
                for isa in (None, "avx2", "sse4") if "int8" in model.name else (None,):
                    self.assert_same_bits(slip if isa is None else self.convert(model), isa=isa)

    def test_an_operator_that_it_lacks_is_named(self):
        network_without_kernels(self.folder / "det.onnx")
        self.assert_refused(self.convert(self.folder / "det.onnx"), UNSUPPORTED, "det.slip", "node 'area'", "'Det'",
                            "SLIPWAY_RUNTIME_OPERATORS")

    def test_a_truncated_file_is_refused(self):
        slip = self.convert(self.everyday())
        broken = self.folder / "broken.slip"
        for left in (-100, 100, 5):
            broken.write_bytes(slip.read_bytes()[:left])
            self.assert_refused(broken, BROKEN, "broken.slip")
        self.assert_refused(self.folder / "absent.slip", NOT_FOUND, "absent.slip")

    def test_a_tensor_of_the_wrong_size_is_refused(self):
        slip = self.convert(self.everyday())
        short = self.folder / "short.raw"
        short.write_bytes(b"1234")
        self.assert_refused(slip, INVALID_INPUT, "input 0 has 4 bytes", inputs=[short])
        self.assert_refused(slip, INVALID_INPUT, "1 input", inputs=[])

    def test_too_little_memory_is_an_error(self):
        """Room for the file and the process, none for the activations of so large an image."""
        path = self.folder / "large.onnx"
        ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 64, 1024, 1024]) for name in ("x", "y")]
        graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["a"]), helper.make_node("Relu", ["a"], ["y"])],
                                  "large", ports[:1], ports[1:])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
        image = self.folder / "image.raw"
        image.write_bytes(bytes(4 * 64 * 1024 * 1024))
        limit = 700 << 20
        self.assert_refused(self.convert(path), INVALID_INPUT, "activations of 268435520 bytes", inputs=[image],
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))


if __name__ == "__main__":
    SLIPWAY, BUILD = (str(pathlib.Path(sys.argv.pop(1)).resolve()) for _ in range(2))
    unittest.main("__main__")
