"""Operators of onnxruntime-extensions give what the library gives: tokenizers, strings, picture codecs.

usage: onnx_extensions.py SLIPWAY [unittest's options]

Runs in an environment of its own (extensions.sh), with onnxruntime-extensions and sentencepiece. SLIPWAY_ASSETS adds
real vocabularies, texts and pictures.
"""
import collections
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
import onnxruntime as ort
import onnxruntime_extensions
import sentencepiece
from onnx import TensorProto, helper
from PIL import Image

from onnx_extensions_texts import TEXTS

ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", "absent"))
CONTRIB, MICROSOFT = "ai.onnx.contrib", "com.microsoft.extensions"
SLIPWAY = ""

BERT_WORDS = """[PAD] [UNK] [CLS] [SEP] [MASK] hello world un ##want ##ed ##aff ##able run ##ning ##n ! , . ' ll t don we
    ve naive café cafe 中 文 字 english a ##a b ##b snake _ case x = 3 14 привет мир e ## UPPER lower mi ##xed i""".split()


class Extensions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.model = cls.folder / "model.onnx"

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def write_model(self, op, feeds, outputs, attributes, domain, constants=()):
        """feeds: name -> array. outputs: how many. Those in `constants` are initializers."""
        def kind(array):
            strings = array.dtype == object
            return TensorProto.STRING if strings else helper.np_dtype_to_tensor_dtype(array.dtype)

        names = [f"y{i}" for i in range(outputs)]
        node = helper.make_node(op, list(feeds), names, domain=domain, **attributes)
        results = [onnx.ValueInfoProto(name=name) for name in names]
        inputs = [helper.make_tensor_value_info(name, kind(array), [None] * array.ndim)
                  for name, array in feeds.items() if name not in constants]
        initializers = [onnx.numpy_helper.from_array(feeds[name], name) for name in constants]
        graph = helper.make_graph([node], "g", inputs, results, initializers)
        model = helper.make_model(graph, ir_version=8,
                                  opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(domain, 1)])
        onnx.save(model, self.model)

    def ours(self, model, feeds):
        arrays, out = self.folder / "in.npz", self.folder / "out.npz"
        np.savez(arrays, **{name: array.astype("U") if array.dtype == object else array
                            for name, array in feeds.items()})
        out.unlink(missing_ok=True)
        run = subprocess.run([SLIPWAY, "run", model, arrays, "-o", out], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        with np.load(out) as file:
            return [file[name] for name in file.files]

    def theirs(self, model, feeds):
        options = ort.SessionOptions()
        options.register_custom_ops_library(onnxruntime_extensions.get_library_path())
        options.log_severity_level = 4
        session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        return session.run(None, feeds)

    def assert_agrees(self, op, feeds, outputs=1, domain=CONTRIB, constants=(), **attributes):
        feeds = {name: np.array(value, dtype=object) if isinstance(value, list) else value for name, value in feeds.items()}
        self.write_model(op, feeds, outputs, attributes, domain, constants)
        given = {name: array for name, array in feeds.items() if name not in constants}
        want, got = self.theirs(self.model, given), self.ours(self.model, given)
        for i, (w, g) in enumerate(zip(want, got, strict=True)):
            g = g.astype(object) if w.dtype == object else g
            self.assertEqual(w.shape, g.shape, f"{op} output {i}")
            self.assertEqual(w.tolist(), g.tolist(), f"{op} output {i}")


class Bert(Extensions):
    def assert_bert(self, texts, vocabulary=BERT_WORDS, op="BertTokenizer", **attributes):
        self.assert_agrees(op, {"text": texts}, 3, vocab_file="\n".join(vocabulary), **attributes)

    def test_single_texts(self):
        for text in TEXTS:
            for attributes in [{}, {"do_lower_case": 0}, {"strip_accents": 1}, {"tokenize_chinese_chars": 0},
                               {"do_basic_tokenize": 0}]:
                with self.subTest(text=text, **attributes):
                    self.assert_bert([text], **attributes)

    def test_pairs(self):
        for first, second in zip(TEXTS, reversed(TEXTS)):
            with self.subTest(first=first, second=second):
                self.assert_bert([first, second])
                self.assert_bert([first, second], max_length=6)
                self.assert_bert([first, second], op="HfBertTokenizer", domain=MICROSOFT)

    def test_lengths(self):
        for length in (-1, 0, 1, 2, 3, 4, 7, 100):
            self.assert_bert(["hello world, hello!"], max_length=length)

    def test_other_marks(self):
        words = ["?", "<s>", "</s>", "[MASK]", "[PAD]", "ab", "@@c"]
        self.assert_bert(["abc ab"], words, unk_token="?", cls_token="<s>", sep_token="</s>", suffix_indicator="@@")

    def test_every_character(self):
        """Each between an a and a b: whether it is a space, a mark, a letter, or nothing at all."""
        codes = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
        for attributes in [{"do_lower_case": 0}, {"do_lower_case": 0, "strip_accents": 1, "tokenize_chinese_chars": 0}]:
            for first in range(0, len(codes), 1 << 16):
                text = " ".join(f"a{chr(c)}b" for c in codes[first:first + (1 << 16)])
                self.assert_bert([text], ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "ab"], **attributes)

    def test_every_letters_case(self):
        letters = [chr(c) for c in range(0x21, 0x20000) if chr(c).isalpha()]
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + letters
        for attributes in [{"do_lower_case": 1}, {"do_lower_case": 0, "strip_accents": 1}]:
            self.assert_bert([" ".join(letters)], words, **attributes)

    @unittest.skipUnless(ASSETS.exists(), "SLIPWAY_ASSETS is absent")
    def test_real_texts(self):
        model = ASSETS / "onnx/bert_tokenizer_customop.onnx"
        lines = (ASSETS / "text/sst2_dev.tsv").read_text().splitlines()[1:150]
        questions = json.loads((ASSETS / "text/squad_dev-v1.1_tiny.json").read_text())["data"]
        lines += [paragraph["context"] for article in questions for paragraph in article["paragraphs"]][:50]
        for line in lines:
            feeds = {"text": np.array([line], dtype=object)}
            for want, got in zip(self.theirs(model, feeds), self.ours(model, feeds), strict=True):
                self.assertEqual(want.tolist(), got.tolist(), line)


def trained(kind, folder, **options):
    """A SentencePiece model of a few hundred pieces."""
    source = io.StringIO("\n".join(TEXTS * 3 + pathlib.Path(__file__).read_text(encoding="utf-8").split("\n")))
    prefix = str(folder / kind)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(source.getvalue().split("\n")), model_prefix=prefix, model_type=kind, minloglevel=2,
        vocab_size=options.pop("vocab_size", 400), hard_vocab_limit=False, **options)
    return pathlib.Path(prefix + ".model").read_bytes()


class SentencePiece(Extensions):
    def flags(self, bos=False, eos=False, reverse=False, fairseq=None):
        feeds = {"nbest_size": np.array([0]), "alpha": np.array([0], np.float32), "add_bos": np.array([bos]),
                 "add_eos": np.array([eos]), "reverse": np.array([reverse])}
        return feeds if fairseq is None else {**feeds, "fairseq": np.array([fairseq])}

    def test_models(self):
        for kind, options in [("unigram", {}), ("bpe", {}), ("char", {}), ("word", {}),
                              ("unigram", {"byte_fallback": True, "vocab_size": 600}),
                              ("bpe", {"normalization_rule_name": "nfkc_cf", "add_dummy_prefix": False}),
                              ("unigram", {"normalization_rule_name": "identity", "remove_extra_whitespaces": False,
                                           "user_defined_symbols": ["hello", "#tag"]})]:
            model = trained(kind, self.folder, **options)
            for flags in [self.flags(), self.flags(bos=True, eos=True), self.flags(eos=True, reverse=True)]:
                with self.subTest(kind=kind, **options):
                    self.assert_agrees("SentencepieceTokenizer", {"text": TEXTS, **flags}, 3, model=model)
                    self.assert_agrees("SentencepieceTokenizer", {"text": TEXTS, **flags}, 2, domain=MICROSOFT,
                                       constants=tuple(flags), model=model)

    def test_fairseq(self):
        model = trained("unigram", self.folder)
        for text in TEXTS:
            self.assert_agrees("SentencepieceTokenizer", {"text": [text], **self.flags(True, True, fairseq=True)}, 3,
                               model=model)


def char_of_byte(byte):
    """GPT-2's stand-in for a byte."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return chr(byte) if byte in visible else chr(256 + sum(b not in visible for b in range(byte)))


def byte_pairs(texts, count, word_end="", special=()):
    """vocab.json and merges.txt, trained on words between spaces."""
    words = collections.Counter()
    for word in " ".join(texts).lower().replace(" ", "\0 ").split("\0"):
        letters = [char_of_byte(b) for b in (word.strip() if word_end else word).encode()]
        if letters:
            words[tuple(letters[:-1] + [letters[-1] + word_end])] += 1
    alphabet = [char_of_byte(b) for b in range(256)]
    tokens = alphabet + ([c + word_end for c in alphabet] if word_end else [])
    merges = []
    for _ in range(count):
        pairs = collections.Counter()
        for word, times in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += times
        best = max(sorted(pairs), key=pairs.get)
        merges.append(best)
        tokens.append("".join(best))
        joined = collections.Counter()
        for word, times in words.items():
            out = []
            for letter in word:
                out.append(letter)
                if tuple(out[-2:]) == best:
                    out[-2:] = ["".join(best)]
            joined[tuple(out)] += times
        words = joined
    tokens = list(dict.fromkeys(tokens)) + list(special)
    vocabulary = json.dumps({token: i for i, token in enumerate(tokens)})
    return {"vocab": vocabulary, "merges": "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in merges)}


class BytePairs(Extensions):
    STYLES = {"GPT2Tokenizer": ["<|endoftext|>"], "RobertaTokenizer": ["<s>", "<pad>", "</s>", "<unk>"],
              "CLIPTokenizer": ["<|startoftext|>", "<|endoftext|>"]}

    def assert_pairs(self, op, texts, **attributes):
        pairs = byte_pairs(TEXTS, 120, "</w>" if op == "CLIPTokenizer" else "", self.STYLES[op])
        # CLIP's last byte of a word is looked up without its stand-in by the library: ASCII only.
        texts = [t for t in texts if t and (op != "CLIPTokenizer" or t.isascii())]
        for text in texts:
            with self.subTest(op=op, text=text):
                self.assert_agrees(op, {"text": [text]}, 2, **pairs, **attributes)
        self.assert_agrees(op, {"text": texts}, 2, **pairs, **attributes)

    def test_styles(self):
        for op in self.STYLES:
            self.assert_pairs(op, TEXTS)

    def test_special_tokens_in_texts(self):
        for op, special in self.STYLES.items():
            texts = [f"a{special[0]}b", special[-1] * 2 + "x"]
            if op != "CLIPTokenizer":  # which crashes where only a space stands before such a token
                texts += [f"hello <new>new {special[0]}", "x <new> y", special[0]]
            self.assert_pairs(op, texts, added_token="<new>=900\n<new>new=901")

    def test_lengths(self):
        for length in (5, 40, 200):
            self.assert_pairs("GPT2Tokenizer", TEXTS, padding_length=length)
        self.assert_pairs("RobertaTokenizer", ["hello"], padding_length=40)

    def test_sentencepiece_decoder(self):
        model = trained("unigram", self.folder)
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        for text in TEXTS:
            ids = np.array([processor.bos_id(), *processor.encode(text), processor.eos_id()], np.int64)
            self.assert_agrees("SentencepieceDecoder", {"ids": ids}, model=model)
            self.assert_agrees("SentencepieceDecoder", {"ids": ids + 1, "fairseq": np.array([True])}, model=model)


class Pictures(Extensions):
    def test_png(self):
        rng = np.random.default_rng(5)
        for height, width in [(1, 1), (7, 5), (64, 33), (200, 300)]:
            noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
            smooth = np.add.outer(np.arange(height), np.arange(width))[..., None] + np.array([0, 40, 90])
            for image in (noise, smooth.astype(np.uint8)):
                for order in ("bgr", "rgb"):
                    self.assert_agrees("EncodeImage", {"image": image}, domain=MICROSOFT, format="png", color_space=order)
                buffer = io.BytesIO()
                Image.fromarray(image).save(buffer, "png")
                self.assert_agrees("DecodeImage", {"stream": np.frombuffer(buffer.getvalue(), np.uint8)}, domain=MICROSOFT)

    def test_kinds_of_png(self):
        image = Image.fromarray(np.random.default_rng(6).integers(0, 256, (20, 30, 4), dtype=np.uint8))
        for mode in ("L", "LA", "P", "RGB", "RGBA", "1"):
            buffer = io.BytesIO()
            image.convert(mode).save(buffer, "png")
            self.assert_agrees("DecodeImage", {"stream": np.frombuffer(buffer.getvalue(), np.uint8)}, domain=MICROSOFT)

    def photo(self):
        rng = np.random.default_rng(7)
        small = Image.fromarray(rng.integers(0, 256, (9, 13, 3), dtype=np.uint8))
        return np.array(small.resize((208, 144), Image.Resampling.BICUBIC))

    def test_jpeg_of_full_colour(self):
        buffer = io.BytesIO()
        Image.fromarray(self.photo()).save(buffer, "jpeg", quality=95, subsampling=0)
        feeds = {"stream": np.frombuffer(buffer.getvalue(), np.uint8)}
        self.write_model("DecodeImage", feeds, 1, {}, MICROSOFT)
        want, got = self.theirs(self.model, feeds)[0], self.ours(self.model, feeds)[0]
        self.assertLessEqual(np.abs(want.astype(int) - got).max(), 1)

    def test_jpeg_of_half_colour(self):
        """IJG's library 9, the extension's, and libjpeg-turbo scale colour differently."""
        buffer = io.BytesIO()
        Image.fromarray(self.photo()).save(buffer, "jpeg", quality=95, subsampling=2)
        feeds = {"stream": np.frombuffer(buffer.getvalue(), np.uint8)}
        self.write_model("DecodeImage", feeds, 1, {}, MICROSOFT)
        want, got = self.theirs(self.model, feeds)[0], self.ours(self.model, feeds)[0]
        self.assertLess(np.abs(want.astype(int) - got).mean(), 1)

    def test_jpeg_written(self):
        feeds = {"image": self.photo()}
        self.write_model("EncodeImage", feeds, 1, {"format": "jpg", "color_space": "rgb"}, MICROSOFT)
        want, got = self.theirs(self.model, feeds)[0], self.ours(self.model, feeds)[0]
        pictures = [np.array(Image.open(io.BytesIO(x.tobytes()))).astype(int) for x in (want, got)]
        self.assertLess(np.abs(pictures[0] - pictures[1]).mean(), 1)
        self.assertLess(abs(len(want) - len(got)), len(want) * 0.05)
        layers = [Image.open(io.BytesIO(x.tobytes())).layer for x in (want, got)]
        self.assertEqual(layers[0], layers[1], "sampling factors and tables")
        tables = [Image.open(io.BytesIO(x.tobytes())).quantization for x in (want, got)]
        self.assertEqual(tables[0], tables[1], "quantisation")

    @unittest.skipUnless(ASSETS.exists(), "SLIPWAY_ASSETS is absent")
    def test_super_resolution(self):
        model = ASSETS / "onnx/superres_with_pre_post.onnx"
        for name in ("superres_input.png", "superres_original.png"):
            feeds = {"image": np.fromfile(ASSETS / "images/task" / name, np.uint8)}
            want, got = self.theirs(model, feeds)[0], self.ours(model, feeds)[0]
            pictures = [np.array(Image.open(io.BytesIO(x.tobytes()))).astype(int) for x in (want, got)]
            difference = np.abs(pictures[0] - pictures[1])
            self.assertLessEqual(difference.max(), 3, name)
            self.assertLess((difference > 0).mean(), 1e-3, name)


if __name__ == "__main__":
    SLIPWAY = sys.argv.pop(1)
    unittest.main()
