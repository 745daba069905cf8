"""A run's results as tables, of text or of markdown. Everything shown comes from the JSON."""
import pathlib

BEGIN, END = "<!-- made by bench/serve/run.sh --docs -->", "<!-- end -->"
# name -> the fewest answers that leave one beyond it.
PERCENTILES = {"p50": 2, "p90": 10, "p99": 100, "p99.9": 1000}


def _number(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _percentile(opened, name):
    return _number(opened["latency_ms"][name]) if opened["answered"] >= PERCENTILES[name] else "-"


def _text_table(head, rows):
    """Left-aligned first column, right-aligned others."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths))) for row in [head, *rows]]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _markdown_table(head, rows):
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _rates(model, table):
    """A line per server: good answers a second at each number of connections, memory, failures."""
    counts = [str(count) for count in model["concurrency"]]
    rows = [[server["name"], server["settings"], *[_number(server["closed"][count]["per_second"]) for count in counts],
             _number(server["best_per_second"]), f"{server['peak_mb']:.0f}", str(server["failures"])]
            for server in model["servers"]]
    return table(["server", "settings", *[f"{count} conn" for count in counts], "best a second", "peak MB", "failures"], rows)


def _latencies(model, table):
    """A line per server: its percentiles under its own 70 %."""
    rows = [[server["name"], _number(server["open"]["rate"]), str(server["open"]["answered"]),
             *[_percentile(server["open"], name) for name in PERCENTILES],
             _number(server["open"]["latency_ms"]["max"])] for server in model["servers"]]
    return table(["server", "asked a second", "answers", *[f"{name} ms" for name in PERCENTILES], "max ms"], rows)


def _engine_line(model):
    engine = model["engine"]
    if not engine:
        return ""
    line = (f"The engine alone, no server: {_number(engine['photos_per_second'])} photos a second on {engine['contexts']} cores, "
            f"decoding included ({_number(engine['networks_per_second'])} networks alone). A decoded photo takes one core "
            f"{_number(engine['whole_ms'])} ms, {_number(engine['prepare_ms'])} of it before the network.")
    best = {server["name"]: server["best_per_second"] for server in model["servers"]}
    if "slipway" in best:
        line += f" The server reaches {best['slipway'] / engine['photos_per_second']:.0%} of that."
    if {"slipway", "flask"} <= best.keys() and best["flask"] > 0:
        line += f" Slipway / Flask: {best['slipway'] / best['flask']:.2f} in answers a second."
    return line + "\n"


def _parts(results, table, heading):
    machine = results["machine"]
    yield (f"{machine['cpu']}, cores {machine['cores']} for servers and load together, Linux {machine['kernel']}; others kept the "
           f"cores busy for {machine['busy']:.0%} of the time at the start. Photo: {results['photo']}. "
           f"Closed loops of {results['seconds']:g} s, {results['rounds']} rounds, medians.\n")
    for model in results["models"]:
        yield heading(f"{model['name']} ({model['agreement']})")
        yield _rates(model, table)
        yield _latencies(model, table)
        yield _engine_line(model)


def text(results):
    return "\n".join(filter(None, _parts(results, _text_table, lambda line: line)))


def markdown(results):
    return "\n".join(filter(None, _parts(results, _markdown_table, lambda line: f"### {line}\n")))


def put_into_page(page, made):
    """Replaces what stands between the two marks of the page."""
    page = pathlib.Path(page)
    head, begin, rest = page.read_text().partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"bench-serve: '{page}' lacks the lines '{BEGIN}' and '{END}', between which results go")
    page.write_text(f"{head}{BEGIN}\n\n{made}\n{END}{tail}")
