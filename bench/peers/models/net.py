"""A network as a list of layers at the level at which papers describe them, with weights and with its count of multiplies.

The writers (writers/) express each layer in the terms of one file format, so that every engine computes the same function
of the same numbers. Shapes are [N,C,H,W] for images and [N,S,C] for sequences.
"""
import dataclasses
import math

import numpy as np

# Multiplies left of a direct convolution's by the best algorithm in use, as (kernel, stride) -> factor: Winograd
# F(6x6,3x3) needs 64 for 36 outputs of 9 products each; a 3x3 of stride 2 splits into four convolutions of stride 1, of
# 81 instead of 144 with F(4,2). A strided stem may turn into stride 1 by space-to-depth, and then take the former.
FEWEST_MULTIPLIES = {(3, 1): 64 / 324, (3, 2): 81 / 144, (6, 2): 64 / 324, (7, 2): 64 / 324}


@dataclasses.dataclass(frozen=True)
class Value:
    """What flows between layers."""
    name: str
    shape: tuple
    dtype: str = "f32"  # or "i64"

    @property
    def channels(self):
        return self.shape[1]


@dataclasses.dataclass
class Layer:
    """kind: the name of the Net's method that made it. weights: name -> array, in ONNX's order of axes."""
    kind: str
    inputs: list
    output: Value
    attributes: dict
    weights: dict

    def __getitem__(self, name):
        return self.attributes[name]


class Net:
    """Layers in order of execution; every method appends one and gives its output."""

    def __init__(self, name, seed=20261128):
        self.name = name
        self.random = np.random.default_rng(seed)
        self.inputs = []
        self.outputs = []
        self.layers = []
        self.macs = 0            # multiply-accumulates of the direct algorithms
        self.fewest_macs = 0.0   # and of the best ones known: see FEWEST_MULTIPLIES
        self.parameters = 0

    # -- building blocks

    def normal(self, shape, deviation):
        return (self.random.standard_normal(shape) * deviation).astype(np.float32)

    def append(self, kind, inputs, shape, weights=None, **attributes):
        output = Value(f"{kind}_{len(self.layers)}", tuple(shape))
        weights = weights or {}
        self.parameters += sum(array.size for array in weights.values())
        self.layers.append(Layer(kind, list(inputs), output, attributes, weights))
        return output

    def count(self, macs, factor=1.0):
        self.macs += macs
        self.fewest_macs += macs * factor

    def input(self, name, shape, dtype="f32"):
        value = Value(name, tuple(shape), dtype)
        self.inputs.append(value)
        return value

    def output(self, value, name="output"):
        """Marks the value as a result of the network, under a name of its own."""
        layer = next(layer for layer in self.layers if layer.output is value)
        layer.output = Value(name, value.shape)
        self.outputs.append(layer.output)

    # -- images

    def conv(self, x, channels, kernel, stride=1, *, padding=None, groups=1, activation=None, gain=1.0):
        """activation: None, "relu", "relu6" or "silu". Weights [O,I/groups,k,k] keep the variance, times gain^2."""
        padding = kernel // 2 if padding is None else padding
        n, c, h, w = x.shape
        out_h, out_w = ((extent + 2 * padding - kernel) // stride + 1 for extent in (h, w))
        fan_in = c // groups * kernel * kernel
        weights = {"weight": self.normal((channels, c // groups, kernel, kernel), math.sqrt(2 / fan_in) * gain),
                   "bias": self.normal(channels, 0.05)}
        factor = FEWEST_MULTIPLIES.get((kernel, stride), 1.0) if groups == 1 else 1.0
        self.count(n * channels * fan_in * out_h * out_w, factor)
        return self.append("conv", [x], (n, channels, out_h, out_w), weights, kernel=kernel, stride=stride,
                           padding=padding, groups=groups, activation=activation)

    def max_pool(self, x, kernel, stride, padding):
        n, c, h, w = x.shape
        out_h, out_w = ((extent + 2 * padding - kernel) // stride + 1 for extent in (h, w))
        return self.append("max_pool", [x], (n, c, out_h, out_w), kernel=kernel, stride=stride, padding=padding)

    def upsample(self, x):
        """Twice the height and width, by the nearest neighbour."""
        n, c, h, w = x.shape
        return self.append("upsample", [x], (n, c, 2 * h, 2 * w))

    def concat(self, xs, axis=1):
        shape = list(xs[0].shape)
        shape[axis] = sum(x.shape[axis] for x in xs)
        return self.append("concat", xs, shape, axis=axis)

    def add(self, a, b, activation=None):
        """activation: None or "relu"."""
        return self.append("add", [a, b], a.shape, activation=activation)

    def classifier(self, x, classes):
        """Mean over the image, then a linear layer: [N,C,H,W] -> [N,classes]."""
        n, c = x.shape[:2]
        weights = {"weight": self.normal((classes, c), 1 / math.sqrt(c)), "bias": self.normal(classes, 0.05)}
        self.count(n * classes * c)
        return self.append("classifier", [x], (n, classes), weights)

    def yolo_decode(self, x, anchors, stride):
        """Boxes of one scale, as YOLOv5 decodes them: [N,A*(5+classes),H,W] -> [N,A*H*W,5+classes].

        anchors: A pairs of width and height, in pixels of the network's input.
        """
        n, c, h, w = x.shape
        return self.append("yolo_decode", [x], (n, len(anchors) * h * w, c // len(anchors)), anchors=anchors, stride=stride)

    # -- sequences

    def bert_embeddings(self, ids, token_types, width, vocabulary=30522, positions=512):
        """The sum of three tables' rows: [N,S] twice -> [N,S,width]."""
        weights = {"words": self.normal((vocabulary, width), 0.02), "positions": self.normal((positions, width), 0.02),
                   "types": self.normal((2, width), 0.02)}
        return self.append("bert_embeddings", [ids, token_types], (*ids.shape, width), weights)

    def layer_norm(self, x, epsilon=1e-12):
        width = x.shape[-1]
        weights = {"scale": 1 + self.normal(width, 0.02), "bias": self.normal(width, 0.02)}
        return self.append("layer_norm", [x], x.shape, weights, epsilon=epsilon)

    def linear(self, x, width, activation=None):
        """activation: None or "gelu" (by erf). weight: [O,I]."""
        n, length, inner = x.shape
        weights = {"weight": self.normal((width, inner), 0.02), "bias": self.normal(width, 0.02)}
        self.count(n * length * inner * width)
        return self.append("linear", [x], (n, length, width), weights, activation=activation)

    def attention_mask(self, mask):
        """1 for a token, 0 for padding: [N,S] -> [N,1,1,S] to add to scores, 0 or -10000."""
        n, length = mask.shape
        return self.append("attention_mask", [mask], (n, 1, 1, length))

    def attention(self, query, key, value, mask, heads):
        """Scaled dot-product attention of several heads; the projections are linear layers apart."""
        n, length, width = query.shape
        self.count(2 * n * length * length * width)
        return self.append("attention", [query, key, value, mask], query.shape, heads=heads)
