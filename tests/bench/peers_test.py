"""The harness of bench/peers without its engines: arithmetic, protocol, tables, pictures; bench-diff's statistic.

usage: PYTHONPATH=bench peers_test.py
"""
import io
import math
import pathlib
import sys
import tempfile
import types
import unittest
from unittest import mock
from xml.etree import ElementTree

import numpy as np

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path[:0] = [str(BENCH), str(BENCH / "diff")]

import run as diff  # noqa: E402
from peers import chart, contest, measures, players, report  # noqa: E402
from peers.engines import ENTRANTS  # noqa: E402
from peers.engines.worker import Worker  # noqa: E402

FAKE = [sys.executable, str(pathlib.Path(__file__).with_name("fake_engine.py"))]


def entrant(engine, precision="f32"):
    return next(each for each in ENTRANTS if (each.engine, each.precision) == (engine, precision))


class Measures(unittest.TestCase):
    def test_a_ratio_compares_turns_of_the_same_round(self):
        # The machine ran at half its speed in the second round: 3 all the same.
        spread = measures.ratios([[3, 3, 3], [6, 6, 7]], [[1, 1, 1], [2, 2, 9]])
        self.assertEqual((spread.low, spread.median, spread.high), (3, 3, 3))

    def test_rounds_that_do_not_match_are_refused(self):
        with self.assertRaises(ValueError):
            measures.ratios([[1]], [[1], [1]])

    def test_difference_is_relative_to_the_largest_value(self):
        reference = {"y": np.array([0.0, -100.0])}
        self.assertAlmostEqual(measures.difference({"y": np.array([1.0, -100.0])}, reference), 0.01)

    def test_difference_finds_renamed_and_channels_last_outputs(self):
        image = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
        self.assertEqual(measures.difference({"other": image.transpose(0, 2, 3, 1)}, {"y": image}), 0)

    def test_a_missing_or_broken_output_is_infinitely_wrong(self):
        reference = {"y": np.ones(3)}
        self.assertEqual(measures.difference({}, reference), math.inf)
        self.assertEqual(measures.difference({"y": np.array([1, math.nan, 1])}, reference), math.inf)
        self.assertEqual(measures.difference({"y": np.ones(4)}, reference), math.inf)

    def test_winograd_may_exceed_the_roof_only_as_far_as_its_multiplies_go(self):
        model = types.SimpleNamespace(macs=500e6, fewest_macs=100e6)  # 1 GFLOP, 0.2 at the least
        self.assertTrue(measures.rate(model, 4, roof=100).is_possible)       # 250 effective, 50 needed
        self.assertFalse(measures.rate(model, 1.5, roof=100).is_possible)    # 133 needed
        self.assertIsNone(measures.rate(types.SimpleNamespace(macs=0), 1, roof=100))


class Protocol(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.log = pathlib.Path(self.folder.name) / "log"

    def threads_states(self, player):
        folder = pathlib.Path(f"/proc/{player.process.pid}/task")
        return {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in folder.iterdir()}

    @unittest.skipUnless(pathlib.Path("/proc/self/stat").exists(), "needs /proc")
    def test_it_is_stopped_between_its_turns(self):
        with players.Player(FAKE, self.log) as player:
            self.assertEqual(player.facts["version"], "1.0")
            self.assertEqual(self.threads_states(player), {"T"})
            self.assertEqual(player.turn(3), [3, 4, 5])
            self.assertEqual(self.threads_states(player), {"T"})
            self.assertEqual(player.memory()["model_mb"], 40)
        self.assertIsNotNone(player.process.returncode)

    def test_a_turn_begins_with_runs_that_do_not_count(self):
        with players.Player(FAKE, self.log) as player, mock.patch.object(player, "run", wraps=player.run) as run:
            player.turn(3)
        self.assertEqual([call.args for call in run.call_args_list], [(1,), (199,), (3,)])  # the first says 1 ms

    def test_turns_go_round_and_fill_their_time(self):
        with players.Player(FAKE, self.log) as one, players.Player(FAKE, self.log) as other:
            times = players.take_turns([one, other], rounds=2, seconds=0.08)
        # 40 ms a round: 4 runs of the 10 ms that the first took; these say 4 ms at best, so 10 follow.
        self.assertEqual([[len(turn) for turn in rounds] for rounds in times], [[4, 10], [4, 10]])

    def test_what_an_engine_says_of_its_failure_is_kept(self):
        with self.assertRaisesRegex(players.EngineError, "no such model"):
            players.Player([*FAKE, "fails"], self.log)
        with self.assertRaisesRegex(players.EngineError, "exit status 3"):
            players.Player([*FAKE, "dies"], self.log)

    def test_the_worker_answers_commands(self):
        session = types.SimpleNamespace(prepare=lambda: None, run=lambda: None, version=lambda: "2")
        worker = Worker(lambda *_: session, "model", 1, "f32", {})
        self.assertEqual(len(worker.answer("run 4")["ms"]), 4)
        self.assertEqual(set(worker.answer("memory")), {"peak_mb", "model_mb"})
        self.assertEqual(worker.facts()["version"], "2")
        with self.assertRaisesRegex(ValueError, "unknown command 'jump'"):
            worker.answer("jump 3")

    def test_copies_of_the_inputs_are_taken_off(self):
        session = types.SimpleNamespace(prepare=lambda: None, run=lambda: None, copied_bytes=7_000_000)
        worker = Worker(lambda *_: session, "model", 1, "f32", {})
        memory = worker.memory()
        self.assertAlmostEqual(memory["model_mb"], memory["peak_mb"] - worker.before_mb - 7)


def sample():
    """Results of one model: LiteRT twice as fast as we, ONNX Runtime half as fast, OpenVINO alone in bf16."""
    facts = {"version": "1.0", "load_ms": 1.0, "first_ms": 2.0, "peak_mb": 30.0, "model_mb": 10.0}
    model = types.SimpleNamespace(name="net", macs=10**9, fewest_macs=10**9)
    times = [("slipway", "f32", 10), ("onnxruntime", "f32", 20), ("litert", "f32", 5), ("openvino", "bf16", 4)]
    rows = [contest.Row(entrant(engine, precision), facts, 1e-6, [[ms] * 3] * 2, measures.rate(model, ms, 500))
            for engine, precision, ms in times]
    machine = {"cpu": "A & B", "family": "1.2", "cores": 2, "caches": {"L2": "1024K"}, "instructions": ["avx2"],
               "governor": "performance", "kernel": "6", "busy": 0.0, "peak": {"f32": 100.0, "bf16": 200.0}}
    return report.to_json([contest.Contest(model, 1, rows, ["ncnn: no .param of this model"], [460.2, 95.1])], machine)


class Report(unittest.TestCase):
    def test_the_best_peer_gives_the_ratio(self):
        line = report.ratio_table(sample(), "f32").splitlines()[1].split()
        self.assertEqual(line, ["net", "1", "10.0", "5.00", "LiteRT", "0.50", "0.50-0.50", "95-460"])

    def test_without_a_row_of_ours_there_is_no_ratio(self):
        line = report.ratio_table(sample(), "bf16").splitlines()[1].split()
        self.assertEqual(line, ["net", "1", "-", "4.00", "OpenVINO", "default", "-", "-", "95-460"])

    def test_tables_line_up(self):
        for made in (report.ratio_table(sample(), "f32", True), report.detail_table(sample(), True)):
            self.assertEqual(len({len(line) for line in made.splitlines()}), 1)

    def test_text_and_markdown_name_what_was_left_out(self):
        self.assertIn("ncnn: no .param of this model (net)", report.text(sample()))
        self.assertIn("memory that a model needs, f32", report.text(sample()))
        self.assertNotIn("memory that a model needs, bf16", report.text(sample()))  # we have no row there
        made = report.markdown(sample(), {"f32": "a.svg", "bf16": "b.svg"})
        self.assertIn("- ncnn: no .param of this model (net)", made)
        self.assertIn("(a.svg)", made)

    def test_results_go_between_the_marks(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
            report.put_into_page(page, "new")
            report.put_into_page(page, "newer")
            self.assertEqual(page.read_text(), f"before\n{report.BEGIN}\n\nnewer\n{report.END}\nafter\n")
            page.write_text("no marks")
            with self.assertRaises(SystemExit):
                report.put_into_page(page, "new")

    def test_the_page_has_the_marks(self):
        page = (BENCH.parent / "docs/benchmarks.md").read_text()
        self.assertIn(report.BEGIN, page)
        self.assertIn(report.END, page)

    def test_the_picture_has_a_bar_per_peer(self):
        tree = ElementTree.parse(io.StringIO(chart.svg(sample(), "f32")))
        bars = {bar.get("fill"): float(bar.get("width")) for bar in tree.iter("{http://www.w3.org/2000/svg}rect")}
        self.assertAlmostEqual(bars[chart.COLORS["onnxruntime"]] / bars[chart.COLORS["litert"]], 4, 2)
        self.assertIsNone(chart.svg(sample(), "bf16"))  # we have no row to be compared with


class Diff(unittest.TestCase):
    def test_the_sign_test(self):
        self.assertAlmostEqual(diff.sign_test([1.1] * 6), 2 / 64)
        self.assertAlmostEqual(diff.sign_test([1.1] * 5 + [0.9]), 2 * 7 / 64)
        self.assertEqual(diff.sign_test([1.0, 1.0]), 1)

    def test_one_odd_round_does_not_make_a_verdict(self):
        self.assertEqual(diff.verdict([1.01, 0.99, 1.01, 0.99, 5.0]), "no difference shown")
        self.assertEqual(diff.verdict([1.02] * 8 + [0.4]), "faster")
        self.assertEqual(diff.verdict([0.98] * 9), "SLOWER")


if __name__ == "__main__":
    unittest.main()
