// A sorted table of keys and values, LevelDB's file format, in which a checkpoint keeps its index.
//
// Blocks of entries, each key cut by what it shares with the one before; behind a block its compression (none
// or snappy) and checksum; an index of the blocks; a footer of 48 bytes that says where the index is.
// Source: leveldb/doc/table_format.md. Left out: lookups without reading the whole table, filter blocks.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "slipway/status.h"

namespace slipway::tensorflow {

enum class Checksums { kVerify, kIgnore };  // fuzzers ignore them

// Errors: kInvalidModel for bytes that are no such table, are cut short or damaged.
Result<std::map<std::string, std::string>> ReadTable(std::span<const uint8_t> bytes,
                                                     Checksums checksums = Checksums::kVerify);

}  // namespace slipway::tensorflow
