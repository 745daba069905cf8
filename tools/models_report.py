"""Counts what converts, and writes the counts into docs/models.md.

usage: models_report.py [--build FOLDER] [--print]

Every figure comes from a command run now: the operators from the manual, the models from `slipway inspect --support` over
SLIPWAY_ASSETS, the suites from their own test programs. A part whose data or program is absent is left out and says so.
--print: to stdout, the file stays as it is.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- figures: make models -->", "<!-- end of figures -->"
ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", ROOT.parent / "shared" / "assets"))

# (name, what it runs, arguments; {build} and {assets} are filled in; the line of its output that counts)
SUITES = [
    ("ONNX 1.22's node tests, backend `ref`", ["{build}/conformance/slipway_onnx_conformance", "--backend", "ref"],
     r"\d+ passed, \d+ failed, \d+ skipped"),
    ("ONNX 1.22's node tests, backend `cpu`", ["{build}/conformance/slipway_onnx_conformance", "--backend", "cpu"],
     r"\d+ passed, \d+ failed, \d+ skipped"),
    ("OpenCV's Caffe layers and nets", [sys.executable, "tests/e2e/caffe_suite.py", "{slipway}"], r"\d+ of \d+ nets pass.*"),
    ("OpenCV's TensorFlow nets", [sys.executable, "tests/e2e/tensorflow_suite.py", "{slipway}"], r"\d+ of \d+ nets pass.*"),
    ("models of other projects' tests", [sys.executable, "tests/e2e/tflite_suites.py", "{slipway}"], r"\d+ of \d+ nets pass.*"),
]


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def operators(slipway):
    """How many of each format's operators some record reads."""
    manual = subprocess.run([slipway, "ops", "--markdown"], capture_output=True, text=True, check=True).stdout
    names = collections.defaultdict(set)
    for line in manual.splitlines():
        found = re.match(r"- (onnx|tflite|tensorflow|caffe) `([^`]+)`", line)
        if not found:
            continue
        source, name = found.groups()
        domain = name.rpartition(".")[0]
        if source == "onnx":
            source = f"ONNX, `{domain or 'ai.onnx'}`"
        elif source == "tflite":
            source = "TFLite, builtin" if name == name.upper() else "TFLite, custom"
        names[{"tensorflow": "TensorFlow", "caffe": "Caffe, layers"}.get(source, source)].add(name)
    layers = "".join(path.read_text() for path in (ROOT / "src/formats/caffe").glob("layers*.cc"))
    names["Caffe, layers"] |= set(re.findall(r'LayerDef\{"(\w+)"', layers))
    # Operators that take more than a record's row: {"Name", Function} in the importer's tables.
    for path in (ROOT / "src/formats/tensorflow").glob("*.cc"):
        tables = path.read_text() if path.name in ("handlers.cc", "lists.cc") or path.name.startswith("recipes_") else ""
        names["TensorFlow"] |= set(re.findall(r'\{"([A-Z]\w+)", [A-Z]\w+\}', tables))
    return table(["operators of", "read"], [(source, len(found)) for source, found in sorted(names.items()) if found])


def models(slipway):
    """Every model of the assets, by folder; those that do not convert with the reason."""
    run = subprocess.run([slipway, "inspect", *(ASSETS / name for name in ("onnx", "tflite", "tensorflow", "caffe")),
                          "--support", "--json"], capture_output=True, text=True, check=False)
    found = json.loads(run.stdout)["models"]
    counts = collections.defaultdict(collections.Counter)
    rows = []
    for model in found:
        name = pathlib.Path(model["file"]).relative_to(ASSETS)
        counts[name.parts[0]][model["state"]] += 1
        if model["state"] == "supported":
            continue
        lacks = collections.Counter(node["operator"] for node in model["unsupported"])
        why = ", ".join(f"{op} x{count}" if count > 1 else op for op, count in sorted(lacks.items()))
        rows.append((f"`{name}`", why or model["error"]["message"].splitlines()[0].replace(str(ASSETS) + "/", "")))
    states = ["supported", "unsupported", "broken"]
    text = table(["models of", *states], [(name, *(count[state] for state in states)) for name, count in sorted(counts.items())])
    return text + ("\n" + table(["does not convert as it is", "because of"], rows) if rows else "")


def results(output, pattern):
    """(part, line that counts): a line "name:" begins a part."""
    part = ""
    for line in output.splitlines():
        if re.fullmatch(r"\w+:", line):
            part = line[:-1]
        if re.fullmatch(pattern, line):
            yield part, line


def suites(build, slipway):
    rows = []
    for name, command, pattern in SUITES:
        command = [part.format(build=build, slipway=slipway, assets=ASSETS) for part in command]
        program = ROOT / command[1] if command[0] == sys.executable else pathlib.Path(command[0])
        if not program.exists():
            continue
        print(f"running: {name}", file=sys.stderr)
        run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT,
                             env={**os.environ, "SLIPWAY_ASSETS": str(ASSETS)})
        found = list(results(run.stdout, pattern))
        rows += [(f"{name}: {part}" if part else name, line) for part, line in found]
        if not found:
            rows.append((name, f"did not run: {(run.stdout + run.stderr).strip().rpartition(chr(10))[2]}"))
    return table(["suite", "result"], rows)


def figures(build):
    slipway = build / "slipway"
    parts = [operators(slipway)]
    if ASSETS.exists():
        parts += [models(slipway), suites(build, slipway)]
    else:
        print(f"left out: models and suites, no {ASSETS}", file=sys.stderr)
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--print", action="store_true", dest="is_printed")
    arguments = parser.parse_args()
    text = figures(arguments.build.resolve())
    if arguments.is_printed:
        print(text)
        return
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
