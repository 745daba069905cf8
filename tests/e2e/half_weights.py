"""slipway convert --weights f16: half the file, answers within what is said, the file the same after a second conversion.

usage: half_weights.py SLIPWAY [unittest arguments]
"""
import re
import subprocess
import unittest

import common
from common import ASSETS, EndToEnd, OK, main

USAGE = 2


@unittest.skipUnless((ASSETS / "onnx").exists(), "SLIPWAY_ASSETS is absent")
class HalfWeights(EndToEnd):
    def slipway(self, *arguments, status=OK):
        run = subprocess.run([common.SLIPWAY, *map(str, arguments)], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return run.stdout + run.stderr

    def test_half_the_file_and_close_answers(self):
        # Weights are nearly all of these files; the golden vectors' own tensors are not.
        for name in ["onnx/mnist-8.onnx", "onnx/stm_yamnet_256.onnx", "onnx/yunet_120x160.onnx"]:
            with self.subTest(name):
                wide, narrow, again = (self.folder / each for each in ("wide.slip", "narrow.slip", "again.slip"))
                self.slipway("convert", ASSETS / name, "-o", wide, "--no-golden")
                self.slipway("convert", ASSETS / name, "-o", narrow, "--no-golden", "--weights", "f16")
                self.assertLess(narrow.stat().st_size, 0.75 * wide.stat().st_size)
                said = self.slipway("convert", ASSETS / name, "-o", narrow, "--weights", "f16")
                change = re.search(r"golden vectors change by ([0-9.e+-]+) of an output's largest value", said)
                self.assertTrue(change, said)
                self.assertLess(float(change[1]), 1e-2)
                self.assertGreater(float(change[1]), 0)
                self.slipway("doctor", narrow)
                self.slipway("convert", narrow, "-o", again)
                self.assertEqual(narrow.read_bytes(), again.read_bytes())

    def test_another_type_is_refused(self):
        model = ASSETS / "onnx/mnist-8.onnx"
        said = self.slipway("convert", model, "-o", self.folder / "no.slip", "--weights", "f8", status=USAGE)
        self.assertIn("f16", said)


if __name__ == "__main__":
    main()
