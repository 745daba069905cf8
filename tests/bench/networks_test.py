"""The benchmark's networks at a small size: their files are valid and compute one function, on Slipway as on their own engines.

usage: PYTHONPATH=bench networks_test.py SLIPWAY [unittest arguments]
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
import onnxruntime

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
from peers import measures, prepare  # noqa: E402
from peers.engines import litert  # noqa: E402
from peers.models import NETWORKS, bert, mobilenet_v2, resnet50, unet_resnet34, yolov5  # noqa: E402
from peers.writers import ncnn_writer, onnx_writer, tflite_writer  # noqa: E402

SLIPWAY = ""
LIMIT = 1e-4  # of the largest value

SMALL = {
    "yolov5": lambda: yolov5.make("yolov5", width=0.25, depth=0.33, size=64, classes=3),
    "mobilenetv2": lambda: mobilenet_v2.make("mobilenetv2", size=64, classes=10),
    "resnet50": lambda: resnet50.make("resnet50", size=32, classes=10),
    "unet": lambda: unet_resnet34.make("unet", size=32),
    "bert": lambda: bert.make("bert", layers=2, width=48, heads=4, hidden=96, length=12, vocabulary=prepare.VOCABULARY),
}

# Millions of parameters and GFLOP of a run: as the authors' tables give them, two per multiply-accumulate; U-Net's and
# MiniLM's, which no paper states for these sizes, as they were counted by hand.
PUBLISHED = {"yolov5n_640": (1.87, 4.5), "mobilenetv2_224": (3.49, 0.60), "resnet50_224": (25.5, 8.2), "unet_r34_512": (24.4, 62.5),
             "minilm_l6_s128": (22.6, 2.87)}


class Networks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def slipway(self, path, inputs, backend):
        arrays, out = self.folder / "in.npz", self.folder / "out.npz"
        np.savez(arrays, **inputs)
        run = subprocess.run([SLIPWAY, "run", path, arrays, "--backend", backend, "-o", out], capture_output=True, text=True,
                             check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        made = np.load(out if out.exists() else out.with_suffix(".npy"))
        return dict(made) if hasattr(made, "files") else {"output": made}

    def test_every_writer_and_engine_computes_the_same(self):
        for name, make in SMALL.items():
            with self.subTest(name):
                net = make()
                path = self.folder / f"{name}.onnx"
                onnx_writer.write(net, path)
                onnx.checker.check_model(str(path), full_check=True)
                inputs = prepare.make_inputs([(value.name, value.shape, value.dtype) for value in net.inputs])
                session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
                want = {net.outputs[0].name: session.run(None, inputs)[0]}
                self.assertEqual(want[net.outputs[0].name].shape, net.outputs[0].shape)
                for backend in ("ref", "cpu"):
                    self.assertLess(measures.difference(self.slipway(path, inputs, backend), want), LIMIT, backend)
                if tflite_writer.can_write(net):
                    self.check_tflite(net, inputs, want)

    def check_tflite(self, net, inputs, want):
        path = self.folder / f"{net.name}.tflite"
        tflite_writer.write(net, path)
        session = litert.Session(str(path), 1, "f32", inputs)
        session.prepare()
        session.run()
        self.assertLess(measures.difference(session.outputs(), want), LIMIT, "LiteRT")
        inputs = {name: array.transpose(0, 2, 3, 1) for name, array in inputs.items()}
        self.assertLess(measures.difference(self.slipway(path, inputs, "cpu"), want), LIMIT, "Slipway on .tflite")

    def test_ncnn_files_are_consistent(self):
        """As ncnn checks: counts of layers and blobs, every blob made before it is read, and read once."""
        net = SMALL["yolov5"]()
        path = self.folder / "net.param"
        ncnn_writer.write(net, path)
        magic, counts, *lines = path.read_text().splitlines()
        self.assertEqual(magic, "7767517")
        made, read = set(), set()
        for line in lines:
            words = line.split()
            inputs, outputs = int(words[2]), int(words[3])
            for blob in words[4:4 + inputs]:
                self.assertIn(blob, made, line)
                self.assertNotIn(blob, read, line)
                read.add(blob)
            made.update(words[4 + inputs:4 + inputs + outputs])
        self.assertEqual(counts.split(), [str(len(lines)), str(len(made))])
        self.assertEqual(made - read, {"output"})
        convs = [layer for layer in net.layers if layer.kind == "conv"]
        grids = sum(4 * layer.output.shape[1] for layer in net.layers if layer.kind == "yolo_decode")
        self.assertEqual(path.with_suffix(".bin").stat().st_size, 4 * (net.parameters + len(convs) + grids))

    def test_sizes_are_those_published(self):
        for name, (millions, gflop) in PUBLISHED.items():
            net = NETWORKS[name]()
            self.assertAlmostEqual(net.parameters / 1e6, millions, 1, name)
            self.assertAlmostEqual(2e-9 * net.macs, gflop, 1, name)
            self.assertLessEqual(net.fewest_macs, net.macs)


if __name__ == "__main__":
    SLIPWAY = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
