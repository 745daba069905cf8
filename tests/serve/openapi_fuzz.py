"""Starts a server with a model of each task, and Schemathesis on it.

usage: openapi_fuzz.py SLIPWAY SCHEMATHESIS EXAMPLES; see openapi_fuzz.sh

A name in a path is made up, too: it would never be that of a model. So the description that Schemathesis reads lists them.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import picture_models
import served
from openapi_test import DESCRIPTION

# 503: a model that is not there is not ready. 501: what is asked for is not supported.
CONFIGURATION = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "4xx", "501", "503"]
"""
# What a schema cannot say: which model is for which task, which bytes are a picture, how many numbers a tensor has.
UNSAID = """
[[operations]]
include-operation-id = "{}"
checks.positive_data_acceptance.enabled = false
"""
PARTIAL = ("detect", "classify", "segment", "upload", "infer")
# stream is no plain request (tests/serve/streams_test.py); unload would leave nothing to ask for.
LEFT_OUT = ("stream", "unload")


def main():
    program, schemathesis, examples = sys.argv[1:]
    schemathesis = pathlib.Path(schemathesis).resolve()  # it runs elsewhere: it leaves files where it is
    models = {"boxes": picture_models.boxes(), "classes": picture_models.classes(), "segments": picture_models.segments(),
              "affine": served.affine(2)}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        paths = [served.save(model, folder / f"{model_name}.onnx") for model_name, model in models.items()]
        DESCRIPTION["components"]["parameters"]["Model"]["schema"]["enum"] = list(models)
        (folder / "openapi.json").write_text(json.dumps(DESCRIPTION))
        (folder / "schemathesis.toml").write_text(CONFIGURATION + "".join(map(UNSAID.format, PARTIAL)))
        with served.Served(program, paths) as server:
            return subprocess.run([schemathesis, "--config-file", folder / "schemathesis.toml", "run", folder / "openapi.json",
                                   "--url", f"http://{server.url}", "--max-examples", examples,
                                   *(flag for each in LEFT_OUT for flag in ("--exclude-operation-id", each))],
                                  cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
