"""YOLOv5 of releases 6 and 7, with batch norms folded and the boxes decoded, as `export.py` writes it.

Facts: the public description of the architecture (models/yolov5*.yaml): a CSP backbone with SPPF, a PAN neck, three scales.
"""
import math

from .net import Net

ANCHORS = {8: ((10, 13), (16, 30), (33, 23)), 16: ((30, 61), (62, 45), (59, 119)), 32: ((116, 90), (156, 198), (373, 326))}


class _Blocks:
    """The blocks of the family, for one width and depth."""

    def __init__(self, net, width, depth):
        self.net, self.width, self.depth = net, width, depth

    def channels(self, nominal):
        return math.ceil(nominal * self.width / 8) * 8

    def conv(self, x, channels, kernel=1, stride=1, padding=None):
        return self.net.conv(x, channels, kernel, stride, padding=padding, activation="silu", gain=1.15)

    def c3(self, x, nominal, repeats, *, has_shortcut=True):
        """Cross-stage partial block: bottlenecks on one half, the other half beside them."""
        channels = self.channels(nominal)
        left, right = self.conv(x, channels // 2), self.conv(x, channels // 2)
        for _ in range(max(round(repeats * self.depth), 1)):
            inner = self.conv(self.conv(left, channels // 2), channels // 2, 3)
            left = self.net.add(left, inner) if has_shortcut else inner
        return self.conv(self.net.concat([left, right]), channels)

    def sppf(self, x, nominal):
        """Pyramid pooling: three 5x5 maxima in a row, side by side with their input."""
        pools = [self.conv(x, x.channels // 2)]
        for _ in range(3):
            pools.append(self.net.max_pool(pools[-1], 5, 1, 2))
        return self.conv(self.net.concat(pools), self.channels(nominal))


def make(name, width, depth, size=640, classes=80):
    net = Net(name)
    blocks = _Blocks(net, width, depth)
    conv, c3, channels = blocks.conv, blocks.c3, blocks.channels

    x = conv(net.input("images", (1, 3, size, size)), channels(64), 6, 2, padding=2)
    x = c3(conv(x, channels(128), 3, 2), 128, 3)
    scale8 = c3(conv(x, channels(256), 3, 2), 256, 6)
    scale16 = c3(conv(scale8, channels(512), 3, 2), 512, 9)
    x = blocks.sppf(c3(conv(scale16, channels(1024), 3, 2), 1024, 3), 1024)

    top = conv(x, channels(512))
    x = c3(net.concat([net.upsample(top), scale16]), 512, 3, has_shortcut=False)
    middle = conv(x, channels(256))
    out8 = c3(net.concat([net.upsample(middle), scale8]), 256, 3, has_shortcut=False)
    out16 = c3(net.concat([conv(out8, channels(256), 3, 2), middle]), 512, 3, has_shortcut=False)
    out32 = c3(net.concat([conv(out16, channels(512), 3, 2), top]), 1024, 3, has_shortcut=False)

    boxes = []
    for x, (stride, anchors) in zip((out8, out16, out32), ANCHORS.items()):
        head = net.conv(x, len(anchors) * (5 + classes), 1, gain=0.7)
        boxes.append(net.yolo_decode(head, anchors, stride))
    net.output(net.concat(boxes))
    return net
