#include "ops/text/characters.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace slipway {
namespace {

struct CharRange {
  char32_t first;
  char32_t last;
};

// ranges: ascending.
bool Contains(std::span<const CharRange> ranges, char32_t c) {
  const auto behind =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](char32_t key, const CharRange& range) { return key < range.first; });
  return behind != ranges.begin() && c <= std::prev(behind)->last;
}

constexpr CharRange kSpaces[] = {{0x09, 0x0A},     {0x0D, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},
                                 {0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};

constexpr CharRange kControls[] = {
    {0x00, 0x08},       {0x0B, 0x0C},       {0x0E, 0x1F},      {0x80, 0x9F},       {0xAD, 0xAD},
    {0x378, 0x379},     {0x380, 0x383},     {0x38B, 0x38B},    {0x38D, 0x38D},     {0x3A2, 0x3A2},
    {0x200B, 0x200F},   {0x202A, 0x202E},   {0x2060, 0x206E},  {0x2E9A, 0x2E9A},   {0x2EF4, 0x2EFE},
    {0x9FFD, 0x9FFE},   {0xFA6E, 0xFA6F},   {0xFADA, 0xFAFE},  {0x2A6DE, 0x2A6DE}, {0x2B735, 0x2B73E},
    {0x2B81E, 0x2B81F}, {0x2CEA2, 0x2CEAE}, {0x2FA1E, 0x2FA1E}};

constexpr CharRange kPunctuation[] = {{0x21, 0x2F},     {0x3A, 0x40},     {0x5B, 0x60},     {0x7B, 0x7E},
                                      {0xA1, 0xA1},     {0xA7, 0xA7},     {0xAB, 0xAB},     {0xB6, 0xB7},
                                      {0xBB, 0xBB},     {0xBF, 0xBF},     {0x37E, 0x37E},   {0x387, 0x387},
                                      {0x2010, 0x2027}, {0x2030, 0x2043}, {0x2045, 0x2051}, {0x2053, 0x205E},
                                      {0x3001, 0x3003}, {0x3008, 0x3011}, {0x3014, 0x301F}, {0x3030, 0x3030},
                                      {0x303D, 0x303D}};

constexpr CharRange kIdeographs[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                     {0x20000, 0x2A6DF}, {0x2A700, 0x2CEAF}, {0x2F800, 0x2FA1F}};

// All are lowered by adding 0x20. The last is a slip of the library (Greek extended letters lie 8 apart),
// kept for the sake of equal tokens.
constexpr CharRange kUpper[] = {{0x41, 0x5A},   {0xC0, 0xD6},   {0xD8, 0xDE},    {0x399, 0x39D},
                                {0x39F, 0x3A0}, {0x410, 0x42F}, {0x1F08, 0x1F68}};

}  // namespace

bool IsTokenizerSpace(char32_t c) { return Contains(kSpaces, c); }
bool IsTokenizerControl(char32_t c) { return Contains(kControls, c); }
bool IsTokenizerPunctuation(char32_t c) { return Contains(kPunctuation, c); }
bool IsCjkIdeograph(char32_t c) { return Contains(kIdeographs, c); }
bool IsCombiningAccent(char32_t c) { return c >= 0x300 && c <= 0x36F; }
char32_t TokenizerLower(char32_t c) { return Contains(kUpper, c) ? c + 0x20 : c; }

char32_t WithoutAccent(char32_t c) {
  // U+00C0 to U+00DF; the lower case 0x20 behind, but for the last. A space: stays.
  constexpr char kBase[] = "AAAAAA CEEEEIIII NOOOOO  UUUUY  ";
  if (c == 0xFF) return U'y';
  if (c < 0xC0 || c > 0xFF) return c;
  const char base = kBase[c & 0x1F];
  if (base == ' ') return c;
  return static_cast<char32_t>(base) + (c >= 0xE0 ? 0x20 : 0);
}

}  // namespace slipway
