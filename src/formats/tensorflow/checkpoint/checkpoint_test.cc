#include "formats/tensorflow/checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "formats/tensorflow/checkpoint/bytes.h"
#include "formats/tensorflow/checkpoint/test_table.h"

namespace slipway::tensorflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(Crc32c, IsCastagnolis) {
  EXPECT_EQ(Crc32c(BytesOf("123456789")), 0xe3069283U);  // RFC 3720's check value
  EXPECT_EQ(Crc32c(BytesOf("6789"), Crc32c(BytesOf("12345"))), 0xe3069283U);
}

// The message of reading these bytes; "" when they are a table.
std::string ErrorOf(const std::string& file) { return ReadTable(BytesOf(file)).status().message(); }

TEST(Table, KeysThatShareTheirBeginnings) {
  for (const bool is_compressed : {false, true}) {
    const auto table =
        ReadTable(BytesOf(TableOf({{"a", "1"}, {"ab", ""}, {"abc", "3"}, {"b", "4"}}, is_compressed)));
    ASSERT_TRUE(table.ok()) << table.status().message();
    EXPECT_THAT(*table, ElementsAre(Pair("a", "1"), Pair("ab", ""), Pair("abc", "3"), Pair("b", "4")));
  }
}

TEST(Table, BlocksFollowEachOther) {
  std::string file;
  const std::string first = PutBlock(file, {{"a", "1"}, {"b", "2"}});
  const std::string second = PutBlock(file, {{"c", "3"}}, true);
  PutEnd(file, {{"b", first}, {"c", second}});
  const auto table = ReadTable(BytesOf(file));
  ASSERT_TRUE(table.ok()) << table.status().message();
  EXPECT_THAT(*table, ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3")));
}

TEST(Table, DamageIsNamed) {
  const std::string good = TableOf({{"key", "value"}});
  EXPECT_THAT(ErrorOf(good.substr(0, 40)), HasSubstr("40 bytes"));
  EXPECT_THAT(ErrorOf(good.substr(0, good.size() - 1)), HasSubstr("cut short"));
  std::string flipped = good;
  flipped[5] = static_cast<char>(flipped[5] ^ 1);
  EXPECT_THAT(ErrorOf(flipped), HasSubstr("checksum of the block at 0"));

  std::string unsorted;
  const std::string handle = PutBlock(unsorted, {{"b", ""}, {"a", ""}});
  PutEnd(unsorted, {{"b", handle}});
  EXPECT_THAT(ErrorOf(unsorted), HasSubstr("not in order"));

  std::string twice;
  const std::string block = PutBlock(twice, {{"a", ""}});
  PutEnd(twice, {{"a", block}, {"b", block}});
  EXPECT_THAT(ErrorOf(twice), HasSubstr("overlap"));

  std::string beyond;
  PutEnd(beyond, {{"a", std::string("\xff\xff\x03\x05", 4)}});
  EXPECT_THAT(ErrorOf(beyond), HasSubstr("reaches past its end"));
}

Tensor Floats(Dims dims, const std::vector<float>& values) {
  return Tensor::From<float>(DType::kF32, std::move(dims), values);
}

std::vector<float> ValuesOf(const Tensor& tensor) {
  return {tensor.as<float>(), tensor.as<float>() + tensor.count()};
}

TEST(Checkpoint, ReadsTensorsAndStrings) {
  TestCheckpoint file;
  file.entries["b"] = file.Put(1, Floats({2}, {5, 6}));
  file.entries["a"] = file.Put(1, Floats({2, 1}, {1, -2}));
  // Lengths 2 and 0, a checksum of them that nobody looks at, the texts.
  file.entries["s"] = file.PutBytes(7, {2}, std::string("\2\0....hi", 8), 0);
  const auto checkpoint = file.Read();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  EXPECT_THAT(checkpoint->Keys(), ElementsAre("a", "b", "s"));
  EXPECT_THAT(ValuesOf(*checkpoint->ReadTensor("a")), ElementsAre(1, -2));
  const auto texts = checkpoint->ReadTensor("s");
  ASSERT_TRUE(texts.ok()) << texts.status().message();
  EXPECT_EQ(texts->as<std::string>()[0], "hi");
  EXPECT_EQ(texts->as<std::string>()[1], "");
  EXPECT_THAT(checkpoint->ReadTensor("bb").status().message(), HasSubstr("did you mean 'b'"));
}

TEST(Checkpoint, PartitionedVariablesAreJoinedAndCut) {
  TestCheckpoint file;
  const Slice upper = {{0, 2}, {}};
  const Slice lower = {{2, 1}, {}};
  std::string entry = file.PutBytes(1, {3, 2}, "", 0);
  protozero::pbf_writer writer(entry);
  for (const Slice& slice : {upper, lower}) {
    std::string extents;
    protozero::pbf_writer slice_writer(extents);
    std::string rows;
    protozero::pbf_writer rows_writer(rows);
    rows_writer.add_int64(1, slice[0].start);
    rows_writer.add_int64(2, slice[0].length);
    slice_writer.add_message(1, rows);
    slice_writer.add_message(1, std::string());
    writer.add_message(7, extents);
  }
  file.entries["w"] = entry;
  file.entries[SliceKey("w", lower)] = file.Put(1, Floats({1, 2}, {5, 6}));
  file.entries[SliceKey("w", upper)] = file.Put(1, Floats({2, 2}, {1, 2, 3, 4}));
  const auto checkpoint = file.Read();
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  EXPECT_THAT(checkpoint->Keys(), ElementsAre("w"));
  const auto whole = checkpoint->ReadTensor("w");
  ASSERT_TRUE(whole.ok()) << whole.status().message();
  EXPECT_THAT(ValuesOf(*whole), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(ValuesOf(*checkpoint->ReadTensor("w", "3 2 1,2:1,1")), ElementsAre(4, 6));
  EXPECT_THAT(checkpoint->ReadTensor("w", "3 2 2,2:-").status().message(),
              HasSubstr("reaches outside [3,2]"));
}

// Bytes of an index that TensorFlow wrote.
TEST(SliceKey, IsTensorFlows) {
  EXPECT_EQ(SliceKey("net/w", {{2, 2}, {0, 4}}), std::string("\0net/w\0\1\1\2\x82\x82\x80\x84", 14));
  // Numbers of more than six bits: 100 takes two bytes, -1000 two, a million three.
  EXPECT_EQ(SliceKey("", {{100, -1000}}), std::string("\0\0\1\1\1\xc0\x64\x3c\x18", 9));
  EXPECT_EQ(SliceKey("", {{1000000, -1}}), std::string("\0\0\1\1\1\xef\x42\x40\x7f", 9));
}

TEST(Checkpoint, ReadsWhatTensorFlowWrote) {
  const auto seed = ReadFile(SLIPWAY_SOURCE_DIR "/fuzz/seeds/checkpoint/v1_variables");
  ASSERT_TRUE(seed.ok()) << seed.status().message();
  const auto bytes = BytesOf(*seed);
  const size_t length = LoadU32(bytes, 0);
  const auto checkpoint =
      Checkpoint::Read(bytes.subspan(4, length), [&](const std::string&) -> Result<Checkpoint::Shard> {
        return Checkpoint::Shard{bytes.subspan(4 + length), nullptr};
      });
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  EXPECT_THAT(checkpoint->Keys(), ElementsAre("b", "net/w", "r"));
  for (const std::string& key : checkpoint->Keys()) EXPECT_TRUE(checkpoint->ReadTensor(key).ok()) << key;
  EXPECT_EQ(checkpoint->ReadTensor("net/w")->dims(), (Dims{6, 4}));
}

TEST(Checkpoint, DamageIsNamed) {
  TestCheckpoint file;
  file.entries["short"] = file.PutBytes(1, {2}, "1234", Crc32c(BytesOf("1234")));
  file.entries["wrong"] = file.PutBytes(1, {1}, "1234", 7);
  file.entries["odd"] = file.PutBytes(20, {}, "", 0);  // a resource
  const auto checkpoint = file.Read();
  ASSERT_TRUE(checkpoint.ok());
  const auto error = [&](const char* key) { return checkpoint->ReadTensor(key).status().message(); };
  EXPECT_THAT(error("short"), HasSubstr("f32[2] of 8 bytes, but has 4"));
  EXPECT_THAT(error("wrong"), HasSubstr("checksum"));
  EXPECT_THAT(error("odd"), HasSubstr("no tensor"));
  file.data.resize(2);
  const auto cut = file.Read();
  EXPECT_THAT(cut->ReadTensor("wrong").status().message(), HasSubstr("its data file 2"));
}

}  // namespace
}  // namespace slipway::tensorflow
