"""MTCNN's cascade over its three Caffe nets, step by step as the graph of tensorflow/mtcnn.pb does it (tf-mtcnn): what
twins.py compares that graph's boxes with. Boxes are y1, x1, y2, x2 in pixels.

The Caffe nets were trained on images of swapped axes, in RGB.
"""
import numpy as np

import suite


class Cascade:
    """picture: [H,W,3], BGR levels."""

    def __init__(self, slipway, backend, picture, scratch):
        self.slipway, self.backend, self.scratch = slipway, backend, scratch
        self.image = (picture.astype(np.float32) - 127.5) / 128

    def run(self, net, images):
        """Probabilities and regressions (and landmarks) of images [n,h,w,3], as [n,h',w',c]; reads the nets' own axes."""
        array = np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 2, 1))
        outputs = suite.run_net(self.slipway, self.backend, suite.ASSETS / f"caffe/{net}.caffemodel", {"data": array},
                                self.scratch, "--input", f"data{list(array.shape)}".replace(" ", ""))
        if isinstance(outputs, str):
            raise RuntimeError(outputs)
        turned = {name: y.transpose(0, 3, 2, 1) if y.ndim == 4 else y for name, y in outputs.items()}
        probability = turned.pop("prob1")[..., 1]
        boxes = next(y for y in turned.values() if y.shape[-1] == 4)[..., [1, 0, 3, 2]]
        marks = [y for y in turned.values() if y.shape[-1] == 10]
        return probability, boxes, marks[0][:, [5, 6, 7, 8, 9, 0, 1, 2, 3, 4]] if marks else None

    def resized(self, height, width):
        """Bilinear, as TensorFlow 1 did: place i of the output is place i * scale of the input."""
        rows, columns = (np.arange(size, dtype=np.float32) * np.float32(extent / size)
                         for size, extent in ((height, self.image.shape[0]), (width, self.image.shape[1])))
        return self.sampled(rows, columns)

    def sampled(self, rows, columns):
        top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
        bottom, right = np.minimum(top + 1, self.image.shape[0] - 1), np.minimum(left + 1, self.image.shape[1] - 1)
        down, across = (rows - top)[:, None, None], (columns - left)[None, :, None]
        upper = self.image[top][:, left] * (1 - across) + self.image[top][:, right] * across
        lower = self.image[bottom][:, left] * (1 - across) + self.image[bottom][:, right] * across
        return (upper * (1 - down) + lower * down).astype(np.float32)

    def crops(self, boxes, size):
        """tf.image.crop_and_resize of boxes / [H,W,H,W]: the corners of box and crop meet; 0 outside of the image."""
        height, width = self.image.shape[:2]
        found = np.zeros((len(boxes), size, size, 3), np.float32)
        for crop, (y1, x1, y2, x2) in zip(found, boxes / np.float32([height, width, height, width])):
            rows, columns = (np.float32(low * (extent - 1)) + np.arange(size, dtype=np.float32) *
                             np.float32((high - low) * (extent - 1) / (size - 1))
                             for low, high, extent in ((y1, y2, height), (x1, x2, width)))
            inside = ((rows >= 0) & (rows <= height - 1), (columns >= 0) & (columns <= width - 1))
            crop[np.ix_(*inside)] = self.sampled(rows[inside[0]], columns[inside[1]])
        return found

    def pyramid(self, min_size, factor, threshold):
        """Candidates of every scale: boxes, probabilities, regressions."""
        found, scale = [], np.float32(12 / min_size)
        while min(self.image.shape[:2]) * scale > 12:
            size = [int(np.float32(extent) * scale) for extent in self.image.shape[:2]]
            probability, moves, _ = self.run("mtcnn_det1", self.resized(*size)[None])
            places = np.argwhere(probability[0] > threshold)
            boxes = np.concatenate([(places * 2 + 1) / scale, (places * 2 + 12) / scale], 1).astype(np.float32)
            score, moves = (array[0][tuple(places.T)] for array in (probability, moves))
            kept = suppressed(boxes, score, 0.5)
            found.append((boxes[kept], score[kept], moves[kept]))
            scale = np.float32(scale * np.float32(factor))
        return [np.concatenate(parts) for parts in zip(*found)]

    def faces(self, min_size, factor, thresholds):
        """Boxes, probabilities and landmarks (y of five, then x), the best first."""
        boxes, score, moves = self.pyramid(min_size, factor, thresholds[0])
        kept = suppressed(boxes, score, 0.7)
        boxes = squared(moved(boxes[kept], moves[kept]))
        score, moves, _ = self.run("mtcnn_det2", self.crops(boxes, 24))
        boxes, score, moves = (array[score > thresholds[1]] for array in (boxes, score, moves))
        kept = suppressed(boxes, score, 0.7)
        boxes = squared(moved(boxes[kept], moves[kept]))
        score, moves, marks = self.run("mtcnn_det3", self.crops(boxes, 48))
        boxes, score, moves, marks = (array[score > thresholds[2]] for array in (boxes, score, moves, marks))
        marks = np.repeat(boxes[:, :2], 5, 1) + np.repeat(boxes[:, 2:] - boxes[:, :2], 5, 1) * marks
        boxes = moved(boxes, moves)
        kept = suppressed(boxes, score, 0.6)
        return boxes[kept], score[kept], marks[kept]


def moved(boxes, moves):
    return boxes + np.tile(boxes[:, 2:] - boxes[:, :2], 2) * moves


def squared(boxes):
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    less = (sides - sides.max(1, keepdims=True)) / 2
    return boxes + np.concatenate([less, -less], 1)


def suppressed(boxes, score, threshold):
    """Of overlapping boxes the best: their places, best first."""
    kept = []
    for i in np.argsort(-score, kind="stable"):
        inner = [np.maximum(np.minimum(boxes[i, 2:], boxes[k, 2:]) - np.maximum(boxes[i, :2], boxes[k, :2]), 0).prod() for k in kept]
        area = [(boxes[k, 2:] - boxes[k, :2]).prod() for k in kept]
        mine = (boxes[i, 2:] - boxes[i, :2]).prod()
        if all(common / (mine + other - common) <= threshold for common, other in zip(inner, area)):
            kept.append(i)
    return kept
