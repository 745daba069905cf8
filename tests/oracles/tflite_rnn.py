"""Writes .tflite models of one recurrent operator (or embedding), several random runs each, and LiteRT's answers.

usage: tflite_rnn.py FOLDER [PREFIX]

For every case FOLDER/<case>/ holds model.tflite, input<i>.npy and output<i>.npy of the first run; run1/, run2/ hold
those of the runs after it: what a run leaves in the states the next one finds. Seeded. PREFIX limits the cases.
"""
import os
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tflite_ops import Tensor, build, random_array

RUNS = 3
GATES = ("input", "forget", "cell", "output")
ACTIVATIONS = {"none": 0, "relu": 1, "relun1": 2, "relu6": 3, "tanh": 4}
CASES = {}


def state(dtype, dims, scale=None, zero=0):
    return Tensor(dtype, dims, scale=scale, zero=zero, is_state=True)


class Operator:
    """Collects the tensors of a case."""

    def __init__(self, name):
        self.rng = np.random.default_rng(sum(name.encode()))
        self.tensors, self.inputs = [], []

    def add(self, tensor):
        self.tensors.append(tensor)
        self.inputs.append(len(self.tensors) - 1)

    def skip(self):
        self.inputs.append(-1)

    def real(self, dims, bound=0.7):
        self.add(Tensor("float32", dims, self.rng.uniform(-bound, bound, dims).astype(np.float32)))

    def steps(self, dtype, dims, scale, low=-127, high=127):
        self.add(Tensor(dtype, dims, self.rng.integers(low, high, dims, endpoint=True).astype(dtype), scale=scale))

    def weight(self, kind, dims):
        if kind == "float":
            self.real(dims)
        elif kind == "hybrid_uint8":  # what old converters call signed bytes
            self.steps("int8", dims, float(self.rng.uniform(0.003, 0.008)))
            self.tensors[-1].dtype, self.tensors[-1].data = "uint8", self.tensors[-1].data.view(np.uint8)
        else:
            self.steps("int8", dims, float(self.rng.uniform(0.003, 0.008)))

    def finish(self, name, op, outputs, option, fields, intermediates=()):
        first = len(self.tensors)
        self.tensors += outputs
        middle = len(self.tensors)
        self.tensors += intermediates
        CASES[name] = dict(op=op, tensors=self.tensors, inputs=self.inputs, outputs=range(first, middle), option=option,
                           fields=fields, intermediates=range(middle, len(self.tensors)))


def add_svdf(name, kind, rank, activation, has_bias=True, batch=2, inputs=7, units=3, memory=5, asymmetric=False):
    op, filters = Operator(name), units * rank
    op.add(Tensor("float32" if kind != "integer" else "int8", [batch, inputs], scale=0.02 if kind == "integer" else None, zero=3))
    if kind == "integer":
        op.steps("int8", [filters, inputs], 0.01)
        op.steps("int16", [filters, memory], 0.0001, -9000, 9000)
        op.steps("int32", [units], 1e-7, -90000, 90000) if has_bias else op.skip()
        op.add(state("int16", [batch, filters * memory], 0.001))
        output = Tensor("int8", [batch, units], scale=0.05, zero=-128)
    else:
        op.weight(kind, [filters, inputs])
        op.weight(kind, [filters, memory])
        op.real([units]) if has_bias else op.skip()
        op.add(state("float32", [batch, filters * memory]))
        output = Tensor("float32", [batch, units])
    op.finish(name, "SVDF", [output], "SVDFOptions",
              dict(rank=rank, fusedActivationFunction=ACTIVATIONS[activation], asymmetricQuantizeInputs=asymmetric))


def add_lstm(name, op_name, kind, coupled=False, peephole=False, projection=False, norm=False, time_major=False, cell_clip=0.0,
             proj_clip=0.0, asymmetric=False, activation="tanh", batch=2, steps=4, inputs=5, cells=8, bias=True, hidden_zero=0,
             diagonal=False, narrow=False):
    """`diagonal`: recurrent weights of one axis. `narrow`: gates are summed up in 8 bits."""
    op, outputs, is_integer = Operator(name), 6 if projection else cells, kind == "integer"
    shape = [batch, inputs] if op_name == "LSTM" else [steps, batch, inputs] if time_major else [batch, steps, inputs]
    op.add(Tensor("int8", shape, scale=0.02, zero=5) if is_integer else Tensor("float32", shape))
    for columns in (inputs, outputs):
        for gate in GATES:
            if coupled and gate == "input":
                op.skip()
            elif diagonal and columns == outputs:
                op.real([cells])
            else:
                op.weight(kind, [cells, columns])
    for gate in ("input", "forget", "output"):
        if not peephole or (coupled and gate == "input"):
            op.skip()
        elif is_integer:
            op.steps("int16", [cells], 2e-5, -32767, 32767)
        else:
            op.weight(kind, [cells])
    for gate in GATES:
        if coupled and gate == "input":
            op.skip()
        elif is_integer:
            op.steps("int32", [cells], 1e-4, -4000, 4000)
        else:
            op.real([cells])
    if projection:
        op.weight(kind, [outputs, cells])
        if not bias:
            op.skip()
        elif is_integer:
            op.steps("int32", [outputs], 1e-4, -2000, 2000)
        else:
            op.real([outputs])
    else:
        op.skip(), op.skip()
    # The scale of what is projected makes some of it saturate, where the sign of its zero point shows.
    h_scale, h_zero = (0.009, -4) if projection else (1 / 128, hidden_zero)
    op.add(state("int8", [batch, outputs], h_scale, h_zero) if is_integer else state("float32", [batch, outputs]))
    op.add(state("int16", [batch, cells], 2.0 ** (-15 if narrow else -11)) if is_integer else state("float32", [batch, cells]))
    if norm:
        for gate in GATES:
            if coupled and gate == "input":
                op.skip()
            elif is_integer:
                op.steps("int16", [cells], 3e-5, 8000, 32767)
            else:
                op.real([cells], 1.5)
    between = []
    if is_integer:
        gate_scale = 0.0006 if norm else 2.0 ** -12
        between = [Tensor("int16", [], scale=gate_scale) for _ in GATES] + [Tensor("int8", [], scale=0.004 if projection else 1 / 128, zero=hidden_zero)]
    if narrow:
        between = [Tensor("int8", [], scale=float(op.rng.uniform(*((3e-4, 9e-4) if part == 0 else (0.02, 0.05)))), zero=int(op.rng.integers(-9, 9)))
                   for _ in GATES for part in range(3)]
    result = shape[:-1] + [outputs]
    output = Tensor("int8", result, scale=h_scale, zero=h_zero) if is_integer else Tensor("float32", result)
    fields = dict(fusedActivationFunction=ACTIVATIONS[activation], cellClip=cell_clip, projClip=proj_clip,
                  asymmetricQuantizeInputs=asymmetric)
    if op_name != "LSTM":
        fields["timeMajor"], fields["diagonalRecurrentTensors"] = time_major, diagonal
    op.finish(name, op_name, [output], "LSTMOptions" if op_name == "LSTM" else "UnidirectionalSequenceLSTMOptions", fields, between)


def add_rnn(name, op_name, kind, activation="tanh", time_major=False, asymmetric=False, batch=2, steps=4, inputs=5, units=6):
    op = Operator(name)
    shape = [batch, inputs] if op_name == "RNN" else [steps, batch, inputs] if time_major else [batch, steps, inputs]
    op.add(Tensor("float32", shape))
    op.weight(kind, [units, inputs])
    op.weight(kind, [units, units])
    op.real([units])
    op.add(state("float32", [batch, units]))
    fields = dict(fusedActivationFunction=ACTIVATIONS[activation], asymmetricQuantizeInputs=asymmetric)
    if op_name != "RNN":
        fields["timeMajor"] = time_major
    op.finish(name, op_name, [Tensor("float32", shape[:-1] + [units])], "RNNOptions" if op_name == "RNN" else "SequenceRNNOptions", fields)


def add_auxiliary(op, kind, shape, matrices, auxiliary):
    """`auxiliary`: "none", "input" (what the backward layer reads) or "weights" (both read it too)."""
    op.skip() if auxiliary == "none" else op.add(Tensor("float32", shape))
    for dims in matrices:
        op.weight(kind, dims) if auxiliary == "weights" else op.skip()


def add_both_ways(name, cell, kind, merge=False, time_major=False, auxiliary="none", batch=2, steps=4, inputs=5, units=6, **form):
    """A bidirectional layer; the backward one has a unit less where LiteRT allows it."""
    op, projected = Operator(name), form.get("projection", False)
    shape = [steps, batch, inputs] if time_major else [batch, steps, inputs]
    sizes = (units, units) if auxiliary != "none" or cell == "lstm" else (units, units - 1)
    op.add(Tensor("float32", shape))
    widths = []
    for cells in sizes:
        width = cells - 2 if projected else cells
        widths.append(width)
        if cell == "rnn":
            op.weight(kind, [cells, inputs]), op.weight(kind, [cells, cells]), op.real([cells])
            op.add(state("float32", [batch, cells]))
            continue
        for columns in (inputs, width):
            for gate in GATES:
                op.skip() if form.get("coupled") and gate == "input" else op.weight(kind, [cells, columns])
        for gate in ("input", "forget", "output"):
            op.weight(kind, [cells]) if form.get("peephole") and not (form.get("coupled") and gate == "input") else op.skip()
        for gate in GATES:
            op.skip() if form.get("coupled") and gate == "input" else op.real([cells])
        op.weight(kind, [width, cells]) if projected else op.skip()
        op.real([width]) if projected else op.skip()
    if cell == "lstm":
        for cells, width in zip(sizes, widths):
            op.add(state("float32", [batch, width])), op.add(state("float32", [batch, cells]))
    num_matrices = 1 if cell == "rnn" else 4
    add_auxiliary(op, kind, shape, [[cells, inputs] for cells in sizes for _ in range(num_matrices)], auxiliary)
    outputs = [sum(widths)] if merge else widths
    fields = dict(fusedActivationFunction=ACTIVATIONS["tanh"], mergeOutputs=merge, timeMajor=time_major)
    if cell == "lstm":
        fields.update(cellClip=form.get("cell_clip", 0.0), projClip=0.0)
    op.finish(name, f"BIDIRECTIONAL_SEQUENCE_{cell.upper()}", [Tensor("float32", shape[:-1] + [width]) for width in outputs],
              f"BidirectionalSequence{cell.upper()}Options", fields)


def add_embedding(name, kind, combiner=None):
    """Rows of a table, or weighted sums of them."""
    op, rows, per_row = Operator(name), 6, kind == "hybrid_per_row"
    ids = op.rng.integers(0, rows, 5).astype(np.int32)
    op.add(Tensor("int32", [5], ids if combiner is not None else None, low=0, high=rows - 1))
    if combiner is not None:
        op.add(Tensor("int32", [5, 2], np.array([[0, 0], [0, 1], [2, 0], [2, 1], [3, 0]], np.int32)))
        op.add(Tensor("int32", [2], np.array([4, 3], np.int32)))
        op.add(Tensor("float32", [5], low=0.5))
        op.real([rows, 3])
        op.finish(name, "EMBEDDING_LOOKUP_SPARSE", [Tensor("float32", [4, 3])], "EmbeddingLookupSparseOptions", dict(combiner=combiner))
        return
    op.weight("float" if kind == "float" else "int8", [rows, 3])
    if per_row:
        op.tensors[-1].scale, op.tensors[-1].axis = [0.01 * (i + 1) for i in range(rows)], 0
    op.finish(name, "EMBEDDING_LOOKUP", [Tensor("float32", [5, 3])], None, None)


def add_cases():
    for kind in ("float", "hybrid", "hybrid_per_row"):
        add_embedding(f"embedding_{kind}", kind)
    for i, combiner in enumerate(("sum", "mean", "sqrtn")):
        add_embedding(f"embedding_sparse_{combiner}", "float", i)
    for op, short in (("RNN", "rnn"), ("UNIDIRECTIONAL_SEQUENCE_RNN", "sequence_rnn")):
        for kind in ("float", "hybrid"):
            for activation in ("none", "relu", "tanh"):
                add_rnn(f"{short}_{kind}_{activation}", op, kind, activation)
        add_rnn(f"{short}_hybrid_asymmetric", op, "hybrid", asymmetric=True)
        add_rnn(f"{short}_hybrid_uint8", op, "hybrid_uint8")
    for kind in ("float", "hybrid"):
        add_rnn(f"sequence_rnn_{kind}_time_major", "UNIDIRECTIONAL_SEQUENCE_RNN", kind, time_major=True, batch=3)
        for cell in ("rnn", "lstm"):
            # Left out, for LiteRT's defects: hybrid RNNs with time first go through the sequence again for every step;
            # merged LSTMs with the batch first keep the state of the second sequence beyond its tensor; RNNs with the
            # batch first read the input backwards, not the auxiliary one.
            is_broken = cell == "rnn" and kind == "hybrid"
            for merge in (False, True):
                for time_major in (False,) if is_broken else (False, True):
                    add_both_ways(f"both_ways_{cell}_{kind}_merge{merge}_time{time_major}", cell, kind, merge, time_major,
                                  batch=1 if merge and not time_major and cell == "lstm" else 2)
            if not is_broken:
                add_both_ways(f"both_ways_{cell}_{kind}_auxiliary", cell, kind, auxiliary="input", time_major=True)
        add_both_ways(f"both_ways_lstm_{kind}_everything", "lstm", kind, peephole=True, projection=True, cell_clip=0.5)
        add_both_ways(f"both_ways_lstm_{kind}_coupled", "lstm", kind, coupled=True, peephole=True)
    for cell in ("rnn", "lstm"):
        add_both_ways(f"both_ways_{cell}_float_auxiliary_weights", cell, "float", auxiliary="weights")
        add_both_ways(f"both_ways_{cell}_float_auxiliary_weights_merged", cell, "float", auxiliary="weights", merge=True, time_major=True)
    for kind in ("float", "hybrid"):
        for activation in ("none", "relu", "tanh"):
            for rank in (1, 2):
                add_svdf(f"svdf_{kind}_rank{rank}_{activation}", kind, rank, activation)
        add_svdf(f"svdf_{kind}_without_bias", kind, 2, "relu6", has_bias=False)
    add_svdf("svdf_hybrid_asymmetric", "hybrid", 1, "none", asymmetric=True)
    add_svdf("svdf_hybrid_uint8", "hybrid_uint8", 2, "relu")
    for rank in (1, 2):
        add_svdf(f"svdf_integer_rank{rank}", "integer", rank, "relu")
    add_svdf("svdf_integer_without_bias", "integer", 2, "relu", has_bias=False, batch=3, memory=9, units=8)
    for op, short in (("LSTM", "lstm"), ("UNIDIRECTIONAL_SEQUENCE_LSTM", "sequence_lstm")):
        for kind in ("float", "hybrid", "integer"):
            add_lstm(f"{short}_{kind}_plain", op, kind)
            add_lstm(f"{short}_{kind}_coupled", op, kind, coupled=True)
            add_lstm(f"{short}_{kind}_peephole", op, kind, peephole=True)
            add_lstm(f"{short}_{kind}_projection", op, kind, projection=True, hidden_zero=20)
            add_lstm(f"{short}_{kind}_projection_without_bias", op, kind, projection=True, bias=False)
            add_lstm(f"{short}_{kind}_norm", op, kind, norm=True)
            add_lstm(f"{short}_{kind}_everything", op, kind, peephole=True, projection=True, norm=True, cell_clip=0.6, proj_clip=0.4)
            add_lstm(f"{short}_{kind}_coupled_everything", op, kind, coupled=True, peephole=True, projection=True, norm=True, cell_clip=0.6)
            add_lstm(f"{short}_{kind}_clipped", op, kind, cell_clip=0.3)
        for activation in ("relu", "relu6"):
            add_lstm(f"{short}_float_{activation}", op, "float", activation=activation)
        add_lstm(f"{short}_integer_zero_point", op, "integer", hidden_zero=-9)
        add_lstm(f"{short}_hybrid_asymmetric", op, "hybrid", projection=True, asymmetric=True)
        add_lstm(f"{short}_hybrid_uint8", op, "hybrid_uint8", projection=True, peephole=True)
    for coupled in (True, False):  # LiteRT couples its gates in either case
        for clips in (dict(), dict(cell_clip=0.4, proj_clip=0.5), dict(cell_clip=1.5)):
            tag = f"coupled{int(coupled)}_clips{len(clips)}"
            add_lstm(f"lstm_narrow_{tag}", "LSTM", "integer", coupled, projection=True, norm=True, narrow=True, batch=3, **clips)
    add_lstm("lstm_narrow_peephole", "LSTM", "integer", True, peephole=True, projection=True, norm=True, narrow=True, cells=16, inputs=9)
    for kind in ("float", "hybrid"):
        for coupled in (False, True):
            add_lstm(f"sequence_lstm_{kind}_diagonal{int(coupled)}", "UNIDIRECTIONAL_SEQUENCE_LSTM", kind, coupled, peephole=True,
                     diagonal=True, time_major=coupled)
    for kind in ("float", "hybrid", "integer"):
        add_lstm(f"sequence_lstm_{kind}_time_major", "UNIDIRECTIONAL_SEQUENCE_LSTM", kind, time_major=True, batch=3)


def write(folder, runs):
    for i, (arrays, answers) in enumerate(runs):
        path = folder if i == 0 else os.path.join(folder, f"run{i}")
        os.makedirs(path, exist_ok=True)
        for stem, values in (("input", arrays), ("output", answers)):
            for j, value in enumerate(values):
                np.save(os.path.join(path, f"{stem}{j}.npy"), value)


def main():
    folder, prefix = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    add_cases()
    for name, spec in CASES.items():
        if not name.startswith(prefix):
            continue
        model = build(**spec)
        rng = np.random.default_rng(sum(name.encode()) + 1)
        try:
            interpreter = Interpreter(model_content=model, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
            interpreter.allocate_tensors()
            runs = []
            for _ in range(RUNS):
                arrays = [random_array(rng, spec["tensors"][detail["index"]]) for detail in interpreter.get_input_details()]
                for detail, array in zip(interpreter.get_input_details(), arrays):
                    interpreter.set_tensor(detail["index"], array)
                interpreter.invoke()
                runs.append((arrays, [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]))
        except (RuntimeError, ValueError) as error:  # a case that LiteRT refuses is a defect of this script
            sys.exit(f"{name}: {error}")
        write(os.path.join(folder, name), runs)
        with open(os.path.join(folder, name, "model.tflite"), "wb") as file:
            file.write(model)


if __name__ == "__main__":
    main()
