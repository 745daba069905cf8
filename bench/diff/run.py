"""Times the models with the code of another revision and of this tree, process beside process: `make bench-diff BASE=rev`.

Both are built in the same way; every round runs both, one after the other, the first in turn, and gives one ratio. The
median of the ratios stands for the change; a sign test says whether it is one. Machines that slow down for a while slow both.

usage: PYTHONPATH=bench .venv/bin/python bench/diff/run.py --base REV [--models "NAME|FILE..."] [--threads "N..."] [--rounds N]
"""
import argparse
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys

from peers.models import NETWORKS
from peers.writers import onnx_writer

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build/bench-diff"
PROGRAM = "build/release/bench/slipway_model_bench"
DEFAULT_MODELS = "yolov5n_640 mobilenetv2_224 resnet50_224 minilm_l6_s128"
MEDIAN = re.compile(r"median ([0-9.]+) ms")
SIGNIFICANT = 0.05


def sign_test(ratios):
    """The chance that as many ratios lie on one side of 1 where nothing changed: two-sided, ties left out."""
    above, below = sum(ratio > 1 for ratio in ratios), sum(ratio < 1 for ratio in ratios)
    count = above + below
    tail = sum(math.comb(count, k) for k in range(min(above, below) + 1)) / 2 ** count
    return min(1.0, 2 * tail)


def verdict(ratios):
    """Of base's times over head's, a ratio a round."""
    if sign_test(ratios) > SIGNIFICANT:
        return "no difference shown"
    return "faster" if statistics.median(ratios) > 1 else "SLOWER"


def _run(*command, cwd=ROOT):
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f"bench-diff: {' '.join(map(str, command))} failed in '{cwd}':\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
    return run.stdout


class Worktree:
    """A checkout of a revision under build/, for as long as the `with` lasts."""

    def __init__(self, revision):
        commit = subprocess.run(["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"], cwd=ROOT,
                                capture_output=True, text=True, check=False).stdout.strip()
        if not commit:
            raise SystemExit(f"bench-diff: BASE='{revision}' is no revision: give a commit, branch or tag, as BASE=HEAD~1")
        self.commit, self.folder = commit, WORK / "base"

    def __enter__(self):
        self.remove()
        _run("git", "worktree", "add", "--detach", self.folder, self.commit)
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        return self.folder

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        subprocess.run(["git", "worktree", "remove", "--force", self.folder], cwd=ROOT, capture_output=True, check=False)
        subprocess.run(["git", "worktree", "prune"], cwd=ROOT, capture_output=True, check=False)


def _build(folder):
    _run("tools/build.sh", "release", "slipway_model_bench", cwd=folder)
    return folder / PROGRAM


def _model_path(name):
    """A file as it is; one of our networks is written first."""
    if name not in NETWORKS:
        if not pathlib.Path(name).is_file():
            raise SystemExit(f"bench-diff: model '{name}' is neither a file nor one of {', '.join(NETWORKS)}")
        return pathlib.Path(name)
    path = WORK / f"{name}.onnx"
    onnx_writer.write(NETWORKS[name](), path)
    return path


def _median_ms(program, model, threads, runs):
    found = MEDIAN.search(_run(program, model, "cpu", str(threads), str(runs)))
    if not found:
        raise SystemExit(f"bench-diff: '{program}' printed no median")
    return float(found.group(1))


def _compare(programs, model, threads, rounds, seconds):
    """programs: base and head. Gives their medians over the rounds, and the ratios."""
    runs = max(5, round(seconds * 1e3 / _median_ms(programs[1], model, threads, 3)))
    times = ([], [])
    for number in range(rounds):
        for side in ((0, 1) if number % 2 == 0 else (1, 0)):
            times[side].append(_median_ms(programs[side], model, threads, runs))
    return statistics.median(times[0]), statistics.median(times[1]), [base / head for base, head in zip(*times)]


def _parse():
    parser = argparse.ArgumentParser(prog="bench-diff", description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="", help="the revision to compare with")
    parser.add_argument("--models", default=DEFAULT_MODELS, help="networks of bench/peers, or model files")
    parser.add_argument("--threads", default="1", help="numbers of threads")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="of runs in each process")
    flags = parser.parse_args()
    if not flags.base:
        raise SystemExit("bench-diff: no base: make bench-diff BASE=HEAD~1")
    return flags


def main():
    flags = _parse()
    WORK.mkdir(parents=True, exist_ok=True)
    os.environ.pop("SLIPWAY_DISABLE", None)
    models = {name: _model_path(name) for name in flags.models.split()}
    with Worktree(flags.base) as base:
        programs = (_build(base), _build(ROOT))
        print(f"base {flags.base}; a ratio above 1: this tree is faster\n"
              f"{'model':24} threads   base ms   head ms   ratio   quartiles     sign test", flush=True)
        for name, path in models.items():
            for threads in map(int, flags.threads.split()):
                base_ms, head_ms, ratios = _compare(programs, path, threads, flags.rounds, flags.seconds)
                low, _, high = statistics.quantiles(ratios, n=4)
                print(f"{name:24} {threads:7} {base_ms:9.2f} {head_ms:9.2f} {statistics.median(ratios):7.3f}   "
                      f"{low:.3f}-{high:.3f}   {sign_test(ratios):.3f} {verdict(ratios)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
