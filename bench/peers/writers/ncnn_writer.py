"""Net -> ncnn's .param (text) and .bin (weights), for networks of images.

Format: ncnn's documentation of its operators and of the file structure. A blob has one reader, so values that several
layers read pass through a Split. Blobs leave out the batch: [1,C,H,W] is (w, h, c), [1,rows,size] is (w, h).
"""
import numpy as np

MAGIC = 7767517
RAW_F32 = np.zeros(1, np.uint32)  # the flag before weights that may also come quantised


ACTIVATIONS = {None: "", "silu": "", "relu": "9=1", "relu6": "9=3 -23310=2,0.0,6.0"}


class _Writer:
    def __init__(self, readers):
        self.readers = dict(readers)  # blob -> how many layers read it
        self.taken = {}
        self.lines = []
        self.blobs = 0
        self.weights = []

    def read(self, blob):
        """The name under which the next reader of the blob finds it."""
        if self.readers.get(blob, 1) <= 1:
            return blob
        self.taken[blob] = self.taken.get(blob, -1) + 1
        return f"{blob}_split{self.taken[blob]}"

    def line(self, kind, inputs, outputs, parameters=""):
        names = [self.read(blob) for blob in inputs]
        self.lines.append(f"{kind} {kind.lower()}_{len(self.lines)} {len(names)} {len(outputs)} "
                          f"{' '.join([*names, *outputs])} {parameters}".rstrip())
        self.blobs += len(outputs)
        for output in outputs:
            count = self.readers.get(output, 1)
            if count > 1:
                copies = [f"{output}_split{i}" for i in range(count)]
                self.lines.append(f"Split split_{output} 1 {count} {' '.join([output, *copies])}")
                self.blobs += count

    def constant(self, blob, array):
        """array: [c,h,w]."""
        c, h, w = array.shape
        self.line("MemoryData", [], [blob], f"0={w} 1={h} 2={c}")
        self.weights.append(array.astype(np.float32))

    # -- layers

    def input(self, value):
        _, c, h, w = value.shape
        self.line("Input", [], [value.name], f"0={w} 1={h} 2={c}")

    def conv(self, layer, x, y):
        weight, bias = layer.weights.values()
        groups, activation = layer["groups"], layer["activation"]
        convolved = f"{y}_linear" if activation == "silu" else y
        parameters = (f"0={weight.shape[0]} 1={layer['kernel']} 3={layer['stride']} 4={layer['padding']} 5=1 6={weight.size}"
                      + (f" 7={groups}" if groups > 1 else "") + f" {ACTIVATIONS[activation]}")
        self.line("ConvolutionDepthWise" if groups > 1 else "Convolution", [x], [convolved], parameters)
        self.weights += [RAW_F32, weight, bias]
        if activation == "silu":
            self.line("Swish", [convolved], [y])

    def max_pool(self, layer, x, y):
        self.line("Pooling", [x], [y], f"0=0 1={layer['kernel']} 2={layer['stride']} 3={layer['padding']} 5=1")

    def upsample(self, layer, x, y):
        self.line("Interp", [x], [y], "0=1 1=2.0 2=2.0")

    def concat(self, layer, *blobs):
        self.line("Concat", blobs[:-1], [blobs[-1]], f"0={layer['axis'] - 1}")

    def add(self, layer, a, b, y):
        summed = f"{y}_sum" if layer["activation"] else y
        self.line("BinaryOp", [a, b], [summed], "0=0")
        if layer["activation"]:
            self.line("ReLU", [summed], [y])

    def classifier(self, layer, x, y):
        weight, bias = layer.weights.values()
        self.line("Pooling", [x], [f"{y}_mean"], "0=1 4=1")
        self.line("InnerProduct", [f"{y}_mean"], [y], f"0={weight.shape[0]} 1=1 2={weight.size}")
        self.weights += [RAW_F32, weight, bias]

    def yolo_decode(self, layer, x, y):
        """On blobs (size, places, anchors)."""
        _, _, h, w = layer.inputs[0].shape
        _, rows, size = layer.output.shape
        stride, anchors = layer["stride"], np.array(layer["anchors"], np.float32)
        count, places = len(anchors), h * w
        self.line("Reshape", [x], [f"{y}_a"], f"0={places} 1={size} 2={count}")
        self.line("Permute", [f"{y}_a"], [f"{y}_b"], "0=1")
        self.line("Sigmoid", [f"{y}_b"], [f"{y}_c"])
        self.line("Slice", [f"{y}_c"], [f"{y}_xy", f"{y}_wh", f"{y}_scores"], f"-23300=3,2,2,{size - 4} 1=2")
        column, row = np.meshgrid(np.arange(w), np.arange(h))
        grid = (np.stack([column, row], -1).reshape(1, places, 2) - 0.5) * stride
        self.constant(f"{y}_grid", np.broadcast_to(grid, (count, places, 2)))
        self.constant(f"{y}_anchors", np.broadcast_to(4 * anchors[:, None], (count, places, 2)))
        self.line("BinaryOp", [f"{y}_xy"], [f"{y}_xy2"], f"0=2 1=1 2={2.0 * stride}")
        self.line("BinaryOp", [f"{y}_xy2", f"{y}_grid"], [f"{y}_centre"], "0=0")
        self.line("UnaryOp", [f"{y}_wh"], [f"{y}_wh2"], "0=4")
        self.line("BinaryOp", [f"{y}_wh2", f"{y}_anchors"], [f"{y}_extent"], "0=2")
        self.line("Concat", [f"{y}_centre", f"{y}_extent", f"{y}_scores"], [f"{y}_d"], "0=2")
        self.line("Reshape", [f"{y}_d"], [y], f"0={size} 1={rows}")


def can_write(net):
    """BERT is left out: ncnn's attention has no counterpart of a mask computed inside the network."""
    return all(hasattr(_Writer, layer.kind) for layer in net.layers)


def write(net, param_path):
    """Writes param_path and, beside it, the .bin."""
    readers = {}
    for layer in net.layers:
        for value in layer.inputs:
            readers[value.name] = readers.get(value.name, 0) + 1
    writer = _Writer(readers)
    for value in net.inputs:
        writer.input(value)
    for layer in net.layers:
        getattr(writer, layer.kind)(layer, *[value.name for value in layer.inputs], layer.output.name)
    param_path.write_text("\n".join([str(MAGIC), f"{len(writer.lines)} {writer.blobs}", *writer.lines]) + "\n")
    with open(param_path.with_suffix(".bin"), "wb") as out:
        for array in writer.weights:
            out.write(np.ascontiguousarray(array).tobytes())
