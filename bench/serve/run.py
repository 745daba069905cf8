"""Measures `slipway serve` beside a Flask server: docs/serve_benchmarks.md says how and why so. Run by bench/serve/run.sh.

Exit status: 1 where a server fails or answers otherwise than `slipway detect` and `slipway classify`, 2 for wrong flags.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import sys

import agreement
import measuring
import report
from measuring import ROOT, run, say
from servers import Failed, Server, free_port

BASELINE = pathlib.Path(__file__).resolve().parent / "baseline"
SERVERS = ("slipway", "flask")
WORKERS = (1, 2, 4)
ORT_THREADS = (0, 1)  # of a run: its own choice (all cores), one
PROBE_CONNECTIONS = 8
OPEN_CONNECTIONS = 128
OPEN_SHARE = 0.7
SCORE = 0.25

DETECT = {
    "task": "detection",
    "inputs": [{"color": "rgb", "resize": {"mode": "letterbox", "style": "pil"}, "std": [255]}],
    "outputs": [{"decoder": "yolov5"}],
    "thresholds": {"score": SCORE, "iou": 0.45, "cross_class_iou": 1, "max_detections": 300},
}
CLASSIFY = {
    "task": "classification",
    "inputs": [{"color": "rgb", "resize": {"mode": "stretch", "style": "pil"}, "mean": [123.675, 116.28, 103.53],
                "std": [58.395, 57.12, 57.375]}],
    "outputs": [{"decoder": "classification", "activation": "softmax"}],
    "thresholds": {"top_k": 5},
}


@dataclasses.dataclass(frozen=True)
class Job:
    """verb: of `slipway` and of its server's path. manifest: what the baseline does by hand."""
    name: str
    verb: str
    size: int
    manifest: dict

    @property
    def check(self):
        return agreement.check_detections if self.verb == "detect" else agreement.check_classes


JOBS = {job.name: job for job in (Job("yolov5n_640", "detect", 640, DETECT), Job("yolov5s_640", "detect", 640, DETECT),
                                  Job("mobilenetv2_224", "classify", 224, CLASSIFY))}


def _parse(arguments):
    parser = measuring.parser(__doc__, "serve")
    parser.add_argument("--models", default="yolov5n_640 mobilenetv2_224", help=f"of {', '.join(JOBS)}")
    parser.add_argument("--servers", default="slipway flask", help="of slipway, flask")
    parser.add_argument("--concurrency", type=measuring.numbers, default=[1, 2, 8, 32], help="connections of the closed loops")
    parser.add_argument("--open-seconds", type=float, default=60, help="of each open loop")
    parser.add_argument("--probe-seconds", type=float, default=3, help="for each of the baseline's settings")
    parser.add_argument("--serve-flags", default="", help="more flags of 'slipway serve'")
    flags = parser.parse_args(arguments)
    flags.models, flags.servers = _chosen(parser, flags.models, JOBS), _chosen(parser, flags.servers, SERVERS)
    flags.model_folder = flags.out / "models"
    return flags


def _chosen(parser, text, known):
    names = text.replace(",", " ").split()
    for name in names:
        if name not in known:
            parser.error(f"unknown '{name}': must be of {', '.join(known)}")
    return names


def _medians(turns):
    return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


class Contest:
    """All about one model."""

    def __init__(self, job, flags):
        self.job, self.flags = job, flags
        self.probes = []  # of the baseline's settings
        self.engine_turns = []
        self.model, self.manifest = flags.model_folder / f"{job.name}.onnx", flags.out / f"{job.name}.json"
        self.manifest.write_text(json.dumps(job.manifest))

    # -- servers

    def _start(self, name, settings, command, port, path, ready, environment=None):
        at = f"http://127.0.0.1:{port}"
        return Server(name, settings, command, url=at + path, ready_url=at + ready, cores=self.flags.cores,
                      log=self.flags.out / f"{name}.log", environment=environment)

    def _start_slipway(self):
        port = free_port()
        command = [self.flags.slipway, "serve", self.model, "--port", port, "--manifest", self.manifest,
                   *self.flags.serve_flags.split()]
        path = f"/v2/models/{self.job.name}/{self.job.verb}"
        return self._start("slipway", self.flags.serve_flags or "as it comes", command, port, path, "/v2/health/ready")

    def _start_flask(self, workers, ort_threads):
        port = free_port()
        # Without --timeout 0, gunicorn would take workers that are stopped for stuck ones and kill them.
        command = [sys.executable, "-m", "gunicorn", "--chdir", BASELINE, "-w", workers, "-b", f"127.0.0.1:{port}",
                   "--timeout", 0, "app:app"]
        environment = {"MODEL": str(self.model), "TASK": self.job.verb, "SIZE": str(self.job.size), "SCORE": str(SCORE),
                       "ORT_THREADS": str(ort_threads)}
        settings = f"{workers} workers, {ort_threads or 'default'} threads"
        return self._start("flask", settings, command, port, "/predict", "/health", environment)

    def _best_flask(self):
        """The settings with the most answers a second: (workers, ONNX Runtime's threads)."""
        for settings in [(workers, threads) for workers in WORKERS for threads in ORT_THREADS]:
            with contextlib.closing(self._start_flask(*settings)) as server:
                rate = self._load(server, self.flags.probe_seconds, "--connections", PROBE_CONNECTIONS)["per_second"]
            self.probes.append({"workers": settings[0], "threads": settings[1], "per_second": rate})
            say(f"{self.job.name}: flask, {settings[0]} workers, {settings[1] or 'default'} threads: {rate:.1f} a second")
        best = max(self.probes, key=lambda probe: probe["per_second"])
        return best["workers"], best["threads"]

    def _open(self, stack):
        """The servers that take part, stopped."""
        starts = {"slipway": self._start_slipway, "flask": lambda: self._start_flask(*self._best_flask())}
        # The one whose settings are searched goes first: it wants the cores for itself.
        servers = []
        for name in sorted(self.flags.servers):
            servers.append(stack.enter_context(contextlib.closing(starts[name]())))
            servers[-1].pause()
        return servers

    # -- measures

    def _load(self, server, seconds, *more):
        return measuring.load(self.flags, server.url, seconds, "--body", self.flags.photo, "--content-type", "image/jpeg", *more)

    def _check_answers(self, servers):
        wanted = json.loads(run(self.flags.slipway, self.job.verb, self.model, self.flags.photo, "--json", "--manifest",
                                self.manifest))
        lines = []
        for server in servers:
            with server.turn():
                found = json.loads(server.ask(self.flags.photo.read_bytes()))
            lines.append(f"{server.name}: {self.job.check(server.name, wanted, found)}")
        return "; ".join(lines)

    def _closed_loops(self, servers):
        """server -> connections -> reports, one a round. Each round begins with another server, and the engine alone has its
        turn in each."""
        reports = {server.name: {str(count): [] for count in self.flags.concurrency} for server in servers}
        for i in range(self.flags.rounds):
            for server in servers[i % len(servers):] + servers[:i % len(servers)]:
                with server.turn():
                    for count in self.flags.concurrency:
                        reports[server.name][str(count)].append(self._load(server, self.flags.seconds, "--connections", count))
            self.engine_turns.append(self._engine())
        return reports

    def _open_loop(self, server, best):
        with server.turn():
            return self._load(server, self.flags.open_seconds, "--connections", OPEN_CONNECTIONS, "--rate", OPEN_SHARE * best)

    def _summary(self, server, closed):
        medians = {count: {"per_second": statistics.median(each["per_second"] for each in reports),
                           "p50_ms": statistics.median(each["latency_ms"]["p50"] for each in reports)}
                   for count, reports in closed.items()}
        best = max(each["per_second"] for each in medians.values())
        if best == 0:
            raise Failed(f"{server.name} gives no good answer: {json.dumps(next(iter(closed.values()))[0])}")
        opened = self._open_loop(server, best)
        failures = sum(each["failures"] for reports in closed.values() for each in reports) + opened["failures"]
        return {"name": server.name, "settings": server.settings, "closed": medians, "best_per_second": best, "open": opened,
                "failures": failures, "peak_mb": server.peak_mb}

    def _engine(self):
        """What the engine does without a server, all of which are stopped meanwhile."""
        cores = self.flags.cores
        made = json.loads(run(self.flags.slipway, "bench", self.model, "--image", self.flags.photo, "--manifest", self.manifest,
                              "--contexts", len(cores), "--threads", 1, "--seconds", self.flags.seconds / 3, "--json",
                              preexec_fn=lambda: os.sched_setaffinity(0, cores)))
        return {"networks_per_second": made["throughput"]["per_second"], "photos_per_second": made["photos"]["per_second"],
                "contexts": len(cores), **made["photo"]}

    def hold(self):
        with contextlib.ExitStack() as stack:
            servers = self._open(stack)
            agrees = self._check_answers(servers)
            closed = self._closed_loops(servers)
            rows = [self._summary(server, closed[server.name]) for server in servers]
            return {"name": self.job.name, "agreement": agrees, "concurrency": self.flags.concurrency, "servers": rows,
                    "probes": self.probes, "engine": _medians(self.engine_turns)}


def main(arguments=None):
    flags = _parse(arguments)
    flags.out.mkdir(parents=True, exist_ok=True)
    machine = measuring.machine(flags.cores)
    try:
        run(sys.executable, pathlib.Path(__file__).parent / "make_models.py", flags.photo, flags.model_folder, *flags.models,
            env={**os.environ, "PYTHONPATH": str(ROOT / "bench")})
        models = [Contest(JOBS[name], flags).hold() for name in flags.models]
    except (Failed, agreement.Disagreement) as error:
        say(error)
        return 1
    results = {**measuring.conditions(flags, machine), "models": models}
    (flags.out / "results.json").write_text(json.dumps(results, indent=1))
    print(report.text(results))
    if flags.docs:
        report.put_into_page(ROOT / "docs/serve_benchmarks.md", "run.sh", report.markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
