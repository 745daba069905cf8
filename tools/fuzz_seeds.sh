#!/bin/sh
# Puts small files for TARGET into FOLDER: the project's own of fuzz/seeds, and real ones of the shared assets where
# those are. SLIP_SEEDS is the program that makes .slip files of graphs in text form.
# usage: tools/fuzz_seeds.sh TARGET FOLDER SLIP_SEEDS
set -eu
cd "$(dirname "$0")/.."
assets=${SLIPWAY_ASSETS:-../shared/assets}
case $1 in
  onnx) pattern="onnx/mnist-8.onnx onnx/mnist_2018.onnx onnx/cnn_mnist_pytorch.onnx" ;;
  tflite) pattern="tflite/tflm_hello_world_int8.tflite tflite/coral_split_concat.tflite tflite/tflm_magic_wand.tflite" ;;
  caffe) pattern="caffe/lenet_deploy.prototxt caffe/mtcnn_det1.prototxt caffe/mtcnn_det1.caffemodel" ;;
  graphdef) pattern="tensorflow/FSRCNN-small_x2.pb tensorflow/mnist_nnstreamer.pb" ;;
  image) pattern="images/task/superres_input.png images/mnist/0.pgm images/task/coral_mnist_nine.bmp images/task/burger_crop.jpg" ;;
  *) pattern="" ;;
esac
if [ "$1" = ir_text ]; then
  for case in src/passes/testdata/*/*.txt; do
    sed -n '/^=>/q; /^graph/,/^}/p' "$case" >"$2/$(basename "$(dirname "$case")")_$(basename "$case")"
  done
fi
if [ "$1" = slip ]; then
  "$3" "$2" fuzz/seeds/slip/*.txt
elif [ -d "fuzz/seeds/$1" ]; then
  cp "fuzz/seeds/$1"/* "$2/"
fi
for file in $pattern; do
  [ -f "$assets/$file" ] && cp "$assets/$file" "$2/" || true
done
