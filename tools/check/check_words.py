"""What must not stand in the repository: paths of one machine, large files, sources that are too long."""
import pathlib
import re
import subprocess
import sys

MAX_BYTES = 2 << 20
MAX_LINES = 700
# Absolute paths of a developer's machine; /usr, /bin, /tmp and /dev are everyone's.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/\w")


def main():
    files = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.splitlines()
    bad = []
    for name in files:
        path = pathlib.Path(name)
        if not path.is_file():
            continue
        if path.stat().st_size > MAX_BYTES:
            bad.append(f"{name}: larger than 2 MB")
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line):
                bad.append(f"{name}:{number}: a path of one machine: {line.strip()[:100]}")
        if path.suffix in {".cc", ".h", ".py"} and text.count("\n") > MAX_LINES:
            bad.append(f"{name}: {text.count(chr(10))} lines; is there a second file hiding in it?")
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
