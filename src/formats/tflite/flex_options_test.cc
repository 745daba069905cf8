#include "formats/tflite/flex_options.h"

#include <flatbuffers/flexbuffers.h>
#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>

#include "formats/tflite/options.h"

namespace slipway::tflite {
namespace {

using protozero::pbf_writer;

// A NodeDef; `write` fills in attribute "a".
template <class Fn>
std::string NodeDef(Fn write) {
  std::string value, entry, node;
  pbf_writer writer(value);
  write(writer);
  pbf_writer(entry).add_string(1, "a");
  pbf_writer(entry).add_message(2, value);
  pbf_writer(node).add_string(2, "SentencepieceOp");
  pbf_writer(node).add_message(5, entry);
  return node;
}

TEST(FlexOptions, AreTheNodesAttributes) {
  EXPECT_EQ(DecodeNodeDef(NodeDef([](pbf_writer& w) { w.add_bytes(2, std::string("x\0y", 3)); })).String("a"),
            std::string("x\0y", 3));
  EXPECT_EQ(DecodeNodeDef(NodeDef([](pbf_writer& w) { w.add_int64(3, -7); })).Int("a"), -7);
  EXPECT_EQ(DecodeNodeDef(NodeDef([](pbf_writer& w) { w.add_float(4, 0.5F); })).Float("a"), 0.5F);
  EXPECT_EQ(DecodeNodeDef(NodeDef([](pbf_writer& w) { w.add_bool(5, true); })).Int("a"), 1);
  EXPECT_EQ(DecodeNodeDef(NodeDef([](pbf_writer& w) { w.add_enum(6, 9); })).Type("a"), DType::kI64);
}

TEST(FlexOptions, HoldLists) {
  const auto list = [](auto write) {
    std::string values;
    pbf_writer writer(values);
    write(writer);
    return DecodeNodeDef(NodeDef([&](pbf_writer& w) { w.add_message(1, values); }));
  };
  const Attrs strings = list([](pbf_writer& w) {
    w.add_string(2, "ROW_SPLITS");
    w.add_string(2, "VALUE_ROWIDS");
  });
  EXPECT_EQ(strings.StringList("a"), (Strings{"ROW_SPLITS", "VALUE_ROWIDS"}));
  const std::vector<int64_t> packed = {1, -2};
  const Attrs ints = list([&](pbf_writer& w) {
    w.add_packed_int64(3, packed.begin(), packed.end());
    w.add_int64(3, 3);
  });
  EXPECT_EQ(ints.IntList("a"), (Ints{1, -2, 3}));
}

TEST(FlexOptions, AreFoundInCustomOptions) {
  const std::string node = NodeDef([](pbf_writer& w) { w.add_int64(3, 5); });
  flexbuffers::Builder builder;
  builder.Vector([&] {
    builder.String("SentencepieceOp");
    builder.String(node);
  });
  builder.Finish();
  EXPECT_EQ(DecodeCustomOptions(builder.GetBuffer()).Int("a"), 5);
}

TEST(FlexOptions, OfBrokenBytesAreNone) {
  const std::string node = NodeDef([](pbf_writer& w) { w.add_int64(3, 5); });
  EXPECT_TRUE(DecodeNodeDef(std::string_view(node).substr(0, node.size() - 1)).IsEmpty());
}

}  // namespace
}  // namespace slipway::tflite
