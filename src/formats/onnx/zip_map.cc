// ai.onnx.ml.ZipMap, with which classifiers of scikit-learn end: it makes a dictionary, class to number, for
// each row of scores. The rows themselves say the same, and graphs know no dictionaries: the node is left
// out.
#include "formats/onnx/importer.h"

namespace slipway::onnx {
namespace {

// The classes in the order of the columns, for people.
template <class T>
std::string ClassesText(const std::vector<T>& classes) {
  constexpr size_t kMax = 10;
  std::string text;
  for (size_t i = 0; i < classes.size() && i < kMax; ++i) {
    text += i == 0 ? "" : ", ";
    if constexpr (std::is_same_v<T, std::string>) {
      text += "'" + classes[i] + "'";
    } else {
      text += std::to_string(classes[i]);
    }
  }
  return classes.size() > kMax ? text + ", ... (" + std::to_string(classes.size()) + " in all)" : text;
}

}  // namespace

bool ModelImporter::IsZipMap(const ForeignNode& foreign) {
  return foreign.domain == "ai.onnx.ml" && foreign.op == "ZipMap";
}

Result<ValueId> ModelImporter::ImportZipMap(const GraphState& state, const ForeignNode& foreign) {
  const auto refuse = [&](const std::string& why) {
    return Status(Code::kInvalidModel, "ZipMap '" + foreign.name + "': " + why);
  };
  if (foreign.inputs.size() != 1 || foreign.inputs[0] == kNoValue) return refuse("needs one input");
  const Strings& names = foreign.attrs.StringList("classlabels_strings");
  const Ints& numbers = foreign.attrs.IntList("classlabels_int64s");
  if (names.empty() == numbers.empty())
    return refuse("needs either 'classlabels_strings' or 'classlabels_int64s'");
  const Type& scores = state.graph.value(foreign.inputs[0]).type;
  if (scores.shape && !scores.shape->empty()) {
    const Dim& columns = scores.shape->back();
    const size_t count = names.size() + numbers.size();
    if (columns.IsKnown() && columns.value() != static_cast<int64_t>(count))
      return refuse("names " + std::to_string(count) + " classes, but its input " + ToString(scores) +
                    " has " + std::to_string(columns.value()) + " columns");
  }
  notes_.push_back("ZipMap '" + foreign.name +
                   "' is left out: its result is a tensor, the columns of which are the classes " +
                   (names.empty() ? ClassesText(numbers) : ClassesText(names)));
  return foreign.inputs[0];
}

}  // namespace slipway::onnx
