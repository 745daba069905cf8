"""docs/operators.md is what `slipway ops --markdown` prints.

usage: docs_operators.py SLIPWAY
"""
import difflib
import pathlib
import subprocess
import sys


def main():
    page = pathlib.Path(__file__).resolve().parents[2] / "docs/operators.md"
    printed = subprocess.run([sys.argv[1], "ops", "--markdown"], capture_output=True, text=True, check=True).stdout
    difference = list(difflib.unified_diff(page.read_text().splitlines(), printed.splitlines(), "docs/operators.md",
                                           "slipway ops --markdown", lineterm=""))
    print("\n".join(difference[:60]))
    if difference:
        print("docs/operators.md is out of date: `make approve` rewrites it", file=sys.stderr)
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
