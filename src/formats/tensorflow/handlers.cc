#include "formats/tensorflow/handlers.h"

namespace slipway::tensorflow {

namespace {

// The handle of a variable is its value: reading rows of it is a Gather.
Status ImportResourceGather(Scope& scope, const TfNode& node, const std::vector<ValueId>& inputs) {
  if (inputs.size() != 2)
    return Status(Code::kInvalidModel, node.op + " '" + node.name + "' has " + std::to_string(inputs.size()) +
                                           " operands, it takes 2");
  const bool is_nd = node.op == "ResourceGatherNd";
  const Attrs attrs = is_nd ? Attrs() : Attrs{{"batch_dims", node.attrs.Int("batch_dims")}};
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId rows, scope.Add(node, is_nd ? "GatherND" : "Gather", inputs, attrs));
  scope.Bind(node.name, 0, rows);
  return Status::Ok();
}

}  // namespace

NodeHandler HandlerOf(const TfNode& node) {
  const std::string& op = node.op;
  // What records read of real numbers, recipes do of complex ones.
  if (IsComplex(node.attrs.Type("T")) && HasRecipe("complex " + op)) return ImportRecipe;
  if (op == "While" || op == "StatelessWhile") return ImportWhile;
  if (op == "If" || op == "StatelessIf") return ImportIf;
  if (op == "ResourceGather" || op == "ResourceGatherNd") return ImportResourceGather;
  if (HasRecipe(op)) return ImportRecipe;
  if (const NodeHandler handler = TableHandlerOf(op)) return handler;
  if (const NodeHandler handler = ListHandlerOf(op)) return handler;
  return ArrayHandlerOf(op);
}

}  // namespace slipway::tensorflow
