#include "formats/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "formats/support_hints.h"

namespace slipway {
namespace {

using testing::HasSubstr;

ForeignNode NodeOf(Format format, const std::string& op, const std::string& domain = {}) {
  ForeignNode node;
  node.format = format;
  node.op = op;
  node.domain = domain;
  node.name = "n";
  return node;
}

const Status kNotSupported(Code::kUnsupported, "not supported");

TEST(UnsupportedNodes, KeepsWhatANodeIsAndReads) {
  Graph graph;
  GraphBuilder builder(graph);
  ForeignNode node = NodeOf(Format::kOnnx, "Foo", "com.acme");
  node.inputs = {builder.Input("x", Type::Of(DType::kF32, {1, 3})), kNoValue};
  node.outputs = {{"y", Type::OfUnknownShape(DType::kI64), {}, {}}};
  node.attrs.Set("alpha", 0.5F);
  UnsupportedNodes nodes;
  nodes.CountNode();
  nodes.Add(node, builder, kNotSupported);
  SupportReport report;
  const Status status = nodes.ToStatus(graph, &report);
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_EQ(
      status.message(),
      "1 node of this model cannot be read: com.acme.Foo (opset 1) x1\n    'n': com.acme.Foo (opset 1) on "
      "(f32[1,3], -)");
  EXPECT_EQ(report.num_nodes, 1);
  ASSERT_EQ(report.unsupported.size(), 1u);
  const UnsupportedNode& entry = report.unsupported[0];
  EXPECT_EQ(entry.attrs.Float("alpha"), 0.5F);
  EXPECT_EQ(entry.inputs[0].name, "x");
  EXPECT_EQ(entry.outputs[0].name + " " + ToString(entry.outputs[0]), "y i64[*]");
  EXPECT_EQ(entry.reason + entry.hint, "");
}

TEST(UnsupportedNodes, TellWhyTheImporterRefuses) {
  Graph graph;
  GraphBuilder builder(graph);
  UnsupportedNodes nodes;
  const ForeignNode node = NodeOf(Format::kTensorflow, "Foo");
  nodes.Add(node, builder, Status(Code::kUnsupported, "Foo 'n' (tensorflow): rank 5 is not supported"));
  nodes.Add(node, builder, Status(Code::kUnsupported, "a loop that is not closed"));
  nodes.Add(node, builder, Status(Code::kUnsupported, "Foo 'n' (tensorflow): not supported"));
  EXPECT_EQ(nodes.report().unsupported[0].reason, "rank 5 is not supported");
  EXPECT_EQ(nodes.report().unsupported[1].reason, "a loop that is not closed");
  EXPECT_EQ(nodes.report().unsupported[2].reason, "");
}

TEST(UnsupportedNodes, SayEachHintOnce) {
  Graph graph;
  GraphBuilder builder(graph);
  UnsupportedNodes nodes;
  const ForeignNode node = NodeOf(Format::kOnnx, "DictVectorizer", "ai.onnx.ml");
  nodes.Add(node, builder, kNotSupported);
  nodes.Add(node, builder, kNotSupported);
  const std::string hint = nodes.ToStatus(graph).hint();
  const size_t first = hint.find("vectorise before the network");
  ASSERT_NE(first, std::string::npos) << hint;
  EXPECT_EQ(hint.find("vectorise before the network", first + 1), std::string::npos) << hint;
  EXPECT_THAT(hint, HasSubstr("--input and --output"));
}

TEST(UnsupportedNodes, TheImportersOwnHintComesFirst) {
  Graph graph;
  GraphBuilder builder(graph);
  UnsupportedNodes nodes;
  nodes.Add(NodeOf(Format::kTensorflow, "VarHandleOp"), builder,
            Status(Code::kUnsupported, "not supported", "own advice"));
  EXPECT_EQ(nodes.report().unsupported[0].hint, "own advice");
}

TEST(RewriteHint, MatchesPatterns) {
  EXPECT_THAT(RewriteHint(Format::kTflite, "", "FlexErf"), HasSubstr("TFLITE_BUILTINS"));
  EXPECT_THAT(RewriteHint(Format::kTflite, "", "FlexSentencepieceOp"), HasSubstr("tokens"));
  EXPECT_THAT(RewriteHint(Format::kTensorflow, "", "ResourceApplyAdam"), HasSubstr("training"));
  EXPECT_THAT(RewriteHint(Format::kTensorflow, "", "Conv2DBackprop"), HasSubstr("training"));
  EXPECT_THAT(RewriteHint(Format::kOnnx, "org.pytorch.aten", "ATen"), HasSubstr("opset_version"));
  EXPECT_EQ(RewriteHint(Format::kOnnx, "com.acme", "ATen"), "");
  EXPECT_EQ(RewriteHint(Format::kTflite, "", "Fle"), "");
}

// A row for an operator that is read by now gives advice that nobody needs any more.
TEST(RewriteHint, NoRowIsForWhatIsRead) {
  for (const HintRow& row : AllHintRows()) {
    // Reads a constant where the file has the variable, and is refused where it has not.
    const bool is_read_sometimes = row.op == "ReadVariableOp";
    if (row.op.find('*') != std::string_view::npos || is_read_sometimes) continue;
    EXPECT_EQ(FindForeign(row.format, row.domain, row.op, 1).op, nullptr) << row.op;
  }
}

TEST(RewriteHint, EveryRowCanBeReached) {
  for (const HintRow& row : AllHintRows()) {
    std::string op(row.op);
    if (const size_t star = op.find('*'); star != std::string::npos) op.replace(star, 1, "Example");
    EXPECT_EQ(RewriteHint(row.format, row.domain, op), row.hint) << row.domain << " " << op;
  }
}

}  // namespace
}  // namespace slipway
