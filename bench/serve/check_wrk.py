"""The load generator beside wrk: the same closed loops against the same server, in turns.

What is right of one that measures fairly: as many answers a second as wrk gets, at the same median, for as little of the cores
that both share with the server. Run by bench/serve/check_wrk.sh. Exit status: 1 where requests fail, 2 for wrong flags.

wrk's p99 is not comparable: where an answer takes longer than the mean, wrk adds the latencies of requests that it would have
sent meanwhile.
"""
import contextlib
import json
import os
import resource
import statistics
import sys

import measuring
import open_batch
import report
from measuring import ROOT, say
from servers import Failed, Server, free_port

TOOLS = ("slipway_load", "wrk")
HEAD = ["request", "connections", "a second", "p50 ms", "p99 ms", "cpu us a request"]


def _cpu_seconds():
    """Of children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Check:
    def __init__(self, flags):
        self.flags = flags
        self.requests = {"GET /v2/health/live": (open_batch.Request("/v2/health/live"), [1, 16, 64]),
                         "POST a row of 3 KB": (open_batch.row_request(flags.out), [1, 16]),
                         "POST a photo": (open_batch.photo_request(flags.photo), [1, 8])}

    def _start(self):
        folder = self.flags.out / "models"
        open_batch.write_repository(folder, open_batch.WRITERS, 8)
        port = free_port()
        at = f"http://127.0.0.1:{port}"
        return Server("slipway", "", [self.flags.slipway, "serve", folder, "--port", port], url=at,
                      ready_url=at + "/v2/health/ready", cores=self.flags.cores, log=self.flags.out / "server.log")

    def _slipway_load(self, url, request, connections):
        made = measuring.load(self.flags, url, self.flags.seconds, *request.load_flags(), "--connections", connections)
        return {"per_second": made["per_second"], "p50_ms": made["latency_ms"]["p50"], "p99_ms": made["latency_ms"]["p99"],
                "failures": made["failures"]}

    def _wrk(self, url, request, connections):
        environment = {**os.environ, "HEADERS": "\n".join(request.headers), **({"BODY": str(request.body)} if request.body else {})}
        cores = self.flags.cores
        out = measuring.run("wrk", "--threads", 1, "--connections", connections, "--duration", f"{self.flags.seconds:.0f}s", "--script",
                            ROOT / "bench/serve/wrk.lua", url, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        return json.loads(out.splitlines()[-1])

    def _turn(self, tool, url, request, connections):
        before = _cpu_seconds()
        made = (self._slipway_load if tool == "slipway_load" else self._wrk)(url, request, connections)
        if made["failures"]:
            raise Failed(f"{tool}: {made['failures']} requests failed: {json.dumps(made)}")
        seconds = self.flags.seconds + (measuring.warmup(self.flags.seconds) if tool == "slipway_load" else 0)
        made["cpu_us"] = (_cpu_seconds() - before) / (made["per_second"] * seconds) * 1e6
        return made

    def _medians(self, url, request, connections):
        turns = {tool: [] for tool in TOOLS}
        for i in range(self.flags.rounds):
            for tool in TOOLS[::(-1) ** i]:
                turns[tool].append(self._turn(tool, url, request, connections))
        return {tool: {key: statistics.median(turn[key] for turn in each) for key in each[0]} for tool, each in turns.items()}

    def hold(self):
        with contextlib.closing(self._start()) as server:
            return [{"request": text, "connections": count, "tools": self._medians(server.url + request.path, request, count)}
                    for text, (request, counts) in self.requests.items() for count in counts]


def _text(results, table):
    rows = [[row["request"], str(row["connections"]),
             *[" / ".join(report.number(row["tools"][tool][key]) for tool in TOOLS)
               for key in ("per_second", "p50_ms", "p99_ms", "cpu_us")]] for row in results["rows"]]
    return f"{report.conditions(results)}\n{table(HEAD, rows)}"


def main(arguments=None):
    flags = measuring.parser(__doc__, "serve/wrk").parse_args(arguments)
    flags.out.mkdir(parents=True, exist_ok=True)
    machine = measuring.machine(flags.cores)
    try:
        rows = Check(flags).hold()
    except Failed as error:
        say(error)
        return 1
    results = {**measuring.conditions(flags, machine), "rows": rows}
    (flags.out / "results.json").write_text(json.dumps(results, indent=1))
    print(f"each pair: {' / '.join(TOOLS)}\n{_text(results, report.text_table)}")
    if flags.docs:
        report.put_into_page(ROOT / "docs/serve_benchmarks.md", "check_wrk.sh", _text(results, report.markdown_table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
