"""The command line in bad hands: damaged files, numbers that are none, places where nothing can be written. Each gives one
clear error or the right answer.

usage: hostile.py SLIPWAY [unittest arguments]. SLIPWAY_FLIPS=N flips more bits.
"""
import os
import random
import resource
import subprocess

import numpy as np
import onnx

import common
from build import CHANNELS, SIZE, network
from common import BROKEN, IO, OK, USAGE, EndToEnd, main, slipway

FLIPS = int(os.environ.get("SLIPWAY_FLIPS", 12))


class Hostile(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model, cls.slip, cls.cache = (cls.folder / name for name in ("model.onnx", "model.slip", "times.txt"))
        onnx.save(network(), cls.model)
        np.save(cls.folder / "x.npy", np.random.default_rng(2).random((1, CHANNELS, SIZE, SIZE), np.float32))
        built = slipway("build", cls.model, "-o", cls.slip, "--threads", 1, "--tune-seconds", 1, "--timing-cache", cls.cache)
        assert built.returncode == OK, built.stderr

    def answer(self, path, flags):
        out = self.folder / "out.npy"
        out.unlink(missing_ok=True)
        run = slipway("run", path, self.folder / "x.npy", "-o", out, *flags)
        return run, np.load(out) if out.exists() else None

    def errors(self, run):
        return [line for line in run.stderr.splitlines() if line.startswith("error: ")]

    def assert_one_error(self, code, text, *arguments):
        run = slipway(*arguments)
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertEqual(len(self.errors(run)), 1, run.stderr)
        self.assertIn(text, run.stderr)

    def test_damaged_files_are_refused_or_answer_as_before(self):
        # What reads the weights: the section, the constants (other threads, times, another backend), a trial of both.
        ways = [["--threads", 1], ["--threads", 2], ["--threads", 1, "--timing-cache", self.cache],
                ["--threads", 1, "--precision", "auto", "--bf16-budget", 0], ["--backend", "ref"]]
        want = [self.answer(self.slip, way)[1] for way in ways]
        whole = self.slip.read_bytes()
        damaged = [(f"{i}/50 of it", whole[:len(whole) * i // 50]) for i in range(50)]
        draw = random.Random(20261128)
        # As many in the head, the graph and the constants as in the packed parts, which are most of the file.
        for i in range(FLIPS):
            at = draw.randrange(len(whole) if i % 2 else len(whole) // 8)
            bit = draw.randrange(8)
            damaged.append((f"bit {bit} of byte {at}", whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1:]))
        path = self.folder / "damaged.slip"
        for what, content in damaged:
            path.write_bytes(content)
            for way, answer in zip(ways, want):
                run, got = self.answer(path, way)
                if run.returncode == OK:
                    np.testing.assert_array_equal(got, answer, f"{what} {way}")
                else:
                    self.assertIn(run.returncode, (BROKEN, 5), f"{what} {way}: {run.stderr}")
                    self.assertEqual(len(self.errors(run)), 1, f"{what} {way}: {run.stderr}")

    def test_numbers_that_are_none(self):
        for flag, command in (("--tune-seconds", "build"), ("--max-error", "build"), ("--bf16-budget", "run"),
                              ("--seconds", "bench"), ("--seconds", "profile")):
            for number in ("nan", "-1", "x"):
                self.assert_one_error(USAGE, f"{flag}: must be", command, self.model, f"{flag}={number}")
        for number in ("-1", "1.5", "nan", "1025", "99999999999999999999"):
            self.assert_one_error(USAGE, "--threads", "run", self.model, f"--threads={number}")
        self.assert_one_error(USAGE, "--max-error: must be 0 or more, not '-1'", "build", self.model, "--max-error=-1")

    def test_throughput_of_no_time_is_of_one_run(self):
        self.assertRegex(self.run_ok("bench", self.model, "--seconds", 0, "--contexts", 2), r"2 contexts +\d+\.\d a second")

    def test_places_where_nothing_can_be_written(self):
        folder = self.folder / "folder"
        folder.mkdir()
        build = ["build", self.model, "--no-tune"]
        self.assert_one_error(IO, "it is a folder", *build, f"--out={folder}")
        self.assert_one_error(IO, "there is no folder", *build, f"--out={folder}/none/x.slip")
        self.assert_one_error(IO, "is no folder", *build, f"--out={self.model}/x.slip")
        self.assert_one_error(IO, "there is no folder", *build, f"--out={folder}/x.slip", f"--report={folder}/none/x.html")
        self.assert_one_error(IO, "it is a folder", *build, f"--out={folder}/x.slip", f"--timing-cache={folder}")
        self.assert_one_error(IO, "it is a folder", "profile", self.model, f"--trace={folder}")
        self.assertEqual(list(folder.iterdir()), [])

    def test_a_full_disk_is_said_and_leaves_nothing(self):
        folder = self.folder / "full"
        folder.mkdir()
        (folder / "x.slip").write_text("as it was")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        run = subprocess.run([common.SLIPWAY, "build", self.model, "--no-tune", f"--out={folder}/x.slip"], capture_output=True,
                             text=True, preexec_fn=limit)
        self.assertEqual(run.returncode, IO, run.stderr)
        self.assertIn(f"error: '{folder}/x.slip': cannot write: File too large", run.stderr)
        self.assertEqual([path.read_text() for path in folder.iterdir()], ["as it was"])
        if not os.path.exists("/dev/full"):
            return
        for command in (["ops"], ["inspect", self.model], ["run", self.model], ["profile", self.model, "--json", "--runs", 3]):
            with open("/dev/full", "w") as full:
                run = subprocess.run([common.SLIPWAY, *map(str, command)], stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(run.returncode, IO, run.stderr)
            self.assertEqual(len(self.errors(run)), 1, run.stderr)
            self.assertIn("No space left on device", run.stderr)

    def test_a_pipe_is_written_as_it_stands(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        piped = self.folder / "piped.slip"
        with open(piped, "wb") as out, subprocess.Popen(["cat", pipe], stdout=out):
            self.run_ok("build", self.model, "--no-tune", "--threads", 1, f"--out={pipe}")
        self.assertTrue(pipe.is_fifo())
        self.assertEqual(self.answer(piped, ["--threads", 1])[0].stderr, "")

    def test_timing_caches_that_are_none(self):
        before = self.model.read_bytes()
        self.assert_one_error(USAGE, "is no timing cache", "build", self.model, f"--out={self.folder}/t.slip",
                              "--tune-seconds=1", f"--timing-cache={self.model}")
        self.assertEqual(self.model.read_bytes(), before)
        # Lines that say nothing among lines that do are passed over.
        mixed = self.folder / "mixed.txt"
        mixed.write_bytes(self.cache.read_bytes() + b"\x00\xff\tbinary\n" + b"a\tb\tc\tnan\n" + b"long " * 100_000)
        run = slipway("build", self.model, f"--out={self.folder}/t.slip", "--no-tune", f"--timing-cache={mixed}")
        self.assertEqual(run.returncode, OK, run.stderr)
        self.assertIn("3 lines say nothing and are left out", run.stderr)

    def test_builds_of_one_file_at_the_same_time(self):
        out = self.folder / "one.slip"
        builds = [subprocess.Popen([common.SLIPWAY, "build", self.model, "--no-tune", "--threads", "1", f"--out={out}"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
        for build in builds:
            _, stderr = build.communicate()
            self.assertEqual(build.returncode, OK, stderr)
        self.assertEqual(self.answer(out, ["--threads", 1])[0].stderr, "")
        self.assertEqual([path.name for path in self.folder.glob("one.slip*")], ["one.slip"])


if __name__ == "__main__":
    main()
