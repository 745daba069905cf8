"""Writes .tflite models of what TensorFlow Lite Micro has beyond LiteRT, with random inputs and its answers.

usage: tflite_micro_ops.py FOLDER [PREFIX]

Laid out as tflite_rnn.py's cases, of several runs each: audio operators that keep something from run to run, Fourier
transforms in fixed point, SVDF with a state of 8 bits. A frame that is not complete is zeros here; Micro leaves it as it
happens to be in memory.
"""
import os
import sys

import numpy as np
from flatbuffers import flexbuffers
from tflite_micro.python.tflite_micro import runtime

from tflite_more_ops import TYPES, Net, random_array
from tflite_ops import write_case

RUNS = 4
SMALL = dict(int16=(-30000, 30000), int32=(-10**9, 10**9), float32=(-2, 2))
CASES = {}


def signal(name, op, inputs, results, **attrs):
    """inputs: (dtype, dims); results: likewise. `T` is the type of the first input where an operator has it."""
    def make(main):
        ids = [main.input(dtype, dims, None, *SMALL[dtype]) for dtype, dims in inputs]
        return main.add(op, ids, results, custom_options=flexbuffers.Dumps(attrs))
    CASES[name] = make, attrs


for dtype in ("int16", "int32", "float32"):
    for length in (4, 8, 16, 64, 512, 6, 10, 12, 20, 30, 60, 480):  # Micro ends itself at greater primes
        spectrum = [2, length + 2]
        signal(f"rfft_{dtype}_{length}", "SignalRfft", [(dtype, [2, length - 1])], [(dtype, spectrum)], T=TYPES[dtype], fft_length=length)
        signal(f"irfft_{dtype}_{length}", "SignalIrfft", [(dtype, spectrum)], [(dtype, [2, length])], T=TYPES[dtype], fft_length=length)
for dims in ([5], [2, 6], [2, 2, 4]):
    for delay in (1, 4, 9, 13):
        signal(f"delay_{len(dims)}d_{delay}", "SignalDelay", [("int16", dims)], [("int16", dims)], delay_length=delay)
for dims in ([6], [2, 12]):
    for size, step in ((5, 3), (3, 3), (2, 3), (13, 6), (4, 1), (7, 2)):
        for prefill in (False, True):
            if step <= size or not prefill:
                frames = dims[:-1] + [dims[-1] // step, size]
                signal(f"framer_{len(dims)}d_{size}_{step}_{int(prefill)}", "SignalFramer", [("int16", dims)], [("int16", frames), ("bool", [])],
                       frame_size=size, frame_step=step, prefill=prefill)
for dtype in ("int16", "float32"):
    for dims in ([1, 6], [3, 5], [2, 2, 7]):
        for step in (1, 3, 5):
            signal(f"overlap_add_{dtype}_{len(dims)}d{dims[-2]}_{step}", "SignalOverlapAdd", [(dtype, dims)],
                   [(dtype, dims[:-2] + [dims[-2] * step])], T=TYPES[dtype], frame_step=step)
for channels, left, right, step in ((3, 2, 1, 2), (1, 0, 0, 1), (4, 1, 0, 1), (2, 0, 3, 4), (5, 3, 2, 3)):
    signal(f"stacker_{channels}_{left}_{right}_{step}", "SignalStacker", [("int16", [channels])],
           [("int16", [channels * (left + right + 1)]), ("bool", [])], num_channels=channels, stacker_left_context=left,
           stacker_right_context=right, stacker_step=step)


def add_svdf(name, state, rank, units=3, inputs=7, memory=5, batch=2):
    def make(main):
        rng, filters = np.random.default_rng(sum(name.encode())), units * rank
        wide = state == "int16"
        x = main.input("int8", [batch, inputs], None, -128, 127, 0.02, 3)
        feature = main.tensor("int8", [filters, inputs], rng.integers(-127, 128, [filters, inputs]), 0.01)
        time = main.tensor(state, [filters, memory], rng.integers(-9000, 9000, [filters, memory]) // (1 if wide else 80), 1e-4 if wide else 0.008)
        bias = main.tensor("int32", [units], rng.integers(-90000, 90000, [units]) // (1 if wide else 80), 1e-7 if wide else 0.0024)
        kept = main.tensor(state, [batch, filters * memory], None, 0.001 if wide else 0.3, 0 if wide else -7)
        main.graph.tensors[kept].isVariable = True
        return main.add("SVDF", [x, feature, time, bias, kept], [("int8", [batch, units], 0.05, -128)], "SVDFOptions", rank=rank,
                        fusedActivationFunction=1)
    CASES[name] = make, {}


for state in ("int8", "int16"):
    for rank in (1, 2):
        add_svdf(f"svdf_{state}_{rank}", state, rank)


def whole(outputs, attrs, run):
    """Frames that are not full yet as zeros."""
    if "frame_size" in attrs:
        steps = outputs[0].shape[-2]
        for i in range(steps):
            if not attrs["prefill"] and (run * steps + i + 1) * attrs["frame_step"] < attrs["frame_size"]:
                outputs[0][..., i, :] = 0
    elif len(outputs) == 2 and not outputs[1]:
        outputs[0][:] = 0
    return outputs


def answer(model, runs, number, attrs):
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    answers = []
    for run, arrays in enumerate(runs):
        for i, array in enumerate(arrays):
            interpreter.set_input(array, i)
        interpreter.invoke()
        answers.append(whole([np.array(interpreter.get_output(i)) for i in range(number)], attrs, run))
    return answers


def main():
    folder, prefix = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    for name, (make, attrs) in CASES.items():
        if not name.startswith(prefix):
            continue
        net = Net()
        net.main.graph.outputs = list(make(net.main))
        rng = np.random.default_rng(sum(name.encode()))
        runs = [[random_array(rng, *each) for each in net.inputs] for _ in range(RUNS)]
        model = net.bytes()
        for i, (arrays, outputs) in enumerate(zip(runs, answer(model, runs, len(net.main.graph.outputs), attrs))):
            write_case(folder, os.path.join(name, f"run{i}") if i else name, model, arrays, outputs)


if __name__ == "__main__":
    main()
