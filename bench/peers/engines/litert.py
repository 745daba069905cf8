"""LiteRT's interpreter with XNNPACK, its default delegate on x86. Copying the inputs in is left out of the time."""
from importlib import metadata

import numpy as np
from ai_edge_litert.interpreter import Interpreter


class Session:
    def __init__(self, model, threads, precision, inputs):
        if precision != "f32":
            raise ValueError(f"precision '{precision}': XNNPACK computes in f32 here")
        self.interpreter = Interpreter(model_path=model, num_threads=threads)
        self.interpreter.allocate_tensors()
        self.inputs = []
        self.copied_bytes = 0
        for detail in self.interpreter.get_input_details():
            array = inputs[detail["name"]]
            if tuple(detail["shape"]) != array.shape:  # the network of another format, channels first
                array = np.ascontiguousarray(array.transpose(0, 2, 3, 1))
                self.copied_bytes += array.nbytes
            self.inputs.append((detail["index"], array))

    def prepare(self):
        for index, array in self.inputs:
            self.interpreter.set_tensor(index, array)

    def run(self):
        self.interpreter.invoke()

    def outputs(self):
        return {detail["name"]: self.interpreter.get_tensor(detail["index"]) for detail in self.interpreter.get_output_details()}

    def version(self):
        return metadata.version("ai-edge-litert")
