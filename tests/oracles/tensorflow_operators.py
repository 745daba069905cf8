"""Makes SavedModels of TensorFlow's operators, a few of a kind in each, with the answers that it gives.

usage: tensorflow_operators.py FOLDER [NAME...]      (needs tensorflow-cpu==2.21 and nothing of Slipway)

FOLDER gets what tensorflow_saved_models.py writes; tests/e2e/tensorflow_saved_check.py runs it.
"""
import pathlib
import sys

import numpy as np
import tensorflow as tf
from tensorflow_saved_models import ASSETS, build, noise, save, save_v1, spec

v1 = tf.compat.v1
raw = tf.raw_ops
MODELS = {}


def model(make):
    MODELS[make.__name__] = make
    return make


def keep(folder, name, feeds, compute, net=None):
    """A SavedModel of compute(inputs by name), which gives outputs by name; `net` owns tables."""
    specs = [spec(*array.shape, dtype=tf.as_dtype(array.dtype) if array.dtype.kind != "U" else tf.string, name=port)
             for port, array in feeds.items()]
    function = tf.function(lambda *inputs: compute(**dict(zip(feeds, inputs))), input_signature=specs)
    save(folder, name, net or tf.Module(), feeds, function)


# --- Tables ---


@model
def tables(folder, name):
    """Static tables from constants, from a text file among the assets, and out of a checkpoint; read in a loop, too."""
    words = folder / "words.txt"
    words.write_text("cat\t0.5\ndog\t-2\nbird\t1e3\n")
    net = tf.Module()
    lookup = tf.lookup
    net.numbers = lookup.StaticHashTable(
        lookup.KeyValueTensorInitializer(["one", "two"], tf.constant([1, 2], tf.int64)), -1)
    net.names = lookup.StaticHashTable(lookup.KeyValueTensorInitializer(tf.constant([7, 9], tf.int64), ["seven", "nine"]),
                                       "?")
    net.lines = lookup.StaticHashTable(
        lookup.TextFileInitializer(str(words), tf.string, 0, tf.int64, lookup.TextFileIndex.LINE_NUMBER), -7)
    net.weights = lookup.StaticHashTable(lookup.TextFileInitializer(str(words), tf.string, 0, tf.float32, 1), 0.25)
    net.whole = lookup.StaticHashTable(lookup.TextFileInitializer(
        str(words), tf.int64, lookup.TextFileIndex.LINE_NUMBER, tf.string, lookup.TextFileIndex.WHOLE_LINE), "none")
    net.changed = lookup.experimental.MutableHashTable(tf.int64, tf.int64, -3)
    net.changed.insert(tf.constant([5, 3], tf.int64), tf.constant([50, 30], tf.int64))

    def compute(words, ids):
        total = tf.constant(0, tf.int64)
        for i in tf.range(3):
            total += net.numbers.lookup(words[i])
        return {"numbers": net.numbers.lookup(words), "names": net.names.lookup(ids), "lines": net.lines.lookup(words),
                "weights": net.weights.lookup(words), "whole": net.whole.lookup(ids), "size": net.lines.size(),
                "changed": net.changed.lookup(ids), "total": total}

    keep(folder, name, {"words": np.array(["one", "cat", "two", "bird", "dog", "x"]),
                        "ids": np.array([[7, 9, 1], [2, 5, 3]], np.int64)}, compute, net)


@model
def v1_tables(folder, name):
    """Filled by the initialisation that version 1 keeps in a collection; values are computed."""
    def make():
        words = v1.placeholder(tf.string, [None], "words")
        keys = tf.constant(["a", "b", "c"])
        table = v1.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(keys, tf.cast(tf.range(tf.size(keys)), tf.int64) * 2), 7)
        return {"words": words}, {"ids": table.lookup(words)}

    save_v1(folder, name, make, {"words": np.array(["c", "a", "z"])}, tables=True)


# --- Branches and lists ---


@model
def cases(folder, name):
    def compute(x, which):
        def branch(i):
            return lambda: (x * float(i) + 1.0, tf.reduce_sum(x) - float(i))

        y, z = tf.switch_case(which, [branch(i) for i in range(5)])
        inner = tf.switch_case(which - 1, {0: lambda: tf.switch_case(which, [lambda: x, lambda: -x]), 1: lambda: x * x},
                               default=lambda: x + 5.0)
        return {"y": y, "z": z, "inner": inner}

    for which in (-1, 0, 1, 3, 4, 9):
        keep(folder, f"{name}_{which + 1}", {"x": noise(3), "which": np.int32(which)}, compute)


@model
def list_scatter(folder, name):
    def compute(x, at):
        some = tf.TensorArray(tf.float32, size=6, element_shape=[4]).scatter(at, x)
        parts = tf.TensorArray(tf.float32, size=2, element_shape=[None, 4], infer_shape=False).split(x, [1, 2])
        later = some.write(0, x[0] * 2.0)
        for i in tf.range(2):
            later = later.write(i, later.read(i) + 1.0)
        return {"all": some.stack(), "picked": some.gather([3, 1]), "part": parts.read(1), "later": later.stack(),
                "joined": parts.concat()}

    keep(folder, name, {"x": noise(3, 4), "at": np.array([4, 1, 3], np.int32)}, compute)


@model
def v1_array_scatter(folder, name):
    def make():
        v1.disable_control_flow_v2()
        x = v1.placeholder(tf.float32, [3, 4], "x")
        some = tf.TensorArray(tf.float32, size=6, clear_after_read=False).scatter([4, 1, 3], x)
        more = some.scatter([0, 2, 5], x * 2.0)
        parts = tf.TensorArray(tf.float32, size=2, infer_shape=False, clear_after_read=False).split(x, [1, 2])
        return {"x": x}, {"all": more.stack(), "one": some.read(3), "part": parts.read(1), "joined": parts.concat()}

    save_v1(folder, name, make, {"x": noise(3, 4)})


# --- Operators that are several of ours ---


@model
def arithmetic(folder, name):
    def compute(x, y):
        return {"approximate": raw.ApproximateEqual(x=x, y=y, tolerance=0.5), "no_nan": raw.MulNoNan(x=1.0 / x, y=y),
                "xlogy": tf.math.xlogy(y, tf.abs(x)), "xlog1py": tf.math.xlog1py(y, tf.abs(x)),
                "xdivy": tf.math.xdivy(y, x),
                "loss": tf.nn.l2_loss(x), "entropy": tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(y), x),
                "line": tf.linspace(x[0, 0], y[0, 1], 7), "turned": raw.ConjugateTranspose(x=x, perm=[1, 0])}

    y = noise(3, 4)
    y[1] = 0
    keep(folder, name, {"x": noise(3, 4), "y": y}, compute)


@model
def matrices(folder, name):
    def compute(x, d):
        return {"band": tf.linalg.band_part(x, 1, 2), "lower": tf.linalg.band_part(x, -1, 0),
                "diagonal": tf.linalg.diag(d), "part": tf.linalg.diag_part(x), "set": tf.linalg.set_diag(x, d),
                "eye": x[:, :, :4] @ tf.eye(4), "square": raw.Diag(diagonal=d[0]), "of_square": raw.DiagPart(input=x[0, :, :4])}

    keep(folder, name, {"x": noise(2, 4, 6), "d": noise(2, 4)}, compute)


@model
def segments(folder, name):
    def compute(x, ids):
        return {"max": tf.math.segment_max(x, ids), "min": tf.math.segment_min(x, ids),
                "mean": tf.math.segment_mean(x, ids), "product": tf.math.segment_prod(x, ids),
                "sparse_sum": tf.sparse.segment_sum(x, [3, 0, 0, 2], [0, 0, 1, 3]),
                "sparse_mean": tf.sparse.segment_mean(x, [3, 0, 0, 2], [0, 0, 1, 3]),
                "sparse_root": tf.sparse.segment_sqrt_n(x, [3, 0, 0, 2], [0, 0, 1, 3]),
                "sized": tf.sparse.segment_mean(x, [3, 0, 0], [0, 0, 2], num_segments=5),
                "product_of_sparse": tf.sparse.sparse_dense_matmul(
                    tf.sparse.SparseTensor([[0, 1], [2, 4]], x[0, :2], [3, 5]), x),
                "embedded": tf.nn.embedding_lookup_sparse(x, tf.sparse.from_dense([[1, 0, 3], [2, 4, 0]]), None,
                                                          combiner="mean")}

    keep(folder, name, {"x": noise(5, 3), "ids": np.array([0, 0, 1, 3, 3], np.int32)}, compute)


@model
def indices(folder, name):
    def compute(x, order, numbers):
        parts = tf.dynamic_partition(x, numbers, 3)
        return {"inverse": tf.math.invert_permutation(order), "rolled": tf.roll(x, [1, -2], [0, 1]),
                "stitched": tf.dynamic_stitch([[0, 3], [1, 4, 2]], [x[:2], x[2:]]), "first": parts[0], "last": parts[2],
                "subtracted": tf.tensor_scatter_nd_sub(x, [[0], [2], [0]], x[:3]),
                "added": raw.ScatterNdNonAliasingAdd(input=x, indices=[[1]], updates=x[3:4]),
                "counts": tf.math.bincount(numbers, minlength=5, maxlength=5),
                "weighted": raw.DenseBincount(input=numbers, size=4, weights=x[:, 0], binary_output=False),
                "seen": raw.DenseBincount(input=tf.stack([numbers, order]), size=6, weights=tf.constant([], tf.float32),
                                          binary_output=True),
                "below": tf.searchsorted(tf.sort(x, 1), x[:, :2]),
                "above": tf.searchsorted(tf.sort(x, 1), x[:, 1:3], side="right")}

    keep(folder, name, {"x": noise(5, 4), "order": np.array([3, 0, 4, 1, 2], np.int32),
                        "numbers": np.array([2, 0, 1, 2, 0], np.int32)}, compute)


@model
def resizing(folder, name):
    def compute(x):
        made = {"contrast": tf.image.adjust_contrast(x, 1.5), "pool": raw.MaxPoolV2(
            input=x, ksize=[1, 3, 2, 1], strides=[1, 2, 2, 1], padding="SAME"),
            "patches": tf.image.extract_patches(x, [1, 3, 2, 1], [1, 2, 2, 1], [1, 1, 2, 1], "SAME"),
            "area_aligned": raw.ResizeArea(images=x, size=[4, 5], align_corners=True),
            "cubic_aligned": raw.ResizeBicubic(images=x, size=[14, 5], align_corners=True),
            "cubic": raw.ResizeBicubic(images=x, size=[14, 5]),
            "bytes": raw.ResizeBicubic(images=tf.cast(x / 4.0, tf.uint8), size=[3, 17], half_pixel_centers=True),
            "moved": raw.ScaleAndTranslate(images=x, size=[8, 8], scale=[0.7, 1.3], translation=[1.5, -2.0],
                                           kernel_type="box")}
        for method in ("bilinear", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"):
            made[method] = tf.image.resize(x, [6, 17], method)
            made[f"{method}_smooth"] = tf.image.resize(x, [6, 17], method, antialias=True)
        return made

    keep(folder, name, {"x": np.abs(noise(2, 9, 11, 3)) * 100}, compute)


@model
def resizing_of_any_size(folder, name):
    @tf.function(input_signature=[spec(None, None, None, 3)])
    def serve(x):
        return {"y": tf.image.resize(x, [8, 5], "bicubic", antialias=True), "z": tf.image.resize(x, [8, 5], "area")}

    save(folder, name, tf.Module(), {"x": noise(2, 13, 10, 3)}, serve)


@model
def combined_suppression(folder, name):
    random = np.random.default_rng(5)

    def compute(boxes, shared, scores):
        made = {}
        for key, given, options in (("own", boxes, {}), ("shared", shared, {}), ("padded", shared, {"pad_per_class": True}),
                                    ("loose", boxes, {"clip_boxes": False, "iou_threshold": 0.9}),
                                    ("few", shared, {"max_total_size": 3})):
            options = {"max_total_size": 9, "iou_threshold": 0.4, "score_threshold": 0.3, **options}
            kept = tf.image.combined_non_max_suppression(given, scores, 3, **options)
            made.update({f"{key}_boxes": kept[0], f"{key}_scores": kept[1], f"{key}_classes": kept[2],
                         f"{key}_valid": kept[3]})
        return made

    corners = np.sort(random.random((2, 15, 3, 2, 2)) * 1.2 - 0.1, 3).reshape(2, 15, 3, 4).astype(np.float32)
    keep(folder, name, {"boxes": corners, "shared": corners[:, :, :1], "scores": random.random((2, 15, 3), np.float32)},
         compute)


@model
def soft_suppression(folder, name):
    def compute(boxes, scores):
        kept, softened = tf.image.non_max_suppression_with_scores(boxes, scores, 7, 0.4, 0.1, soft_nms_sigma=0.5)
        return {"kept": kept, "scores": softened}

    corners = np.sort(np.random.default_rng(2).random((20, 2, 2)), 1).reshape(20, 4)
    keep(folder, name, {"boxes": corners.astype(np.float32), "scores": np.abs(noise(20))}, compute)


# --- Strings ---


@model
def strings(folder, name):
    def compute(x, numbers):
        split = raw.StringSplitV2(input=x, sep="")
        by_two = raw.StringSplitV2(input=x, sep="--", maxsplit=1)
        old = raw.StringSplit(input=x, delimiter=" -", skip_empty=False)
        return {"lower": tf.strings.lower(x), "upper": tf.strings.upper(x), "strip": tf.strings.strip(x),
                "bytes": tf.strings.length(x), "characters": tf.strings.length(x, "UTF8_CHAR"),
                "part": tf.strings.substr(x, [0, -3, 0, 1, 2], [4, 2, 0, 9, 3]), "joined": tf.strings.join([x, "_", x], "-"),
                "vowels": tf.strings.regex_replace(x, "([aeiou])", r"<\1>"),
                "one": raw.StaticRegexReplace(input=x, pattern="l", rewrite="", replace_global=False),
                "matches": tf.strings.regex_full_match(x, "[a-z ]*"), "words": split.values, "places": split.indices,
                "shape": split.shape, "twos": by_two.values, "old": old.values, "old_places": old.indices,
                "as_string": tf.strings.as_string(numbers), "numbers": tf.strings.to_number(tf.strings.as_string(numbers)),
                "dense": tf.strings.split(x).to_tensor("PAD")}

    texts = np.array(["Hello  World ", "a--b--c", "", " \u00dcn\u00efcode tEST", "all small"])
    keep(folder, name, {"x": texts[[0, 1, 1, 3, 4]], "numbers": np.array([7, -30, 0], np.int32)}, compute)
    keep(folder, f"{name}_empty", {"x": texts[[4, 1, 4, 1, 4]], "numbers": np.array([1], np.int32)}, compute)


@model
def text_vectorization(folder, name):
    """Keras's own layer, from sentences to the mean of words' vectors."""
    vectorize = tf.keras.layers.TextVectorization(output_sequence_length=7,
                                                  vocabulary=["the", "cat", "sat", "on", "mat", "dog"])
    net = tf.Module()
    net.layer = vectorize
    net.table = tf.Variable(noise(8, 3))

    def compute(x):
        ids = vectorize(x)
        return {"ids": ids, "mean": tf.reduce_mean(tf.gather(net.table, ids), 1)}

    keep(folder, name, {"x": np.array(["The cat sat, on the MAT!", "", "a dog: the best dog there ever was in it"])}, compute,
         net)


# --- Complex numbers ---


@model
def spectra(folder, name):
    def compute(x, y):
        z = tf.complex(x, y)
        short = tf.signal.stft(x, 16, 8)
        return {"angle": tf.math.angle(z), "product": tf.math.real(z * tf.math.conj(z)), "imaginary": tf.math.imag(tf.complex(y, x)),
                "fft": tf.math.imag(tf.signal.fft(z)), "ifft": tf.math.real(tf.signal.ifft(z)),
                "plane": tf.math.real(tf.signal.fft2d(z)), "of_plane": tf.math.real(tf.signal.ifft2d(z)),
                "back": tf.signal.irfft(tf.signal.rfft(x)), "longer": tf.signal.irfft(tf.signal.rfft(x), [40]),
                "shorter": tf.signal.irfft(tf.signal.rfft(x), [9]), "frames": tf.signal.inverse_stft(short, 16, 8),
                "cosine": tf.signal.dct(x), "mel": tf.signal.mfccs_from_log_mel_spectrograms(x),
                "scaled": tf.abs(z * tf.complex(0.5, -2.0) - z), "sum": tf.math.real(tf.exp(-z) + z)}

    keep(folder, name, {"x": noise(3, 32), "y": noise(3, 32)}, compute)


# --- Files ---


@model
def pictures(folder, name):
    """A serving signature that takes a picture's bytes."""
    @tf.function(input_signature=[tf.TensorSpec([], tf.string, name="file")])
    def serve(file):
        pixels = tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE")
        small = tf.image.resize(tf.cast(pixels, tf.float32) / 255.0, [32, 48], antialias=True)
        return {"pixels": pixels, "small": small[None]}

    for source in ("images/calib_imagenet/n02123159_tiger_cat.JPEG", "images/faces/ultraface_12.jpg"):
        path = ASSETS / source
        if path.exists():
            save(folder, f"{name}_{path.stem}", tf.Module(), {"file": path.read_bytes()}, serve)


if __name__ == "__main__":
    build(MODELS, pathlib.Path(sys.argv[1]), sys.argv[2:])
