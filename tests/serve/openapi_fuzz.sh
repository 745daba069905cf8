#!/bin/sh
# Requests that Schemathesis makes up from apps/web/openapi.yaml, right and wrong ones, to a server with a model of each task. It
# lives in a virtual environment of its own, made on the first run.
#
# usage: tests/serve/openapi_fuzz.sh SLIPWAY [examples]    by default 300 an operation
set -eu
cd "$(dirname "$0")/../.."
tools/setup/make_venv.sh build/venv-schemathesis tests/serve/requirements_schemathesis.txt "Schemathesis, about 60 MB"
exec .venv/bin/python tests/serve/openapi_fuzz.py "$1" build/venv-schemathesis/bin/schemathesis "${2:-300}"
