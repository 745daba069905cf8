"""OpenVINO's CPU plugin: latency hint, tensors shared with the caller. bf16 is its own default where the CPU has it."""
import numpy as np
import openvino


class Session:
    def __init__(self, model, threads, precision, inputs):
        core = openvino.Core()
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
        if precision == "f32":
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        network = core.read_model(model)
        if network.is_dynamic():
            network.reshape({name: list(array.shape) for name, array in inputs.items()})
        self.model = core.compile_model(network, "CPU", settings)
        if precision == "bf16" and self.model.get_property("INFERENCE_PRECISION_HINT") != openvino.Type.bf16:
            raise ValueError("its default here is not bf16: this CPU has no bf16 instructions")
        self.request = self.model.create_infer_request()
        self.inputs = {name: openvino.Tensor(array, shared_memory=True) for name, array in inputs.items()}
        for name, tensor in self.inputs.items():
            self.request.set_tensor(name, tensor)

    def prepare(self):
        pass

    def run(self):
        self.request.infer()

    def outputs(self):
        return {port.get_any_name(): np.array(self.request.get_tensor(port).data) for port in self.model.outputs}

    def version(self):
        return openvino.__version__.split("-")[0]
