// Status, dtypes, scalars, tensors, zip, npy and files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/file.h"
#include "base/joined_files.h"
#include "base/npy.h"
#include "base/scalar.h"
#include "base/zip.h"

namespace slipway {
namespace {

#if defined(__SANITIZE_ADDRESS__)  // GCC's; clang has features
constexpr bool kHasAddressSanitizer = true;
#elif defined(__has_feature)
constexpr bool kHasAddressSanitizer = __has_feature(address_sanitizer);
#else
constexpr bool kHasAddressSanitizer = false;
#endif

std::span<const uint8_t> BytesOfText(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Status, CarriesContextAndHint) {
  const Status status =
      Status(Code::kIo, "disk is full").WithContext("'a.slip'").WithHint("delete something");
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_EQ(status.ToString(), "'a.slip': disk is full\n  hint: delete something");
  EXPECT_EQ(status.WithHint("else").hint(), "delete something");
  EXPECT_TRUE(Status::Ok().ok());
}

TEST(DType, NamesComeBack) {
  for (int i = 1; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(ParseDType(DTypeName(dtype)), dtype) << DTypeName(dtype);
  }
  EXPECT_EQ(ParseDType("f33"), std::nullopt);
}

TEST(DType, SubByteElementsArePacked) {
  EXPECT_EQ(BytesOf(DType::kI4, 3), 2);
  EXPECT_EQ(BytesOf(DType::kU2, 5), 2);
  EXPECT_EQ(BytesOf(DType::kF32, 3), 12);
  EXPECT_EQ(BytesOf(DType::kI4, 0), 0);
}

TEST(Scalar, EveryHalfComesBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = HalfToFloat(half);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(HalfToFloat(FloatToHalf(value))));
    } else {
      ASSERT_EQ(FloatToHalf(value), half) << bits;
    }
  }
}

// IEEE 754 binary16 by its definition: sign, 5 bits of exponent (bias 15), 10 of fraction.
TEST(Scalar, EveryFiniteHalfHasItsDefinedValue) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const int exponent = (bits >> 10) & 31;
    if (exponent == 31) continue;
    const double fraction = (bits & 1023) / 1024.0 + (exponent == 0 ? 0 : 1);
    const double value = std::ldexp(fraction, std::max(exponent, 1) - 15) * (bits >> 15 ? -1 : 1);
    ASSERT_EQ(HalfToFloat(static_cast<uint16_t>(bits)), value) << bits;
  }
}

TEST(Scalar, EveryBFloat16ComesBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = BFloat16ToFloat(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(BFloat16ToFloat(FloatToBFloat16(value))));
    } else {
      ASSERT_EQ(FloatToBFloat16(value), bits);
    }
  }
}

TEST(Scalar, RoundsToNearestEven) {
  EXPECT_EQ(FloatToHalf(2049.0f), FloatToHalf(2048.0f));
  EXPECT_EQ(FloatToHalf(2051.0f), FloatToHalf(2052.0f));
  EXPECT_EQ(FloatToHalf(65520.0f), 0x7C00);  // halfway to 65536: infinity
  EXPECT_EQ(FloatToHalf(65519.0f), 0x7BFF);
  EXPECT_EQ(FloatToHalf(std::ldexp(1.0f, -25)), 0);
  EXPECT_EQ(FloatToBFloat16(257.0f), FloatToBFloat16(256.0f));
  EXPECT_EQ(FloatToBFloat16(259.0f), FloatToBFloat16(260.0f));
}

TEST(Scalar, EverySmallFloatComesBack) {
  const DType dtypes[] = {DType::kF8E4M3FN,   DType::kF8E4M3FNUZ, DType::kF8E5M2,
                          DType::kF8E5M2FNUZ, DType::kF8E8M0,     DType::kF4E2M1};
  for (DType dtype : dtypes) {
    for (int bits = 0; bits < (dtype == DType::kF4E2M1 ? 16 : 256); ++bits) {
      const double value = DecodeSmallFloat(dtype, static_cast<uint8_t>(bits));
      const uint8_t again = EncodeSmallFloat(dtype, value, Overflow::kToInfinity);
      if (std::isnan(value)) {
        ASSERT_TRUE(std::isnan(DecodeSmallFloat(dtype, again))) << DTypeName(dtype) << " " << bits;
      } else {
        ASSERT_EQ(again, bits) << DTypeName(dtype) << " " << value;
      }
    }
  }
}

// Largest finite and smallest positive values of the OCP and FNUZ formats.
TEST(Scalar, SmallFloatsHaveTheirPublishedExtremes) {
  EXPECT_EQ(DecodeSmallFloat(DType::kF8E4M3FN, 0x7E), 448);
  EXPECT_EQ(DecodeSmallFloat(DType::kF8E4M3FN, 0x01), std::ldexp(1, -9));
  EXPECT_TRUE(std::isnan(DecodeSmallFloat(DType::kF8E4M3FN, 0x7F)));
  EXPECT_EQ(DecodeSmallFloat(DType::kF8E4M3FNUZ, 0x7F), 240);
  EXPECT_TRUE(std::isnan(DecodeSmallFloat(DType::kF8E4M3FNUZ, 0x80)));
  EXPECT_EQ(DecodeSmallFloat(DType::kF8E5M2, 0x7B), 57344);
  EXPECT_TRUE(std::isinf(DecodeSmallFloat(DType::kF8E5M2, 0x7C)));
  EXPECT_EQ(DecodeSmallFloat(DType::kF8E5M2FNUZ, 0x7F), 57344);
  EXPECT_EQ(DecodeSmallFloat(DType::kF8E8M0, 0x7F), 1);
  EXPECT_TRUE(std::isnan(DecodeSmallFloat(DType::kF8E8M0, 0xFF)));
  EXPECT_EQ(DecodeSmallFloat(DType::kF4E2M1, 0x7), 6);
  EXPECT_EQ(EncodeSmallFloat(DType::kF8E4M3FN, 1e9, Overflow::kSaturate), 0x7E);
}

TEST(Scalar, SubByteIntegersLiveInTheLowBitsFirst) {
  Tensor tensor(DType::kI4, {3});
  for (int64_t i = 0; i < 3; ++i) StoreInt(DType::kI4, tensor.data(), i, i - 8);
  EXPECT_EQ(tensor.as<uint8_t>()[0], 0x98);
  EXPECT_EQ(tensor.as<uint8_t>()[1], 0x0A);
  EXPECT_EQ(LoadInt(DType::kI4, tensor.data(), 2), -6);
}

TEST(Tensor, CountsWithoutOverflow) {
  EXPECT_EQ(*ElementCount(Dims{}), 1);
  EXPECT_EQ(*ElementCount(Dims{2, 0, 5}), 0);
  EXPECT_EQ(CountOf(Dims{int64_t{1} << 40, int64_t{1} << 40, 0}), 0);
  EXPECT_FALSE(ElementCount(Dims{-1}).ok());
  EXPECT_FALSE(ElementCount(Dims{int64_t{1} << 32, int64_t{1} << 32}).ok());
}

TEST(Tensor, CopiesShareAndClonesDoNot) {
  Tensor tensor(DType::kI32, {2, 3});
  Tensor copy = tensor;
  Tensor clone = tensor.Clone();
  tensor.as<int32_t>()[0] = 7;
  EXPECT_EQ(copy.as<int32_t>()[0], 7);
  EXPECT_EQ(clone.as<int32_t>()[0], 0);
  EXPECT_EQ(Describe(tensor.Reshaped({6})), "i32[6]");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0u);
}

// A network's constants are rewritten one by one; an allocator would keep the holes.
TEST(Tensor, WeightsGoBackToTheSystemWithTheirLastOwner) {
  if (kHasAddressSanitizer) GTEST_SKIP() << "AddressSanitizer keeps what is freed";
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto tensor = std::make_unique<Tensor>(DType::kF32, Dims{25, 1 << 10});
  const Tensor behind(DType::kF32, {25, 1 << 10});
  void* const inside =
      reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(tensor->data()) / page + 1) * page);
  unsigned char is_resident = 0;
  ASSERT_EQ(::mincore(inside, page, &is_resident), 0);
  tensor.reset();
  EXPECT_EQ(::mincore(inside, page, &is_resident), -1);
  EXPECT_EQ(errno, ENOMEM);
}

// From a size on, storage is not the allocator's.
TEST(Tensor, LargeOnesAreZeroedAndAligned) {
  Tensor tensor(DType::kF32, {3, 1 << 18});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0u);
  const auto values = tensor.values<float>();
  EXPECT_EQ(std::count(values.begin(), values.end(), 0.0f), tensor.count());
  tensor.as<float>()[tensor.count() - 1] = 1;
  const Tensor copy = tensor.Clone();
  tensor = Tensor();
  EXPECT_EQ(copy.as<float>()[copy.count() - 1], 1);
}

// As they lie in files.
TEST(Tensor, UnalignedElementsAreCopiedOnceAndOnlyWhenReadAsSuch) {
  const auto bytes = std::make_shared<std::vector<char>>(1 + 3 * sizeof(float));
  const float values[] = {1, -2, 3.5F};
  std::memcpy(bytes->data() + 1, values, sizeof(values));
  std::atomic<int> copies = 0;
  const Tensor tensor = Tensor::AtAnyAddress(DType::kF32, {3}, bytes->data() + 1, bytes, [&] { ++copies; });
  const Tensor copy = tensor.Reshaped({1, 3});
  EXPECT_EQ(tensor.bytes(), bytes->data() + 1);
  EXPECT_EQ(copies, 0);
  std::vector<const void*> seen(4);
  std::vector<std::thread> threads;
  for (const void*& data : seen) threads.emplace_back([&] { data = copy.data(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(copies, 1);
  EXPECT_THAT(seen, testing::Each(tensor.data()));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0u);
  EXPECT_THAT(tensor.values<float>(), testing::ElementsAreArray(values));
  EXPECT_EQ(tensor.bytes(), bytes->data() + 1);
}

TEST(Zip, ComesBack) {
  const std::string zip = WriteZip({{"a.txt", "hello"}, {"empty", ""}});
  ASSERT_TRUE(HasZip(BytesOfText("data before" + zip)));
  const auto entries = ReadZipDirectory(BytesOfText(zip));
  ASSERT_TRUE(entries.ok()) << entries.status().ToString();
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ((*entries)[0].name, "a.txt");
  EXPECT_EQ(*ReadZipEntry(BytesOfText(zip), (*entries)[0], 100), "hello");
  EXPECT_FALSE(ReadZipEntry(BytesOfText(zip), (*entries)[0], 4).ok()) << "above the bound";
}

TEST(Zip, SurvivesEveryCorruptedByteAndTruncation) {
  const std::string zip = WriteZip({{"a.txt", "hello"}, {"b", "there"}});
  const auto read_all = [](const std::string& file) {
    const auto entries = ReadZipDirectory(BytesOfText(file));
    if (!entries.ok()) return std::string();
    std::string text;
    for (const ZipEntry& entry : *entries) {
      const auto content = ReadZipEntry(BytesOfText(file), entry, 1000);
      text += content.ok() ? *content : "";
    }
    return text;
  };
  ASSERT_EQ(read_all(zip), "hellothere");
  for (size_t i = 0; i < zip.size(); ++i) {
    EXPECT_NE(read_all(zip.substr(0, i)), "hellothere");
    std::string broken = zip;
    broken[i] = static_cast<char>(broken[i] ^ 0xFF);
    EXPECT_LE(read_all(broken).size(), 10u);
  }
}

TEST(Npy, EveryDTypeThatItHasComesBack) {
  const DType dtypes[] = {DType::kF32, DType::kF16, DType::kF64, DType::kI8,  DType::kU8,  DType::kI16,
                          DType::kU16, DType::kI32, DType::kU32, DType::kI64, DType::kU64, DType::kBool};
  for (DType dtype : dtypes) {
    Tensor tensor(dtype, {2, 3});
    for (int64_t i = 0; i < 6; ++i) StoreReal(dtype, tensor.data(), i, static_cast<double>(i));
    const auto file = FormatNpy(tensor);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    const auto back = ParseNpy(BytesOfText(*file));
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_EQ(Describe(*back), Describe(tensor));
    EXPECT_EQ(std::memcmp(back->data(), tensor.data(), static_cast<size_t>(tensor.size_bytes())), 0);
  }
  EXPECT_FALSE(FormatNpy(Tensor(DType::kBF16, {1})).ok());
}

TEST(Npy, EveryTruncationIsRefusedAndEveryCorruptionSurvived) {
  const std::string file = *FormatNpy(Tensor(DType::kF32, {2, 3}));
  for (size_t i = 0; i < file.size(); ++i) {
    EXPECT_FALSE(ParseNpy(BytesOfText(file.substr(0, i))).ok()) << i << " bytes";
    std::string broken = file;
    broken[i] = static_cast<char>(broken[i] ^ 0xFF);
    const auto tensor = ParseNpy(BytesOfText(broken));
    if (tensor.ok()) {
      EXPECT_LE(tensor->size_bytes(), 24);
    }
  }
}

// Mapped where all but the last fill whole pages, read where they do not: the bytes are the same.
TEST(JoinFiles, GivesTheFilesOneBehindAnother) {
  const auto folder = std::filesystem::temp_directory_path() / "slipway_join_files_test";
  std::filesystem::create_directories(folder);
  const auto path = [&](const std::string& name) { return (folder / name).string(); };
  const std::string page(1 << 16, 'p');
  const std::string odd = "odd";
  ASSERT_TRUE(WriteFile(path("page"), page).ok());
  ASSERT_TRUE(WriteFile(path("odd"), odd).ok());
  ASSERT_TRUE(WriteFile(path("empty"), std::string_view()).ok());
  const auto joined = [&](const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(path(name));
    const auto held = JoinFiles(paths);
    if (!held.ok()) return held.status().message();
    return std::string(held->bytes.begin(), held->bytes.end());
  };
  EXPECT_EQ(joined({"page", "page", "odd"}), page + page + odd);
  EXPECT_EQ(joined({"odd", "page"}), odd + page);
  EXPECT_EQ(joined({"page", "empty", "odd"}), page + odd);
  EXPECT_EQ(joined({}), "");
  EXPECT_THAT(joined({"page", "none"}), testing::HasSubstr("none': cannot open"));
  EXPECT_THAT(joined({"page", "."}), testing::HasSubstr("not a regular file"));
  std::filesystem::remove_all(folder);
}

TEST(File, WritesReadsAndNamesWhatIsMissing) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / "slipway_base_test.bin").string();
  ASSERT_TRUE(WriteFile(path, std::string_view("content")).ok());
  EXPECT_EQ(*ReadFile(path), "content");
  const auto mapped = MappedFile::Open(path);
  ASSERT_TRUE(mapped.ok());
  EXPECT_EQ(mapped->bytes().size(), 7u);
  std::filesystem::remove(path);
  EXPECT_EQ(mapped->bytes()[0], 'c') << "a mapping outlives its file";
  const auto missing = MappedFile::Open(path);
  EXPECT_EQ(missing.status().code(), Code::kNotFound);
  EXPECT_THAT(missing.status().message(), testing::HasSubstr(path));
}

// What was read is what was written: a link stays one, a pipe and a folder stay what they are.
TEST(File, IsWrittenWhereItStands) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::TempDir()) / "slipway_file_writer_test";
  fs::remove_all(folder);
  fs::create_directories(folder / "behind");
  const auto write = [&](const char* name) {
    return WriteFile((folder / name).string(), std::string_view("new"));
  };
  fs::create_symlink("behind/file", folder / "link");
  ASSERT_TRUE(WriteFile((folder / "behind/file").string(), std::string_view("old")).ok());
  fs::permissions(folder / "behind/file", fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_TRUE(write("link").ok());
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(*ReadFile((folder / "behind/file").string()), "new");
  EXPECT_EQ(fs::status(folder / "behind/file").permissions(), fs::perms::owner_read | fs::perms::owner_write);

  const std::string pipe = (folder / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_TRUE(write("pipe").ok());
  char got[4] = {};
  EXPECT_EQ(::read(reader, got, 3), 3);
  ::close(reader);
  EXPECT_STREQ(got, "new");
  EXPECT_TRUE(fs::is_fifo(pipe));

  EXPECT_THAT(write("behind").message(), testing::HasSubstr("behind': cannot write: it is a folder"));
  // No temporary is left: "behind", "behind/file", "link", "pipe".
  EXPECT_EQ(std::distance(fs::recursive_directory_iterator(folder), fs::recursive_directory_iterator()), 4);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace slipway
