// A checkpoint in TensorFlow's second format ("tensor bundle"): tensors by key.
//
// PREFIX.index is a sorted table (table.h) from a key to where its bytes lie in PREFIX.data-SSSSS-of-NNNNN,
// with dtype, shape and checksum. A variable that was partitioned has entries for its slices.
// Source: tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/util/tensor_bundle. Left out: the
// first format (one file of SavedTensorSlices), big-endian files, variants.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/tensorflow/checkpoint/table.h"
#include "slipway/tensor.h"

namespace slipway::tensorflow {

class Checkpoint {
 public:
  struct Shard {
    std::span<const uint8_t> bytes;
    std::shared_ptr<const void> owner;  // keeps the bytes alive; null: tensors copy them
  };
  using OpenShard = std::function<Result<Shard>(const std::string& suffix)>;  // "data-00000-of-00001"

  // `prefix`: the path without ".index". The files stay mapped while a tensor looks at them.
  static Result<Checkpoint> Open(const std::string& prefix);
  static Result<Checkpoint> Read(std::span<const uint8_t> index, OpenShard open,
                                 Checksums checksums = Checksums::kVerify);

  bool Has(const std::string& key) const { return entries_.count(key) > 0; }
  std::vector<std::string> Keys() const;
  // Errors: kNotFound; kInvalidModel: damaged, or bytes missing; kUnsupported: a dtype without a tensor.
  Result<Tensor> ReadTensor(const std::string& key) const;
  // The slice that RestoreV2's shape_and_slices asks for: "" is all of it, "4 10 0,2:-" rows 0 and 1 of a
  // [4,10] tensor. Error (kUnsupported) for one that was not saved as such.
  Result<Tensor> ReadTensor(const std::string& key, const std::string& slice) const;

 private:
  struct Entry {
    int64_t dtype = 0;
    Dims dims;
    int64_t shard = 0;
    int64_t offset = 0;
    int64_t size = 0;
    uint32_t crc = 0;
    bool has_slices = false;
  };

  static Result<Entry> DecodeEntry(const std::string& bytes);
  Result<Tensor> Load(const std::string& key, const Entry& entry) const;
  Result<Tensor> LoadStrings(const std::string& key, const Entry& entry,
                             std::span<const uint8_t> bytes) const;
  Result<Tensor> Join(const std::string& key, const std::string& entry) const;

  std::map<std::string, std::string> entries_;  // serialised BundleEntryProto, by key
  OpenShard open_;
  Checksums checksums_ = Checksums::kVerify;
  int64_t num_shards_ = 0;
  std::shared_ptr<std::map<int64_t, Shard>> shards_;  // opened so far
};

}  // namespace slipway::tensorflow
