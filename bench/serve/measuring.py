"""What the measuring scripts of this folder share: their common flags, running commands and loads, the machine."""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

from servers import Failed

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUSY = 0.1  # share of the cores' time: with more, figures are worth little


def say(line):
    print(f"bench-serve: {line}", file=sys.stderr, flush=True)


def run(*command, **more):
    """What a command prints."""
    made = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **more)
    if made.returncode != 0:
        raise Failed(f"'{' '.join(map(str, command))}' ends with {made.returncode}:\n{made.stdout[-1000:]}{made.stderr[-2000:]}")
    return made.stdout


def numbers(text):
    return [int(word) for word in text.replace(",", " ").split()]


def parser(description, out):
    """With the flags that all have. out: folder of models, logs and results, under build/."""
    assets = pathlib.Path(os.environ.get("SLIPWAY_ASSETS") or ROOT / "../shared/assets")
    made = argparse.ArgumentParser(prog="bench-serve", description=description)
    made.add_argument("--seconds", type=float, default=5, help="of each closed loop")
    made.add_argument("--rounds", type=int, default=3, help="turns of each one compared")
    made.add_argument("--cores", type=numbers, default=[0, 1], help="that servers and load share: '0 1'")
    made.add_argument("--photo", type=pathlib.Path, default=assets / "images/task/bus.jpg", help="a JPEG; made where missing")
    made.add_argument("--slipway", type=pathlib.Path, default=ROOT / "build/release/slipway", help="the built program")
    made.add_argument("--load", type=pathlib.Path, default=ROOT / "build/release/bench/serve/slipway_load")
    made.add_argument("--out", type=lambda text: pathlib.Path(text).resolve(), default=ROOT / "build" / out,
                      help="folder for models, logs and results")  # whole: servers start in folders of their own
    made.add_argument("--docs", action="store_true", help="write the results into docs/serve_benchmarks.md")
    return made


def warmup(seconds):
    """How long a load runs before what counts."""
    return min(1, seconds / 4)


def load(flags, url, seconds, *more):
    """What slipway_load reports of a load whose answers are all the same."""
    command = [flags.load, url, "--same-body", "--allow-failures", "--json", "--warmup", warmup(seconds), "--seconds", seconds, *more]
    return json.loads(run(*command, preexec_fn=lambda: os.sched_setaffinity(0, flags.cores)))


def _busy_share(seconds=1.0):
    """The share of all cores' time that others used just now, 0 to 1."""
    def ticks():
        fields = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]  # all, idle

    total, idle = ticks()
    time.sleep(seconds)
    total_after, idle_after = ticks()
    return 1 - (idle_after - idle) / max(total_after - total, 1)


def machine(cores):
    names = [line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    busy = _busy_share()
    if busy > BUSY:
        say(f"others keep the cores busy for {busy:.0%} of the time: figures are worth little")
    return {"cpu": names[0] if names else platform.machine(), "cores": ",".join(map(str, cores)), "kernel": platform.release(),
            "busy": busy}


def conditions(flags, of_machine):
    """What results were measured under."""
    return {"machine": of_machine, "photo": f"{flags.photo.name}, {flags.photo.stat().st_size} bytes", "seconds": flags.seconds,
            "rounds": flags.rounds}
