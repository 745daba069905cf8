"""/metrics by Prometheus' own parsers: the format, that no series is there twice, that histograms add up, that counters never fall.

usage: metrics_test.py SLIPWAY [unittest arguments]
"""
import http.client
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

import served
from load import infer_body
from served import until

PROGRAM = ""


def by_openmetrics(text):
    """The families, by the stricter parser of the younger format, which calls counters' series NAME_total and ends with a mark."""
    for name in re.findall(r"^# TYPE (\S+) counter$", text, re.MULTILINE):
        base = name.removesuffix("_total")
        text = re.sub(rf"^(# (?:TYPE|HELP)) {name}\b", rf"\1 {base}", text, flags=re.MULTILINE)
        text = re.sub(rf"^{name}\b", f"{base}_total", text, flags=re.MULTILINE)
    return list(openmetrics.text_string_to_metric_families(text + "# EOF\n"))


def series(families):
    """(name, labels) -> value; a series that comes twice is an error."""
    found = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in found:
                raise AssertionError(f"{key} is there twice")
            found[key] = sample.value
    return found


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for version in (1, 2):
            served.save(served.affine(version), cls.folder / f"affine/{version}/model.onnx")
        (cls.folder / "affine/config.pbtxt").write_text("version_policy { all {} }")
        served.save(served.affine(3), cls.folder / "a-b.c_D/1/model.onnx")
        (cls.folder / "bad/1").mkdir(parents=True)
        (cls.folder / "bad/1/model.onnx").write_text("no model")

    def serve(self, *flags):
        return self.enterContext(served.Served(PROGRAM, [self.folder], *flags))

    def ask(self, server, count):
        """Good requests and refused ones, of all models."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self.addCleanup(connection.close)
        for i in range(count):
            for model in ("affine", "affine/versions/1", "a-b.c_D", "bad", "unknown"):
                body = infer_body([1, 2, 3]) if i % 3 else infer_body([1, 2])  # one value is missing
                connection.request("POST", f"/v2/models/{model}/infer", body)
                connection.getresponse().read()

    def families(self, server):
        text = server.get("/metrics").decode()
        found = list(text_string_to_metric_families(text))
        # Both call a counter's series NAME_total, whatever the text calls it.
        self.assertEqual(series(found), series(by_openmetrics(text)))
        return text, found

    def assert_histograms_add_up(self, families):
        histograms = [family for family in families if family.type == "histogram"]
        self.assertTrue(histograms)
        for family in histograms:
            groups = {}
            for sample in family.samples:
                labels = tuple(sorted((key, value) for key, value in sample.labels.items() if key != "le"))
                groups.setdefault(labels, []).append(sample)
            for labels, samples in groups.items():
                buckets = [(float(sample.labels["le"]), sample.value) for sample in samples if "le" in sample.labels]
                others = {sample.name.removeprefix(family.name): sample.value for sample in samples if "le" not in sample.labels}
                self.assertEqual(buckets, sorted(set(buckets)), f"{labels}: bounds and counts rise")
                self.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets), labels)
                self.assertEqual(buckets[-1], (float("inf"), others["_count"]), labels)
                self.assertEqual(set(others), {"_sum", "_count"})
                self.assertEqual(others["_sum"] > 0, others["_count"] > 0)

    def assert_sound(self, text, families):
        for line in ("HELP", "TYPE"):
            names = re.findall(rf"^# {line} (\S+) .", text, re.MULTILINE)
            self.assertEqual(len(names), len(set(names)), f"a {line} is there twice")
        for family in families:
            self.assertNotEqual(family.type, "unknown", family.name)
            self.assertTrue(family.documentation, family.name)
            self.assertTrue(family.samples, family.name)
            for sample in family.samples:
                self.assertGreaterEqual(sample.value, 0, sample)
        self.assert_histograms_add_up(families)

    def assert_counters_never_fall(self, before, after):
        values = series(after)
        for family in before:
            for sample in family.samples:
                if family.type in ("counter", "histogram"):
                    self.assertGreaterEqual(values[(sample.name, tuple(sorted(sample.labels.items())))], sample.value, sample)

    def test_before_and_after_requests(self):
        server = self.serve()
        text, before = self.families(server)
        self.assert_sound(text, before)
        self.ask(server, 30)
        # Counted a moment after the answer.
        text, after = until(lambda: self.families(server), lambda said: self.answered(said[1]) == {"1": 20, "2": 20})
        self.assert_sound(text, after)
        self.assert_counters_never_fall(before, after)
        self.assertEqual(self.answered(after), {"1": 20, "2": 20})

    def answered(self, families):
        """Of each version of 'affine'."""
        return {dict(labels)["version"]: value for (name, labels), value in series(families).items()
                if name == "nv_inference_request_success_total" and ("model", "affine") in labels}

    def test_of_workers(self):
        server = self.serve("--workers", "2")
        self.ask(server, 10)
        text, families = self.families(server)
        self.assert_sound(text, families)
        self.assertTrue(all("worker" in dict(labels) for name, labels in series(families) if name.startswith("nv_")))

    def test_it_says_what_it_is(self):
        server = self.serve()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request("GET", "/metrics")
        self.assertRegex(connection.getresponse().headers["Content-Type"], r"^text/plain; version=0\.0\.4")


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
