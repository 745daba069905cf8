"""A run's results as JSON, and that JSON as text and as tables of docs/benchmarks.md. Everything shown comes from the JSON."""
import dataclasses
import pathlib

BEGIN, END = "<!-- made by make bench-peers DOCS=1 -->", "<!-- end -->"


def _row_json(contest, row):
    ratio = contest.ratio(row)
    return {
        "label": row.entrant.label, "engine": row.entrant.engine, "precision": row.entrant.precision,
        "version": row.facts["version"], "ms": dataclasses.asdict(row.ms), "runs": sum(map(len, row.rounds)),
        "ratio": dataclasses.asdict(ratio) if ratio else None, "difference": row.difference,
        "effective_gflops": row.rate.effective if row.rate else None, "least_gflops": row.rate.least if row.rate else None,
        **{key: row.facts[key] for key in ("load_ms", "first_ms", "peak_mb", "model_mb")},
    }


def to_json(contests, machine):
    return {"machine": machine,
            "contests": [{"model": contest.model.name, "threads": contest.threads, "gflop": 2e-9 * contest.model.macs,
                          "rows": [_row_json(contest, row) for row in contest.rows], "absent": contest.absent,
                          "round_trips_ns": contest.round_trips}
                         for contest in contests]}


def _rows(contest, precision):
    """Ours or None, and the peers, the fastest first."""
    rows = [row for row in contest["rows"] if row["precision"] == precision]
    ours = next((row for row in rows if row["engine"] == "slipway"), None)
    peers = sorted((row for row in rows if row["engine"] != "slipway"), key=lambda row: row["ms"]["median"])
    return ours, peers


def _table(head, rows, is_markdown):
    """Left-aligned first column, right-aligned others."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    cells = [[cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
             for row in [head, *rows]]
    if not is_markdown:
        return "\n".join("  ".join(row).rstrip() for row in cells) + "\n"
    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [cells[0], rule, *cells[1:]]) + "\n"


def _number(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def ratio_table(results, precision, is_markdown=False):
    """A line per model and threads: the best peer's time / ours, and how far apart the cores were."""
    lines = []
    for contest in results["contests"]:
        ours, peers = _rows(contest, precision)
        if not peers:
            continue
        best, ratio = peers[0], peers[0]["ratio"]
        lines.append([contest["model"], contest["threads"], _number(ours["ms"]["median"]) if ours else "-",
                      _number(best["ms"]["median"]), best["label"],
                      f"{ratio['median']:.2f}" if ratio else "-",
                      f"{ratio['low']:.2f}-{ratio['high']:.2f}" if ratio else "-",
                      "-".join(f"{ns:.0f}" for ns in sorted(contest["round_trips_ns"])) or "-"])
    head = ["model", "threads", "Slipway ms", "best peer ms", "best peer", "ratio", "quartiles", "core to core ns"]
    return _table(head, lines, is_markdown) if lines else ""


def time_table(results, precision, is_markdown=False):
    """Medians of every engine, in ms."""
    labels = list(dict.fromkeys(row["label"] for contest in results["contests"] for row in contest["rows"]
                                if row["precision"] == precision))
    lines = []
    for contest in results["contests"]:
        medians = {row["label"]: _number(row["ms"]["median"]) for row in contest["rows"]}
        lines.append([contest["model"], contest["threads"], *[medians.get(label, "-") for label in labels]])
    return _table(["model", "threads", *labels], lines, is_markdown) if labels else ""


def detail_table(results, is_markdown=False):
    """Every row: spread, rate, error, loading, memory."""
    lines = []
    for contest in results["contests"]:
        for row in contest["rows"]:
            ms = row["ms"]
            lines.append([f"{contest['model']} x{contest['threads']} {row['label']}", _number(ms["median"]),
                          f"{_number(ms['low'])}-{_number(ms['high'])}", row["runs"],
                          f"{row['effective_gflops']:.0f}" if row["effective_gflops"] else "-", f"{row['difference']:.1e}",
                          _number(row["load_ms"]), _number(row["first_ms"]), f"{row['peak_mb']:.0f}", f"{row['model_mb']:.0f}"])
    head = ["model, threads, engine", "median ms", "quartiles", "runs", "effective GFLOP/s", "difference", "load ms",
            "first ms", "peak MB", "model MB"]
    return _table(head, lines, is_markdown)


def memory_table(results, precision, is_markdown=False):
    """Ours against the peer that needs least: what loading and running one model added."""
    lines = []
    for contest in results["contests"]:
        ours, peers = _rows(contest, precision)
        if ours and peers:
            best = min(peers, key=lambda row: row["model_mb"])
            lines.append([contest["model"], contest["threads"], f"{ours['model_mb']:.0f}", f"{best['model_mb']:.0f}",
                          best["label"], f"{ours['model_mb'] / best['model_mb']:.2f}"])
    head = ["model", "threads", "Slipway MB", "best peer MB", "best peer", "ours / best"]
    return _table(head, lines, is_markdown) if lines else ""


def machine_lines(results):
    machine = results["machine"]
    versions = {row["label"].split()[0] if row["engine"] != "onnxruntime" else "ONNX Runtime": row["version"]
                for contest in results["contests"] for row in contest["rows"]}
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    return [
        f"{machine['cpu']} (family.model {machine['family']}), {machine['cores']} cores, {caches}; "
        f"{', '.join(machine['instructions'])}; Linux {machine['kernel']}; governor {machine['governor']}; "
        f"others kept the cores busy for {machine['busy']:.0%} of the time at the start",
        f"roof of one core: {machine['peak']['f32']:.0f} GFLOP/s f32 (measured), {machine['peak']['bf16']:.0f} bf16",
        "versions: " + ", ".join(f"{name} {version.removeprefix('slipway ')}" for name, version in versions.items()),
    ]


def absent_lines(results):
    """Who is left out of which models, and why: a line per reason."""
    reasons = {}
    for contest in results["contests"]:
        for line in contest["absent"]:
            models = reasons.setdefault(line, [])
            if contest["model"] not in models:
                models.append(contest["model"])
    return [f"{reason} ({', '.join(models)})" for reason, models in reasons.items()]


def text(results):
    parts = ["\n".join(machine_lines(results)) + "\n", detail_table(results)]
    for precision in ("f32", "bf16"):
        table = ratio_table(results, precision)
        if table:
            parts.append(f"{precision}: best peer / Slipway (above 1: Slipway is faster)\n{table}")
        memory = memory_table(results, precision)
        if memory:
            parts.append(f"memory that a model needs, {precision}\n{memory}")
    parts.append("\n".join(absent_lines(results)) + "\n")
    return "\n".join(parts)


def markdown(results, images):
    """images: precision -> path of its picture, relative to the page."""
    parts = ["\n".join(f"- {line}" for line in machine_lines(results)) + "\n"]
    for precision in ("f32", "bf16"):
        table = ratio_table(results, precision, is_markdown=True)
        if table:
            parts += [f"### {precision}\n", f"![time of each engine over Slipway's, {precision}]({images[precision]})\n", table,
                      f"Medians of all engines, ms:\n\n{time_table(results, precision, is_markdown=True)}"]
        memory = memory_table(results, precision, is_markdown=True)
        if memory:
            parts.append(f"Memory:\n\n{memory}")
    parts += ["### Every figure\n", detail_table(results, is_markdown=True)]
    absent = absent_lines(results)
    if absent:
        parts.append("Left out:\n\n" + "\n".join(f"- {line}" for line in absent) + "\n")
    return "\n".join(parts)


def put_into_page(page, made):
    """Replaces what stands between the two marks of the page."""
    page = pathlib.Path(page)
    text_ = page.read_text()
    head, begin, rest = text_.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"bench-peers: '{page}' lacks the lines '{BEGIN}' and '{END}', between which results go")
    page.write_text(f"{head}{BEGIN}\n\n{made}\n{END}{tail}")
