#!/bin/sh
# make demo: fetches a COCO detector and four photos, converts, detects, and shows where the labelled pictures are.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
slipway=build/release/slipway
demo=build/demo
tools/demo/fetch.sh
echo
echo "\$ slipway convert $demo/model/model.json -o $demo/coco_ssd.slip"
$slipway convert $demo/model/model.json -o $demo/coco_ssd.slip
echo
echo "\$ slipway detect $demo/coco_ssd.slip $demo/photos --save $demo/out"
$slipway detect $demo/coco_ssd.slip $demo/photos --save $demo/out
echo
echo "Labelled pictures: $demo/out"
echo "Try next:"
echo "  $slipway inspect $demo/coco_ssd.slip --graph"
echo "  $slipway detect $demo/coco_ssd.slip $demo/photos/coffee.png --json --score 0.1"
echo "  $slipway bench $demo/coco_ssd.slip --steps"
echo "  $slipway doctor $demo/coco_ssd.slip"
