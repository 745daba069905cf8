"""MNN's session interface on files of its own converter: power, memory and precision "high".

Its "low" precisions have no row: on x86 their answers and times are those of "high". Filling an
input converts it to MNN's layout; that is left out of the time, as the inputs of others lie ready.
"""
import MNN
import numpy as np


def _from_numpy(array, tensor):
    """A tensor of the caller's with the order of axes that the session's tensor has: NHWC in models from TFLite."""
    order = tensor.getDimensionType()
    if order != MNN.Tensor_DimensionType_Tensorflow:
        order = MNN.Tensor_DimensionType_Caffe
    kind = MNN.Halide_Type_Float if array.dtype == np.float32 else MNN.Halide_Type_Int
    if array.dtype == np.int64:  # MNN has 32-bit integers alone
        array = array.astype(np.int32)
    return MNN.Tensor(array.shape, kind, np.ascontiguousarray(array), order)


class Session:
    RELEASE = 1  # Interpreter::Session_Release: no callbacks, buffers shared between steps

    def __init__(self, model, threads, precision, inputs):
        if precision != "f32":
            raise ValueError(f"precision '{precision}': the wheel computes in f32 on x86")
        self.interpreter = MNN.Interpreter(model)
        self.interpreter.setSessionMode(self.RELEASE)
        self.session = self.interpreter.createSession({
            "backend": "CPU", "numThread": threads, "power": "high", "memory": "high",
            "precision": "high"})
        self.inputs = []
        for name, array in inputs.items():
            tensor = self.interpreter.getSessionInput(self.session, name)
            self.interpreter.resizeTensor(tensor, array.shape)
            self.inputs.append((tensor, _from_numpy(array, tensor)))
        self.copied_bytes = sum(array.nbytes for array in inputs.values())
        self.interpreter.resizeSession(self.session)

    def prepare(self):
        for tensor, source in self.inputs:
            tensor.copyFrom(source)

    def run(self):
        self.interpreter.runSession(self.session)

    def outputs(self):
        results = {}
        for name, tensor in self.interpreter.getSessionOutputAll(self.session).items():
            shape = tensor.getShape()
            host = _from_numpy(np.zeros(shape, np.float32), tensor)
            tensor.copyToHostTensor(host)
            results[name] = np.array(host.getNumpyData(), np.float32).reshape(shape)
        return results

    def version(self):
        return MNN.version()
