"""MobileNetV2 of width 1 (Sandler et al. 2018, table 2), with batch norms folded."""
from .net import Net

# expansion, channels, repeats, stride of the first
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def _inverted_residual(net, x, expansion, channels, stride):
    inner = x.channels * expansion
    y = net.conv(x, inner, 1, activation="relu6") if expansion != 1 else x
    y = net.conv(y, inner, 3, stride, groups=inner, activation="relu6")
    y = net.conv(y, channels, 1)
    return net.add(x, y) if stride == 1 and x.channels == channels else y


def make(name, size=224, classes=1000):
    net = Net(name)
    x = net.conv(net.input("input", (1, 3, size, size)), 32, 3, 2, activation="relu6")
    for expansion, channels, repeats, stride in STAGES:
        for i in range(repeats):
            x = _inverted_residual(net, x, expansion, channels, stride if i == 0 else 1)
    net.output(net.classifier(net.conv(x, 1280, 1, activation="relu6"), classes))
    return net
