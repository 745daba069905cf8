"""A run's results as tables, of text or of markdown. Everything shown comes from the JSON."""
import pathlib

END = "<!-- end -->"
# name -> the fewest answers that leave one beyond it.
PERCENTILES = {"p50": 2, "p90": 10, "p99": 100, "p99.9": 1000}


def number(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _percentile(opened, name):
    return number(opened["latency_ms"][name]) if opened["answered"] >= PERCENTILES[name] else "-"


def text_table(head, rows):
    """Left-aligned first column, right-aligned others."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths))) for row in [head, *rows]]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def markdown_table(head, rows):
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _rates(model, table):
    """A line per server: good answers a second at each number of connections, memory, failures."""
    counts = [str(count) for count in model["concurrency"]]
    rows = [[server["name"], server["settings"], *[number(server["closed"][count]["per_second"]) for count in counts],
             number(server["best_per_second"]), f"{server['peak_mb']:.0f}", str(server["failures"])]
            for server in model["servers"]]
    return table(["server", "settings", *[f"{count} conn" for count in counts], "best a second", "peak MB", "failures"], rows)


def _latencies(model, table):
    """A line per server: its percentiles under its own 70 %."""
    rows = [[server["name"], number(server["open"]["rate"]), str(server["open"]["answered"]),
             *[_percentile(server["open"], name) for name in PERCENTILES],
             number(server["open"]["latency_ms"]["max"])] for server in model["servers"]]
    return table(["server", "asked a second", "answers", *[f"{name} ms" for name in PERCENTILES], "max ms"], rows)


def _engine_line(model):
    engine = model["engine"]
    if not engine:
        return ""
    line = (f"The engine alone, no server: {number(engine['photos_per_second'])} photos a second on {engine['contexts']} cores, "
            f"decoding included ({number(engine['networks_per_second'])} networks alone). A decoded photo takes one core "
            f"{number(engine['whole_ms'])} ms, {number(engine['prepare_ms'])} of it before the network.")
    best = {server["name"]: server["best_per_second"] for server in model["servers"]}
    if "slipway" in best:
        line += f" The server reaches {best['slipway'] / engine['photos_per_second']:.0%} of that."
    if {"slipway", "flask"} <= best.keys() and best["flask"] > 0:
        line += f" Slipway / Flask: {best['slipway'] / best['flask']:.2f} in answers a second."
    return line + "\n"


def conditions(results):
    machine = results["machine"]
    return (f"{machine['cpu']}, cores {machine['cores']} for servers and load together, Linux {machine['kernel']}; others kept the "
            f"cores busy for {machine['busy']:.0%} of the time at the start. Photo: {results['photo']}. "
            f"Closed loops of {results['seconds']:g} s, {results['rounds']} rounds, medians.\n")


def _probes_line(model):
    """What the baseline's settings gave. As guides have it, ONNX Runtime chooses its threads by itself."""
    if not model["probes"]:
        return ""
    rates = ", ".join(f"{probe['workers']} x {probe['threads'] or 'own'}: {number(probe['per_second'])}" for probe in model["probes"])
    line = f"Flask by workers x threads of ONNX Runtime, answers a second when they were tried: {rates}."
    best = {server["name"]: server["best_per_second"] for server in model["servers"]}
    untuned = max(probe["per_second"] for probe in model["probes"] if probe["threads"] == 0)
    if "slipway" in best and untuned > 0:
        line += f" Slipway / Flask with ONNX Runtime's own threads, as guides have it: {best['slipway'] / untuned:.2f}."
    return line + "\n"


def _parts(results, table, heading):
    yield conditions(results)
    for model in results["models"]:
        yield heading(f"{model['name']} ({model['agreement']})")
        yield _rates(model, table)
        yield _latencies(model, table)
        yield _engine_line(model)
        yield _probes_line(model)


def text(results):
    return "\n".join(filter(None, _parts(results, text_table, lambda line: line)))


def markdown(results):
    return "\n".join(filter(None, _parts(results, markdown_table, lambda line: f"### {line}\n")))


def put_into_page(page, script, made):
    """Replaces what stands between the mark of the script that made it and the next end."""
    page, mark = pathlib.Path(page), f"<!-- made by bench/serve/{script} --docs -->"
    head, begin, rest = page.read_text().partition(mark)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"bench-serve: '{page}' lacks the lines '{mark}' and '{END}', between which results go")
    page.write_text(f"{head}{mark}\n\n{made}\n{END}{tail}")
