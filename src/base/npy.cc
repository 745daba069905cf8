#include "base/npy.h"

#include <algorithm>
#include <cstring>

#include "base/file.h"
#include "base/zip.h"

namespace slipway {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr uint64_t kMaxArrayBytes = uint64_t{1} << 34;

Status Broken(const std::string& what) { return Status(Code::kInvalidInput, "npy: " + what); }

std::optional<DType> FromDescr(std::string_view descr) {
  struct Name {
    std::string_view code;
    DType dtype;
  };
  static constexpr Name kNames[] = {{"f4", DType::kF32}, {"f2", DType::kF16},  {"f8", DType::kF64},
                                    {"i1", DType::kI8},  {"u1", DType::kU8},   {"i2", DType::kI16},
                                    {"u2", DType::kU16}, {"i4", DType::kI32},  {"u4", DType::kU32},
                                    {"i8", DType::kI64}, {"u8", DType::kU64},  {"b1", DType::kBool},
                                    {"c8", DType::kC64}, {"c16", DType::kC128}};
  for (const Name& name : kNames) {
    if (name.code == descr) return name.dtype;
  }
  return std::nullopt;
}

std::string ToDescr(DType dtype) {
  switch (dtype) {
    case DType::kF32: return "<f4";
    case DType::kF16: return "<f2";
    case DType::kF64: return "<f8";
    case DType::kI8: return "|i1";
    case DType::kU8: return "|u1";
    case DType::kI16: return "<i2";
    case DType::kU16: return "<u2";
    case DType::kI32: return "<i4";
    case DType::kU32: return "<u4";
    case DType::kI64: return "<i8";
    case DType::kU64: return "<u8";
    case DType::kBool: return "|b1";
    case DType::kC64: return "<c8";
    case DType::kC128: return "<c16";
    default: return "";
  }
}

// The text behind "'key':" in the header's dictionary.
std::string_view ValueOf(std::string_view header, std::string_view key) {
  const size_t at = header.find("'" + std::string(key) + "'");
  if (at == std::string_view::npos) return {};
  const size_t colon = header.find(':', at);
  if (colon == std::string_view::npos) return {};
  const size_t start = header.find_first_not_of(' ', colon + 1);
  return start == std::string_view::npos ? std::string_view() : header.substr(start);
}

Result<Dims> ParseShape(std::string_view text) {
  if (text.empty() || text[0] != '(') return Broken("the header has no shape");
  const size_t close = text.find(')');
  if (close == std::string_view::npos) return Broken("the shape has no end");
  Dims dims;
  size_t i = 1;
  while (i < close) {
    if (text[i] == ' ' || text[i] == ',') {
      ++i;
      continue;
    }
    int64_t value = 0;
    if (text[i] < '0' || text[i] > '9') return Broken("the shape has a strange character");
    while (i < close && text[i] >= '0' && text[i] <= '9') {
      if (value > (int64_t{1} << 40)) return Broken("an extent is too large");
      value = value * 10 + (text[i++] - '0');
    }
    dims.push_back(value);
    if (dims.size() > 32) return Broken("more than 32 axes");
  }
  return dims;
}

// NumPy's strings: a fixed number of places each, of 4 bytes ("<U7") or of 1 ("|S7"), filled up with zeros.
struct TextForm {
  uint64_t places = 0;
  uint64_t place_bytes = 0;  // 0: no strings
};

TextForm TextFormOf(std::string_view code) {
  constexpr uint64_t kMaxPlaces = uint64_t{1} << 28;
  if (code.size() < 3 || (code[1] != 'U' && code[1] != 'S')) return {};
  uint64_t places = 0;
  for (char digit : code.substr(2)) {
    if (digit < '0' || digit > '9' || places > kMaxPlaces) return {};
    places = places * 10 + static_cast<uint64_t>(digit - '0');
  }
  return {places, code[1] == 'U' ? uint64_t{4} : uint64_t{1}};
}

void AppendUtf8(uint32_t code, std::string& text) {
  const auto add = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xE0 | code >> 12);
    } else {
      add(0xF0 | (code >> 18 & 0x7));
      add(0x80 | (code >> 12 & 0x3F));
    }
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

Result<Tensor> ParseText(Dims dims, const TextForm& form, std::span<const uint8_t> bytes) {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t count, ElementCount(dims));
  const uint64_t each = form.places * form.place_bytes;
  // Strings of no places take no bytes in the file, but memory here.
  const bool is_short = each == 0 ? static_cast<uint64_t>(count) > bytes.size() + 1
                                  : static_cast<uint64_t>(count) > bytes.size() / each;
  if (is_short) return Broken("shape " + ToString(dims) + " needs more bytes than the file has");
  Tensor tensor(DType::kString, std::move(dims));
  const uint8_t* from = bytes.data();
  for (int64_t i = 0; i < count; ++i, from += each) {
    std::string& text = tensor.as<std::string>()[i];
    uint64_t length = form.places;  // zeros at the end are none of it
    const auto place = [&](uint64_t k) {
      if (form.place_bytes == 1) return uint32_t{from[k]};
      return from[4 * k] | uint32_t{from[4 * k + 1]} << 8 | uint32_t{from[4 * k + 2]} << 16 |
             uint32_t{from[4 * k + 3]} << 24;
    };
    while (length > 0 && place(length - 1) == 0) --length;
    for (uint64_t k = 0; k < length; ++k) {
      if (form.place_bytes == 1) {
        text += static_cast<char>(from[k]);
      } else {
        AppendUtf8(place(k), text);
      }
    }
  }
  return tensor;
}

// The code points of UTF-8; bytes that are none stand for themselves.
std::vector<uint32_t> CodePoints(const std::string& text) {
  std::vector<uint32_t> codes;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    uint32_t code = more == 3 ? lead & 0x7 : more == 2 ? lead & 0xF : more == 1 ? lead & 0x1F : lead;
    size_t k = 1;
    for (; k <= more && i + k < text.size() && (static_cast<uint8_t>(text[i + k]) & 0xC0) == 0x80; ++k)
      code = code << 6 | (static_cast<uint8_t>(text[i + k]) & 0x3F);
    const bool is_whole = k > more;
    codes.push_back(is_whole ? code : lead);
    i += is_whole ? k : 1;
  }
  return codes;
}

// Code points of every string and, before them, how many places they take.
std::pair<size_t, std::string> FormatText(const Tensor& tensor) {
  std::vector<std::vector<uint32_t>> texts;
  size_t places = 1;
  for (const std::string& text : tensor.values<std::string>()) {
    texts.push_back(CodePoints(text));
    places = std::max(places, texts.back().size());
  }
  std::string bytes;
  for (std::vector<uint32_t>& codes : texts) {
    codes.resize(places, 0);
    for (uint32_t code : codes) {
      for (int shift : {0, 8, 16, 24}) bytes += static_cast<char>(code >> shift & 0xFF);
    }
  }
  return {places, bytes};
}

// From Fortran order to row-major.
Tensor Reordered(const Tensor& source) {
  Tensor result(source.dtype(), source.dims());
  const auto rank = static_cast<size_t>(source.rank());
  const int64_t bytes = BitsOf(source.dtype()) / 8;
  std::vector<int64_t> index(rank, 0);
  for (int64_t i = 0; i < source.count(); ++i) {
    int64_t from = 0;
    int64_t stride = 1;
    for (size_t k = 0; k < rank; ++k) {
      from += index[k] * stride;
      stride *= source.dims()[k];
    }
    std::memcpy(result.as<char>() + i * bytes, source.as<char>() + from * bytes, static_cast<size_t>(bytes));
    for (size_t k = rank; k-- > 0;) {
      if (++index[k] < source.dims()[k]) break;
      index[k] = 0;
    }
  }
  return result;
}

}  // namespace

Result<Tensor> ParseNpy(std::span<const uint8_t> bytes) {
  if (bytes.size() < 10 || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return Broken("not an .npy file (it must start with \\x93NUMPY)");
  }
  const int major = bytes[6];
  const size_t prefix = major == 1 ? 10 : 12;
  if (bytes.size() < prefix) return Broken("truncated header");
  size_t header_bytes = bytes[8] | (bytes[9] << 8);
  if (major > 1)
    header_bytes |= (static_cast<size_t>(bytes[10]) << 16) | (static_cast<size_t>(bytes[11]) << 24);
  if (header_bytes > bytes.size() - prefix) return Broken("truncated header");
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + prefix, header_bytes);
  const std::string_view descr = ValueOf(header, "descr");
  if (descr.size() < 4 || descr[0] != '\'') return Broken("structured arrays are not supported");
  const size_t quote = descr.find('\'', 1);
  if (quote == std::string_view::npos || quote < 3) return Broken("the dtype has no end");
  const std::string_view code = descr.substr(1, quote - 1);
  const auto dtype = FromDescr(code.substr(1));
  if (code[0] == '>') return Broken("big-endian arrays are not supported");
  const TextForm text = TextFormOf(code);
  const bool is_fortran = ValueOf(header, "fortran_order").substr(0, 4) == "True";
  if (text.place_bytes > 0 && !is_fortran) {
    SLIPWAY_ASSIGN_OR_RETURN(Dims dims, ParseShape(ValueOf(header, "shape")));
    return ParseText(std::move(dims), text, bytes.subspan(prefix + header_bytes));
  }
  if (!dtype) return Broken("dtype '" + std::string(code) + "' is not supported");
  SLIPWAY_ASSIGN_OR_RETURN(Dims dims, ParseShape(ValueOf(header, "shape")));
  SLIPWAY_ASSIGN_OR_RETURN(int64_t count, ElementCount(dims));
  const size_t at = prefix + header_bytes;
  const auto needed = static_cast<uint64_t>(BytesOf(*dtype, count));
  if (needed > bytes.size() - at) {
    return Broken("shape " + ToString(dims) + " needs " + std::to_string(needed) + " bytes, the file has " +
                  std::to_string(bytes.size() - at));
  }
  Tensor tensor(*dtype, std::move(dims));
  if (needed > 0) std::memcpy(tensor.data(), bytes.data() + at, needed);
  return is_fortran && tensor.rank() > 1 ? Reordered(tensor) : tensor;
}

Result<Tensor> ReadNpy(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  auto tensor = ParseNpy(file.bytes());
  if (!tensor.ok()) return tensor.status().WithContext("'" + path + "'");
  return tensor;
}

Result<std::string> FormatNpy(const Tensor& tensor) {
  std::string descr = ToDescr(tensor.dtype());
  std::pair<size_t, std::string> strings;
  if (tensor.dtype() == DType::kString) {
    strings = FormatText(tensor);
    descr = "<U" + std::to_string(strings.first);
  }
  if (descr.empty()) return Broken("dtype " + std::string(DTypeName(tensor.dtype())) + " has no .npy form");
  std::string shape = "(";
  for (int64_t dim : tensor.dims()) shape += std::to_string(dim) + ", ";
  if (tensor.rank() > 1) shape.resize(shape.size() - 2);
  if (tensor.rank() == 1) shape.pop_back();
  std::string header = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');  // data aligned to 64, the newline included
  header += '\n';
  std::string text(kMagic);
  text += '\x01';
  text += '\0';
  text += static_cast<char>(header.size() & 0xff);
  text += static_cast<char>(header.size() >> 8);
  text += header;
  if (tensor.dtype() == DType::kString) return text + strings.second;
  text.append(tensor.as<char>(), static_cast<size_t>(tensor.size_bytes()));
  return text;
}

Status WriteNpy(const std::string& path, const Tensor& tensor) {
  SLIPWAY_ASSIGN_OR_RETURN(std::string text, FormatNpy(tensor));
  return WriteFile(path, text);
}

Result<std::map<std::string, Tensor>> ReadNpz(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  auto entries = ReadZipDirectory(file.bytes());
  if (!entries.ok()) return entries.status().WithContext("'" + path + "'");
  std::map<std::string, Tensor> arrays;
  for (const ZipEntry& entry : *entries) {
    std::string name = entry.name;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    SLIPWAY_ASSIGN_OR_RETURN(std::string content, ReadZipEntry(file.bytes(), entry, kMaxArrayBytes));
    auto tensor = ParseNpy({reinterpret_cast<const uint8_t*>(content.data()), content.size()});
    if (!tensor.ok()) return tensor.status().WithContext("'" + path + "', array '" + name + "'");
    arrays.emplace(std::move(name), std::move(*tensor));
  }
  return arrays;
}

Status WriteNpz(const std::string& path, const std::vector<std::pair<std::string, Tensor>>& arrays) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& [name, tensor] : arrays) {
    SLIPWAY_ASSIGN_OR_RETURN(std::string text, FormatNpy(tensor));
    files.emplace_back(name + ".npy", std::move(text));
  }
  return WriteFile(path, WriteZip(files));
}

}  // namespace slipway
