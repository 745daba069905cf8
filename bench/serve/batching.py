"""Measures whether batching pays: one model with an open batch, served with `max_batch_size` 8 and with 0, in turns.

Run by bench/serve/batching.sh. Exit status: 1 where a request fails or an answer depends on the batch that it was computed in,
2 for wrong flags.
"""
import contextlib
import json
import statistics
import sys
import urllib.request

import measuring
import numpy as np
import open_batch
import report
from measuring import ROOT, say
from servers import Failed, Server, free_port

JOINED, SINGLE = 8, 0  # max_batch_size
HEAD = ["model", "connections", "single, a second", "joined, a second", "gain", "rows a run", "p50 ms", "p99 ms"]


class Experiment:
    """All about one model."""

    def __init__(self, name, flags):
        self.name, self.flags = name, flags
        flags.out.mkdir(parents=True, exist_ok=True)
        self.request = open_batch.row_request(flags.out) if name == "mlp" else open_batch.photo_request(flags.photo)

    def _start(self, limit):
        folder = self.flags.out / f"{self.name}_{limit}"
        open_batch.write_repository(folder, [self.name], limit)
        port = free_port()
        at = f"http://127.0.0.1:{port}"
        return Server(f"max_batch_size {limit}", "", [self.flags.slipway, "serve", folder, "--port", port],
                      url=at + self.request.path, ready_url=at + "/v2/health/ready", cores=self.flags.cores,
                      log=self.flags.out / f"{folder.name}.log")

    def _counts(self, server):
        """Rows and runs so far."""
        with urllib.request.urlopen(server.url.rpartition("/")[0] + "/stats", timeout=20) as answer:
            stats = json.load(answer)["model_stats"][0]
        return np.array([stats["inference_count"], stats["execution_count"]])

    def _load(self, server, connections):
        with server.turn():
            before = self._counts(server)
            made = measuring.load(self.flags, server.url, self.flags.seconds, *self.request.load_flags(), "--connections",
                                  connections)
            rows, runs = self._counts(server) - before
        if made["failures"]:
            raise Failed(f"{self.name}, {server.name}: {made['failures']} requests failed: {json.dumps(made)}")
        return {"per_second": made["per_second"], "p50_ms": made["latency_ms"]["p50"], "p99_ms": made["latency_ms"]["p99"],
                "rows_a_run": rows / runs}

    def hold(self):
        """connections -> limit -> medians of the rounds."""
        with contextlib.ExitStack() as stack:
            servers = {}
            for limit in (JOINED, SINGLE):
                servers[limit] = stack.enter_context(contextlib.closing(self._start(limit)))
                servers[limit].pause()
            return {count: self._medians(servers, count) for count in self.flags.connections}

    def _medians(self, servers, connections):
        turns = {limit: [] for limit in servers}
        for i in range(self.flags.rounds):
            for limit in list(servers)[::(-1) ** i]:  # each round begins with the other one
                turns[limit].append(self._load(servers[limit], connections))
        return {limit: {key: statistics.median(turn[key] for turn in each) for key in each[0]} for limit, each in turns.items()}


def _rows(results):
    for model in results["models"]:
        for count, limits in model["measured"].items():
            joined, single = limits[JOINED], limits[SINGLE]
            yield [model["name"], str(count), report.number(single["per_second"]), report.number(joined["per_second"]),
                   f"{joined['per_second'] / single['per_second']:.2f}", f"{joined['rows_a_run']:.1f}",
                   *[f"{report.number(single[key])} / {report.number(joined[key])}" for key in ("p50_ms", "p99_ms")]]


def _text(results, table):
    return f"{report.conditions(results)}\n{table(HEAD, list(_rows(results)))}"


def _parse(arguments):
    parser = measuring.parser(__doc__, "serve/batching")
    parser.add_argument("--models", type=str.split, default=list(open_batch.WRITERS), help=f"of {', '.join(open_batch.WRITERS)}")
    parser.add_argument("--connections", type=measuring.numbers, default=[1, 2, 16])
    flags = parser.parse_args(arguments)
    for name in set(flags.models) - set(open_batch.WRITERS):
        parser.error(f"unknown '{name}': must be of {', '.join(open_batch.WRITERS)}")
    return flags


def main(arguments=None):
    flags = _parse(arguments)
    machine = measuring.machine(flags.cores)
    try:
        models = [{"name": name, "measured": Experiment(name, flags).hold()} for name in flags.models]
    except Failed as error:
        say(error)
        return 1
    results = {**measuring.conditions(flags, machine), "models": models}
    (flags.out / "results.json").write_text(json.dumps(results, indent=1))
    print(_text(results, report.text_table))
    if flags.docs:
        report.put_into_page(ROOT / "docs/serve_benchmarks.md", "batching.sh", _text(results, report.markdown_table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
