#include "ops/text/byte_pairs.h"

#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <queue>
#include <tuple>

#include "ops/text/parsed_cache.h"
#include "ops/text/utf8.h"

namespace slipway {
namespace {

Status Broken(std::string message) {
  return Status(Code::kInvalidModel, std::move(message), "export the tokenizer again");
}

bool IsVisible(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

std::string_view TextOf(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

char32_t CharOfByte(uint8_t byte) {
  if (IsVisible(byte)) return byte;
  char32_t code = 0x100;
  for (int before = 0; before < byte; ++before) code += IsVisible(before) ? 0 : 1;
  return code;
}

std::vector<std::string_view> BytePairWords(std::string_view text) {
  static const RE2 word("('s|'t|'re|'ve|'m|'ll|'d| ?\\pL+| ?\\pN+| ?[^\\pZ\\pL\\pN]+)|(\\pZ+)");
  std::vector<std::string_view> words;
  re2::StringPiece rest(text.data(), text.size());
  re2::StringPiece letters, spaces;
  while (!rest.empty() && RE2::Consume(&rest, word, &letters, &spaces)) {
    std::string_view found = letters.empty() ? std::string_view(spaces.data(), spaces.size())
                                             : std::string_view(letters.data(), letters.size());
    // \s+(?!\S): the last space belongs to what follows.
    size_t last = found.size() - 1;
    while (last > 0 && (found[last] & 0xC0) == 0x80) --last;
    if (letters.empty() && !rest.empty() && last > 0) {
      rest = re2::StringPiece(found.data() + last,
                              static_cast<size_t>(text.data() + text.size() - found.data()) - last);
      found = found.substr(0, last);
    }
    words.push_back(found);
  }
  return words;
}

Status BytePairModel::ReadVocabulary(std::string_view json) {
  const auto parsed = nlohmann::json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || parsed.empty())
    return Broken("the vocabulary is no JSON object of tokens and their ids");
  for (const auto& [token, id] : parsed.items()) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX)
      return Broken("token '" + token + "' of the vocabulary has no id from 0 on");
    ids_.emplace(token, id.get<int64_t>());
  }
  return Status::Ok();
}

Status BytePairModel::ReadMerges(std::string_view lines) {
  int64_t rank = 0;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    std::string_view line = lines.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || (line[0] == '#' && rank == 0)) continue;
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return Broken("merge '" + std::string(line) + "' is no pair");
    const std::string left(line.substr(0, space)), right(line.substr(space + 1));
    const Pair pair{Find(left), Find(right)};
    const int64_t id = Find(left + right);
    if (pair.left >= 0 && pair.right >= 0 && id >= 0) merges_[pair] = {rank, id};
    ++rank;
  }
  return Status::Ok();
}

Result<std::shared_ptr<const BytePairModel>> BytePairModel::Parse(std::span<const uint8_t> vocabulary,
                                                                  std::span<const uint8_t> merges) {
  std::shared_ptr<BytePairModel> model(new BytePairModel());
  SLIPWAY_RETURN_IF_ERROR(model->ReadVocabulary(TextOf(vocabulary)));
  SLIPWAY_RETURN_IF_ERROR(model->ReadMerges(TextOf(merges)));
  return std::shared_ptr<const BytePairModel>(std::move(model));
}

Result<std::shared_ptr<const BytePairModel>> BytePairModel::Get(std::span<const uint8_t> vocabulary,
                                                                std::span<const uint8_t> merges) {
  // One key of both: a JSON text holds no zero byte.
  static ParsedCache<BytePairModel> cache([](std::span<const uint8_t> both) {
    const auto end = static_cast<size_t>(std::find(both.begin(), both.end(), uint8_t{0}) - both.begin());
    return Parse(both.first(end), both.subspan(end + 1));
  });
  std::vector<uint8_t> both(vocabulary.begin(), vocabulary.end());
  if (std::find(both.begin(), both.end(), uint8_t{0}) != both.end())
    return Broken("the vocabulary is no JSON object of tokens and their ids");
  both.push_back(0);
  both.insert(both.end(), merges.begin(), merges.end());
  return cache.Get(both);
}

int64_t BytePairModel::Find(const std::string& token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? -1 : found->second;
}

std::vector<int64_t> BytePairModel::Encode(std::string_view word, const std::string& word_end) const {
  // A list of tokens; joined ones leave their right part behind, of which `next` skips.
  struct Token {
    int64_t id;
    size_t before, next;
    bool is_gone = false;
  };
  std::vector<Token> tokens;
  for (size_t i = 0; i < word.size(); ++i) {
    std::string text;
    AppendUtf8(CharOfByte(static_cast<uint8_t>(word[i])), text);
    if (i + 1 == word.size()) text += word_end;
    tokens.push_back({Find(text), i - 1, i + 1});
  }
  // The best pair first, of equal ones the leftmost.
  using Candidate = std::tuple<int64_t, size_t, int64_t, int64_t>;  // rank, left token, ids of both
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto consider = [&](size_t left) {
    if (left >= tokens.size() || tokens[left].next >= tokens.size()) return;
    const Pair pair{tokens[left].id, tokens[tokens[left].next].id};
    if (const auto merge = merges_.find(pair); merge != merges_.end())
      candidates.emplace(merge->second.rank, left, pair.left, pair.right);
  };
  for (size_t i = 0; i < tokens.size(); ++i) consider(i);
  while (!candidates.empty()) {
    const auto [rank, left, left_id, right_id] = candidates.top();
    candidates.pop();
    Token& token = tokens[left];
    if (token.is_gone || token.id != left_id || token.next >= tokens.size()) continue;
    Token& right = tokens[token.next];
    if (right.id != right_id) continue;
    token.id = merges_.at({left_id, right_id}).id;
    right.is_gone = true;
    token.next = right.next;
    if (token.next < tokens.size()) tokens[token.next].before = left;
    consider(left);
    consider(token.before);
  }
  std::vector<int64_t> ids;
  for (const Token& token : tokens) {
    if (!token.is_gone) ids.push_back(token.id);
  }
  return ids;
}

}  // namespace slipway
