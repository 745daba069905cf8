"""Models as Keras 1.2 saved them: its classes, its words, its layouts of weights. Part of keras_models.py.

No Keras of today writes these, so Keras 3 computes the answers and this file puts its configs and weights into the old form.
Sources: Keras 1.2's layers; keras.legacy.interfaces and preprocess_weights_for_loading of Keras 2, which went the other way.
"""
import numpy as np

# Words of Keras 1.2 for what Keras 3's configs say; lists of words take a list apart.
KERAS1_WORDS = {
    "Dense": {"units": "output_dim", "use_bias": "bias", "activation": "activation"},
    "Conv1D": {"filters": "nb_filter", "kernel_size": ["filter_length"], "strides": ["subsample_length"], "padding": "border_mode",
               "activation": "activation", "use_bias": "bias"},
    "Conv2D": {"filters": "nb_filter", "kernel_size": ["nb_row", "nb_col"], "strides": "subsample", "padding": "border_mode",
               "activation": "activation", "use_bias": "bias", "data_format": "dim_ordering"},
    "Conv3D": {"filters": "nb_filter", "kernel_size": ["kernel_dim1", "kernel_dim2", "kernel_dim3"], "strides": "subsample",
               "padding": "border_mode", "activation": "activation", "use_bias": "bias", "data_format": "dim_ordering"},
    "MaxPooling1D": {"pool_size": ["pool_length"], "strides": ["stride"], "padding": "border_mode"},
    "MaxPooling2D": {"pool_size": "pool_size", "strides": "strides", "padding": "border_mode", "data_format": "dim_ordering"},
    "GlobalAveragePooling2D": {"data_format": "dim_ordering"},
    "ZeroPadding2D": {"padding": "padding", "data_format": "dim_ordering"},
    "BatchNormalization": {"axis": "axis", "epsilon": "epsilon", "momentum": "momentum"},
    "Embedding": {"input_dim": "input_dim", "output_dim": "output_dim"},
    "LSTM": {"units": "output_dim", "recurrent_activation": "inner_activation", "activation": "activation",
             "return_sequences": "return_sequences"},
    "GRU": {"units": "output_dim", "recurrent_activation": "inner_activation", "activation": "activation"},
    "SimpleRNN": {"units": "output_dim", "activation": "activation"},
    "Dropout": {"rate": "p"}, "Activation": {"activation": "activation"}, "Flatten": {}, "Add": {}, "Multiply": {}, "Average": {},
    "Maximum": {}, "Concatenate": {"axis": "concat_axis"}, "LeakyReLU": {"negative_slope": "alpha"}, "UpSampling1D": {"size": "length"},
    "RepeatVector": {"n": "n"}, "Permute": {"dims": "dims"}, "Reshape": {"target_shape": "target_shape"},
}
KERAS1_MERGES = {"Add": "sum", "Multiply": "mul", "Average": "ave", "Maximum": "max", "Concatenate": "concat"}
KERAS1_WRAPPERS = ("Bidirectional", "TimeDistributed")
KERAS1_GATES = {"LSTM": "ifco", "GRU": "zrh"}
KERAS1_CASES = []


def keras1_case(name, backend="tensorflow"):
    def add(build):
        KERAS1_CASES.append((name, backend, build))
        return build
    return add


def keras1_config(layer):
    name, config = type(layer).__name__, layer.get_config()
    if name == "InputLayer":
        return name, {"name": layer.name, "batch_input_shape": config["batch_shape"], "input_dtype": "float32", "sparse": False}
    old = {"name": layer.name, "trainable": True}
    if name in KERAS1_WRAPPERS:
        inner = layer.forward_layer if name == "Bidirectional" else layer.layer
        class_name, old["layer"] = keras1_config(inner)
        old["layer"]["name"] = inner.name.removeprefix("forward_")
        old["layer"] = {"class_name": class_name, "config": old["layer"]}
        return name, {**old, "merge_mode": config.get("merge_mode")}
    for now, word in KERAS1_WORDS[name].items():
        value = config[now]
        if now == "data_format":
            value = {"channels_first": "th", "channels_last": "tf"}[value]
        if now == "padding" and name == "ZeroPadding2D":
            value = [each for pair in value for each in pair]
        if isinstance(word, list):
            old.update(zip(word, value))
        else:
            old[word] = value
    if name in KERAS1_MERGES:
        old.update(mode=KERAS1_MERGES[name], mode_type="raw")
        name = "Merge"
    if name == "BatchNormalization":
        old["mode"] = 0
    dilation = config.get("dilation_rate", 1)
    if name.startswith("Conv"):
        name = name.replace("Conv", "Convolution")
        if max(np.ravel(dilation)) > 1:
            name, old["atrous_rate"] = "Atrous" + name, dilation
    return name, old


def keras1_weights(layer, backend):
    """By name, laid out as Keras 1 did."""
    name, values = type(layer).__name__, layer.get_weights()
    if not values:
        return {}
    if name == "TimeDistributed":
        return keras1_weights(layer.layer, backend)
    if name == "Bidirectional":
        return {**keras1_weights(layer.forward_layer, backend), **keras1_weights(layer.backward_layer, backend)}
    ends = {"BatchNormalization": ["gamma", "beta", "running_mean", "running_std"], "Embedding": ["W"]}.get(name)
    if name in KERAS1_GATES:
        gates = KERAS1_GATES[name]
        return {f"{layer.name}_{role}_{gate}": np.split(value, len(gates), axis=-1)[i]
                for role, value in zip("WUb", values) for i, gate in enumerate(gates)}
    if name.startswith("Conv"):
        axes = values[0].ndim - 2
        kernel = values[0][(slice(None, None, -1),) * axes] if backend == "theano" else values[0]
        if axes == 1:
            kernel = kernel[:, None]
        elif layer.data_format == "channels_first":
            kernel = kernel.transpose(axes + 1, axes, *range(axes))
        values = [kernel, *values[1:]]
    if name == "SimpleRNN":
        ends = ["W", "U", "b"]
    return {f"{layer.name}_{end}": value for end, value in zip(ends or ["W", "b"], values)}


def keras1_files(model, backend):
    """(the file's "modelTopology", weights by name)"""
    layers, weights = [], {}
    for layer in model.layers:
        class_name, config = keras1_config(layer)
        inputs = [] if class_name == "InputLayer" else layer.input if isinstance(layer.input, list) else [layer.input]
        # pylint: disable=protected-access
        nodes = [[[tensor._keras_history[0].name, 0, 0] for tensor in inputs]] if inputs else []
        layers.append({"class_name": class_name, "name": layer.name, "config": config, "inbound_nodes": nodes})
        weights.update(keras1_weights(layer, backend))
    # pylint: disable=protected-access
    ends = {key: [[tensor._keras_history[0].name, 0, 0] for tensor in tensors]
            for key, tensors in (("input_layers", model.inputs), ("output_layers", model.outputs))}
    topology = {"keras_version": "1.2.2", "backend": backend,
                "model_config": {"class_name": "Model", "config": {"name": "model_1", "layers": layers, **ends}}}
    return topology, weights


@keras1_case("keras1_image")
def _(keras):
    L = keras.layers
    x = keras.Input((14, 13, 3), name="x")
    y = L.MaxPooling2D((2, 2))(L.ZeroPadding2D((1, 2))(L.Conv2D(4, (3, 2), padding="same", activation="relu")(x)))
    y = L.Dropout(0.5)(L.BatchNormalization()(L.Conv2D(5, 2, strides=(2, 1), use_bias=False)(y)))
    y = L.Conv2D(4, 2, dilation_rate=2)(y)
    return keras.Model(x, L.Dense(3, activation="softmax")(L.Flatten()(L.LeakyReLU(negative_slope=0.3)(y))))


for backend_name in ("tensorflow", "theano"):
    @keras1_case("keras1_channels_first_" + backend_name, backend_name)
    def _(keras):
        L = keras.layers
        x = keras.Input((3, 9, 8), name="x")
        y = L.Conv2D(4, (3, 2), padding="same", activation="relu", data_format="channels_first")(x)
        y = L.BatchNormalization(axis=1)(L.MaxPooling2D((2, 2), data_format="channels_first")(y))
        return keras.Model(x, L.Dense(3)(L.GlobalAveragePooling2D(data_format="channels_first")(y)))

    @keras1_case("keras1_conv1d_" + backend_name, backend_name)
    def _(keras):
        L = keras.layers
        x = keras.Input((9, 3), name="x")
        y = L.MaxPooling1D(2)(L.Conv1D(4, 3, activation="tanh")(x))
        return keras.Model(x, L.UpSampling1D(2)(L.Conv1D(2, 2, strides=2, padding="same")(y)))

    @keras1_case("keras1_conv3d_" + backend_name, backend_name)
    def _(keras):
        x = keras.Input((4, 5, 4, 2), name="x")
        return keras.Model(x, keras.layers.Conv3D(3, (2, 3, 2))(x))


@keras1_case("keras1_merges")
def _(keras):
    L = keras.layers
    x, y = keras.Input((4, 3), name="x"), keras.Input((4, 3), name="y")
    dense = L.Dense(3)(x)
    return keras.Model([x, y], [L.Add()([x, y]), L.Multiply()([dense, y]), L.Average()([x, y]), L.Maximum()([x, y]),
                                L.Concatenate(axis=1)([x, y])])


@keras1_case("keras1_wrappers")
def _(keras):
    L = keras.layers
    x = keras.Input((5, 3), name="x")
    y = L.Bidirectional(L.LSTM(4, return_sequences=True, recurrent_activation="sigmoid"))(x)
    return keras.Model(x, L.TimeDistributed(L.Dense(3, activation="tanh"))(y))


for kind in ("LSTM", "GRU", "SimpleRNN"):
    @keras1_case("keras1_" + kind)
    def _(keras, kind=kind):
        L = keras.layers
        tokens = keras.Input((6,), name="tokens")
        options = {"SimpleRNN": {}, "GRU": {"reset_after": False}, "LSTM": {"recurrent_activation": "sigmoid"}}[kind]
        return keras.Model(tokens, L.RepeatVector(2)(getattr(L, kind)(4, **options)(L.Embedding(9, 5)(tokens))))
