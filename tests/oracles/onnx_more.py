"""Writes models of one operator each with random options and operands, and onnxruntime's answers.

usage: onnx_more.py FOLDER [COUNT] [SEED] [ONLY]

The operators of ai.onnx.ml, spectra, losses, n-grams and regular expressions, COUNT models each.
FOLDER/node/test_<case>/, and FOLDER/spectra for what is compared more loosely, are laid out as ONNX's own backend test
data. Left out is what onnxruntime computes from memory that it never wrote: two classes whose trees speak of both, or
have two base values.
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

ML = "ai.onnx.ml"
TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"]


class Case:
    """operands: arrays, or None for one left out; those in `constants` (by number) are initializers."""

    def __init__(self, op, operands, attributes=None, outputs=1, domain=ML, constants=()):
        self.op, self.operands, self.attributes = op, operands, attributes or {}
        self.outputs, self.domain, self.constants = outputs, domain, constants


def chance(rng, probability=0.5):
    return rng.random() < probability


def pick(rng, choices):
    return choices[int(rng.integers(len(choices)))]


def reals(rng, *dims, low=-2, high=2):
    return rng.uniform(low, high, dims).astype(np.float32)


def floats(rng, count, low=-2, high=2):
    return [float(x) for x in reals(rng, count, low=low, high=high)]


def samples(rng, features, low=-3, high=3):
    """Rows of features in one of the four types."""
    dtype = pick(rng, [np.float32, np.float32, np.float64, np.int64, np.int32])
    return rng.uniform(low, high, (int(rng.integers(1, 6)), features)).astype(dtype)


def labels(rng, count, ints_name):
    if chance(rng):
        return {"classlabels_strings": [f"c{i}" for i in range(count)]}
    return {ints_name: [int(x) for x in rng.permutation(100)[:count]]}


# --- features ---

def scaler(rng):
    x = samples(rng, int(rng.integers(1, 5)))
    count = x.shape[1] if chance(rng) else 1
    return Case("Scaler", [x], {"offset": floats(rng, count), "scale": floats(rng, count)})


def normalizer(rng):
    x = samples(rng, int(rng.integers(2, 6)))
    return Case("Normalizer", [x], {"norm": pick(rng, ["MAX", "L1", "L2"])})


def binarizer(rng):
    return Case("Binarizer", [reals(rng, 3, 4)], {"threshold": float(rng.uniform(-1, 1))})


def imputer(rng):
    features = int(rng.integers(1, 4))
    count = pick(rng, [1, features])
    if chance(rng):
        x = rng.integers(-1, 2, (4, features)).astype(np.int64)
        return Case("Imputer", [x], {"imputed_value_int64s": [int(v) for v in rng.integers(5, 9, count)], "replaced_value_int64": -1})
    x = rng.integers(-1, 2, (4, features)).astype(np.float32)
    missing = pick(rng, [-1.0, float("nan")])
    if np.isnan(missing):
        x[x == -1] = np.nan
    return Case("Imputer", [x], {"imputed_value_floats": floats(rng, count), "replaced_value_float": missing})


def feature_vectorizer(rng):
    rows = int(rng.integers(1, 4))
    dtype = pick(rng, [np.float32, np.float64, np.int64, np.int32])
    parts = [rng.uniform(-5, 5, (rows, int(rng.integers(1, 4)))).astype(dtype) for _ in range(int(rng.integers(1, 4)))]
    return Case("FeatureVectorizer", parts, {"inputdimensions": [part.shape[1] for part in parts]})


def array_feature_extractor(rng):
    features = int(rng.integers(1, 6))
    x = reals(rng, *pick(rng, [(features,), (3, features), (2, 3, features)]))
    if chance(rng):
        x = (x * 10).astype(np.int64).astype(pick(rng, [np.int64, np.int32]))
    return Case("ArrayFeatureExtractor", [x, rng.integers(0, features, (1, int(rng.integers(1, 5)))).astype(np.int64)])


# --- categories ---

WORDS = ["a", "bc", "", "long word", "Ä"]


def some(rng, kind, count):
    if kind == "strings":
        return [pick(rng, WORDS) for _ in range(count)]
    return [int(x) for x in rng.integers(0, 5, count)] if kind == "int64s" else [float(x) for x in rng.integers(0, 5, count)]


def array_of(kind, values):
    return np.array(values, dtype={"strings": object, "int64s": np.int64, "floats": np.float32}[kind])


def label_encoder(rng):
    source, target = pick(rng, ["strings", "int64s", "floats"]), pick(rng, ["strings", "int64s", "floats"])
    keys = sorted(set(some(rng, source, 4)))
    attributes = {f"keys_{source}": keys, f"values_{target}": some(rng, target, len(keys))}
    if target == "strings":  # an empty list of strings is none
        attributes["values_strings"] = ["v" + value for value in attributes["values_strings"]]
    if chance(rng):
        attributes[f"default_{target[:-1]}" if target != "int64s" else "default_int64"] = {"strings": "?", "int64s": -7, "floats": 0.5}[target]
    return Case("LabelEncoder", [array_of(source, some(rng, source, 6)).reshape(2, 3)], attributes)


def category_mapper(rng):
    attributes = {"cats_strings": WORDS[:4], "cats_int64s": [4, 0, 2, 1], "default_int64": -3, "default_string": "none"}
    kind = pick(rng, ["strings", "int64s"])
    return Case("CategoryMapper", [array_of(kind, some(rng, kind, 5))], attributes)


def one_hot_encoder(rng):
    kind = pick(rng, ["strings", "int64s", "floats"])
    attributes = {"cats_strings": WORDS[:3]} if kind == "strings" else {"cats_int64s": [3, 0, 1]}
    return Case("OneHotEncoder", [array_of(kind, some(rng, kind, 6)).reshape(3, 2)], attributes)


# --- models ---

def linear_regressor(rng):
    features, targets = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    attributes = {"coefficients": floats(rng, features * targets), "intercepts": floats(rng, targets), "targets": targets,
                  "post_transform": pick(rng, TRANSFORMS)}
    return Case("LinearRegressor", [reals(rng, 4, features)], attributes)


def linear_classifier(rng):
    features, classes = int(rng.integers(1, 5)), int(rng.integers(2, 5))
    sums = 1 if classes == 2 else classes
    attributes = {"coefficients": floats(rng, features * sums), "intercepts": floats(rng, sums), "post_transform": pick(rng, TRANSFORMS),
                  **labels(rng, classes, "classlabels_ints")}
    return Case("LinearClassifier", [samples(rng, features)], attributes, outputs=2)


def kernel(rng):
    kind = pick(rng, ["LINEAR", "POLY", "RBF", "SIGMOID"])
    return {"kernel_type": kind, "kernel_params": [float(rng.uniform(0.1, 0.6)), float(rng.uniform(-1, 1)), float(rng.integers(1, 4))]}


def svm_regressor(rng):
    features, vectors = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    attributes = {"support_vectors": floats(rng, features * vectors), "coefficients": floats(rng, vectors), "rho": floats(rng, 1),
                  "n_supports": vectors, **kernel(rng)}
    if chance(rng, 0.3):
        attributes["one_class"] = 1
    if chance(rng, 0.2):
        attributes = {"coefficients": floats(rng, features), "rho": floats(rng, 1), "kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0]}
    return Case("SVMRegressor", [reals(rng, 4, features)], attributes)


def svm_classifier(rng):
    features, classes = int(rng.integers(1, 5)), int(rng.integers(2, 5))
    per_class = [int(x) for x in rng.integers(1, 4, classes)]
    vectors, pairs = sum(per_class), classes * (classes - 1) // 2
    attributes = {"support_vectors": floats(rng, features * vectors), "vectors_per_class": per_class, "rho": floats(rng, pairs),
                  "coefficients": floats(rng, (classes - 1) * vectors), **kernel(rng), **labels(rng, classes, "classlabels_ints")}
    if chance(rng):
        attributes.update(prob_a=floats(rng, pairs, -2, -0.5), prob_b=floats(rng, pairs))
    if chance(rng, 0.3) and classes > 2:
        attributes = {"coefficients": floats(rng, classes * features), "rho": floats(rng, 1), "kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0],
                      **labels(rng, classes, "classlabels_ints")}
    if chance(rng, 0.3):
        attributes["post_transform"] = pick(rng, TRANSFORMS[1:3])
    return Case("SVMClassifier", [samples(rng, features)], attributes, outputs=2)


def tree_nodes(rng, features, trees):
    """Random trees as ONNX's lists, and the (tree, node) of every leaf."""
    nodes = {name: [] for name in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids",
                                   "missing_value_tracks_true")}
    leaves = []
    modes = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    for tree in range(trees):
        open_nodes, count = [(0, 0)], 1
        mode = pick(rng, modes)
        while open_nodes:
            node, depth = open_nodes.pop(0)
            is_leaf = depth == 4 or (depth > 0 and chance(rng, 0.35))
            if is_leaf:
                leaves.append((tree, node))
            else:
                open_nodes += [(count, depth + 1), (count + 1, depth + 1)]
            row = (tree, node, int(rng.integers(features)), float(np.float32(np.round(rng.uniform(-2, 2)))), "LEAF" if is_leaf else mode,
                   0 if is_leaf else count, 0 if is_leaf else count + 1, int(chance(rng)))
            count += 0 if is_leaf else 2
            for name, value in zip(nodes, row):
                nodes[name].append(value)
    return {f"nodes_{name}": values for name, values in nodes.items()}, leaves


def tree_samples(rng, features):
    x = np.round(samples(rng, features)) if chance(rng) else samples(rng, features)
    if x.dtype.kind == "f":
        x[rng.random(x.shape) < 0.1] = np.nan
    return x


def leaf_lists(prefix, leaves, ids, weights):
    return {f"{prefix}_treeids": [leaf[0] for leaf in leaves], f"{prefix}_nodeids": [leaf[1] for leaf in leaves],
            f"{prefix}_ids": ids, f"{prefix}_weights": weights}


def tree_regressor(rng):
    features, targets = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    attributes, leaves = tree_nodes(rng, features, int(rng.integers(1, 5)))
    if targets > 1:
        leaves = [leaf for leaf in leaves for _ in range(targets)]
    ids = [i % targets for i in range(len(leaves))]
    attributes.update(leaf_lists("target", leaves, ids, floats(rng, len(leaves))), n_targets=targets,
                      aggregate_function=pick(rng, ["SUM", "SUM", "AVERAGE", "MIN", "MAX"]), post_transform=pick(rng, TRANSFORMS))
    if chance(rng, 0.4):
        attributes["base_values"] = floats(rng, targets)
    x = tree_samples(rng, features)
    return Case("TreeEnsembleRegressor", [x if x.dtype.kind == "f" else x.astype(np.float32)], attributes)


def tree_classifier(rng):
    features, classes = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    attributes, leaves = tree_nodes(rng, features, int(rng.integers(1, 5)))
    low = pick(rng, [0, -2])
    if classes == 2:
        ids = [int(chance(rng))] * len(leaves)
    else:
        leaves = [leaf for leaf in leaves for _ in range(classes)]
        ids = [i % classes for i in range(len(leaves))]
    attributes.update(leaf_lists("class", leaves, ids, floats(rng, len(leaves), low)), post_transform=pick(rng, TRANSFORMS),
                      **labels(rng, classes, "classlabels_int64s"))
    if classes > 2 and chance(rng, 0.4):
        attributes["base_values"] = floats(rng, classes)
    return Case("TreeEnsembleClassifier", [tree_samples(rng, features)], attributes, outputs=2)


# --- spectra, losses, text ---

def scalar(value):
    return np.array(value, dtype=np.int64)


def dft(rng):
    axis = int(rng.integers(1, 3))
    x = reals(rng, 2, int(rng.integers(2, 20)), int(rng.integers(2, 20)), pick(rng, [1, 2]))
    is_inverse = x.shape[3] == 2 and chance(rng)
    attributes = {"inverse": int(is_inverse), "onesided": int(not is_inverse and x.shape[3] == 1 and chance(rng))}
    length = scalar(int(rng.integers(2, 24))) if chance(rng) else None
    return Case("DFT", [x, length, scalar(axis)], attributes, domain="", constants=(1, 2))


def stft(rng):
    length, step = int(rng.integers(2, 17)), int(rng.integers(1, 9))
    x = reals(rng, 2, int(rng.integers(length, 60)), 1)
    window = reals(rng, length, low=0, high=1) if chance(rng, 0.7) else None
    operands = [x, scalar(step), window, scalar(length) if window is None or chance(rng) else None]
    return Case("STFT", operands, {"onesided": int(chance(rng))}, domain="", constants=(1, 3))


def mel_weight_matrix(rng):
    bands, length, rate = int(rng.integers(2, 20)), int(pick(rng, [64, 256, 400])), int(pick(rng, [8000, 16000]))
    low, high = np.float32(rng.uniform(0, 300)), np.float32(rng.uniform(1000, rate / 2))
    return Case("MelWeightMatrix", [scalar(bands), scalar(length), scalar(rate), low, high], domain="", constants=range(5))


def cross_entropy(rng):
    classes, dims = int(rng.integers(2, 6)), [int(d) for d in rng.integers(1, 4, int(rng.integers(0, 3)))]
    x = reals(rng, 3, classes, *dims)
    target = rng.integers(0, classes, (3, *dims)).astype(pick(rng, [np.int64, np.int32]))
    attributes = {"reduction": pick(rng, ["none", "sum", "mean"])}
    if chance(rng):
        attributes["ignore_index"] = int(rng.integers(0, classes))
    weights = reals(rng, classes, low=0.1, high=2) if chance(rng) else None
    if chance(rng):
        return Case("NegativeLogLikelihoodLoss", [x, target, weights], attributes, domain="")
    return Case("SoftmaxCrossEntropyLoss", [x, target, weights], attributes, outputs=2, domain="")


def dropout(rng):
    operands = [reals(rng, 3, 4), np.float32(0.5) if chance(rng) else None, np.array(False)]
    return Case("Dropout", operands, outputs=2, domain="")


def tf_idf(rng):
    is_text = chance(rng)
    item = (lambda n: WORDS[n]) if is_text else int
    unigrams, bigrams = [(0,), (1,), (2,)], [(0, 1), (1, 1), (2, 0), (3, 1)]
    trigrams = [(0, 1, 2), (1, 1, 1)] if chance(rng) else []
    pool = [item(n) for gram in unigrams + bigrams + trigrams for n in gram]
    grams = len(unigrams + bigrams + trigrams)
    attributes = {"mode": pick(rng, ["TF", "IDF", "TFIDF"]), "max_skip_count": int(rng.integers(0, 4)),
                  "ngram_counts": [0, 3, 11] if trigrams else [0, 3], "ngram_indexes": [int(n) for n in rng.permutation(grams)],
                  "pool_strings" if is_text else "pool_int64s": pool, "min_gram_length": 1 if not trigrams else int(rng.integers(1, 3)),
                  "max_gram_length": 3 if trigrams else 2}
    if chance(rng):  # onnxruntime reads weights by column, ONNX by n-gram: alike only where these are
        attributes.update(weights=floats(rng, grams, 0.5), ngram_indexes=list(range(grams)))
    x = rng.integers(0, 4, pick(rng, [(9,), (3, 7)]))
    x = np.array([WORDS[n] for n in x.ravel()], dtype=object).reshape(x.shape) if is_text else x.astype(pick(rng, [np.int64, np.int32]))
    return Case("TfIdfVectorizer", [x], attributes, domain="")


ATOMS = ["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\w", r"\W", r"\s", r"\b", r"\B", "^", "$", "é", "(a|b)", "(?:ab)", "(a*)", "[[:alpha:]]",
         r"[\d-]", r"\x61", r"\.", "(?i)B", "(?i:A)", "(?s:.)", "(?m:^)", "(?m:$)", r"\Qa.b\E", "[]a]", "(b|)", r"\101", "[^[:digit:]]", r"\n",
         "(?i)[^K]", "k", "-", "{", "}", "]"]
REPEATS = ["", "", "", "*", "+", "?", "*?", "{2}", "{1,2}", "{0,}", "{1,}?", "{,2}"]


def regex(rng):
    pattern = "|".join("".join(pick(rng, ATOMS) + pick(rng, REPEATS) for _ in range(int(rng.integers(1, 5)))) for _ in range(int(rng.integers(1, 3))))
    letters = ["a", "b", "A", "B", "c", "1", ".", " ", "\n", "é", "-", "_", "k", "\u212a", "{", "]"]
    texts = ["".join(pick(rng, letters) for _ in range(int(rng.integers(0, 6)))) for _ in range(60)]
    return Case("RegexFullMatch", [np.array(texts, dtype=object)], {"pattern": pattern}, domain="")


def max_roi_pool(rng):
    """Regions inside, across the border and outside of images; of one pixel and of none."""
    images, height, width = (int(rng.integers(1, high)) for high in (3, 12, 12))
    regions = int(rng.integers(1, 6))
    scale = float(pick(rng, [1.0, 0.5, 0.3]))
    corners = rng.uniform(-3, 14, (regions, 4)) / scale
    rois = np.concatenate([rng.integers(0, images, (regions, 1)), corners], axis=1).astype(np.float32)
    return Case("MaxRoiPool", [reals(rng, images, 2, height, width), rois],
                {"pooled_shape": [int(n) for n in rng.integers(1, 5, 2)], "spatial_scale": scale}, domain="")


GENERATORS = [scaler, normalizer, binarizer, imputer, feature_vectorizer, array_feature_extractor, label_encoder, category_mapper,
              one_hot_encoder, linear_regressor, linear_classifier, svm_regressor, svm_classifier, tree_regressor, tree_classifier, dft, stft,
              mel_weight_matrix, cross_entropy, dropout, tf_idf, regex, max_roi_pool]


def build(case):
    """The model, and the operands that are graph inputs."""
    names, inputs, constants, feeds = [], [], [], {}
    for i, array in enumerate(case.operands):
        names.append("" if array is None else f"x{i}")
        if array is None:
            continue
        array = np.asarray(array)
        if i in case.constants:
            constants.append(numpy_helper.from_array(array, names[-1]))
            continue
        kind = onnx.TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)
        inputs.append(helper.make_tensor_value_info(names[-1], kind, array.shape))
        feeds[names[-1]] = array
    while names[-1] == "":
        names.pop()
    outputs = [f"y{i}" for i in range(case.outputs)]
    node = helper.make_node(case.op, names, outputs, "node", domain=case.domain, **case.attributes)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(ML, 3)]
    graph = helper.make_graph([node], "graph", inputs, [onnx.ValueInfoProto(name=name) for name in outputs], constants)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return onnx.shape_inference.infer_shapes(model), feeds


def run(model, feeds):
    """onnxruntime's results; the model's outputs are declared as they turn out."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    results = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feeds)
    for output, result in zip(model.graph.output, results):
        kind = onnx.TensorProto.STRING if result.dtype == object else helper.np_dtype_to_tensor_dtype(result.dtype)
        output.CopyFrom(helper.make_tensor_value_info(output.name, kind, result.shape))
    return results


def keep(folder, model, feeds, results):
    data = folder / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    for i, array in enumerate(feeds.values()):
        (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(array).SerializeToString())
    for i, array in enumerate(results):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(np.asarray(array)).SerializeToString())


def main():
    folder = pathlib.Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    only = sys.argv[4] if len(sys.argv) > 4 else ""
    for number, generator in enumerate(GENERATORS):
        if only not in generator.__name__:
            continue
        refused = []
        for i in range(count):
            model, feeds = build(generator(np.random.default_rng([seed, number, i])))
            try:
                results = run(model, feeds)
            except Exception as error:  # pylint: disable=broad-except
                refused.append(str(error).splitlines()[0])
                continue
            suite = "spectra" if generator in (dft, stft) else ""
            keep(folder / suite / "node" / f"test_{generator.__name__}_{i}", model, feeds, results)
        if refused:
            print(f"onnxruntime refuses {len(refused)} of {count} {generator.__name__}, as: {refused[0][:300]}")


if __name__ == "__main__":
    main()
