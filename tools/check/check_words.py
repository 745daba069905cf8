"""Checks what tracked files may hold: no path of one machine, no package registry's host, no big or endless file.

usage: check_words.py
"""
import pathlib
import re
import subprocess
import sys

MAX_BYTES = 2_000_000
MAX_LINES = 700
# Spelled in pieces, so that this file passes its own check.
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.])/" + r"(work|home/\w+|root|Users/\w+|tmp/\w)[/\w]*"),
    "a package registry's host": re.compile(
        r"(registry\." + r"npmjs|pypi\." + r"org|files\.python" + r"hosted|deb\.debian" + r"\.org|proxy\.golang" + r")"),
}
SOURCE = (".h", ".cc", ".py", ".sh", ".cmake")


def problems(name, path):
    size = path.stat().st_size
    if size > MAX_BYTES:
        yield f"{name}: {size} bytes; at most {MAX_BYTES} are kept in git"
        return
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        return
    if name.endswith(SOURCE) and len(lines) > MAX_LINES:
        yield f"{name}: {len(lines)} lines; split it (at most {MAX_LINES})"
    for number, line in enumerate(lines, 1):
        for what, pattern in FORBIDDEN.items():
            found = pattern.search(line)
            if found:
                yield f"{name}:{number}: names {what}: {found.group(0)}"


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    wrong = []
    for name in filter(None, listing.stdout.split("\0")):
        path = root / name
        if path.is_file():
            wrong += problems(name, path)
    for line in wrong:
        print(f"words: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
