"""ResNet-50 (He et al. 2015) with the stride in the 3x3 convolution ("v1.5"), batch norms folded."""
from .net import Net

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # channels inside, repeats, stride of the first


def _bottleneck(net, x, inner, stride, *, is_first):
    y = net.conv(x, inner, 1, activation="relu")
    y = net.conv(y, inner, 3, stride, activation="relu")
    y = net.conv(y, 4 * inner, 1, gain=0.5)
    shortcut = net.conv(x, 4 * inner, 1, stride, gain=0.7) if is_first else x
    return net.add(y, shortcut, activation="relu")


def make(name, size=224, classes=1000):
    net = Net(name)
    x = net.conv(net.input("input", (1, 3, size, size)), 64, 7, 2, activation="relu")
    x = net.max_pool(x, 3, 2, 1)
    for inner, repeats, stride in STAGES:
        for i in range(repeats):
            x = _bottleneck(net, x, inner, stride if i == 0 else 1, is_first=i == 0)
    net.output(net.classifier(x, classes))
    return net
