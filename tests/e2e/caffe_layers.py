"""Caffe layers that no reference runtime here has, by their definitions in numpy: forks' layers, and BVLC's that OpenCV lacks.

CASES: by name a function that gives the net's description, its inputs, weights by layer and outputs, as caffe_suite.py runs
them. The formulas follow the layers' sources, loop by loop, not this project's recipes.
"""
import math
import struct

import numpy as np

RANDOM = np.random.default_rng(11)


def varint(value):
    text = b""
    while value > 127:
        text += bytes([value & 127 | 128])
        value >>= 7
    return text + bytes([value])


def message(tag, content):
    return varint(tag << 3 | 2) + varint(len(content)) + content


def caffemodel(weights):
    """A binary NetParameter that holds blobs, by layer."""
    net = b""
    for name, blobs in weights.items():
        layer = message(1, name.encode())
        for blob in blobs:
            shape = message(7, message(1, b"".join(varint(dim) for dim in blob.shape)))
            layer += message(7, shape + message(5, struct.pack(f"<{blob.size}f", *blob.ravel())))
        net += message(100, layer)
    return net


def real(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def net(inputs, *layers):
    """inputs: arrays by name; a layer: type, bottoms, tops, parameters. Layers are called by their first top."""
    text = ""
    for name, array in inputs.items():
        text += f'input: "{name}" input_shape {{ {" ".join(f"dim: {dim}" for dim in array.shape)} }}\n'
    for kind, bottoms, tops, parameters in layers:
        links = " ".join([f'bottom: "{name}"' for name in bottoms.split()] + [f'top: "{name}"' for name in tops.split()])
        text += f'layer {{ name: "{tops.split()[0]}" type: "{kind}" {links} {parameters} }}\n'
    return text


def one(kind, parameters, expected, x, *blobs):
    """The case of one layer y of one input x."""
    return net({"x": x}, (kind, "x", "y", parameters)), {"x": x}, {"y": blobs} if blobs else {}, {"y": expected}


def elementwise(kind, parameters, function):
    x = real(2, 3, 4, 5) * 3
    return one(kind, parameters, function(x.astype(np.float64)), x)


def windows(extent, kernel, stride, pad=0):
    """Begin and end of every pooling window on an axis, as PoolingLayer::Reshape counts them; they may reach beyond the image."""
    count = math.ceil((extent + 2 * pad - kernel) / stride) + 1
    if pad and (count - 1) * stride >= extent + pad:
        count -= 1
    return [(i * stride - pad, i * stride - pad + kernel) for i in range(count)]


def pool(x, kernel, stride, function, pad=(0, 0)):
    rows, columns = (windows(x.shape[2 + i], kernel[i], stride[i], pad[i]) for i in range(2))
    y = np.zeros(x.shape[:2] + (len(rows), len(columns)))
    for (n, c, i, j), _ in np.ndenumerate(y):
        y[n, c, i, j] = function(x[n, c], rows[i], columns[j])
    return y


def cut(plane, rows, columns):
    return plane[max(rows[0], 0):rows[1], max(columns[0], 0):columns[1]].astype(np.float64)


def stochastic():
    x = np.abs(real(2, 3, 7, 6))
    x[0, 0, :2, :2] = 0

    def mean(plane, rows, columns):
        part = cut(plane, rows, columns)
        return (part * part).sum() / part.sum() if part.sum() > 0 else 0
    return one("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }", pool(x, (2, 2), (2, 2), mean), x)


def pool_sweep():
    """Every kernel, stride and padding up to 4 on rows and columns of different extents, as PoolingLayer counts them: extents
    round up, the last window is left out where it would start in the padding, and a mean counts padding, but not beyond it."""
    x, layers, expected = real(1, 2, 7, 10), [], {}
    for kernel, stride, pad in np.ndindex(5, 5, 4):
        if not 0 < stride <= kernel or pad >= kernel:
            continue

        def mean(plane, rows, columns, pad=pad):
            sides = [min(end, extent + pad) - begin for (begin, end), extent in zip((rows, columns), plane.shape)]
            return cut(plane, rows, columns).sum() / (sides[0] * sides[1])
        for kind, function in (("MAX", lambda *window: cut(*window).max()), ("AVE", mean)):
            top = f"{kind}_{kernel}_{stride}_{pad}"
            layers.append(("Pooling", "x", top, f"pooling_param {{ pool: {kind} kernel_size: {kernel} stride: {stride} pad: {pad} }}"))
            expected[top] = pool(x, (kernel, kernel), (stride, stride), function, (pad, pad))
    return net({"x": x}, *layers), {"x": x}, {}, expected


def place_of_maximum(plane, rows, columns):
    part = cut(plane, rows, columns)
    row, column = np.unravel_index(part.argmax(), part.shape)
    return (max(rows[0], 0) + row) * plane.shape[1] + max(columns[0], 0) + column


def unpooled():
    """SegNet: pooled with a mask, then put back by it."""
    x = real(2, 3, 7, 6)
    y = pool(x, (2, 2), (2, 2), lambda *window: cut(*window).max())
    mask = pool(x, (2, 2), (2, 2), place_of_maximum)
    back = np.zeros(x.shape)
    for at, place in np.ndenumerate(mask):
        back[at[0], at[1]].ravel()[int(place)] = y[at]
    text = net({"x": x}, ("Pooling", "x", "y mask", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"),
               ("Power", "mask", "places", "power_param { scale: 2 }"),
               ("Upsample", "y mask", "back", "upsample_param { scale: 2 pad_out_h: true }"))
    return text, {"x": x}, {}, {"places": mask * 2, "back": back}


def spp():
    x, parts = real(2, 3, 9, 7), []
    for level in range(3):
        bins = 2 ** level
        kernel = [math.ceil(extent / bins) for extent in x.shape[2:]]
        pad = [(k * bins - extent + 1) // 2 for k, extent in zip(kernel, x.shape[2:])]
        parts.append(pool(x, kernel, kernel, lambda *window: cut(*window).max(), pad).reshape(2, -1))
    return one("SPP", "spp_param { pyramid_height: 3 pool: MAX }", np.concatenate(parts, 1), x)


def im2col():
    x = real(2, 3, 5, 6)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((2, 3 * 6, 3, 6), np.float32)
    for (n, channel, i, j), _ in np.ndenumerate(y):
        c, row, column = channel // 6, channel // 2 % 3, channel % 2
        y[n, channel, i, j] = padded[n, c, i * 2 + row, j + column * 2]
    return one("Im2col", "convolution_param { kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad: 1 dilation: 1 dilation: 2 }",
               y, x)


def channels(values):
    return np.asarray(values, np.float64).reshape(1, -1, 1, 1)


def bn(mode):
    x, scale, shift, mean = real(2, 3, 4, 5), real(1, 3, 1, 1), real(1, 3, 1, 1), real(1, 3, 1, 1)
    variance = np.abs(real(1, 3, 1, 1)) + 0.1
    if mode == "merged":
        return one("BN", "bn_param { bn_mode: INFERENCE }", x * channels(scale) + channels(shift), x, scale, shift)
    if mode == "stored":
        y = (x - channels(mean)) / np.sqrt(channels(variance) + 1e-3) * channels(scale) + channels(shift)
        return one("BN", "bn_param { eps: 1e-3 }", y, x, scale, shift, mean, variance)
    deep = x.astype(np.float64)
    mean, variance = deep.mean((0, 2, 3), keepdims=True), deep.var((0, 2, 3), keepdims=True)
    return one("BN", "", (deep - mean) / np.sqrt(variance + 1e-9) * channels(scale) + channels(shift), x, scale, shift)


def instance_norm():
    x, scale, shift = real(2, 3, 4, 5), real(3), real(3)
    deep = x.astype(np.float64)
    y = (deep - deep.mean((2, 3), keepdims=True)) / np.sqrt(deep.var((2, 3), keepdims=True) + 1e-3)
    return one("InstanceNorm", "instance_norm_param { eps: 1e-3 }", y * channels(scale) + channels(shift), x, scale, shift)


def batch_reindex():
    x, order = real(4, 2, 3), np.array([3, 0, 0, 2, 1], np.float32)
    return net({"x": x, "order": order}, ("BatchReindex", "x order", "y", "")), {"x": x, "order": order}, {}, \
        {"y": x[[3, 0, 0, 2, 1]]}


def filtered():
    x, z, keep = real(4, 2, 3), real(4, 5), np.array([1, 0, 0, 1], np.float32)
    feeds = {"x": x, "z": z, "keep": keep}
    return net(feeds, ("Filter", "x z keep", "y w", "")), feeds, {}, {"y": x[[0, 3]], "w": z[[0, 3]]}


def parameter():
    x, learnt = real(2, 3), real(2, 3)
    text = net({"x": x}, ("Parameter", "", "p", "parameter_param { shape { dim: 2 dim: 3 } }"), ("Eltwise", "x p", "y", ""))
    return text, {"x": x}, {"p": [learnt]}, {"y": x + learnt}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm():
    """With a static input, states given and shown, and a sequence that begins in between."""
    steps, batch, inner, outputs = 5, 2, 3, 4
    x, static, cont = real(steps, batch, inner), real(batch, 2), np.ones((steps, batch), np.float32)
    cont[0], cont[3, 1] = 1, 0
    hidden, cell = real(1, batch, outputs), real(1, batch, outputs)
    blobs = [real(4 * outputs, inner), real(4 * outputs), real(4 * outputs, 2), real(4 * outputs, outputs)]
    h, c, all_h = hidden[0].astype(np.float64), cell[0].astype(np.float64), []
    for t in range(steps):
        gate = cont[t][:, None]
        i, f, o, g = np.split(x[t] @ blobs[0].T + blobs[1] + static @ blobs[2].T + (gate * h) @ blobs[3].T, 4, 1)
        c = gate * sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        all_h.append(h)
    feeds = {"x": x, "cont": cont, "static": static, "h0": hidden, "c0": cell}
    text = net(feeds, ("LSTM", "x cont static h0 c0", "y h c",
                       f"recurrent_param {{ num_output: {outputs} expose_hidden: true }}"))
    return text, feeds, {"y": blobs}, {"y": np.stack(all_h), "h": h[None], "c": c[None]}


def mean_layer():
    x = real(2, 4, 3, 3)
    parameters = "mean_param { operation: SUBTRACT value: 3 value: 5 input_scale: 2 mean_scale: 0.5 output_scale: 0.25 }"
    return one("Mean", parameters, 0.25 * (2 * x.astype(np.float64) - 0.5 * channels([3, 5, 3, 5])), x)


def data_augmentation():
    """A crop to an even difference and one to an odd one, less the stored mean."""
    x, count, mean = real(2, 3, 8, 9), np.full((1, 1, 1, 1), 1001, np.float32), real(1, 3, 1, 1)
    y = np.zeros((2, 3, 6, 6))
    for (n, c, i, j), _ in np.ndenumerate(y):
        row, column = i + 1, j + 1.5
        left = math.floor(column)
        y[n, c, i, j] = (x[n, c, row, left] + x[n, c, row, left + 1]) / 2 - mean[0, c, 0, 0]
    return one("DataAugmentation", "augmentation_param { crop_width: 6 crop_height: 6 recompute_mean: 1000 mean_per_pixel: false }",
               y, x, count, np.zeros((1, 3, 6, 6), np.float32), mean)


def data_augmentation_whole():
    """A crop as large as the photo: the last place lies 0.05 before the last pixel."""
    x = real(1, 3, 4, 5)
    y = x.astype(np.float64).copy()
    y[:, :, :, -1] = 0.05 * x[:, :, :, -2] + 0.95 * x[:, :, :, -1]
    last = 0.05 * y[:, :, -2] + 0.95 * y[:, :, -1]
    y[:, :, -1] = last
    return one("DataAugmentation", "augmentation_param { crop_width: 5 crop_height: 4 mean: 1 mean: 2 mean: 3 mean_per_pixel: false }",
               y - channels([1, 2, 3]), x)


def cubic(x):
    x = abs(x)
    if x <= 1:
        return x * x * (1.5 * x - 2.5) + 1
    return x * (x * (-0.5 * x + 2.5) - 4) + 2 if x < 2 else 0


def triangle(x):
    return max(1 - abs(x), 0)


def resample(kind, size):
    x = real(1, 2, 6, 8)
    f_y, f_x = 6 / size[0], 8 / size[1]
    function, width = (cubic, 4) if kind == "CUBIC" else (triangle, 2)
    a_y, a_x = (1 / f_y, 1 / f_x) if f_y > 1 or f_x > 1 else (1, 1)
    r_y, r_x = (2 if f < 1 else math.ceil(width / a) for f, a in ((f_y, a_y), (f_x, a_x)))
    y = np.zeros((1, 2) + size)
    for (n, c, i, j), _ in np.ndenumerate(y):
        at_x, at_y = j * f_x + f_y / 2 - 0.5, i * f_y + f_x / 2 - 0.5  # the halves are the other axis', as in the layer
        total = weights = 0
        for row in range(max(round(at_y) - r_y, 0), min(round(at_y) + r_y, 5) + 1):
            for column in range(max(round(at_x) - r_x, 0), min(round(at_x) + r_x, 7) + 1):
                weight = function(a_x * (at_x - column)) * function(a_y * (at_y - row))
                total, weights = total + weight * x[n, c, row, column], weights + weight
        y[n, c, i, j] = total / weights
    return one("Resample", f"resample_param {{ type: {kind} height: {size[0]} width: {size[1]} }}", y, x)


def resample_nearest():
    x = real(1, 2, 6, 8)
    rows = [math.floor(i * 2 + 2 / 2 - 0.5 + 0.5) for i in range(3)]
    columns = [math.floor(j * 2 + 2 / 2 - 0.5 + 0.5) for j in range(4)]
    return one("Resample", "resample_param { type: NEAREST height: 3 width: 4 }", x[:, :, rows][..., columns], x)


def correlation(kind):
    a, b = real(1, 3, 6, 9), real(1, 3, 6, 9)
    kernel, reach, pad, stride, step = 3, 2, 3, 2, 2
    is_flat = kind == "Correlation1D"
    pads = (0 if is_flat else pad, pad)
    ours, theirs = (np.pad(x, ((0, 0), (0, 0), (pads[0],) * 2, (pad, pad))).astype(np.float64) for x in (a, b))
    reach_y = 0 if is_flat else reach
    places = [math.ceil((ours.shape[2 + i] - 2 * (r + 1)) / stride) for i, r in enumerate((reach_y, reach))]
    moves = [(p, o) for p in ([0] if is_flat else [-2, 0, 2]) for o in (-2, 0, 2)]
    y = np.zeros((1, len(moves), places[0], places[1]))
    for (n, d, i, j), _ in np.ndenumerate(y):
        top, left = i * stride + reach_y, j * stride + reach
        first = ours[n, :, top:top + kernel, left:left + kernel]
        second = theirs[n, :, top + moves[d][0]:top + moves[d][0] + kernel, left + moves[d][1]:left + moves[d][1] + kernel]
        y[n, d, i, j] = np.abs(first - second).mean() if kind == "subtract" else (first * second).mean()
    parameters = f"correlation_param {{ pad: {pad} kernel_size: 3 max_displacement: 2 stride_1: 2 stride_2: 2" \
                 f"{' correlation_type: SUBTRACT' if kind == 'subtract' else ''} }}"
    feeds = {"a": a, "b": b}
    return net(feeds, ("Correlation1D" if is_flat else "Correlation", "a b", "y", parameters)), feeds, {}, {"y": y}


def psroi():
    x = real(2, 3 * 4, 9, 11)
    rois = np.array([[0, 1.4, 2, 17, 13], [1, 0, 0, 9, 20], [1, 40, 40, 50, 50], [0, 5, 5, 5, 5]], np.float32)
    y = np.zeros((4, 3, 2, 2))
    for (n, c, i, j), _ in np.ndenumerate(y):
        image, *corners = rois[n]
        left, top = round(float(corners[0])) * 0.5, round(float(corners[1])) * 0.5
        right, bottom = (round(float(corners[2])) + 1) * 0.5, (round(float(corners[3])) + 1) * 0.5
        high, wide = max(bottom - top, 0.1) / 2, max(right - left, 0.1) / 2
        rows = [min(max(at, 0), 9) for at in (math.floor(i * high + top), math.ceil((i + 1) * high + top))]
        columns = [min(max(at, 0), 11) for at in (math.floor(j * wide + left), math.ceil((j + 1) * wide + left))]
        part = x[int(image), (c * 2 + i) * 2 + j, rows[0]:rows[1], columns[0]:columns[1]]
        y[n, c, i, j] = part.astype(np.float64).mean() if part.size else 0
    feeds = {"x": x, "rois": rois}
    return net(feeds, ("PSROIPooling", "x rois", "y", "psroi_pooling_param { spatial_scale: 0.5 output_dim: 3 group_size: 2 }")), \
        feeds, {}, {"y": y}


def anchors_of(ratios, scales):
    """py-faster-rcnn's generate_anchors, base 16."""
    found = []
    for ratio in ratios:
        width = np.round(np.sqrt(256 / ratio))
        height = np.round(width * ratio)
        found += [[7.5 - (width * s - 1) / 2, 7.5 - (height * s - 1) / 2, 7.5 + (width * s - 1) / 2, 7.5 + (height * s - 1) / 2]
                  for s in scales]
    return np.array(found)


def proposal(kind):
    """py-faster-rcnn's ProposalLayer: of a Proposal layer with parameters, or as the Python layer with its own."""
    rows, columns = 5, 7
    ratios, scales = ((0.5, 1, 2), (8, 16, 32)) if kind == "Python" else ((0.5, 2), (1, 4))
    anchors = anchors_of(ratios, scales)
    count = len(anchors)
    scores, deltas = RANDOM.random((1, 2 * count, rows, columns), np.float32), real(1, 4 * count, rows, columns) * 0.3
    info = np.array([[rows * 16, columns * 16, 0.5]], np.float32)
    shifts = np.array([[x * 16, y * 16, x * 16, y * 16] for y in range(rows) for x in range(columns)])
    boxes = (anchors[None] + shifts[:, None]).reshape(-1, 4)
    moves = deltas.transpose(0, 2, 3, 1).reshape(-1, 4).astype(np.float64)
    score = scores[:, count:].transpose(0, 2, 3, 1).ravel()
    size = boxes[:, 2:] - boxes[:, :2] + 1
    middle = boxes[:, :2] + size / 2 + moves[:, :2] * size
    half = np.exp(moves[:, 2:]) * size / 2
    limit = np.array([info[0, 1], info[0, 0]]) - 1
    boxes = np.concatenate([np.clip(middle - half, 0, limit), np.clip(middle + half, 0, limit)], 1)
    large = ((boxes[:, 2:] - boxes[:, :2] + 1) >= 16 * info[0, 2]).all(1)
    boxes, score = boxes[large], score[large]
    order = np.argsort(-score, kind="stable")[:6000 if kind == "Python" else 60]
    kept = []
    for i in order:
        overlaps = []
        for k in kept:
            inner = np.maximum(np.minimum(boxes[i, 2:], boxes[k, 2:]) - np.maximum(boxes[i, :2], boxes[k, :2]) + 1, 0).prod()
            areas = [(boxes[b, 2:] - boxes[b, :2] + 1).prod() for b in (i, k)]
            overlaps.append(inner / (sum(areas) - inner))
        if all(overlap <= 0.7 for overlap in overlaps):
            kept.append(i)
    kept = kept[:300 if kind == "Python" else 10]
    rois = np.concatenate([np.zeros((len(kept), 1)), boxes[kept]], 1)
    feeds = {"scores": scores, "deltas": deltas, "info": info}
    if kind == "Python":
        parameters = 'python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "\'feat_stride\': 16" }'
        return net(feeds, ("Python", "scores deltas info", "rois", parameters)), feeds, {}, {"rois": rois}
    parameters = "proposal_param { feat_stride: 16 base_size: 16 min_size: 16 ratio: 0.5 ratio: 2 scale: 1 scale: 4 " \
                 "pre_nms_topn: 60 post_nms_topn: 10 nms_thresh: 0.7 }"
    return net(feeds, ("Proposal", "scores deltas info", "rois roi_scores", parameters)), feeds, {}, \
        {"rois": rois, "roi_scores": score[kept]}


def overlap(a, b):
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if (sides <= 0).any():
        return 0
    return sides.prod() / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - sides.prod())


def detections(code, photos=2, classes=3, count=30, background=1, least=0.3):
    """SSD's DetectionOutputLayer with all that OpenCV's nets leave at its default: several photos, regressions of every class,
    another background, a threshold that shrinks."""
    corners = RANDOM.random((count, 2))
    priors = np.concatenate([corners, corners + 0.1 + 0.3 * RANDOM.random((count, 2))], 1)
    variances = np.tile([0.1, 0.2, 0.3, 0.4], (count, 1))
    loc, conf = real(photos, count * classes * 4), RANDOM.random((photos, count * classes), np.float32)
    rows, moves, scores = [], loc.reshape(photos, count, classes, 4) * variances[:, None], conf.reshape(photos, count, classes)
    size, middle = priors[:, 2:] - priors[:, :2], (priors[:, 2:] + priors[:, :2]) / 2
    for photo in range(photos):
        found = []
        for label in range(classes):
            move = moves[photo, :, label]
            boxes = priors + move * (np.tile(size, 2) if code == "CORNER_SIZE" else 1)
            if code == "CENTER_SIZE":
                center, half = middle + move[:, :2] * size, np.exp(move[:, 2:]) * size / 2
                boxes = np.concatenate([center - half, center + half], 1)
            order = [i for i in np.argsort(-scores[photo, :, label], kind="stable") if scores[photo, i, label] > least][:12]
            kept, threshold = [], 0.8
            for i in order if label != background else []:
                if all(overlap(boxes[i], boxes[k]) <= threshold for k in kept):
                    kept.append(i)
                    threshold *= 0.9 if threshold > 0.5 else 1
            found += [(photo, label, scores[photo, i, label], *boxes[i]) for i in kept]
        best = sorted(found, key=lambda row: -row[2])[:15]
        rows += [row for row in found if row in best]
    rows = rows or [(photo, -1, -1, -1, -1, -1, -1) for photo in range(photos)]
    feeds = {"loc": loc, "conf": conf, "priors": np.stack([priors, variances]).reshape(1, 2, -1).astype(np.float32)}
    parameters = f"""detection_output_param {{ num_classes: {classes} share_location: false background_label_id: {background}
        code_type: {code} confidence_threshold: {least} keep_top_k: 15
        nms_param {{ nms_threshold: 0.8 eta: 0.9 top_k: 12 }} }}"""
    return net(feeds, ("DetectionOutput", "loc conf priors", "y", parameters)), feeds, {}, {"y": np.array(rows)[None, None]}


def interp_cut():
    """Interp after cutting a row and column at the front, two at the end."""
    x = real(1, 2, 7, 8)
    inner = x[:, :, 1:-2, 1:-2].astype(np.float64)
    y = np.zeros((1, 2, 10, 13))
    for (n, c, i, j), _ in np.ndenumerate(y):
        row, column = i * 3 / 9, j * 4 / 12
        top, left = min(int(row), 2), min(int(column), 3)
        down, right = row - top, column - left
        corner = inner[n, c, top:top + 2, left:left + 2]
        y[n, c, i, j] = (1 - down) * ((1 - right) * corner[0, 0] + right * corner[0, 1]) + \
            down * ((1 - right) * corner[1, 0] + right * corner[1, 1])
    return one("Interp", "interp_param { height: 10 width: 13 pad_beg: -1 pad_end: -2 }", y, x)


def reorg():
    """Darknet's reorg_cpu, index by index."""
    x = real(1, 8, 4, 6)
    flat, y = x.ravel(), np.zeros(x.size, np.float32)
    for k, j, i in np.ndindex(8, 4, 6):
        c, offset = k % 2, k // 2
        y[i + 6 * (j + 4 * k)] = flat[i * 2 + offset % 2 + 12 * (j * 2 + offset // 2 + 8 * c)]
    return one("Reorg", "reorg_param { stride: 2 }", y.reshape(1, 32, 2, 3), x)


def flow_warp_nan():
    """Places outside of the image are NaN; what lies within the last pixel's cell is that pixel."""
    x = real(1, 1, 2, 3)
    flow = np.zeros((1, 2, 2, 3), np.float32)
    flow[0, 0, 0] = [-0.25, 0.5, 0.75]
    flow[0, 1, 1] = [0.5, -1, 1]
    p = x[0, 0].astype(np.float64)
    y = np.array([[np.nan, (p[0, 1] + p[0, 2]) / 2, p[0, 2]], [p[1, 0], p[0, 1], np.nan]])[None, None]
    feeds = {"x": x, "flow": flow}
    return net(feeds, ("FlowWarp", "x flow", "y", "flow_warp_param { fill_value: NOT_A_NUMBER }")), feeds, {}, {"y": y}


CASES = {
    "clip": lambda: elementwise("Clip", "clip_param { min: -1 max: 2 }", lambda x: np.clip(x, -1, 2)),
    "mish": lambda: elementwise("Mish", "", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "swish": lambda: elementwise("Swish", "swish_param { beta: 0.5 }", lambda x: x * sigmoid(0.5 * x)),
    "hard_swish": lambda: elementwise("HardSwish", "", lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "hard_sigmoid": lambda: elementwise("HSigmoid", "", lambda x: np.clip(x + 3, 0, 6) / 6),
    "neg_relu": lambda: elementwise("NegReLU", "relu_param { negative_slope: 0.25 }",
                                    lambda x: np.minimum(x, 0) + 0.25 * np.maximum(x, 0)),
    "channel_norm_layer": lambda: elementwise("ChannelNorm", "", lambda x: np.sqrt((x * x).sum(1, keepdims=True))),
    "pool_sweep": pool_sweep,
    "pool_stochastic": stochastic,
    "pool_unpool": unpooled,
    "spp": spp,
    "im2col": im2col,
    "bn_merged": lambda: bn("merged"),
    "bn_stored": lambda: bn("stored"),
    "bn_of_the_batch": lambda: bn("batch"),
    "instance_norm": instance_norm,
    "batch_reindex": batch_reindex,
    "filter": filtered,
    "parameter": parameter,
    "lstm_with_states": lstm,
    "mean": mean_layer,
    "data_augmentation_crop": data_augmentation,
    "data_augmentation_whole": data_augmentation_whole,
    "resample_up": lambda: resample("LINEAR", (12, 16)),
    "resample_same": lambda: resample("CUBIC", (6, 8)),
    "resample_skew": lambda: resample("LINEAR", (7, 16)),
    "resample_down": lambda: resample("LINEAR", (4, 3)),
    "resample_cubic_up": lambda: resample("CUBIC", (9, 12)),
    "resample_cubic_down": lambda: resample("CUBIC", (3, 4)),
    "resample_nearest_down": resample_nearest,
    "correlation_subtract": lambda: correlation("subtract"),
    "correlation_kernel": lambda: correlation("multiply"),
    "correlation_1d": lambda: correlation("Correlation1D"),
    "flow_warp_nan": flow_warp_nan,
    "psroi_pooling": psroi,
    "proposal": lambda: proposal("Proposal"),
    "proposal_python": lambda: proposal("Python"),
    "detections_corner": lambda: detections("CORNER"),
    "detections_center_size": lambda: detections("CENTER_SIZE"),
    "detections_corner_size": lambda: detections("CORNER_SIZE"),
    "detections_none": lambda: detections("CORNER", least=2),
    "interp_cut": interp_cut,
    "reorg": reorg,
}
