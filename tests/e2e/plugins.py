"""Plugins end to end: the template of examples/plugin built as a user builds it, then run, converted, given and left out.

usage: plugins.py SLIPWAY [unittest arguments]; see common.py for the variables.
"""
import os
import pathlib
import shutil
import subprocess
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper

from common import BROKEN, EndToEnd, NOT_FOUND, UNSUPPORTED, USAGE, main, slipway

SOURCE = pathlib.Path(__file__).resolve().parents[2]
GAINS = [1.0, 2.0, 0.5]


def build(folder, version=1, compiler=None):
    """The template's library, of another version where asked; built against the include folder alone."""
    project = folder / "plugin"
    shutil.copytree(SOURCE / "examples" / "plugin", project)
    header = project / "hard_swish_scaled.h"
    header.write_text(header.read_text().replace("description.version = 1;", f"description.version = {version};"))
    environment = {**os.environ, **({"CXX": compiler} if compiler else {})}
    for command in [["cmake", "-S", project, "-B", folder / "build", f"-DSLIPWAY_INCLUDE_DIR={SOURCE / 'include'}",
                     "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror"],
                    ["cmake", "--build", folder / "build"]]:
        run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert run.returncode == 0, run.stdout + run.stderr
    return folder / "build" / "libhard_swish_scaled.so"


def hard_swish_scaled(x, alpha, gains, power):
    factors = alpha * np.power(np.array(gains, np.float32), power)
    return factors.reshape(1, -1, 1, 1) * x * np.clip(x / 6 + 0.5, 0, 1)


def model(domain="com.acme", declared=True, functions=(), **attributes):
    """Relu(HardSwishScaled(x)) as ONNX, x f32[N,3,4,4]."""
    attributes = {"alpha": 1.5, "gains": GAINS, "power": 2, **attributes}
    attributes = {key: value for key, value in attributes.items() if value is not None}
    shape = ["N", 3, 4, 4]
    x, middle, y = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "middle", "y")]
    nodes = [helper.make_node("HardSwishScaled", ["x"], ["middle"], name="act", domain=domain, **attributes),
             helper.make_node("Relu", ["middle"], ["y"], name="relu")]
    graph = helper.make_graph(nodes, "acme", [x], [y], value_info=[middle] if declared else [])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.acme", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions))


class Plugins(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.library = build(cls.folder)
        cls.x = np.random.default_rng(7).normal(0, 4, (2, 3, 4, 4)).astype(np.float32)
        np.save(cls.folder / "x.npy", cls.x)
        cls.want = np.maximum(hard_swish_scaled(cls.x, 1.5, GAINS, 2), 0)

    def save(self, proto, name="model.onnx"):
        path = self.folder / name
        onnx.save(proto, path)
        return path

    def answer(self, path, *flags):
        out = self.folder / "y.npy"
        out.unlink(missing_ok=True)
        self.run_ok("run", path, self.folder / "x.npy", "-o", out, *flags)
        return np.load(out)

    def assert_right(self, path, *flags):
        np.testing.assert_allclose(self.answer(path, *flags), self.want, rtol=1e-6, atol=1e-6)

    def convert(self, path, *flags):
        slip = self.folder / "model.slip"
        slip.unlink(missing_ok=True)
        run = slipway("convert", path, "-o", slip, *flags)
        self.assertEqual(run.returncode, 0, run.stderr)
        return slip, run.stderr

    def test_runs_from_onnx_on_every_backend_and_thread_count(self):
        path = self.save(model())
        for flags in [[], ["--backend", "ref"], ["--threads", 1], ["--check-plugins"], ["--no-optimize"]]:
            with self.subTest(flags):
                self.assert_right(path, "--plugin", self.library, *flags)

    def test_is_kept_in_the_slip_file_by_name_and_version(self):
        slip, _ = self.convert(self.save(model()), "--plugin", self.library)
        self.assert_right(slip, "--plugin", self.library)
        self.assertIn("acme.HardSwishScaled@1", self.run_ok("inspect", slip, "--plugin", self.library, "--graph"))
        self.run_ok("doctor", slip, "--plugin", self.library)
        self.run_ok("bench", slip, "--plugin", self.library, "--seconds", 0.1)

    def test_files_that_need_it_name_the_library_to_give(self):
        slip, _ = self.convert(self.save(model()), "--plugin", self.library)
        for verb in ["run", "inspect", "doctor", "bench"]:
            self.assert_fails(UNSUPPORTED, "plugin 'acme.HardSwishScaled' version 1, which node 'act' needs, is not loaded\n"
                              "  hint: give its library: --plugin libhard_swish_scaled.so", verb, slip)

    def test_another_version_is_refused_with_both_versions(self):
        slip, _ = self.convert(self.save(model()), "--plugin", self.library)
        (self.folder / "v2").mkdir()
        newer = build(self.folder / "v2", version=2)
        self.assert_fails(UNSUPPORTED, "plugin 'acme.HardSwishScaled' version 1, which node 'act' needs, is not there: "
                          f"loaded is version 2 of {newer}", "run", slip, "--plugin", newer)
        # Both at once: each node gets its own.
        self.assert_right(slip, "--plugin", newer, "--plugin", self.library)

    def test_without_it_the_model_is_refused_with_its_nodes_listed(self):
        self.assert_fails(UNSUPPORTED, "'act': com.acme.HardSwishScaled (opset 1)", "run", self.save(model()))

    def test_unknown_nodes_are_kept_where_that_is_allowed(self):
        slip, notes = self.convert(self.save(model()), "--allow-custom", "--no-golden")
        self.assertIn("no operator is known for com.acme.HardSwishScaled 'act'", notes)
        self.assertIn("custom:onnx:com.acme:HardSwishScaled:1", self.run_ok("inspect", slip))
        self.assert_fails(UNSUPPORTED, "com.acme.HardSwishScaled 'act'\n  hint: give the library of a plugin that claims onnx "
                          "com.acme.HardSwishScaled: --plugin LIBRARY.so", "run", slip)
        self.assert_right(slip, "--plugin", self.library)

    def test_kept_nodes_need_no_declared_types(self):
        slip, _ = self.convert(self.save(model(declared=False)), "--allow-custom", "--no-golden")
        self.assert_right(slip, "--plugin", self.library)

    def test_golden_vectors_wait_too(self):
        slip, notes = self.convert(self.save(model()), "--allow-custom")
        self.assertIn("no golden vector", notes)
        self.assert_right(slip, "--plugin", self.library)

    def test_its_errors_are_the_users_to_read(self):
        path = self.save(model(gains=[1.0, 2.0]))
        self.assert_fails(BROKEN, "acme.HardSwishScaled@1 'act': x has 3 channels, gains has 2", "run", path, "--plugin",
                          self.library)
        path = self.save(model(beta=1.0))
        self.assert_fails(BROKEN, "attribute 'beta' is unknown to plugin 'acme.HardSwishScaled' version 1", "run", path,
                          "--plugin", self.library)

    def test_libraries_that_are_none_are_named(self):
        path = self.save(model())
        self.assert_fails(NOT_FOUND, "'absent.so': no such plugin library", "run", path, "--plugin", "absent.so")
        text = self.folder / "text.so"
        text.write_text("no library")
        self.assert_fails(USAGE, f"'{text}': cannot be loaded", "run", path, "--plugin", text)

    def test_wins_over_the_models_own_function(self):
        body = [helper.make_node("Neg", ["x"], ["y"])]
        function = helper.make_function("com.acme", "HardSwishScaled", ["x"], ["y"], body, [helper.make_opsetid("", 17)],
                                        attributes=["alpha", "gains", "power"])
        path = self.save(model(functions=[function]))
        self.assert_right(path, "--plugin", self.library)
        np.testing.assert_array_equal(self.answer(path), np.maximum(-self.x, 0))

    @unittest.skipUnless(shutil.which("clang++"), "no second compiler")
    def test_may_be_built_by_another_compiler(self):
        (self.folder / "clang").mkdir()
        self.assert_right(self.save(model()), "--plugin", build(self.folder / "clang", compiler="clang++"))


if __name__ == "__main__":
    main()
