// Weights in tensorrtx's text format (.wts): named arrays of f32, and nothing of the network that reads them.
//
//   2                                  how many arrays follow
//   conv1.weight 150 be40ee1b bd20baba ...   name, element count, that many words
//   conv1.bias 6 3d8e61ca 0 ...
//
// A word is the bit pattern of one IEEE 754 binary32 number in hexadecimal, most significant digit first, of
// one to eight digits: writers need not pad with zeros. Source: github.com/wang-xinyu/tensorrtx, loadWeights
// in each example and gen_wts.py. Words are told apart by white space of any kind, so line breaks inside an
// array are read too.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "slipway/status.h"
#include "slipway/tensor.h"

namespace slipway {

// The arrays of one file, by name.
class WtsWeights {
 public:
  using Map = std::map<std::string, Tensor, std::less<>>;

  WtsWeights() = default;
  explicit WtsWeights(Map tensors) : tensors_(std::move(tensors)) {}

  bool Has(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }
  // The array under the shape that the network wants of it; shares the storage. An error names the array and
  // shows both counts; one of no such name names the nearest.
  Result<Tensor> Get(std::string_view name, Dims dims) const;
  // The array as it came, f32[n].
  Result<Tensor> Get(std::string_view name) const;

  const Map& all() const { return tensors_; }

 private:
  Map tensors_;
};

// Every error names the file and the line. A file that is not what its count line and array counts say is
// refused; what it claims is checked against its size before memory is taken.
Result<WtsWeights> ReadWts(const std::string& path);
// The same from memory; `name` stands for the file in messages.
Result<WtsWeights> ParseWts(std::string_view text, std::string_view name);
// The text of these weights, arrays in order of name. An error names the array that is not f32, or whose name
// is empty or holds white space.
Result<std::string> FormatWts(const WtsWeights& weights);

}  // namespace slipway
