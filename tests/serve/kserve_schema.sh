#!/bin/sh
# deploy/kserve.yaml against KServe's own definition of its API (kserve_schema.py), in an environment of its own. Part of
# `make test-full`.
set -eu
cd "$(dirname "$0")/../.."
tools/setup/make_venv.sh build/venv-kserve tests/serve/requirements_kserve.txt "the API of KServe"
exec build/venv-kserve/bin/python tests/serve/kserve_schema.py deploy/kserve.yaml
