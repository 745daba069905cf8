"""What the end-to-end tests share: the built `slipway` as a program, the folders of real files, failing as documented.

SLIPWAY_DEMO_DIR holds model/ and photos/ (tools/demo/fetch.sh); SLIPWAY_ASSETS the oracle data.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np

DEMO = pathlib.Path(os.environ.get("SLIPWAY_DEMO_DIR", "absent"))
ASSETS = pathlib.Path(os.environ.get("SLIPWAY_ASSETS", "absent"))
OK, USAGE, NOT_FOUND, BROKEN, UNSUPPORTED, WRONG_INPUT, MISMATCH, IO = 0, 2, 3, 4, 5, 6, 7, 8


SLIPWAY = ""


def slipway(*arguments, stdin="", environment=None):
    return subprocess.run([SLIPWAY, *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False,
                          env={**os.environ, **(environment or {})})


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def corners(box):
    x, y, width, height = box
    return np.array([x, y, x + width, y + height])


class EndToEnd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def run_ok(self, *arguments):
        run = slipway(*arguments)
        self.assertEqual(run.returncode, OK, run.stderr)
        return run.stdout

    def assert_fails(self, code, text, *arguments):
        run = slipway(*arguments)
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertIn(text, run.stderr)
        self.assertEqual(run.stdout, "")


def main():
    """The program under test is the first argument; the rest is unittest's."""
    global SLIPWAY
    SLIPWAY = str(pathlib.Path(sys.argv.pop(1)).resolve())  # tests may run it from elsewhere
    unittest.main("__main__")
