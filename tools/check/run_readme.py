"""Runs the README's commands: every ```sh block that follows a line `<!-- run -->`, in order, from the root.

usage: run_readme.py [FILE]

`slipway` in a block is the one that the build left in build/release. Stops at the first block that fails.
"""
import os
import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"^<!-- run -->\n+```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    page = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "README.md"
    text = page.read_text()
    blocks = [(text.count("\n", 0, found.start(1)) + 1, found.group(1)) for found in BLOCK.finditer(text)]
    if not blocks:
        print(f"readme: {page.name} has no block marked <!-- run -->", file=sys.stderr)
        return 1
    environment = dict(os.environ, PATH=f"{root / 'build' / 'release'}:{os.environ['PATH']}")
    # A README's `make demo` runs inside `make test`: it must not share that make's job server.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    for line, block in blocks:
        run = subprocess.run(["sh", "-euc", block], cwd=root, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if run.returncode != 0:
            print(f"{run.stdout}\nreadme: {page.name}:{line}: this block failed:\n{block}", file=sys.stderr)
            return 1
    print(f"readme: {len(blocks)} blocks of commands work")
    return 0


if __name__ == "__main__":
    sys.exit(main())
