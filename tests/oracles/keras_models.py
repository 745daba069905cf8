"""Compares small random Keras models, read as TensorFlow.js layers models, with Keras itself.

usage: keras_models.py SLIPWAY [--only WORD] [--keep FOLDER]

Every layer and option that Slipway reads, in Keras 3 (package keras) and, where it has the layer, in Keras 2 (tf_keras).
Writes model.json and shards as TF.js lays them out; weights are named as Keras 3's paths, as in its .weights.h5 files
("layers/dense/vars/0") and as Keras 2 names them; some quantised as tensorflowjs_converter does it, and some in Keras 1's words
(keras1_models.py). Both backends, 1e-5 relative to the largest element. Exits with 77
where Keras is not installed.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

from keras1_models import KERAS1_CASES, keras1_files

SKIPPED = 77
TOLERANCE = 1e-5
TABLE_TOLERANCE = 2e-3  # TensorFlow looks cubic weights up in a table of 1024 positions
ALSO_QUANTIZED = ("sequential", "nested", "bidirectional_LSTM_True", "batch_norm", "model_in_sequential")
FEWEST = 700  # comparisons; a run over fewer has lost some on the way
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
RNG = np.random.default_rng(5)

CASES = []  # name, which Keras versions, function of the package that gives the model


def case(name, versions=(3, 2)):
    def add(build):
        CASES.append((name, versions, build))
        return build
    return add


def layer_case(name, shape, make, versions=(3, 2)):
    """One layer on an input of that shape, without the batch."""
    def build(keras):
        x = keras.Input(shape, name="x")
        return keras.Model(x, make(keras.layers)(x))
    CASES.append((name, versions, build))


# --- Dense and activations ---

for units, bias, shape in ((4, True, (5,)), (3, False, (5,)), (4, True, (3, 5)), (2, True, (2, 3, 4))):
    layer_case(f"dense_{units}_{bias}_{len(shape)}", shape,
               lambda L, units=units, bias=bias: L.Dense(units, use_bias=bias, activation="relu"))
for activation in ("linear", "relu", "elu", "selu", "softplus", "softsign", "tanh", "sigmoid", "hard_sigmoid", "exponential",
                   "softmax", "swish", "gelu", "mish"):
    layer_case("activation_" + activation, (7,), lambda L, a=activation: L.Activation(a))
for activation in ("relu6", "silu", "hard_silu", "leaky_relu", "celu", "log_softmax", "log_sigmoid", "hard_tanh", "hard_shrink",
                   "soft_shrink", "tanh_shrink", "squareplus", "sparse_plus", "sparse_sigmoid"):
    layer_case("activation_" + activation, (7,), lambda L, a=activation: L.Activation(a), (3,))
layer_case("activation_glu", (8,), lambda L: L.Activation("glu"), (3,))
for number, options in enumerate(({}, {"max_value": 1.0}, {"negative_slope": 0.1}, {"threshold": 0.5},
                                  {"max_value": 0.8, "negative_slope": 0.2, "threshold": 0.3})):
    layer_case(f"relu_{number}", (9,), lambda L, o=options: L.ReLU(**o))
layer_case("leaky_relu", (9,), lambda L: L.LeakyReLU(0.15))
layer_case("elu_layer", (9,), lambda L: L.ELU(0.7))
layer_case("thresholded_relu", (9,), lambda L: L.ThresholdedReLU(0.4), (2,))
layer_case("prelu", (3, 4), lambda L: L.PReLU())
layer_case("prelu_shared", (3, 4, 2), lambda L: L.PReLU(shared_axes=[1, 2]))
layer_case("softmax_axis", (3, 4), lambda L: L.Softmax(axis=1))
layer_case("activation_as_layer", (5,), lambda L: L.Dense(4, activation=L.LeakyReLU(0.1)), (3,))
layer_case("einsum_dense", (4, 6), lambda L: L.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de", activation="relu"))

# --- Convolutions ---

for padding in ("valid", "same"):
    layer_case("conv1d_" + padding, (9, 3), lambda L, p=padding: L.Conv1D(4, 3, strides=2, padding=p))
    layer_case("conv2d_" + padding, (9, 8, 3), lambda L, p=padding: L.Conv2D(4, (3, 2), strides=(2, 1), padding=p, activation="relu"))
    layer_case("conv2d_dilated_" + padding, (9, 8, 3), lambda L, p=padding: L.Conv2D(4, 3, dilation_rate=2, padding=p))
    layer_case("conv3d_" + padding, (5, 6, 4, 2), lambda L, p=padding: L.Conv3D(3, 2, strides=2, padding=p))
    layer_case("depthwise1d_" + padding, (9, 3), lambda L, p=padding: L.DepthwiseConv1D(3, depth_multiplier=2, padding=p))
    layer_case("depthwise2d_" + padding, (9, 8, 3), lambda L, p=padding: L.DepthwiseConv2D(3, strides=2, depth_multiplier=2, padding=p))
    layer_case("separable1d_" + padding, (9, 3), lambda L, p=padding: L.SeparableConv1D(5, 3, depth_multiplier=2, padding=p))
    layer_case("separable2d_" + padding, (9, 8, 3), lambda L, p=padding: L.SeparableConv2D(5, 3, strides=2, depth_multiplier=2, padding=p))
    layer_case("conv1d_transpose_" + padding, (5, 3), lambda L, p=padding: L.Conv1DTranspose(4, 3, strides=2, padding=p))
    for kernel, stride in ((3, 2), (2, 3), (4, 2), (3, 1), (5, 3)):
        layer_case(f"conv2d_transpose_{padding}_{kernel}_{stride}", (5, 4, 3),
                   lambda L, p=padding, k=kernel, s=stride: L.Conv2DTranspose(4, k, strides=s, padding=p))
    layer_case("conv2d_transpose_output_padding_" + padding, (5, 4, 3),
               lambda L, p=padding: L.Conv2DTranspose(4, 3, strides=2, padding=p, output_padding=1))
    layer_case("conv3d_transpose_" + padding, (3, 4, 2, 2), lambda L, p=padding: L.Conv3DTranspose(3, 3, strides=2, padding=p))
layer_case("conv1d_causal", (9, 3), lambda L: L.Conv1D(4, 3, dilation_rate=2, padding="causal"))
layer_case("conv2d_groups", (6, 6, 4), lambda L: L.Conv2D(6, 3, groups=2, use_bias=False))
for name, make in (("conv2d", lambda L: L.Conv2D(4, 3, padding="same", data_format="channels_first")),
                   ("depthwise2d", lambda L: L.DepthwiseConv2D(3, depth_multiplier=2, data_format="channels_first")),
                   # With a bias Keras's answer on CPUs differs from NumPy's.
                   ("separable2d", lambda L: L.SeparableConv2D(5, 3, use_bias=False, data_format="channels_first")),
                   ("conv2d_transpose", lambda L: L.Conv2DTranspose(4, 3, strides=2, data_format="channels_first")),
                   ("max_pool", lambda L: L.MaxPooling2D(2, data_format="channels_first")),
                   ("average_pool", lambda L: L.AveragePooling2D(2, padding="same", data_format="channels_first")),
                   ("global_average", lambda L: L.GlobalAveragePooling2D(data_format="channels_first")),
                   ("zero_padding", lambda L: L.ZeroPadding2D(((1, 0), (2, 1)), data_format="channels_first")),
                   ("cropping", lambda L: L.Cropping2D(((1, 0), (2, 1)), data_format="channels_first")),
                   ("up_sampling", lambda L: L.UpSampling2D(2, data_format="channels_first")),
                   ("flatten", lambda L: L.Flatten(data_format="channels_first"))):
    layer_case("channels_first_" + name, (3, 7, 6), make, (3,))

# --- Pools ---

for padding in ("valid", "same"):
    for kind in ("Max", "Average"):
        layer_case(f"{kind}_pool1d_{padding}", (9, 3), lambda L, p=padding, k=kind: getattr(L, k + "Pooling1D")(3, 2, padding=p))
        layer_case(f"{kind}_pool2d_{padding}", (9, 8, 3), lambda L, p=padding, k=kind: getattr(L, k + "Pooling2D")((3, 2), padding=p))
        layer_case(f"{kind}_pool3d_{padding}", (5, 6, 4, 2), lambda L, p=padding, k=kind: getattr(L, k + "Pooling3D")(2, 1, padding=p))
for kind in ("Max", "Average"):
    for axes in (1, 2, 3):
        layer_case(f"global_{kind}_{axes}d", (3, 4, 5)[:axes] + (2,), lambda L, k=kind, a=axes: getattr(L, f"Global{k}Pooling{a}D")())
    layer_case(f"global_{kind}_keepdims", (4, 5, 2), lambda L, k=kind: getattr(L, f"Global{k}Pooling2D")(keepdims=True))

# --- Normalisations ---

layer_case("batch_norm", (4, 5, 3), lambda L: L.BatchNormalization())
layer_case("batch_norm_dense", (6,), lambda L: L.BatchNormalization(scale=False, epsilon=1e-2))
layer_case("batch_norm_axis1", (3, 4, 5), lambda L: L.BatchNormalization(axis=1, center=False))
layer_case("batch_norm_axis2", (3, 4, 5), lambda L: L.BatchNormalization(axis=2))
layer_case("layer_norm", (4, 5), lambda L: L.LayerNormalization())
layer_case("layer_norm_axes", (4, 5, 3), lambda L: L.LayerNormalization(axis=[1, 2], scale=False))
layer_case("layer_norm_axis1", (4, 5), lambda L: L.LayerNormalization(axis=1))
layer_case("group_norm", (4, 5, 6), lambda L: L.GroupNormalization(groups=3))
layer_case("group_norm_instance", (4, 5, 6), lambda L: L.GroupNormalization(groups=-1, center=False))
layer_case("unit_norm", (4, 5), lambda L: L.UnitNormalization(axis=-1))
layer_case("unit_norm_axes", (4, 5), lambda L: L.UnitNormalization(axis=[1, 2]))
layer_case("rms_norm", (4, 5), lambda L: L.RMSNormalization(), (3,))
layer_case("rescaling", (4, 5), lambda L: L.Rescaling(1 / 127.5, offset=-1))
layer_case("normalization_given", (4, 3), lambda L: L.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.25]))
layer_case("normalization_learnt", (4, 3), lambda L: L.Normalization(), )
layer_case("normalization_invert", (4, 3), lambda L: L.Normalization(axis=None, mean=0.5, variance=2.0, invert=True))

# --- Shapes ---

layer_case("flatten", (2, 3, 4), lambda L: L.Flatten())
layer_case("reshape", (2, 6), lambda L: L.Reshape((3, -1)))
layer_case("permute", (2, 3, 4), lambda L: L.Permute((3, 1, 2)))
layer_case("repeat_vector", (3,), lambda L: L.RepeatVector(4))
layer_case("zero_padding1d", (4, 2), lambda L: L.ZeroPadding1D((1, 2)))
layer_case("zero_padding2d", (4, 3, 2), lambda L: L.ZeroPadding2D(((1, 2), (0, 3))))
layer_case("zero_padding3d", (2, 3, 2, 2), lambda L: L.ZeroPadding3D(1))
layer_case("cropping1d", (6, 2), lambda L: L.Cropping1D((1, 2)))
layer_case("cropping2d", (6, 5, 2), lambda L: L.Cropping2D((1, 2)))
layer_case("cropping3d", (4, 5, 4, 2), lambda L: L.Cropping3D(((1, 0), (0, 2), (1, 1))))
layer_case("up_sampling1d", (4, 2), lambda L: L.UpSampling1D(3))
layer_case("up_sampling2d", (4, 3, 2), lambda L: L.UpSampling2D((2, 3)))
layer_case("up_sampling2d_bilinear", (4, 3, 2), lambda L: L.UpSampling2D((2, 3), interpolation="bilinear"))
layer_case("up_sampling2d_bicubic", (4, 5, 2), lambda L: L.UpSampling2D(2, interpolation="bicubic"))
layer_case("up_sampling3d", (2, 3, 2, 2), lambda L: L.UpSampling3D(2))
for interpolation in ("nearest", "bilinear", "bicubic"):
    for size in ((7, 9), (3, 2)):
        layer_case(f"resizing_{interpolation}_{size[0]}", (5, 6, 2), lambda L, i=interpolation, s=size: L.Resizing(*s, interpolation=i))
layer_case("resizing_crop", (9, 6, 2), lambda L: L.Resizing(4, 5, crop_to_aspect_ratio=True))
layer_case("center_crop", (9, 6, 2), lambda L: L.CenterCrop(4, 3))
layer_case("center_crop_small", (4, 6, 2), lambda L: L.CenterCrop(6, 5))

# --- What does nothing ---

for name in ("Dropout", "GaussianNoise", "GaussianDropout"):
    layer_case("nothing_" + name, (5,), lambda L, n=name: getattr(L, n)(0.3))
layer_case("nothing_spatial", (4, 3), lambda L: L.SpatialDropout1D(0.3))
layer_case("nothing_alpha", (4, 3), lambda L: L.AlphaDropout(0.3))
layer_case("nothing_regularization", (4, 3), lambda L: L.ActivityRegularization(0.1))


# --- Merges ---

def merge_case(name, shapes, make, versions=(3, 2)):
    @case(name, versions)
    def _(keras):
        inputs = [keras.Input(shape, name=f"x{i}") for i, shape in enumerate(shapes)]
        return keras.Model(inputs, make(keras.layers)(inputs))


for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum"):
    merge_case("merge_" + kind, ((3, 4),) * 3, lambda L, k=kind: getattr(L, k)())
merge_case("merge_subtract", ((3, 4),) * 2, lambda L: L.Subtract())
merge_case("merge_broadcast", ((3, 4), (1, 4)), lambda L: L.Multiply())
merge_case("concatenate", ((3, 4), (3, 2)), lambda L: L.Concatenate())
merge_case("concatenate_axis1", ((3, 4), (2, 4)), lambda L: L.Concatenate(axis=1))
merge_case("dot_vectors", ((4,), (4,)), lambda L: L.Dot(axes=1, normalize=True))
merge_case("dot_matrices", ((3, 4), (4, 5)), lambda L: L.Dot(axes=(2, 1)))

# --- Recurrent ---

for sequences in (False, True):
    for kind in ("SimpleRNN", "GRU", "LSTM"):
        layer_case(f"{kind}_{sequences}", (5, 3), lambda L, k=kind, s=sequences: getattr(L, k)(4, return_sequences=s))
        layer_case(f"{kind}_backwards_{sequences}", (5, 3),
                   lambda L, k=kind, s=sequences: getattr(L, k)(4, return_sequences=s, go_backwards=True, use_bias=False))
        layer_case(f"bidirectional_{kind}_{sequences}", (5, 3),
                   lambda L, k=kind, s=sequences: L.Bidirectional(getattr(L, k)(4, return_sequences=s)))
    layer_case(f"GRU_reset_before_{sequences}", (5, 3), lambda L, s=sequences: L.GRU(4, reset_after=False, return_sequences=s))
    layer_case(f"conv_lstm2d_{sequences}", (4, 6, 5, 2), lambda L, s=sequences: L.ConvLSTM2D(3, 3, padding="same", return_sequences=s))
for mode in ("sum", "mul", "ave", None):
    layer_case(f"bidirectional_{mode}", (5, 3), lambda L, m=mode: L.Bidirectional(L.LSTM(4, return_sequences=True), merge_mode=m))
for kind in ("SimpleRNN", "GRU", "LSTM"):
    layer_case(f"{kind}_state", (5, 3), lambda L, k=kind: getattr(L, k)(4, return_state=True))
    layer_case(f"{kind}_activation", (5, 3), lambda L, k=kind: getattr(L, k)(4, activation="relu" if k == "SimpleRNN" else "gelu"))
layer_case("LSTM_hard_sigmoid", (5, 3), lambda L: L.LSTM(4, recurrent_activation="hard_sigmoid", activation="softsign"))
layer_case("GRU_reset_before_swish", (5, 3), lambda L: L.GRU(4, reset_after=False, activation="swish", return_sequences=True))
layer_case("bidirectional_state", (5, 3), lambda L: L.Bidirectional(L.LSTM(4, return_state=True)))
layer_case("conv_lstm1d", (4, 6, 2), lambda L: L.ConvLSTM1D(3, 3, strides=2, return_sequences=True, return_state=True))
layer_case("conv_lstm3d", (3, 4, 3, 4, 2), lambda L: L.ConvLSTM3D(2, 2))
layer_case("rnn_cell", (5, 3), lambda L: L.RNN(L.LSTMCell(4), return_sequences=True))
layer_case("rnn_stacked", (5, 3), lambda L: L.RNN([L.GRUCell(4), L.LSTMCell(3)]))
layer_case("time_distributed_dense", (5, 3), lambda L: L.TimeDistributed(L.Dense(4, activation="tanh")))
layer_case("time_distributed_conv", (3, 6, 5, 2), lambda L: L.TimeDistributed(L.Conv2D(4, 3)))


@case("initial_state")
def _(keras):
    x, y = keras.Input((5, 3), name="x"), keras.Input((4, 3), name="y")
    _, h, c = keras.layers.LSTM(4, return_state=True)(x)
    return keras.Model([x, y], keras.layers.LSTM(4, return_sequences=True)(y, initial_state=[h, c]))


def embedded(keras, steps=6, mask=True):
    tokens = keras.Input((steps,), name="tokens")
    return tokens, keras.layers.Embedding(9, 5, mask_zero=mask)(tokens)


for kind, make in (("LSTM", lambda L: L.LSTM(4)), ("GRU", lambda L: L.GRU(4, return_sequences=True)),
                   ("SimpleRNN", lambda L: L.SimpleRNN(4, go_backwards=True)),
                   ("bidirectional", lambda L: L.Bidirectional(L.LSTM(4, return_sequences=True))),
                   ("mean", lambda L: L.GlobalAveragePooling1D()), ("max", lambda L: L.GlobalMaxPooling1D()),
                   ("dense", lambda L: L.Dense(3)), ("dropout", lambda L: L.Dropout(0.2))):
    @case("masked_" + kind)
    def _(keras, make=make):
        tokens, x = embedded(keras)
        return keras.Model(tokens, make(keras.layers)(x))


@case("embedding")
def _(keras):
    tokens, x = embedded(keras, mask=False)
    return keras.Model(tokens, keras.layers.Flatten()(x))


@case("masking")
def _(keras):
    x = keras.Input((6, 3), name="masked")
    y = keras.layers.Masking(0.0)(x)
    return keras.Model(x, [keras.layers.LSTM(4)(y), keras.layers.Dense(2)(y)])


# --- Attention ---

for scale in (False, True):
    merge_case(f"attention_{scale}", ((4, 3), (5, 3)), lambda L, s=scale: L.Attention(use_scale=s))
    merge_case(f"attention_concat_{scale}", ((4, 3), (5, 3), (5, 3)), lambda L, s=scale: L.Attention(use_scale=s, score_mode="concat"))
    merge_case(f"additive_attention_{scale}", ((4, 3), (5, 3)), lambda L, s=scale: L.AdditiveAttention(use_scale=s))


def multi_head(name, make, call, versions=(3, 2)):
    @case(name, versions)
    def _(keras):
        q, v = keras.Input((4, 6), name="q"), keras.Input((5, 6), name="v")
        return keras.Model([q, v], call(make(keras.layers), q, v))


multi_head("multi_head", lambda L: L.MultiHeadAttention(2, 3), lambda layer, q, v: layer(q, v))
multi_head("multi_head_value_dim", lambda L: L.MultiHeadAttention(2, 3, value_dim=4, output_shape=5, use_bias=False),
           lambda layer, q, v: layer(q, v, key=v))
multi_head("multi_head_causal", lambda L: L.MultiHeadAttention(3, 2), lambda layer, q, v: (layer(q, q, use_causal_mask=True), layer(v, v)))
multi_head("multi_head_scores", lambda L: L.MultiHeadAttention(2, 3), lambda layer, q, v: layer(q, v, return_attention_scores=True))
multi_head("grouped_query", lambda L: L.GroupQueryAttention(3, 4, 2), lambda layer, q, v: layer(q, v), (3,))
multi_head("attention_causal", lambda L: L.Attention(), lambda layer, q, v: layer([q, v], use_causal_mask=True))


@case("masked_attention")
def _(keras):
    tokens, x = embedded(keras)
    return keras.Model(tokens, keras.layers.Attention()([x, x]))


@case("masked_multi_head")
def _(keras):
    """Rows that the query masks are of no use, and left out."""
    tokens, x = embedded(keras)
    query = keras.Input((3, 5), name="query")
    return keras.Model([tokens, query], keras.layers.MultiHeadAttention(2, 3)(query, x))


# --- Topologies ---

@case("sequential")
def _(keras):
    L = keras.layers
    return keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(), L.Flatten(), L.Dropout(0.5),
                             L.Dense(5, activation="softmax")])


@case("nested")
def _(keras):
    L = keras.layers
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4, activation="tanh"), L.Dense(3)], name="inner")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    middle_in = keras.Input((4,))
    middle = keras.Model(middle_in, L.Dense(2)(L.Add()([middle_in, L.Dense(4)(middle_in)])), name="middle")
    return keras.Model([a, b], [L.Concatenate()([inner(a), inner(b), middle(a)]), L.Dense(2)(inner(b))])


@case("shared")
def _(keras):
    L = keras.layers
    dense, a = L.Dense(4, activation="tanh"), keras.Input((4,), name="a")
    first = dense(a)
    second = dense(first)
    return keras.Model(a, [dense(second), first, second])


@case("time_distributed_model")
def _(keras):
    L = keras.layers
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4, activation="tanh"), L.Dense(3)], name="inner")
    x = keras.Input((5, 4), name="x")
    return keras.Model(x, L.TimeDistributed(inner)(x))


@case("open_steps")
def _(keras):
    x = keras.Input((None, 3), name="x")
    y = keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=True))(x)
    return keras.Model(x, keras.layers.TimeDistributed(keras.layers.Dense(2))(y))


@case("operations", (3,))
def _(keras):
    x = keras.Input((3, 4), name="x")
    return keras.Model(x, keras.ops.tanh(x / 2.0 + 1.0) * x - 3.0)


@case("operations_of_shape", (3,))
def _(keras):
    x, z, o = keras.Input((4, 6), name="x"), keras.Input((4, 6), name="z"), keras.ops
    y = o.transpose(o.reshape(o.concatenate([x, z], axis=-1), (-1, 6, 8)), (0, 2, 1))
    y = o.squeeze(y[:, 1:, None, ::2], axis=2)
    y = o.expand_dims(o.stack([y, o.clip(y, -0.5, 1.0)], axis=1), -1)
    y = o.einsum("abcde,ab->acde", o.softmax(o.cast(y, "float32"), axis=2), o.mean(x, axis=-1)[:, :2])
    return keras.Model([x, z], [o.swapaxes(1.0 - y, 1, 2), x[:, -1], x[:, ::-1, 2], x[..., 1:3], o.transpose(x), o.relu6(x * 4.0)])


@case("operations_of_tensorflow", (2,))
def _(keras):
    import tensorflow as tf  # pylint: disable=import-outside-toplevel
    x, z = keras.Input((4, 6), name="x"), keras.Input((4, 6), name="z")
    y = tf.concat([3.0 - (x * 2.0 + 1), z], axis=-1)
    y = tf.transpose(tf.reshape(y, [-1, 6, 8]), [0, 2, 1])
    y = tf.squeeze(y[:, 1:, None, ::2], axis=2)
    y = tf.reduce_mean(tf.nn.relu6(y * 4.0), axis=1, keepdims=True)
    y = tf.expand_dims(tf.stack([tf.clip_by_value(y, 0.0, 1.0), y], axis=1), -1)
    y = tf.math.sigmoid(tf.cast(y, tf.float32) / (tf.abs(z[:, :1, :1, None, None]) + 1.0))
    return keras.Model([x, z], [tf.nn.softmax(tf.matmul(y, y, transpose_b=True)), -tf.abs(x) ** 2, tf.maximum(x, z), tf.transpose(x),
                                x[:, -1], x[:, ::-1, 2], tf.sqrt(tf.square(x)), tf.exp(x) - z, x[:, 0] - tf.reduce_max(z, axis=1)])


@case("model_in_sequential")
def _(keras):
    L = keras.layers
    inner_in = keras.Input((4, 4, 3))
    inner = keras.Model(inner_in, L.Concatenate()([L.Conv2D(2, 3)(inner_in), L.Conv2D(3, 3)(inner_in)]), name="backbone")
    tail = keras.Sequential([keras.Input((2, 2, 5)), L.BatchNormalization(), L.ReLU()], name="tail")
    return keras.Sequential([keras.Input((4, 4, 3)), inner, tail, L.GlobalAveragePooling2D(), L.Dense(3)])


@case("model_of_several_outputs")
def _(keras):
    L = keras.layers
    a, b = keras.Input((4,)), keras.Input((3,))
    x = L.Concatenate()([a, b])
    inner = keras.Model([a, b], [L.Dense(5)(x), L.Dense(7, name="seven")(x)], name="inner")
    x, y = keras.Input((4,), name="x"), keras.Input((3,), name="y")
    first, second = inner([x, y])
    third, _ = inner([L.Dense(4)(second), y])
    return keras.Model([x, y], [third, second, L.Add()([first, third])])


@case("model_of_models_shared")
def _(keras):
    """Siamese towers, the same tower inside of another model too, so that one layer has several nodes at several depths."""
    L = keras.layers
    tower = keras.Sequential([keras.Input((6,)), L.Dense(5, activation="relu"), L.Dense(4)], name="tower")
    a, b = keras.Input((6,)), keras.Input((6,))
    pair = keras.Model([a, b], L.Dot(axes=1, normalize=True)([tower(a), tower(b)]), name="pair")
    x, y, z = (keras.Input((6,), name=name) for name in "xyz")
    return keras.Model([x, y, z], [pair([x, y]), pair([y, z]), tower(z)])


@case("policies", (3,))
def _(keras):
    """Policies are objects in Keras 3's configs; whatever they say, everything is computed in f32 here."""
    L = keras.layers
    x = keras.Input((6,), name="x")
    return keras.Model(x, L.Dense(3, dtype=keras.DTypePolicy("float32"))(L.Dense(5, dtype="float32", activation="relu")(x)))


for code, shape, versions in (("one_hot", (1,), (3, 2)), ("one_hot", (3,), (3,)), ("multi_hot", (3,), (3, 2)), ("count", (3,), (3, 2))):
    @case(f"category_encoding_{code}_{shape[0]}", versions)
    def _(keras, code=code, shape=shape):
        codes = keras.Input(shape, name="codes", dtype="int32")
        return keras.Model(codes, keras.layers.CategoryEncoding(num_tokens=10, output_mode=code)(codes))
for code in ("int", "one_hot", "multi_hot"):
    layer_case("discretization_" + code, (5,), lambda L, c=code: L.Discretization([-1.0, 0.0, 0.5], output_mode=c), (3,))
layer_case("spectral_normalization", (6, 5, 2), lambda L: L.SpectralNormalization(L.Conv2D(3, 3)), (3,))
layer_case("random_crop", (6, 5, 3), lambda L: L.RandomCrop(4, 3), (2,))
for name, options in (("RandomHue", {"factor": 0.3}), ("RandomErasing", {}), ("RandomShear", {"x_factor": 0.3}), ("RandomGrayscale", {}),
                      ("RandomSharpness", {"factor": 0.3}), ("RandomPerspective", {}), ("RandomGaussianBlur", {}), ("MixUp", {}),
                      ("CutMix", {}), ("RandAugment", {}), ("AugMix", {}), ("RandomInvert", {}), ("RandomSaturation", {"factor": 0.3}),
                      ("RandomPosterization", {"factor": 4}), ("RandomColorJitter", {}), ("RandomColorDegeneration", {"factor": 0.3}),
                      ("RandomElasticTransform", {}), ("Solarization", {}), ("RandomFlip", {}),
                      ("RandomZoom", {"height_factor": 0.2}), ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.1})):
    layer_case("nothing_" + name, (6, 5, 3), lambda L, n=name, o=options: getattr(L, n)(**o), (3,))


# --- Writing ---

def randomize(model):
    """Weights that tell gates and channels apart; variances are positive."""
    values = []
    for weight in model.weights:
        name = getattr(weight, "path", weight.name)
        value = RNG.normal(0, 0.5, weight.shape)
        if "variance" in name:
            value = np.abs(value) + 0.5
        if "gamma" in name:
            value = value + 1
        values.append(value.astype(np.asarray(weight).dtype))
    model.set_weights(values)
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def names_of(model, dialect, folder):
    """Weights by name."""
    if dialect == "vars":
        import h5py  # pylint: disable=import-outside-toplevel
        path = str(folder / "model.weights.h5")
        model.save_weights(path)
        found = {}
        with h5py.File(path) as file:
            file.visititems(lambda name, item: found.__setitem__(name, np.asarray(item)) if isinstance(item, h5py.Dataset) else None)
        os.remove(path)
        return {name: value for name, value in found.items() if "seed_generator" not in name}
    return {getattr(weight, "path", weight.name).split(":")[0]: np.asarray(weight) for weight in model.weights if "seed_generator" not in
            getattr(weight, "path", weight.name)}


def quantized(value, storage):
    """(what the shard holds, the manifest's words on it, what it stands for), as tensorflowjs_converter's --quantize_* do."""
    if storage == "float16":
        stored = value.astype(np.float16)
        return stored, {"dtype": storage, "original_dtype": "float32"}, stored.astype(np.float32)
    low, high = float(value.min()), float(value.max())
    scale = (high - low) / np.iinfo(storage).max if high > low else 1.0
    stored = np.round((value.astype(np.float64) - low) / scale).astype(storage)
    return stored, {"dtype": storage, "min": low, "scale": scale, "original_dtype": "float32"}, (stored * scale + low).astype(np.float32)


def write_files(folder, topology, weights, storage=None):
    """model.json and its shards, cut anywhere, as the converter does."""
    folder.mkdir(parents=True)
    entries, data = [], b""
    for name, value in weights.items():
        is_int = value.dtype.kind == "i"
        entries.append({"name": name, "shape": list(value.shape), "dtype": "int32" if is_int else "float32"})
        stored = value.astype(np.int32 if is_int else np.float32)
        if storage and not is_int:
            stored, entries[-1]["quantization"], _ = quantized(value, storage)
        data += stored.tobytes()
    size = max(len(data) // 3 + 1, 1)
    parts = [data[at:at + size] for at in range(0, len(data), size)] or [b""]
    shards = {f"group1-shard{i + 1}of{len(parts)}.bin": part for i, part in enumerate(parts)}
    for name, content in shards.items():
        (folder / name).write_bytes(content)
    (folder / "model.json").write_text(json.dumps({
        "format": "layers-model", "generatedBy": "keras v" + topology["keras_version"], "convertedBy": "keras_models.py",
        "modelTopology": topology, "weightsManifest": [{"paths": list(shards), "weights": entries}]}))


def write_model(folder, keras, model, dialect, storage=None):
    topology = {"keras_version": keras.__version__, "backend": "tensorflow", "model_config": json.loads(model.to_json())}
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_files(folder, topology, names_of(model, dialect, folder.parent), storage)


def feed(tensor):
    shape = [2] + [7 if extent is None else int(extent) for extent in tensor.shape[1:]]
    name = tensor.name.split(":")[0]
    if name.startswith("codes"):
        return RNG.integers(0, 10, shape).astype(np.int32)
    if name.startswith("tokens"):
        tokens = RNG.integers(1, 9, shape)
        tokens[0, 4:] = tokens[1, 1] = tokens[1, 5] = 0
        return tokens.astype(np.float32)
    values = RNG.normal(0, 1.5, shape).astype(np.float32)
    if name.startswith("masked"):
        values[0, 3:] = values[1, 1] = 0
    return values


def compare(slipway, folder, expected, feeds, tolerance):
    """Why they differ; empty: they do not."""
    for backend in ("ref", "cpu"):
        out = folder / "out.npz"
        run = subprocess.run([slipway, "run", folder / "model.json", *feeds, "-o", out, "--backend", backend], capture_output=True, text=True,
                             check=False)
        if run.returncode != 0:
            return run.stderr.strip()
        with np.load(out) as ours:
            if len(ours.files) != len(expected):
                return f"{len(ours.files)} outputs, not {len(expected)}"
            for name, wanted in zip(ours.files, expected):
                if ours[name].shape != wanted.shape:
                    return f"{name}: shape {ours[name].shape}, not {wanted.shape}"
                error = np.abs(ours[name] - wanted).max() / max(np.abs(wanted).max(), 1e-6)
                if not error < tolerance:
                    return f"{name}: off by {error:.1e} of the largest element ({backend})"
    return ""


def variants(keras, tf_keras):
    """Name, package, the function that makes the model, and its ways into a file: name, what to do to the model before it is
    asked, the function that writes it."""
    def as_is(_model):
        pass

    def rounded(storage):
        def round_weights(model):
            values = model.get_weights()
            model.set_weights([quantized(value, storage)[2] if value.dtype.kind == "f" else value for value in values])
        return round_weights

    def writer(package, dialect, storage=None):
        return lambda folder, model: write_model(folder, package, model, dialect, storage)

    for name, versions, build in CASES:
        for version, package in ((3, keras), (2, tf_keras)):
            if version not in versions:
                continue
            writers = [(f"{version}.{dialect}", as_is, writer(package, dialect)) for dialect in (("path", "vars") if version == 3 else
                                                                                                 ("path",))]
            if name in ALSO_QUANTIZED:
                # Rounding what is rounded already changes it no more than rounding does.
                writers += [(f"{version}.{storage}", rounded(storage), writer(package, "path", storage))
                            for storage in ("uint16", "uint8", "float16")]
            yield name, package, build, writers
    for name, backend, build in KERAS1_CASES:
        yield name, keras, build, [("1", as_is, lambda folder, model, backend=backend: write_files(folder, *keras1_files(model, backend)))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("slipway")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep")
    options = parser.parse_args()
    try:
        import keras  # pylint: disable=import-outside-toplevel
        import tf_keras  # pylint: disable=import-outside-toplevel
    except ImportError as error:
        print(f"skipped: Keras is the oracle here, and its Python package is missing ({error})")
        sys.exit(SKIPPED)
    root = pathlib.Path(options.keep or tempfile.mkdtemp())
    count = failed = 0
    for name, package, build, writers in variants(keras, tf_keras):
        if options.only not in name:
            continue
        try:
            package.backend.clear_session()
            model = build(package)
            randomize(model)
        except Exception as error:  # pylint: disable=broad-except
            print(f"{name}: Keras itself fails: {str(error).splitlines()[0]}")
            failed += 1
            continue
        for kind, prepare, write in writers:
            prepare(model)
            try:
                arrays = [feed(tensor) for tensor in model.inputs]
                answers = model(arrays if len(arrays) > 1 else arrays[0], training=False)
                answers = [np.asarray(each) for each in (answers if isinstance(answers, (list, tuple)) else [answers])]
            except Exception as error:  # pylint: disable=broad-except
                print(f"{name}.{kind}: Keras itself fails: {str(error).splitlines()[0]}")
                failed += 1
                continue
            folder = root / f"{name}.{kind}"
            write(folder, model)
            feeds = []
            for i, array in enumerate(arrays):
                feeds.append(folder / f"in{i}.npy")
                np.save(feeds[-1], array)
            why = compare(options.slipway, folder, answers, feeds, TABLE_TOLERANCE if "resizing_bicubic" in name else TOLERANCE)
            count += 1
            if why:
                failed += 1
                print(f"{folder.name}: {why}", flush=True)
    if not options.keep:
        shutil.rmtree(root)
    print(f"{count} models compared with Keras {keras.__version__} and {tf_keras.__version__}, {failed} failed")
    sys.exit(1 if failed or (count < FEWEST and not options.only) else 0)


if __name__ == "__main__":
    main()
