"""Writes .tflite models with variables and hash tables, several runs each, and LiteRT's answers.

usage: tflite_resources.py FOLDER

Laid out as tflite_rnn.py's cases. Their content is assigned in a sub-graph that CALL_ONCE runs.
"""
import os
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tflite_ops import options
from tflite_rnn import write

TYPES = {"float32": schema.TensorType.FLOAT32, "int64": schema.TensorType.INT64, "int32": schema.TensorType.INT32,
         "string": schema.TensorType.STRING, "resource": schema.TensorType.RESOURCE}
RUNS = 3


def string_buffer(strings):
    """TFLite's packed strings: their number, where each begins and the last ends, then the bytes."""
    data = [text.encode() for text in strings]
    offsets = 4 * (len(data) + 2) + np.cumsum([0] + [len(each) for each in data])
    return np.array([len(data), *offsets], np.int32).tobytes() + b"".join(data)


class Graph:
    def __init__(self, model, codes):
        self.model, self.codes, self.graph = model, codes, schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs, self.graph.name = [], [], "graph"

    def tensor(self, dtype, dims, data=None):
        t = schema.TensorT()
        t.name, t.shape, t.type, t.buffer = f"t{len(self.graph.tensors)}", dims, TYPES[dtype], 0
        if data is not None:
            raw = string_buffer(data) if dtype == "string" else np.asarray(data, dtype).tobytes()
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(raw, np.uint8)
            t.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def add(self, op, inputs, result=None, option=None, **fields):
        """Index of the result, of dtype and dims `result`."""
        if op not in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, op)
            code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
            self.codes[op] = len(self.codes)
            self.model.operatorCodes.append(code)
        node = schema.OperatorT()
        node.opcodeIndex, node.inputs = self.codes[op], inputs
        node.outputs = [] if result is None else [self.tensor(*result)]
        if option:
            node.builtinOptionsType = getattr(schema.BuiltinOptions, option)
            node.builtinOptions = options(option, fields)
        self.graph.operators.append(node)
        return node.outputs[0] if node.outputs else None

    def variable(self, name):
        return self.add("VAR_HANDLE", [], ("resource", []), "VarHandleOptions", sharedName=name, container="")

    def table(self, number, key, value):
        return self.add("HASHTABLE", [], ("resource", []), "HashtableOptions", tableId=number, keyDtype=TYPES[key],
                        valueDtype=TYPES[value])


def new_model():
    model = schema.ModelT()
    model.version, model.description, model.buffers, model.operatorCodes = 3, "resources", [schema.BufferT()], []
    codes = {}
    main, once = Graph(model, codes), Graph(model, codes)
    model.subgraphs = [main.graph, once.graph]
    return model, main, once


def variables():
    """sum += x, times a variable that nothing changes."""
    model, main, once = new_model()
    for name, content in (("sum", [1, 2, 3]), ("factor", [2, 2, 0.5])):
        once.add("ASSIGN_VARIABLE", [once.variable(name), once.tensor("float32", [3], content)])
    main.add("CALL_ONCE", [], None, "CallOnceOptions", initSubgraphIndex=1)
    x = main.tensor("float32", [3])
    total, factor = main.variable("sum"), main.variable("factor")
    before = main.add("READ_VARIABLE", [total], ("float32", [3]))
    after = main.add("ADD", [before, x], ("float32", [3]), "AddOptions")
    main.add("ASSIGN_VARIABLE", [total, after])
    again = main.add("READ_VARIABLE", [total], ("float32", [3]))
    scale = main.add("READ_VARIABLE", [factor], ("float32", [3]))
    main.graph.inputs = [x]
    main.graph.outputs = [main.add("MUL", [again, scale], ("float32", [3]), "MulOptions"), before]
    return model, [("float32", [3])]


def tables():
    """Numbers to words to numbers."""
    model, main, once = new_model()
    words = ["one", "two", "three", "four"]
    once.add("HASHTABLE_IMPORT", [once.table(1, "int64", "string"), once.tensor("int64", [4], [1, 2, 3, 40]),
                                  once.tensor("string", [4], words)])
    once.add("HASHTABLE_IMPORT", [once.table(2, "string", "int64"), once.tensor("string", [4], words),
                                  once.tensor("int64", [4], [100, 200, 300, 400])])
    main.add("CALL_ONCE", [], None, "CallOnceOptions", initSubgraphIndex=1)
    x = main.tensor("int64", [2, 3])
    first, second = main.table(1, "int64", "string"), main.table(2, "string", "int64")
    word = main.add("HASHTABLE_FIND", [first, x, main.tensor("string", [1], ["none"])], ("string", [2, 3]))
    number = main.add("HASHTABLE_FIND", [second, word, main.tensor("int64", [1], [-1])], ("int64", [2, 3]))
    main.graph.inputs, main.graph.outputs = [x], [number, main.add("HASHTABLE_SIZE", [second], ("int64", [1]))]
    return model, [("int64", [2, 3])]


def main():
    for name, make in (("variables", variables), ("hash_tables", tables)):
        model, inputs = make()
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        content = bytes(builder.Output())
        # The resolver of reference kernels has none for hash tables.
        interpreter = Interpreter(model_content=content, num_threads=1,
                                  experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
        interpreter.allocate_tensors()
        rng = np.random.default_rng(1)
        runs = []
        for _ in range(RUNS):
            arrays = [rng.integers(0, 5, dims).astype(dtype) for dtype, dims in inputs]
            for detail, array in zip(interpreter.get_input_details(), arrays):
                interpreter.set_tensor(detail["index"], array)
            interpreter.invoke()
            runs.append((arrays, [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]))
        folder = os.path.join(sys.argv[1], name)
        write(folder, runs)
        with open(os.path.join(folder, "model.tflite"), "wb") as file:
            file.write(content)


if __name__ == "__main__":
    main()
