#!/bin/sh
# make serve: serves the demo's COCO detector, with the page, until Ctrl-C.
#
# usage: [PORT=8000] tools/demo/serve.sh [FLAG...]    flags of `slipway serve`
set -eu
cd "$(dirname "$0")/../.."
slipway=build/release/slipway
demo=build/demo
port=${PORT:-8000}
tools/demo/fetch.sh
[ -f $demo/coco_ssd.slip ] || {
  # Under another name first: half a file must not look like a whole one.
  $slipway convert $demo/model/model.json -o $demo/coco_ssd.part.slip
  mv $demo/coco_ssd.part.slip $demo/coco_ssd.slip
}
echo
echo "Try in another terminal (Ctrl-C here ends it):"
echo "  curl --data-binary @$demo/photos/chelsea.png http://127.0.0.1:$port/v2/models/coco_ssd/detect"
echo "  curl --data-binary @$demo/photos/coffee.png -H 'Accept: image/png' -o coffee.png http://127.0.0.1:$port/v2/models/coco_ssd/detect"
echo
echo "\$ slipway serve $demo/coco_ssd.slip --port $port${*:+ $*}"
exec $slipway serve $demo/coco_ssd.slip --port "$port" "$@"
