"""Times Slipway and its peers: docs/benchmarks.md says how and why so. Run by `make bench-peers`.

Exit status: 1 where an engine's answer or time cannot be right, 2 for wrong flags.
"""
import argparse
import json
import os
import pathlib
import sys
import time

from . import chart, contest, machine, prepare, report
from .engines import ENTRANTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
WAKE_SECONDS = 20
ENGINES = tuple(dict.fromkeys(entrant.engine for entrant in ENTRANTS))


def _chosen(text, known, what):
    """The names of a list separated by commas or blanks; all that are known for an empty one."""
    names = text.replace(",", " ").split()
    for name in names:
        if name not in known:
            raise SystemExit(f"bench-peers: unknown {what} '{name}': must be of {', '.join(known)}")
    return [name for name in known if name in names] if names else list(known)


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="bench-peers", description=__doc__)
    parser.add_argument("--models", default="", help="names, by default all")
    parser.add_argument("--engines", default="", help="names, by default all; slipway and onnxruntime always take part")
    parser.add_argument("--threads", default="1 2", help="numbers of threads")
    parser.add_argument("--seconds", type=float, default=1.5, help="of runs per engine, model and number of threads")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine")
    parser.add_argument("--assets", type=pathlib.Path, default=os.environ.get("SLIPWAY_ASSETS") or ROOT / "../shared/assets")
    parser.add_argument("--turns", default=str(ROOT / "build/release/bench/slipway_turns"), help="the built program")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/peers", help="folder for models and results")
    parser.add_argument("--docs", action="store_true", help="write the results into docs/benchmarks.md and docs/images")
    return parser.parse_args(arguments)


def _write_docs(results):
    images = {}
    for precision in ("f32", "bf16"):
        images[precision] = f"images/benchmarks_{precision}.svg"
        picture = chart.svg(results, precision)
        path = ROOT / "docs" / images[precision]
        path.write_text(picture) if picture else path.unlink(missing_ok=True)
    report.put_into_page(ROOT / "docs/benchmarks.md", report.markdown(results, images))


def _hold_all(models, threads, flags, settings):
    """The contests; a line on stderr says how each ended. Stops at the first mismatch.

    All models at one number of threads, then at the next: a host takes tens of seconds to settle a guest's processors when one of
    them was idle, and meanwhile threads that share data run up to a third slower.
    """
    loaded = [prepare.load(name, flags.assets, flags.out / "models") for name in models]
    contests = {}
    for count in threads:
        machine.wake_cores(flags.turns, count, WAKE_SECONDS)
        for model in loaded:
            start = time.monotonic()
            held = contests[model.name, count] = contest.hold(model, count, settings)
            best = [f"{row.entrant.label} {row.ms.median:.2f}" for row in sorted(held.rows, key=lambda row: row.ms.median)]
            print(f"{model.name}, {count} threads ({time.monotonic() - start:.0f} s): {', '.join(best)}", file=sys.stderr, flush=True)
    return [contests[model.name, count] for model in loaded for count in threads]


def main(arguments=None):
    flags = _parse(arguments)
    models = _chosen(flags.models, prepare.names(flags.assets), "model")
    engines = _chosen(flags.engines, ENGINES, "engine")
    threads = sorted({int(count) for count in flags.threads.replace(",", " ").split()})
    facts = machine.facts(flags.turns)
    if facts["busy"] > 0.1:
        print(f"bench-peers: others keep the cores busy for {facts['busy']:.0%} of the time: figures are worth little", file=sys.stderr)
    work = flags.out / "run"
    work.mkdir(parents=True, exist_ok=True)
    settings = contest.Settings(tuple({"slipway", "onnxruntime", *engines}), flags.turns, work, flags.seconds, flags.rounds,
                                facts["peak"])
    try:
        contests = _hold_all(models, threads, flags, settings)
    except contest.Mismatch as error:
        print(f"bench-peers: {error}", file=sys.stderr)
        return 1
    results = report.to_json(contests, facts)
    (flags.out / "results.json").write_text(json.dumps(results, indent=1))
    print(report.text(results))
    if flags.docs:
        _write_docs(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
