"""ncnn: Winograd, packed layouts and the light mode (memory returned after each layer, the default); no 16-bit storage for f32.

Threads of its OpenMP runtime spin 20 ms after a run, its default; the worker is stopped between its turns.
"""
import pathlib

import ncnn
import numpy as np


class Session:
    def __init__(self, model, threads, precision, inputs):
        self.net = ncnn.Net()
        options = self.net.opt
        options.num_threads = threads
        options.lightmode = True
        options.use_winograd_convolution = options.use_sgemm_convolution = options.use_packing_layout = True
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_storage = options.use_bf16_packed = precision == "bf16"
        for status in (self.net.load_param(model), self.net.load_model(str(pathlib.Path(model).with_suffix(".bin")))):
            if status != 0:
                raise ValueError(f"cannot load '{model}' with its .bin")
        self.inputs = {name: ncnn.Mat(array[0]).clone() for name, array in inputs.items()}
        self.copied_bytes = sum(array.nbytes for array in inputs.values())
        self.names = list(self.net.output_names())
        self.results = {}

    def prepare(self):
        pass

    def run(self):
        extractor = self.net.create_extractor()
        for name, mat in self.inputs.items():
            extractor.input(name, mat)
        for name in self.names:
            status, self.results[name] = extractor.extract(name)
            if status != 0:
                raise RuntimeError(f"cannot compute '{name}': ncnn says {status}")

    def outputs(self):
        return {name: np.array(mat)[None] for name, mat in self.results.items()}

    def version(self):
        return ncnn.__version__
