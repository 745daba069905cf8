"""Who may include whom, checked against the real includes.

A folder may include itself and what ALLOWED names for it; the longest matching folder counts.
"""
import pathlib
import re
import subprocess
import sys

CORE = {"slipway", "base", "ir", "ops"}
ALLOWED = {
    "include/slipway": {"slipway"},
    "src/base": {"slipway"},
    "src/ir": {"slipway", "base"},
    "src/ops": {"slipway", "base", "ir"},
    "src/manifest": {"slipway", "base"},
    "src/media": {"slipway", "base"},
    "src/plan": CORE | {"manifest"},
    "src/passes": CORE,
    "src/formats": CORE | {"manifest"},
    "src/formats/registry": CORE | {"manifest", "formats"},
    "src/backends/api": CORE,
    "src/backends/ref": CORE | {"backends/api"},
    "src/backends/null": CORE | {"backends/api"},
    "src/backends/cpu": CORE | {"backends/api"},
    "src/backends/cpu/kernels": {"slipway", "base"},
    "src/backends": CORE | {"backends"},
    # Shape rules and the tactic chooser are needed at run time (dynamic shapes, foreign machines); importers and
    # passes are not.
    "src/build": CORE | {"backends"},
    "src/runtime": CORE | {"backends", "build"},
    "src/tasks": CORE | {"manifest", "media", "backends", "build", "runtime"},
    "src/api": CORE | {"manifest", "formats", "passes", "plan", "backends", "build", "runtime"},
    "src/cli": None,  # sees all
    "conformance": None,
    "tests": None,
    "fuzz": None,
    "bench": None,
    "examples": {"slipway"},
}
# Formats never see each other; the common part (files directly in src/formats) is for all.
FORMATS = ("onnx", "tflite", "tensorflow", "caffe")


def folder_rule(path):
    best = None
    for folder in ALLOWED:
        if str(path).startswith(folder + "/") and (best is None or len(folder) > len(best)):
            best = folder
    return best


def is_allowed(rule, path, target):
    allowed = ALLOWED[rule]
    if allowed is None:
        return True
    own = rule.removeprefix("src/").removeprefix("include/")
    if target.startswith(own + "/"):
        if own == "formats":
            parts = pathlib.PurePath(target).parts
            other = parts[1] if len(parts) > 2 else None
            return other not in FORMATS or other in path.parts
        return True
    return any(target.startswith(folder + "/") for folder in allowed)


def main():
    files = subprocess.run(["git", "ls-files", "*.cc", "*.h"], capture_output=True, text=True, check=True).stdout.split()
    bad = []
    for name in files:
        path = pathlib.PurePath(name)
        rule = folder_rule(path)
        if rule is None:
            bad.append(f"{name}: stands in no known folder")
            continue
        try:
            text = pathlib.Path(name).read_text()
        except FileNotFoundError:
            continue
        for target in re.findall(r'^#include "([^"]+)"', text, re.M):
            if "/" not in target or target.startswith("hwy/") or target.endswith("_generated.h"):
                continue
            is_test = name.endswith("_test.cc")
            if not is_test and not is_allowed(rule, path, target):
                bad.append(f"{name}: {rule} may not include {target}")
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
