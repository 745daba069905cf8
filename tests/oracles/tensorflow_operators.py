"""Makes SavedModels of TensorFlow's operators, a few of a kind in each, with the answers that it gives.

usage: tensorflow_operators.py FOLDER [NAME...]      (needs tensorflow-cpu==2.21 and nothing of Slipway)

FOLDER gets what tensorflow_saved_models.py writes; tests/e2e/tensorflow_saved_check.py runs it.
"""
import pathlib
import sys

import numpy as np
import tensorflow as tf
from tensorflow_saved_models import build, noise, save, save_v1, spec

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


if __name__ == "__main__":
    build(MODELS, pathlib.Path(sys.argv[1]), sys.argv[2:])
