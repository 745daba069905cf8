"""bench, profile and reports as a user meets them.

usage: measure.py SLIPWAY [unittest arguments]
"""
import html.parser
import json
import pathlib
import re
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import common
from common import IO, OK, USAGE, EndToEnd, slipway

ROOT = pathlib.Path(__file__).resolve().parents[2]


def save_model(path, channels=16, size=16, name="", operators=("Conv", "Relu", "Conv")):
    """A classifier of images [1,3,size,size]: the operators, a global average, a softmax."""
    rng = np.random.default_rng(1)
    nodes, weights, depth, value = [], [], 3, "image"
    for i, operator in enumerate(operators):
        output = f"{name}v{i}"
        inputs, attributes = [value], {}
        if operator == "Conv":
            weights.append(numpy_helper.from_array(rng.normal(size=(channels, depth, 3, 3)).astype(np.float32), f"w{i}"))
            inputs, attributes, depth = [value, f"w{i}"], {"pads": [1, 1, 1, 1]}, channels
        nodes.append(helper.make_node(operator, inputs, [output], f"{name}{operator}{i}", **attributes))
        value = output
    nodes += [helper.make_node("GlobalAveragePool", [value], ["mean"]), helper.make_node("Flatten", ["mean"], ["flat"]),
              helper.make_node("Softmax", ["flat"], ["scores"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, size, size])],
                              [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, depth])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


class Page(html.parser.HTMLParser):
    """What a browser would see: tags that close, texts, scripts, addresses."""
    VOID = {"meta", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.addresses, self.texts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for key, value in attributes if key in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.texts.append(data)


class Measure(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = save_model(cls.folder / "net.onnx")
        cls.photo = cls.folder / "photo.png"
        Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(cls.photo)

    def bench(self, *flags):
        return json.loads(self.run_ok("bench", self.model, "--json", "--seconds", 0.1, *flags))

    def profile(self, *flags):
        # A rate above the roof means that the machine is busy: what was measured is written all the same.
        run = slipway("profile", self.model, "--json", "--seconds", 0.1, *flags)
        self.assertTrue(run.returncode == OK or "the measurement is wrong" in run.stderr, run.stderr)
        return json.loads(run.stdout)

    def test_bench_scales_over_contexts_of_one_thread(self):
        answer = self.bench("--contexts", 2)
        self.assertEqual(answer["threads"], 1)
        self.assertEqual(answer["throughput"]["contexts"], 2)
        self.assertAlmostEqual(answer["throughput"]["scaling"], answer["throughput"]["per_second"] / answer["per_second"],
                               places=3)
        self.assertEqual(self.bench("--contexts", 2, "--threads", 2)["threads"], 2)
        self.assertNotIn("throughput", self.bench())
        self.assertRegex(self.run_ok("bench", self.model, "--seconds", 0.1, "--contexts", 2), r"2 contexts +[\d.]+ a second")
        self.assertEqual(slipway("bench", self.model, "--contexts", 0).returncode, USAGE)

    def test_bench_times_what_surrounds_the_network(self):
        manifest = self.folder / "manifest.json"
        manifest.write_text(json.dumps({"task": "classification"}))
        side_by_side = self.bench("--image", self.photo, "--manifest", manifest, "--contexts", 2)["photos"]
        self.assertEqual(side_by_side["contexts"], 2)
        self.assertGreater(side_by_side["per_second"], 0)
        times = self.bench("--image", self.photo, "--manifest", manifest)["photo"]
        self.assertEqual(list(times), ["prepare_ms", "run_ms", "read_ms", "whole_ms"])
        self.assertGreater(times["prepare_ms"], 0)
        self.assertGreater(times["whole_ms"], times["run_ms"] / 2)
        missing = slipway("bench", self.model, "--image", self.folder / "none.png", "--seconds", 0.1)
        self.assertNotEqual(missing.returncode, OK)
        self.assertIn("none.png", missing.stderr)

    def test_bench_hints_in_words(self):
        self.assertIn("hint: the cost model chose the kernels", self.run_ok("bench", self.model, "--seconds", 0.1))
        tuned = self.folder / "net.slip"
        self.run_ok("build", self.model, "-o", tuned, "--tune-seconds", 0.2)
        self.assertNotIn("cost model chose", self.run_ok("bench", tuned, "--seconds", 0.1))
        many = self.run_ok("bench", self.model, "--seconds", 0.1, "--threads", 64)
        self.assertIn("64 threads on ", many)
        slow = save_model(self.folder / "slow.onnx", size=64, operators=("Conv", "Shrink"))
        self.assertIn("1 step runs on reference code", self.run_ok("bench", slow, "--seconds", 0.1))
        self.assertNotIn("reference code", self.run_ok("bench", slow, "--seconds", 0.1, "--backend", "ref"))

    def test_profile_says_what_every_step_does(self):
        answer = self.profile("--threads", 1)
        steps = answer["steps"]
        self.assertEqual([step["step"] for step in steps], list(range(len(steps))))
        self.assertAlmostEqual(sum(step["percent"] for step in steps), 100, delta=0.1)
        convolutions = [step for step in steps if step["op"] == "Conv"]
        self.assertEqual([step["defined_flops"] for step in convolutions],
                         [2 * 16 * 16 * 16 * depth * 9 for depth in (3, 16)])
        for step in steps:
            self.assertIn(step["tactic"], [each["tactic"] for each in step["alternatives"] if each["is_chosen"]])
            if step["percent_of_roof"] is not None and step["error"] is None:
                self.assertLessEqual(step["percent_of_roof"], 110.5)
        self.assertEqual([level["name"] for level in answer["peak"]["levels"]][0], "L1")

    def test_profile_prints_a_table(self):
        run = slipway("profile", self.model, "--seconds", 0.1, "--all")
        lines = run.stdout.splitlines()
        head = next(i for i, line in enumerate(lines) if line.split()[:1] == ["step"])
        self.assertEqual([line.split()[0] for line in lines[head + 1:]], [str(i) for i in range(len(lines) - head - 1)])
        self.assertIn("made of", lines[head])

    def test_trace_is_what_perfetto_reads(self):
        path = self.folder / "trace.json"
        answer = self.profile("--threads", 2, "--trace", path)
        trace = json.loads(path.read_text())
        events = trace["traceEvents"]
        names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
        self.assertEqual(names, {0: "steps", 1: "thread 0", 2: "thread 1"})
        bars = [event for event in events if event["ph"] == "X"]
        for bar in bars:
            self.assertTrue({"name", "ts", "dur", "pid", "tid", "args"} <= set(bar))
            self.assertGreaterEqual(bar["dur"], 0)
        on_track = [bar for bar in bars if bar["tid"] == 0]
        self.assertEqual([bar["args"]["step"] for bar in on_track], [step["step"] for step in answer["steps"]])
        for before, after in zip(on_track, on_track[1:]):
            self.assertLessEqual(before["ts"] + before["dur"], after["ts"] + 0.002)

    def test_report_is_one_page_with_its_figures_beside_it(self):
        for verb in ("bench", "profile"):
            path = self.folder / f"{verb}.html"
            slipway(verb, self.model, "--seconds", 0.1, "--report", path)
            page = Page(path.read_text())
            self.assertEqual((page.open, page.addresses), ([], []))
            self.assertIn("svg", page.tags)
            figures = json.loads(path.with_suffix(".json").read_text())
            self.assertEqual(figures["model"], str(self.model))
            for step in figures["steps"]:
                self.assertIn(step["op"], " ".join(page.texts))
        self.assert_fails(USAGE, "the name must end in .html", "profile", self.model, "--seconds", 0.1, "--report",
                          self.folder / "report.txt")
        lost = slipway("profile", self.model, "--seconds", 0.1, "--report", self.folder / "none" / "r.html")
        self.assertEqual(lost.returncode, IO, lost.stderr)

    def test_build_reports_what_it_timed(self):
        path = self.folder / "built.html"
        self.run_ok("build", self.model, "-o", self.folder / "built.slip", "--tune-seconds", 0.5, "--report", path)
        Page(path.read_text())
        steps = json.loads(path.with_suffix(".json").read_text())["steps"]
        timed = [each for step in steps for each in step["alternatives"] if each["time_us"] is not None]
        self.assertGreater(len(timed), 1)

    def test_hostile_names_stay_names(self):
        evil = save_model(self.folder / "evil.onnx", name="</td><script>alert(1)</script>\"'&")
        path = self.folder / "evil.html"
        slipway("profile", evil, "--seconds", 0.1, "--report", path)
        page = Page(path.read_text())
        self.assertEqual(page.open, [])
        self.assertEqual(page.tags.count("script"), 1)
        self.assertIn("<script>alert(1)</script>", "".join(page.texts))


if __name__ == "__main__":
    common.main()
