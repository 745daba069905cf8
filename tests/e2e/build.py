"""`slipway build`: what it makes runs from the packed weights to the same bits, comes out the same byte for byte, and is passed
over where it is not meant for.

usage: build.py SLIPWAY [unittest arguments]. The network is made here: 3x3 convolutions that direct and Winograd kernels fit,
a depthwise one, and a linear layer.
"""
import json
import platform
import re
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from common import MISMATCH, OK, UNSUPPORTED, USAGE, EndToEnd, main, slipway

CHANNELS, SIZE = 32, 24


def network():
    random = np.random.default_rng(1)
    weights, nodes = [], []

    def constant(name, *shape):
        values = random.standard_normal(shape, np.float32) / np.float32(np.prod(shape[1:]) ** 0.5)
        weights.append(numpy_helper.from_array(values, name))
        return name

    last = "x"
    for layer in range(3):
        nodes.append(helper.make_node("Conv", [last, constant(f"w{layer}", CHANNELS, CHANNELS, 3, 3)], [f"c{layer}"],
                                      pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]))
        last = f"r{layer}"
    nodes.append(helper.make_node("Conv", [last, constant("d", CHANNELS, 1, 3, 3)], ["deep"], group=CHANNELS))
    nodes.append(helper.make_node("GlobalAveragePool", ["deep"], ["mean"]))
    nodes.append(helper.make_node("Flatten", ["mean"], ["flat"]))
    nodes.append(helper.make_node("MatMul", ["flat", constant("m", CHANNELS, 10)], ["y"]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, SIZE, SIZE])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])
    graph = helper.make_graph(nodes, "built", [x], [y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])


class Build(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.folder / "model.onnx"
        onnx.save(network(), cls.model)
        cls.x = cls.folder / "x.npy"
        np.save(cls.x, np.random.default_rng(2).random((1, CHANNELS, SIZE, SIZE), np.float32))

    def build(self, name, *flags, model=None):
        path = self.folder / name
        text = self.run_ok("build", model or self.model, "-o", path, "--threads", 1, *flags)
        return path, text

    def answer(self, path, *flags):
        out = self.folder / "out.npy"
        run = slipway("run", path, self.x, "-o", out, "--threads", 1, *flags)
        self.assertEqual(run.returncode, OK, run.stderr)
        return np.load(out), run.stderr

    def test_same_bits_as_without_the_section(self):
        cache = self.folder / "bits.txt"
        path, text = self.build("bits.slip", "--timing-cache", cache, "--tune-seconds", 2)
        self.assertRegex(text, r"accuracy: ")
        self.assertRegex(text, r"packed, .*\n  tuned for .* threads 1 kernels \d+ backend cpu")
        tuned, notes = self.answer(path)
        self.assertEqual(notes, "")
        # The cache chooses the same kernels; their weights are packed at load.
        plain, _ = self.answer(self.model, "--timing-cache", cache)
        np.testing.assert_array_equal(tuned, plain)

    def test_same_inputs_and_cache_give_the_same_file(self):
        cache = self.folder / "same.txt"
        first, _ = self.build("first.slip", "--timing-cache", cache, "--tune-seconds", 5)
        times = cache.read_bytes()
        second, _ = self.build("second.slip", "--timing-cache", cache)
        third, _ = self.build("third.slip", "--timing-cache", cache, "--no-tune")
        again, _ = self.build("again.slip", "--timing-cache", cache, "--no-tune", model=first)
        self.assertEqual(cache.read_bytes(), times)
        for other in (second, third, again):
            self.assertEqual(first.read_bytes(), other.read_bytes(), other)

    def test_other_threads_and_accuracies_are_passed_over_and_added(self):
        path, _ = self.build("one.slip", "--no-tune")
        run = slipway("run", path, "--threads", 2)
        self.assertEqual(run.returncode, OK, run.stderr)
        self.assertRegex(run.stderr, r"note: '.*threads 2.*' is not among the machines that this file is tuned for: '.*threads 1")
        command = re.search(r"to tune it for this one: slipway (build .*)", run.stderr)[1]
        self.run_ok(*[word.strip("'") for word in command.split()], "--no-tune")
        for threads in (1, 2):
            self.assertEqual(slipway("run", path, self.x, "--threads", threads).stderr, "")
        strict = slipway("run", path, "--threads", 1, "--accuracy", "strict")
        self.assertIn("accuracy strict", strict.stderr)
        self.run_ok("doctor", path)

    def test_strict_accuracy_takes_no_kernel_that_rounds_more(self):
        path, text = self.build("strict.slip", "--no-tune", "--accuracy", "strict")
        self.assertIn("no kernel rounds more than plain sums", text)
        self.assertEqual(self.answer(path, "--accuracy", "strict")[1], "")
        steps = json.loads(self.run_ok("bench", path, "--threads", 1, "--accuracy", "strict", "--seconds", 0.1, "--steps", "--json"))
        self.assertFalse([step for step in steps["steps"] if "f6x6" in step["tactic"]])

    def test_errors_above_the_limit_fail(self):
        cache = self.folder / "winograd.txt"
        self.build("any.slip", "--timing-cache", cache, "--tune-seconds", 2)
        lines = cache.read_text().splitlines()
        fast = [re.sub(r"\t[\d.]+$", "\t0.01", line) if "winograd_f6x6_f32" in line else line for line in lines]
        cache.write_text("\n".join(fast) + "\n")
        if fast == lines:
            self.skipTest("no Winograd kernel was timed here")
        flags = ["--timing-cache", cache, "--no-tune", "--threads", 1, "-o", self.folder / "far.slip"]
        run = slipway("build", self.model, *flags, "--max-error", 1e-9)
        self.assertEqual(run.returncode, MISMATCH, run.stderr)
        self.assertRegex(run.stderr, r"error: the chosen kernels change output 'y' by .* of its largest value, allowed is 1e-09")
        self.assertIn("--accuracy strict", run.stderr)
        self.assertFalse((self.folder / "far.slip").exists())
        self.assertRegex(self.run_ok("build", self.model, *flags), r"accuracy: \d+ of \d+ kernels round more")

    def test_several_caches_are_merged_and_missing_ones_made(self):
        one, two = self.folder / "one.txt", self.folder / "two.txt"
        run = slipway("build", self.model, "-o", self.folder / "c.slip", "--threads", 1, "--no-tune", "--timing-cache", one)
        self.assertEqual(run.returncode, OK, run.stderr)
        self.assertIn(f"note: '{one}' is not there yet: a new timing cache is made", run.stderr)
        self.assertEqual(len(one.read_text().splitlines()), 1)
        self.build("c.slip", "--timing-cache", two, "--tune-seconds", 2)
        merged = slipway("build", self.model, "-o", self.folder / "c.slip", "--threads", 1, "--timing-cache", one, "--timing-cache", two)
        self.assertIn("timed 0 kernels", merged.stderr)
        self.assertEqual(one.read_bytes(), two.read_bytes())

    def test_a_file_of_other_kernels_or_cut_short(self):
        path, _ = self.build("good.slip", "--no-tune")
        want, _ = self.answer(path)
        whole = path.read_bytes()
        damaged = self.folder / "damaged.slip"
        damaged.write_bytes(whole[:-64])
        self.assertIn("should have", slipway("run", damaged, "--threads", 1).stderr)
        damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        self.assertIn("fail their checksum", slipway("run", damaged, "--threads", 1).stderr)
        got, notes = self.answer(path)
        np.testing.assert_array_equal(got, want)
        self.assertEqual(notes, "")

    def test_precision_auto_keeps_to_its_budget(self):
        with_none = slipway("build", self.model, "-o", self.folder / "a.slip", "--no-tune", "--precision", "auto",
                            "--bf16-budget", 0)
        self.assertEqual(with_none.returncode, OK, with_none.stderr)
        self.assertIn("note: precision f32: ", with_none.stderr)
        self.assertNotIn("bf16", json.dumps(json.loads(self.run_ok("inspect", self.folder / "a.slip", "--json")).get("tuned", "")))
        bf16 = slipway("run", self.model, "--precision", "bf16", "--threads", 1)
        if bf16.returncode != OK:
            self.assertIn("bf16 was asked for, but no backend has it here", bf16.stderr)
            return
        self.assertRegex(with_none.stderr, r"times as fast .* changes 'y' by .*, the budget is 0e\+00")
        self.assertRegex(self.build("b.slip", "--no-tune")[1], r"bf16: [\d.]+ times as fast .*--precision bf16\)")
        strict = slipway("run", self.model, "--precision", "auto", "--accuracy", "strict")
        self.assertEqual(strict.returncode, USAGE)

    @unittest.skipUnless(platform.machine() == "x86_64", "ARM processors may have it")
    def test_precision_f16_is_refused_with_the_reason(self):
        refused = slipway("run", self.model, "--precision", "f16")
        self.assertEqual(refused.returncode, UNSUPPORTED)
        self.assertIn("f16 was asked for, but no backend has it here: cpu: this processor has no products of f16", refused.stderr)

    def test_usage(self):
        self.assertEqual(slipway("build", self.model, "--max-error", -1).returncode, USAGE)
        missing = slipway("build", self.model, "-o", self.folder / "none" / "x.slip")
        self.assertIn("there is no folder", missing.stderr)


if __name__ == "__main__":
    main()
