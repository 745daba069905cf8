"""Makes small SavedModels with TensorFlow, with the answers that it gives: variables, functions, loops, branches.

usage: tensorflow_saved_models.py FOLDER      (needs tensorflow-cpu==2.21 and nothing of Slipway)

FOLDER/NAME/ is a SavedModel, FOLDER/NAME.npz holds "in:PORT" and "out:PORT" arrays of one run of its signature ("file:PORT"
where a file's bytes go in as a string), and "signature" where it is not the default one. NAME.npz alone is a run of the
frozen graph "model" of SLIPWAY_ASSETS with "options" of slipway's. tests/e2e/tensorflow_saved_check.py runs them.
"""
import os
import pathlib
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # one way to compute, whatever the machine

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

v1 = tf.compat.v1
ROOT = pathlib.Path(__file__).resolve().parents[2]
ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", ROOT.parent / "shared" / "assets"))
RANDOM = np.random.default_rng(11)
MODELS = {}


def noise(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def model(make):
    MODELS[make.__name__] = make
    return make


def plain(array):
    """TensorFlow's strings are objects; NumPy's files hold text."""
    array = np.asarray(array)
    return np.array([text.decode() for text in array.ravel()], np.str_).reshape(array.shape) if array.dtype == object else array


def keep(folder, name, feeds, signature="serving_default"):
    """Runs the SavedModel that lies in folder/name and keeps the answers beside it."""
    function = tf.saved_model.load(str(folder / name)).signatures[signature]
    answers = function(**{port: tf.constant(array) for port, array in feeds.items()})
    arrays = inputs_of(feeds)
    arrays.update({f"out:{port}": plain(tensor.numpy()) for port, tensor in answers.items()})
    if signature != "serving_default":
        arrays["signature"] = np.array(signature)
    np.savez(folder / f"{name}.npz", **arrays)


# --- Keras ---


def export_keras(folder, name, layers, x):
    """The layers behind an input of any batch, weights and statistics drawn at random."""
    inputs = tf.keras.Input(x.shape[1:], name="x")
    y = inputs
    for layer in layers:
        y = layer(y)
    net = tf.keras.Model(inputs, y)
    net.set_weights([np.abs(noise(*w.shape)) * 0.3 + 0.1 if "variance" in v.path else noise(*w.shape) * 0.3
                     for v, w in zip(net.weights, net.get_weights())])
    net.export(str(folder / name), verbose=False)
    port, = tf.saved_model.load(str(folder / name)).signatures["serving_default"].structured_input_signature[1]
    keep(folder, name, {port: x})


@model
def keras_dense(folder, name):
    k = tf.keras.layers
    export_keras(folder, name, [k.Dense(16, activation="relu"), k.BatchNormalization(), k.Dropout(0.5),
                                k.Dense(5, activation="softmax")], noise(3, 10))


@model
def keras_conv(folder, name):
    k = tf.keras.layers
    export_keras(folder, name, [k.Conv2D(8, 3, strides=2, padding="same", use_bias=False), k.BatchNormalization(),
                                k.ReLU(6.0), k.DepthwiseConv2D(3, padding="same"), k.SpatialDropout2D(0.2),
                                k.MaxPooling2D(), k.GlobalAveragePooling2D(), k.Dense(4)], noise(2, 20, 24, 3))


@model
def keras_lstm(folder, name):
    k = tf.keras.layers
    export_keras(folder, name, [k.LSTM(6, return_sequences=True), k.LSTM(4)], noise(2, 7, 5))


@model
def keras_gru(folder, name):
    k = tf.keras.layers
    export_keras(folder, name, [k.GRU(6, return_sequences=True), k.GRU(4, reset_after=False)], noise(2, 7, 5))


@model
def keras_bidirectional(folder, name):
    k = tf.keras.layers
    export_keras(folder, name, [k.Bidirectional(k.LSTM(5, return_sequences=True)), k.SimpleRNN(3, go_backwards=True)],
                 noise(2, 6, 4))


@model
def keras_embedding(folder, name):
    k = tf.keras.layers
    net = tf.keras.Sequential([tf.keras.Input((9,), dtype="int32", name="tokens"), k.Embedding(30, 8), k.LSTM(6),
                               k.Dense(2)])
    net.export(str(folder / name), verbose=False)
    port, = tf.saved_model.load(str(folder / name)).signatures["serving_default"].structured_input_signature[1]
    keep(folder, name, {port: RANDOM.integers(0, 30, (2, 9)).astype(np.int32)})


# --- Functions ---


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(noise(4, 4), name="weights")
        self.bias = tf.Variable(noise(4), name="bias")


def save(folder, name, net, feeds, signatures):
    tf.saved_model.save(net, str(folder / name), signatures=signatures)
    keep(folder, name, feeds)


def spec(*shape, dtype=tf.float32, name="x"):
    return tf.TensorSpec(shape, dtype, name=name)


@model
def function_calls(folder, name):
    net = Net()

    @tf.function
    def layer(x):
        return tf.nn.relu(tf.matmul(x, net.weights) + net.bias)

    @tf.function(input_signature=[spec(None, 4, name="a"), spec(None, 4, name="b")])
    def serve(a, b):
        return {"sum": layer(layer(a)) + b, "b": layer(b), "same": b}

    save(folder, name, net, {"a": noise(3, 4), "b": noise(3, 4)}, serve)


@model
def two_signatures(folder, name):
    net = Net()

    @tf.function(input_signature=[spec(2, 4)])
    def first(x):
        return {"y": tf.matmul(x, net.weights)}

    @tf.function(input_signature=[spec(2, 4)])
    def second(x):
        return {"y": x + net.bias}

    tf.saved_model.save(net, str(folder / name), signatures={"first": first, "second": second})
    keep(folder, name, {"x": noise(2, 4)}, "second")


@model
def while_loop(folder, name):
    net = Net()

    @tf.function(input_signature=[spec(2, 4), spec(dtype=tf.int32, name="rounds")])
    def serve(x, rounds):
        total = tf.zeros_like(x)
        for i in tf.range(rounds):
            x = tf.tanh(tf.matmul(x, net.weights) + net.bias)
            total += x * tf.cast(i, tf.float32)
        return {"x": x, "total": total}

    save(folder, name, net, {"x": noise(2, 4), "rounds": np.int32(5)}, serve)


@model
def tensor_array(folder, name):
    net = Net()

    @tf.function(input_signature=[spec(None, 4)])
    def serve(x):
        rows = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[4])
        sums = tf.TensorArray(tf.float32, size=tf.shape(x)[0])
        state = net.bias
        for i in tf.range(tf.shape(x)[0]):
            state = 0.5 * state + x[i]
            rows = rows.write(rows.size(), state)
            sums = sums.write(i, tf.reduce_sum(state))
        return {"rows": rows.stack(), "sums": sums.stack()}

    save(folder, name, net, {"x": noise(5, 4)}, serve)


@model
def growing_shape(folder, name):
    @tf.function(input_signature=[spec(1, 3)])
    def serve(x):
        _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.concat([y, y * 0.5], 0)), [0, x],
                             shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 3])])
        return {"y": y}

    save(folder, name, tf.Module(), {"x": noise(1, 3)}, serve)


@model
def early_stop(folder, name):
    """A list that is not filled to its end: what is left are zeros."""
    @tf.function(input_signature=[spec(6)])
    def serve(x):
        kept = tf.TensorArray(tf.float32, size=6, element_shape=[2])
        i = 0
        while i < 6 and x[i] < 2.0:
            kept = kept.write(i, tf.stack([x[i], -x[i]]))
            i += 1
        return {"kept": kept.stack(), "count": i}

    save(folder, name, tf.Module(), {"x": np.array([0.5, 1, -1, 3, 0, 0], np.float32)}, serve)


@model
def branches(folder, name):
    net = Net()

    @tf.function(input_signature=[spec(2, 4)])
    def serve(x):
        if tf.reduce_sum(x) > 0:
            y = tf.matmul(x, net.weights)
            if tf.reduce_max(y) > 100.0:
                y = y / 100.0
            else:
                y = y - 1.0
        else:
            y = x + net.bias
        return {"y": y, "z": tf.cond(x[0, 0] > 0.0, lambda: 1.5, lambda: x[1, 1])}

    save(folder, name, net, {"x": noise(2, 4)}, serve)


@model
def loop_with_branch(folder, name):
    @tf.function(input_signature=[spec(8)])
    def serve(x):
        best = x[0]
        where = 0
        for i in tf.range(1, 8):
            if x[i] > best:
                best = x[i]
                where = i
        return {"best": best, "where": where}

    save(folder, name, tf.Module(), {"x": noise(8)}, serve)


@model
def ragged_gather(folder, name):
    """Reads a variable by ResourceGather."""
    net = tf.Module()
    net.table = tf.Variable(noise(10, 3), name="table")

    @tf.function(input_signature=[spec(None, dtype=tf.int64, name="ids")])
    def serve(ids):
        return {"rows": tf.gather(net.table, ids)}

    save(folder, name, net, {"ids": np.array([3, 0, 9], np.int64)}, serve)


# --- Version 1 ---


def save_v1(folder, name, make, feeds, init=True, tables=False):
    """make() builds the graph: its inputs and outputs by port."""
    with tf.Graph().as_default() as graph:
        v1.disable_resource_variables()
        inputs, outputs = make()
        with v1.Session(graph=graph) as session:
            if init:
                session.run(v1.global_variables_initializer())
            fill = v1.tables_initializer() if tables else None
            if tables:
                session.run(fill)
            v1.saved_model.simple_save(session, str(folder / name), inputs, outputs, legacy_init_op=fill)
            answers = session.run(outputs, {inputs[port]: array for port, array in feeds.items()})
    arrays = {f"in:{port}": array for port, array in feeds.items()}
    arrays.update({f"out:{port}": plain(array) for port, array in answers.items()})
    np.savez(folder / f"{name}.npz", **arrays)


@model
def v1_variables(folder, name):
    def make():
        v1.set_random_seed(3)  # every part of w draws numbers of its own
        x = v1.placeholder(tf.float32, [None, 300], "x")
        with v1.variable_scope("net", partitioner=v1.fixed_size_partitioner(3)):
            w = v1.get_variable("w", [300, 4], initializer=v1.random_normal_initializer(), use_resource=False)
        b = v1.get_variable("b", initializer=noise(4), use_resource=False)
        r = v1.get_variable("r", initializer=noise(4), use_resource=True)
        y = tf.matmul(x, tf.convert_to_tensor(w)) + b
        return {"x": x}, {"y": y * r}

    save_v1(folder, name, make, {"x": noise(2, 300)})


@model
def v1_control_flow(folder, name):
    def make():
        v1.disable_control_flow_v2()
        x = v1.placeholder(tf.float32, [None, 4], "x")
        w = v1.get_variable("w", initializer=noise(4, 4) * 0.5, use_resource=False)

        def inner(_, row):
            return v1.while_loop(lambda k, _: k < 2, lambda k, s: (k + 1, tf.tanh(tf.matmul(s, w))), [0, row])[1]

        def body(i, s):
            s = v1.cond(tf.reduce_sum(s) > 0.0, lambda: inner(i, s), lambda: s + 1.0)
            return i + 1, s

        _, y = v1.while_loop(lambda i, _: i < 4, body, [0, x])
        first, second = v1.cond(x[0, 0] > 0.0, lambda: (y, tf.constant(1.0)), lambda: (y * 2.0, x[0, 1]))
        third = v1.cond(x[0, 0] > 0.0, lambda: first + second, lambda: first - second)
        return {"x": x}, {"y": y, "first": first, "second": second, "third": third}

    save_v1(folder, name, make, {"x": noise(3, 4)})


@model
def v1_dynamic_rnn(folder, name):
    """A loop over TensorArrays, written out as TensorFlow 1's dynamic_rnn has it."""
    def make():
        v1.disable_control_flow_v2()
        x = v1.placeholder(tf.float32, [None, 5, 3], "x")
        w = v1.get_variable("w", initializer=noise(7, 4) * 0.5, use_resource=False)
        steps = tf.transpose(x, [1, 0, 2])
        count = tf.shape(steps)[0]
        given = tf.TensorArray(tf.float32, size=count).unstack(steps)
        made = tf.TensorArray(tf.float32, size=count)

        def body(i, state, made):
            state = tf.tanh(tf.matmul(tf.concat([given.read(i), state], 1), w))
            return i + 1, state, made.write(i, state)

        start = tf.zeros([tf.shape(x)[0], 4])
        _, state, made = v1.while_loop(lambda i, *_: i < count, body, [0, start, made])
        return {"x": x}, {"all": tf.transpose(made.stack(), [1, 0, 2]), "last": state}

    save_v1(folder, name, make, {"x": noise(2, 5, 3)})


@model
def v1_training_switch(folder, name):
    """Dropout and batch normalisation behind a placeholder that says whether to train."""
    def make():
        v1.disable_control_flow_v2()
        x = v1.placeholder(tf.float32, [None, 4, 4, 3], "x")
        training = v1.placeholder_with_default(False, [], "training")
        scale = v1.get_variable("scale", initializer=noise(3), use_resource=False)
        shift = v1.get_variable("shift", initializer=noise(3), use_resource=False)
        mean = v1.get_variable("mean", initializer=noise(3), use_resource=False)
        variance = v1.get_variable("variance", initializer=np.abs(noise(3)) + 0.1, use_resource=False)
        y = v1.cond(training, lambda: v1.nn.fused_batch_norm(x, scale, shift)[0],
                    lambda: v1.nn.fused_batch_norm(x, scale, shift, mean, variance, is_training=False)[0])
        y = v1.cond(training, lambda: tf.nn.dropout(y, rate=0.5), lambda: y)
        with v1.control_dependencies([v1.assert_greater(tf.shape(x)[0], 0)]):
            y = tf.identity(y)
        return {"x": x}, {"y": y}

    save_v1(folder, name, make, {"x": noise(2, 4, 4, 3)})


# --- Frozen graphs of others, with TensorFlow 1's loops ---


def inputs_of(feeds):
    """Feeds as they are kept: bytes are the content of a file."""
    return {f"file:{node}" if isinstance(array, bytes) else f"in:{node}":
            np.frombuffer(array, np.uint8) if isinstance(array, bytes) else array for node, array in feeds.items()}


def frozen(folder, name, file, feeds, fetches, *options, removed=(), tolerance=1e-5):
    """Runs SLIPWAY_ASSETS/tensorflow/file; feeds and fetches by node, `options` for slipway; `removed`: feeds that the import
    does without."""
    path = ASSETS / "tensorflow" / file
    if not path.exists():
        print(f"skipped: no {path}")
        return
    with tf.Graph().as_default() as graph:
        definition = v1.GraphDef()
        definition.ParseFromString(path.read_bytes())
        tf.graph_util.import_graph_def(definition, name="")
        with v1.Session(graph=graph) as session:
            answers = session.run({node: f"{node}:0" for node in fetches},
                                  {f"{node}:0": array for node, array in feeds.items()})
    arrays = inputs_of({node: array for node, array in feeds.items() if node not in removed})
    arrays.update({f"out:{node}": array for node, array in answers.items()})
    np.savez(folder / f"{name}.npz", model=np.array(f"tensorflow/{file}"), options=np.array(options or ("",)),
             tolerance=np.array(tolerance), **arrays)


@model
def shared_keyword_spotter(folder, name):
    path = "tensorflow/mlperf_kws_savedmodel"
    if not (ASSETS / path).exists():
        print(f"skipped: no {ASSETS / path}")
        return
    x = noise(3, 49, 10, 1)
    # The loader of version 1: that of version 2 wants the Keras of the file's day.
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        ports = v1.saved_model.load(session, ["serve"], str(ASSETS / path)).signature_def["serving_default"]
        answers = session.run({f"out:{port}": info.name for port, info in ports.outputs.items()},
                              {ports.inputs["input_1"].name: x})
    np.savez(folder / f"{name}.npz", model=np.array(path), **{"in:input_1": x}, **answers)


@model
def frozen_gru(folder, name):
    frozen(folder, name, "kws_GRU_S.pb", {"Mfcc": noise(1, 25, 10)}, ["labels_softmax"], "--input", "Mfcc[1,25,10]")


@model
def frozen_lstm(folder, name):
    frozen(folder, name, "kws_Basic_LSTM_S.pb", {"Mfcc": noise(1, 49, 10)}, ["labels_softmax"], "--input",
           "Mfcc[1,49,10]")


@model
def frozen_mtcnn(folder, name):
    photo = tf.io.decode_jpeg((ASSETS / "images" / "faces" / "ultraface_12.jpg").read_bytes())
    feeds = {"input": tf.cast(photo[..., ::-1], tf.float32).numpy(), "min_size": np.float32(40),
             "thresholds": np.float32([0.6, 0.7, 0.7]), "factor": np.float32(0.709)}
    frozen(folder, name, "mtcnn.pb", feeds, ["prob", "landmarks", "box"])


def build(models, folder, wanted):
    """Makes the models (functions by name) in `folder`: all, or those that are wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in models.items():
        if not wanted or name in wanted:
            shutil.rmtree(folder / name, ignore_errors=True)
            make(folder, name)
            print(name, flush=True)


if __name__ == "__main__":
    build(MODELS, pathlib.Path(sys.argv[1]), sys.argv[2:])
