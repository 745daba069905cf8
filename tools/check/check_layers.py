"""Checks every #include against the table of who may include whom.

usage: check_layers.py

A folder's row lists the layers that its files may include beside their own. A file belongs to the row with the longest
matching path. Folders that share a row with "peers apart" (formats, backends, tasks) never see each other's inside.
"""
import pathlib
import re
import subprocess
import sys

PUBLIC = {"slipway"}
CORE = PUBLIC | {"base"}
GRAPH = CORE | {"ir", "ops"}

# layer -> the layers that it may include
MAY_INCLUDE = {
    "slipway": set(),
    "base": PUBLIC,
    "ir": CORE,
    "ops": CORE | {"ir"},
    "manifest": CORE,
    "media": CORE,
    "formats": GRAPH | {"manifest"},
    "formats/*": GRAPH | {"manifest", "formats"},
    "formats/registry": GRAPH | {"manifest", "formats", "formats/*"},
    "network": GRAPH | {"plugin"},
    "passes": GRAPH,
    "quant": GRAPH | {"media", "runtime"},
    "plan": GRAPH | {"manifest"},
    "backends/api": GRAPH,
    "backends": GRAPH | {"backends/api", "backends/*"},
    "backends/*": GRAPH | {"backends/api"},
    "backends/cpu": GRAPH | {"backends/api", "backends/cpu/kernels"},
    "backends/cpu/kernels": CORE,
    "perf": CORE | {"backends/cpu/kernels"},
    "plugin": GRAPH | {"backends/api"},
    "build": GRAPH | {"plan", "backends", "backends/api"},
    "runtime": GRAPH | {"plugin", "plan", "build", "backends", "backends/api"},
    "report": GRAPH | {"perf", "build", "runtime", "backends", "backends/api"},
    "tasks/core": GRAPH | {"manifest", "media", "runtime"},
    "tasks/*": GRAPH | {"manifest", "media", "runtime", "tasks/core"},
    # passes and runtime until the public API has an engine.
    "examples": CORE | {"passes", "runtime"},
    "api": {"*"},
    "library": GRAPH | {"api", "backends/cpu/kernels", "build", "library", "plan", "plugin", "runtime"},
    "cli": {"*"},
    "server": {"*"},
}
# Made by the build, or a Debian library's.
ELSEWHERE = re.compile(r"_generated\.h$|^hwy/")


def layer_of(folder):
    """src-relative folder -> its row in the table; "formats/onnx" -> "formats/*"."""
    parts = folder.split("/")
    while parts:
        name = "/".join(parts)
        if name in MAY_INCLUDE:
            return name
        if len(parts) == 2 and f"{parts[0]}/*" in MAY_INCLUDE:
            return f"{parts[0]}/*"
        parts.pop()
    return None


def home(folder):
    """The folder that counts as "itself": src/ops/math and src/ops/nn are both ops, formats/onnx stands alone."""
    layer = layer_of(folder)
    if layer and layer.endswith("/*"):
        return "/".join(folder.split("/")[:2])
    return layer


def complaint(source_folder, target):
    """None where `source_folder` may include `target` ("ir/graph.h"), else what is wrong."""
    target_folder = target.rpartition("/")[0]
    if not target_folder or ELSEWHERE.search(target):
        return None
    here, there = layer_of(source_folder), layer_of(target_folder)
    if here is None:
        return f"folder '{source_folder}' has no row in tools/check/check_layers.py"
    if there is None:
        return f"'{target}' is in no layer that tools/check/check_layers.py knows"
    allowed = MAY_INCLUDE[here]
    if home(source_folder) == home(target_folder) or "*" in allowed or there in allowed:
        return None
    return f"'{home(source_folder)}' may not include '{home(target_folder)}' ({target})"


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    listing = subprocess.run(["tools/check/list_sources.sh"], cwd=root, capture_output=True, text=True, check=True)
    wrong = []
    for name in listing.stdout.split():
        path = root / name
        # Tests may look at other layers, as their oracles do.
        is_test = name.endswith(("_test.cc", "_fuzz.cc", "/testing.h"))
        if is_test or not name.startswith(("src/", "include/", "examples/")):
            continue
        folder = re.sub("^(src|include)/", "", name).rpartition("/")[0]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            problem = complaint(folder, found.group(1)) if found else None
            if problem:
                wrong.append(f"{name}:{number}: {problem}")
    for line in wrong:
        print(f"layers: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
