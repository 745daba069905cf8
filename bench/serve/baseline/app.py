"""The baseline: a detector or a classifier behind Flask, as guides for serving an ONNX model write it.

Environment: MODEL, the .onnx file; TASK, detect (YOLOv5's boxes decoded in the model) or classify; SIZE, the side of the
input; SCORE, the lowest score of a box; ORT_THREADS, of a run, 0 for ONNX Runtime's own choice (all cores).

POST /predict takes an image as its body and answers with JSON of the shape that `slipway detect --json` and
`slipway classify --json` have.
"""
import io
import os

import numpy as np
import onnxruntime
from flask import Flask, jsonify, request
from PIL import Image

SIZE = int(os.environ.get("SIZE", "640"))
SCORE = float(os.environ.get("SCORE", "0.25"))
IOU = 0.45
MAX_BOXES = 300
TOP = 5
BORDER = 114
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
# More than any photo's pixels in both directions: moves boxes of different classes apart.
CLASS_OFFSET = 7680

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("ORT_THREADS", "0"))
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
input_name = session.get_inputs()[0].name
app = Flask(__name__)


def letterbox(image):
    """The photo scaled into the middle of a square; with its scale and borders."""
    scale = min(SIZE / image.width, SIZE / image.height)
    width, height = round(image.width * scale), round(image.height * scale)
    left, top = (SIZE - width) // 2, (SIZE - height) // 2
    square = Image.new("RGB", (SIZE, SIZE), (BORDER, BORDER, BORDER))
    square.paste(image.resize((width, height), Image.Resampling.BILINEAR), (left, top))
    return np.asarray(square), scale, left, top


def to_tensor(levels, mean=0.0, std=1.0):
    """levels: [H,W,3] u8 -> [1,3,H,W] f32."""
    pixels = (levels.astype(np.float32) / 255 - mean) / std
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)


def suppress(boxes, scores):
    """Greedy non-maximum suppression. boxes: [N,4] of corners. Indices of those kept, the best first."""
    left, top, right, bottom = boxes.T
    areas = (right - left) * (bottom - top)
    order = scores.argsort()[::-1]
    kept = []
    while order.size and len(kept) < MAX_BOXES:
        best, rest = order[0], order[1:]
        kept.append(best)
        width = np.minimum(right[best], right[rest]) - np.maximum(left[best], left[rest])
        height = np.minimum(bottom[best], bottom[rest]) - np.maximum(top[best], top[rest])
        both = np.maximum(width, 0) * np.maximum(height, 0)
        order = rest[both / (areas[best] + areas[rest] - both + 1e-9) <= IOU]
    return kept


def find_boxes(rows, image, scale, left, top):
    """rows: [N,5+classes] of centre, extent, objectness and class scores, in pixels of the network's input."""
    rows = rows[rows[:, 4] > SCORE]
    scores = rows[:, 5:] * rows[:, 4:5]
    classes = scores.argmax(1)
    scores = scores[np.arange(len(rows)), classes]
    is_likely = scores > SCORE
    rows, classes, scores = rows[is_likely], classes[is_likely], scores[is_likely]
    corners = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], 1)
    kept = suppress(corners + classes[:, None] * CLASS_OFFSET, scores)
    corners = (corners - [left, top, left, top]) / scale
    corners = corners.clip(0, [image.width, image.height, image.width, image.height])
    return [{"label": str(classes[i]), "class": int(classes[i]), "score": float(scores[i]),
             "box": [float(corners[i, 0]), float(corners[i, 1]), float(corners[i, 2] - corners[i, 0]),
                     float(corners[i, 3] - corners[i, 1])]} for i in kept]


def detect(image):
    levels, scale, left, top = letterbox(image)
    rows = session.run(None, {input_name: to_tensor(levels)})[0][0]
    return {"detections": find_boxes(rows, image, scale, left, top)}


def classify(image):
    levels = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    scores = session.run(None, {input_name: to_tensor(levels, MEAN, STD)})[0][0]
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    return {"classes": [{"label": str(i), "class": int(i), "score": float(shares[i])} for i in shares.argsort()[::-1][:TOP]]}


predict = {"detect": detect, "classify": classify}[os.environ.get("TASK", "detect")]


@app.get("/health")
def health():
    return "ok"


@app.post("/predict")
def answer():
    image = Image.open(io.BytesIO(request.get_data())).convert("RGB")
    return jsonify({"width": image.width, "height": image.height, **predict(image)})
