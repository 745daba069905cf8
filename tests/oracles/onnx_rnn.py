"""Writes models of one RNN, LSTM or GRU with random options and operands, and onnxruntime's answers.

usage: onnx_rnn.py FOLDER [COUNT] [SEED]

FOLDER/node/test_<case>/ is laid out as ONNX's own backend test data: model.onnx and test_data_set_0/*.pb. What
onnxruntime lacks (layout 1) and where it leaves the specification (ThresholdedRelu's default, functions without
one) is left to ONNX's cases.
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
FUNCTIONS = {"RNN": 1, "LSTM": 3, "GRU": 2}
# Name: has alpha, has beta.
ACTIVATIONS = {"Affine": (1, 1), "Elu": (1, 0), "HardSigmoid": (1, 1), "LeakyRelu": (1, 0), "Relu": (0, 0), "ScaledTanh": (1, 1),
               "Sigmoid": (0, 0), "Softplus": (0, 0), "Softsign": (0, 0), "Tanh": (0, 0), "ThresholdedRelu": (1, 0)}
OPSETS = [7, 14, 22]
LARGEST = 1e4


def random_attributes(rng, op, directions, hidden):
    attributes = {"hidden_size": hidden}
    attributes["direction"] = "bidirectional" if directions == 2 else str(rng.choice(["forward", "reverse"]))
    if rng.random() < 0.5:
        names = [str(rng.choice(list(ACTIVATIONS))) for _ in range(FUNCTIONS[op] * directions)]
        attributes["activations"] = names
        alphas = [float(x) for x in rng.uniform(0.1, 0.9, sum(ACTIVATIONS[name][0] for name in names))]
        betas = [float(x) for x in rng.uniform(0.1, 0.9, sum(ACTIVATIONS[name][1] for name in names))]
        attributes.update({"activation_alpha": alphas} if alphas else {})
        attributes.update({"activation_beta": betas} if betas else {})
    if rng.random() < 0.3:
        attributes["clip"] = float(rng.uniform(0.2, 1.5))
    if op == "LSTM" and rng.random() < 0.3:
        attributes["input_forget"] = 1
    if op == "GRU" and rng.random() < 0.5:
        attributes["linear_before_reset"] = 1
    return attributes


def random_operands(rng, op, directions, hidden):
    steps, batch, inputs = (int(rng.integers(1, high)) for high in (9, 5, 12))
    rows = GATES[op] * hidden
    uniform = lambda *dims: rng.uniform(-1, 1, dims).astype(np.float32)
    operands = {"x": uniform(steps, batch, inputs), "w": uniform(directions, rows, inputs), "r": uniform(directions, rows, hidden)}
    optional = {"bias": uniform(directions, 2 * rows), "lengths": rng.integers(1, steps + 1, batch).astype(np.int32),
                "h": uniform(directions, batch, hidden)}
    if op == "LSTM":
        optional["c"] = uniform(directions, batch, hidden)
        optional["peepholes"] = uniform(directions, 3 * hidden)
    for name, value in optional.items():
        operands[name] = value if rng.random() < 0.6 else None
    return operands


def make_case(rng, op):
    directions, hidden = int(rng.integers(1, 3)), int(rng.integers(1, 12))
    operands = random_operands(rng, op, directions, hidden)
    outputs = ["y", "y_h", "y_c"] if op == "LSTM" else ["y", "y_h"]
    wanted = [name if rng.random() < 0.8 else "" for name in outputs]
    wanted = wanted if any(wanted) else outputs
    node = helper.make_node(op, [name if value is not None else "" for name, value in operands.items()], wanted,
                            **random_attributes(rng, op, directions, hidden))
    weights = ("w", "r", "bias", "peepholes")
    given = {name: value for name, value in operands.items() if value is not None and name not in weights}
    kind = lambda value: TensorProto.INT32 if value.dtype == np.int32 else TensorProto.FLOAT
    graph = helper.make_graph(
        [node], op, [helper.make_tensor_value_info(name, kind(value), value.shape) for name, value in given.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in wanted if name],
        [numpy_helper.from_array(operands[name], name) for name in weights if operands.get(name) is not None])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", int(rng.choice(OPSETS)))], ir_version=8)
    return model, given


def main():
    folder = pathlib.Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    rng = np.random.default_rng(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    for i in range(count):
        op = list(GATES)[i % len(GATES)]
        model, inputs = make_case(rng, op)
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        answers = session.run(None, inputs)
        if any(not np.abs(answer).max() < LARGEST for answer in answers):
            continue  # the state grows from step to step, and rounding with it
        data = folder / "node" / f"test_{op.lower()}_{i}" / "test_data_set_0"
        data.mkdir(parents=True)
        onnx.save(model, data.parent / "model.onnx")
        for kind, values in (("input", inputs.values()), ("output", answers)):
            for at, value in enumerate(values):
                (data / f"{kind}_{at}.pb").write_bytes(numpy_helper.from_array(value).SerializeToString())


if __name__ == "__main__":
    main()
