// A Caffe network: layers from the description (.prototxt), weights from the binary NetParameter
// (.caffemodel), brought together by the layers' names.
//
// Source: caffe.proto and util/upgrade_proto.cpp of BVLC Caffe. V0 and V1 layers are upgraded to the names of
// today's. Of the binary only names and blobs are read: the description says what is computed.
#pragma once

#include <map>
#include <span>

#include "formats/caffe/message.h"
#include "slipway/tensor.h"

namespace slipway::caffe {

struct Layer {
  std::string name;
  std::string type;  // today's: "Convolution"
  std::vector<std::string> bottoms, tops;
  Message message;  // its parameters
  int line = 0;
};

struct NetInput {
  std::string name;
  Dims dims;  // empty: not declared
};

struct Net {
  std::string name;
  std::vector<NetInput> inputs;  // declared by the net itself; Input layers stay layers
  std::vector<Layer> layers;     // of the test phase
};

// Weights of one layer. Dims of files before 2014 have four entries throughout.
using Blobs = std::vector<Tensor>;
using Weights = std::map<std::string, Blobs>;

Result<Net> ReadNet(std::string_view prototxt);
Result<Weights> ReadWeights(std::span<const uint8_t> caffemodel);
// A single BlobProto, as files of mean images hold one (.binaryproto).
Result<Tensor> ReadBlob(std::span<const uint8_t> binaryproto);

}  // namespace slipway::caffe
