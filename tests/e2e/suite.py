"""What the suites of other projects' nets share: running a net, comparing, the list of what does not pass, the report."""
import argparse
import os
import pathlib
import subprocess
import tarfile
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", ROOT.parent / "shared" / "assets"))
BACKENDS = ("ref", "cpu")
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def run_net(slipway, backend, net, feeds, scratch, *options):
    """Outputs by name, or the error's text. feeds: arrays by input, "" for the only one, or a list in the order of the
    inputs; bytes are a file's content, for inputs of strings; scratch: a folder for arrays."""
    data = []
    for i, (name, array) in enumerate(feeds.items() if isinstance(feeds, dict) else [("", array) for array in feeds]):
        path = scratch / (f"{i}.bin" if isinstance(array, bytes) else f"{i}.npy")
        if isinstance(array, bytes):
            path.write_bytes(array)
        else:
            np.save(path, array)
        data.append(f"{name}={path}" if name else path)
    run = subprocess.run([slipway, "run", net, *data, *options, "-o", scratch / "out.npz", "--backend", backend],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return run.stderr.strip()
    with np.load(scratch / "out.npz") as outputs:
        return dict(outputs)


def difference(ours, expected, tolerance=1e-5):
    """None, or how they differ; `tolerance` is relative to the largest number expected."""
    if ours.shape != expected.shape:
        return f"shape {ours.shape}, expected {expected.shape}"
    error = np.abs(ours.astype(np.float64) - expected).max() / max(np.abs(expected).max(), 1e-30)
    return None if error <= tolerance else f"differs by {error:.2g} of the largest number"


def only_output(outputs, expected, tolerance=1e-5):
    """None, or why the result of run_net is not this one array."""
    if isinstance(outputs, str):
        return outputs
    if len(outputs) != 1:
        return f"has {len(outputs)} outputs"
    return difference(next(iter(outputs.values())), expected, tolerance)


def read_list(path):
    """Case to reason, in the format of expected_failures.h."""
    reasons, reason = {}, ""
    for line in path.read_text().splitlines() if path.exists() else []:
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] == " ":
            reasons[line.strip()] = reason
        else:
            reason = line.strip()
    return reasons


def write_list(path, reasons):
    """Keeps the comments at the top."""
    text = "".join(line + "\n" for line in path.read_text().splitlines() if line.startswith("#"))
    for reason in sorted(set(reasons.values())):
        text += f"\n{reason}\n" + "".join(f"  {name}\n" for name in sorted(reasons) if reasons[name] == reason)
    path.write_text(text)


def on_backends(check):
    """check: None or a complaint of one backend. A function of all their complaints, as main takes it."""
    return lambda: [f"{backend}: {why}" for backend in BACKENDS if (why := check(backend))]


def refused(slipway, net, code, text):
    """None, or why `net` is not refused with that exit code and words."""
    run = subprocess.run([slipway, "inspect", net], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return None if run.returncode == code and text in run.stderr else f"exit {run.returncode}: {run.stderr.strip()}"


def main(archive_name, list_name, make_cases):
    """The exit status. make_cases(slipway, folder, scratch): functions that give a list of complaints, by case; `folder` is
    what suites/<archive_name>.tar.xz holds under its own name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("slipway")
    parser.add_argument("--only", default="")
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    archive = ASSETS / "suites" / f"{archive_name}.tar.xz"
    if not archive.exists():
        print(f"skipped: no {archive}")
        return SKIPPED
    list_path = ROOT / "conformance" / list_name
    listed, failed, complaints = read_list(list_path), {}, []
    with tempfile.TemporaryDirectory() as text:
        scratch = pathlib.Path(text)
        with tarfile.open(archive) as tar:
            tar.extractall(scratch)
        (scratch / "run").mkdir()
        cases = make_cases(arguments.slipway, scratch / archive_name, scratch / "run")
        cases = {name: check for name, check in cases.items() if arguments.only in name}
        for name, check in cases.items():
            whys = check()
            if whys:
                failed[name] = whys[0]
            if whys and name not in listed:
                complaints.append(f"{name}: {whys[0]}")
            if not whys and name in listed:
                complaints.append(f"{name}: passes, but the list says: {listed[name]}")
    if arguments.update:
        write_list(list_path, {name: listed.get(name, f"not yet: {why.splitlines()[0]}") for name, why in failed.items()})
    print("\n".join(complaints))
    print(f"{len(cases) - len(failed)} of {len(cases)} nets pass, {len(failed)} fail, {len(complaints)} unexpectedly")
    return 1 if complaints else 0
