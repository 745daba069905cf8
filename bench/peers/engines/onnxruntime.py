"""ONNX Runtime's CPU provider: every optimisation (the default), one thread between operators, inputs and outputs bound.

Threads may spin while a run lasts, which is the default and the fastest; the worker is stopped between its turns.
"""
import numpy as np
import onnxruntime


class Session:
    def __init__(self, model, threads, precision, inputs):
        if precision != "f32":
            raise ValueError(f"precision '{precision}': the CPU provider computes in f32 on x86")
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        for name, array in inputs.items():
            self.binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        self.names = [output.name for output in self.session.get_outputs()]
        for name in self.names:
            self.binding.bind_output(name)

    def prepare(self):
        pass

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        return dict(zip(self.names, map(np.array, self.binding.copy_outputs_to_cpu())))

    def version(self):
        return onnxruntime.__version__
