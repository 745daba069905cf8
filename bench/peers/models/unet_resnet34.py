"""U-Net (Ronneberger et al. 2015) on a ResNet-34 encoder with a decoder of 256 to 16 channels and one class.

Batch norms are folded; the decoder doubles by nearest neighbour, as the common segmentation libraries build it.
"""
from .net import Net

ENCODER = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # channels, repeats, stride of the first
DECODER = (256, 128, 64, 32, 16)


def _basic_block(net, x, channels, stride):
    y = net.conv(x, channels, 3, stride, activation="relu")
    y = net.conv(y, channels, 3, gain=0.5)
    has_projection = stride != 1 or x.channels != channels
    shortcut = net.conv(x, channels, 1, stride, gain=0.7) if has_projection else x
    return net.add(y, shortcut, activation="relu")


def make(name, size=512):
    net = Net(name)
    x = net.conv(net.input("input", (1, 3, size, size)), 64, 7, 2, activation="relu")
    features = [x]
    x = net.max_pool(x, 3, 2, 1)
    for channels, repeats, stride in ENCODER:
        for i in range(repeats):
            x = _basic_block(net, x, channels, stride if i == 0 else 1)
        features.append(x)
    skips = features[-2::-1]
    for i, channels in enumerate(DECODER):
        x = net.upsample(x)
        if i < len(skips):
            x = net.concat([x, skips[i]])
        x = net.conv(x, channels, 3, activation="relu")
        x = net.conv(x, channels, 3, activation="relu")
    net.output(net.conv(x, 1, 3))
    return net
