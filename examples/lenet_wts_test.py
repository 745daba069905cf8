"""The LeNet example against the ten numbers that tensorrtx publishes for an image of ones.

usage: lenet_wts_test.py PROGRAM. Exits with 77 where the assets are not there.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", pathlib.Path(__file__).resolve().parents[2] / "shared/assets"))


def main():
    program, weights, tasks = sys.argv[1], ASSETS / "wts/lenet5.wts", ASSETS / "golden/tasks.json"
    if not weights.exists() or not tasks.exists():
        print(f"skipped: no {weights} or {tasks}")
        return 77
    cases = json.loads(tasks.read_text())
    cases = cases if isinstance(cases, list) else next(v for v in cases.values() if isinstance(v, list))
    case = next(each for each in cases if each["id"] == "wts_lenet5")
    got = [float(line) for line in subprocess.run([program, weights], check=True, capture_output=True,
                                                  text=True).stdout.split()]
    want = case["expect"]["output"]
    worst = max(abs(a - b) for a, b in zip(got, want, strict=True))
    print(f"largest difference {worst:.2g}")
    assert worst <= case["tolerance"]["abs"], (got, want)

    # The same file cut short is refused at its line.
    with tempfile.NamedTemporaryFile("w", suffix=".wts") as broken:
        broken.write(weights.read_text()[:200_000])
        broken.flush()
        refused = subprocess.run([program, broken.name], capture_output=True, text=True)
    assert refused.returncode == 4 and f"{broken.name}:" in refused.stderr, refused
    return 0


if __name__ == "__main__":
    sys.exit(main())
