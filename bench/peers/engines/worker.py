"""One engine with one model in a process of its own: measures when told, else waits in a read without a thread awake.

usage: python -m peers.engines.worker ENGINE MODEL THREADS PRECISION INPUTS.npz OUTPUTS.npz

Loads, runs once, writes OUTPUTS.npz, and says so on stdout in a line of JSON: {"version", "load_ms", "first_ms",
"peak_mb", "model_mb"}. Then every line on stdin is a command with a line in answer; the end of stdin ends the process.

    run N     -> {"ms": [N times]}
    memory    -> {"peak_mb", "model_mb"}

peak_mb is the process's highest resident memory while it loads and runs; model_mb is what that added to what the interpreter,
the engine's libraries and the inputs held before, less the copies of the inputs that the engine's interface asks for (a session's
`copied_bytes`). Writing the outputs counts in neither. An error is {"error": text} and the end. slipway_turns.cc speaks the same.
"""
import importlib
import json
import os
import sys
import time

import numpy as np


def private_stdout():
    """The pipe to the caller; what libraries print goes to stderr."""
    pipe = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return pipe


def status_mb(field):
    """VmHWM or VmRSS of this process, in MB of 10^6 bytes."""
    with open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"/proc/self/status has no {field}")


def forget_peak():
    """Sets VmHWM back to VmRSS; where the kernel forbids it, the peak includes what imports needed."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


class Worker:
    """Answers commands on one loaded session."""

    def __init__(self, session_type, model, threads, precision, inputs):
        forget_peak()
        self.before_mb = status_mb("VmRSS")
        self.earlier_mb = 0.0  # the peak before something that does not count
        start = time.perf_counter()
        self.session = session_type(model, threads, precision, inputs)
        self.load_ms = (time.perf_counter() - start) * 1e3
        self.first_ms = self.time_run()

    def time_run(self):
        self.session.prepare()
        start = time.perf_counter()
        self.session.run()
        return (time.perf_counter() - start) * 1e3

    def write_outputs(self, path):
        self.earlier_mb = status_mb("VmHWM")
        np.savez(path, **self.session.outputs())
        forget_peak()

    def memory(self):
        peak = max(self.earlier_mb, status_mb("VmHWM"))
        return {"peak_mb": peak, "model_mb": peak - self.before_mb - getattr(self.session, "copied_bytes", 0) / 1e6}

    def facts(self):
        return {"version": self.session.version(), "load_ms": self.load_ms, "first_ms": self.first_ms, **self.memory()}

    def answer(self, line):
        command, *arguments = line.split()
        if command == "run":
            return {"ms": [self.time_run() for _ in range(int(arguments[0]))]}
        if command == "memory":
            return self.memory()
        raise ValueError(f"unknown command '{command}': use 'run N' or 'memory'")


def main():
    pipe = private_stdout()
    try:
        engine, model, threads, precision, inputs, outputs = sys.argv[1:]
        session_type = importlib.import_module(f"peers.engines.{engine}").Session
        worker = Worker(session_type, model, int(threads), precision, dict(np.load(inputs)))
        facts = worker.facts()
        worker.write_outputs(outputs)
        print(json.dumps(facts), file=pipe)
        for line in sys.stdin:
            print(json.dumps(worker.answer(line)), file=pipe)
    except Exception as error:  # whatever an engine throws belongs to the caller
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=pipe)
        raise


if __name__ == "__main__":
    main()
