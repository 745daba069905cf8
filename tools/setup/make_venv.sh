#!/bin/sh
# Makes .venv with the pinned packages of requirements.txt; does nothing when it is up to date.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
stamp=$root/.venv/.requirements
cmp -s "$here/requirements.txt" "$stamp" && exit 0
# Debian's own interpreter: the wheels are pinned for it.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
echo "setup: making .venv"
rm -rf "$root/.venv"
"$python" -m venv "$root/.venv"
"$root/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
cp "$here/requirements.txt" "$stamp"
