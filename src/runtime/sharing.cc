#include "runtime/sharing.h"

#include <algorithm>
#include <climits>

#include "runtime/views.h"

namespace slipway {
namespace {

class Sharer {
 public:
  Sharer(const Graph& graph, std::span<const std::unique_ptr<Kernel>> kernels,
         const std::vector<bool>& is_static)
      : graph_(graph), kernels_(kernels), is_static_(is_static), lifetimes_(LifetimesOf(graph)) {
    sharing_.is_skipped.assign(graph.nodes.size(), false);
    dims_.resize(graph.values.size());
    group_of_.assign(graph.values.size(), kNone);
    readers_.resize(graph.values.size());
    views_.resize(graph.nodes.size());
    for (size_t s = 0; s < graph.nodes.size(); ++s) AddStep(s);
    for (ValueId id : graph.outputs) {
      if (GroupOf(id) != kNone) groups_[static_cast<size_t>(GroupOf(id))].is_output = true;
    }
  }

  Sharing Run() {
    ForEachView(ViewKind::kSame, [&](size_t s) { TrySame(s); });
    ForEachView(ViewKind::kCut, [&](size_t s) { TryCut(s); });
    ForEachView(ViewKind::kJoin, [&](size_t s) { TryJoin(s); });
    NoteLastSteps();
    for (size_t s = 0; s < graph_.nodes.size(); ++s) {
      if (!sharing_.is_skipped[s]) TryOverwrite(s);
    }
    PlaceValues();
    return std::move(sharing_);
  }

 private:
  static constexpr int kNone = -1;

  struct Reader {
    size_t step;
    size_t input;
  };
  struct Group {
    std::vector<ValueId> members;
    std::vector<int> children;  // groups that are parts of this one
    bool is_output = false;     // of the graph: what a caller gets is dense and its own
    int parent = kNone;
    PartView part;  // of `whole`, a member of the parent
    ValueId whole = kNoValue;
    // Of the topmost group of a tree, once NoteLastSteps was called: the last steps that write and that read
    // any value in it.
    int last_write = kNone, last_read = kNone;

    size_t size() const { return members.size() + children.size(); }
    void Note(int write, int read) {
      last_write = std::max(last_write, write);
      last_read = std::max(last_read, read);
    }
  };

  // ---- Facts

  void AddStep(size_t s) {
    const Node& node = graph_.nodes[s];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.HasInput(i)) readers_[Index(node.inputs[i])].push_back({s, i});
    }
    if (!is_static_[s]) return;
    for (ValueId id : node.outputs) {
      if (id == kNoValue) continue;
      group_of_[Index(id)] = static_cast<int>(groups_.size());
      groups_.emplace_back().members = {id};
    }
    for (const auto* ids : {&node.inputs, &node.outputs}) {
      for (ValueId id : *ids) {
        if (id != kNoValue) dims_[Index(id)] = KnownDims(*graph_.value(id).type.shape);
      }
    }
    views_[s] = ViewsOf(graph_, node);
  }

  static size_t Index(ValueId id) { return static_cast<size_t>(id); }
  int GroupOf(ValueId id) const { return id == kNoValue ? kNone : group_of_[Index(id)]; }
  Group& At(int group) { return groups_[static_cast<size_t>(group)]; }
  const Group& At(int group) const { return groups_[static_cast<size_t>(group)]; }
  const Dims& DimsOf(ValueId id) const { return dims_[Index(id)]; }
  // Of the last extent; 1 where nothing lies apart.
  int64_t RowOf(ValueId id) const { return DimsOf(id).empty() ? 1 : std::max<int64_t>(1, DimsOf(id).back()); }
  int64_t CountOf(ValueId id) const { return slipway::CountOf(DimsOf(id)); }
  int BytesEach(ValueId id) const { return BitsOf(graph_.value(id).type.dtype) / 8; }

  int RootOf(int group) const {
    while (At(group).parent != kNone) group = At(group).parent;
    return group;
  }

  // Whether a group's rows lie apart: it, or what it is a part of, is a part of longer rows.
  bool HasGaps(int group) const {
    for (; group != kNone; group = At(group).parent) {
      if (At(group).part.is_rows) return true;
    }
    return false;
  }

  // Whether every kernel that touches the group, or a part of it, can do so when its rows lie apart.
  bool CanHaveGaps(int index) const {
    const Group& group = At(index);
    const auto can_bear = [&](ValueId id) {
      if (RowOf(id) != RowOf(group.members[0])) return false;
      const auto s = static_cast<size_t>(lifetimes_.first[Index(id)]);
      const auto& outputs = graph_.nodes[s].outputs;
      const auto output =
          static_cast<size_t>(std::find(outputs.begin(), outputs.end(), id) - outputs.begin());
      if (!sharing_.is_skipped[s] && !kernels_[s]->CanWriteSteps(output)) return false;
      return std::all_of(readers_[Index(id)].begin(), readers_[Index(id)].end(), [&](const Reader& reader) {
        // Where shapes depend on content, inference reads it, densely.
        return sharing_.is_skipped[reader.step] ||
               (is_static_[reader.step] && kernels_[reader.step]->CanReadSteps(reader.input));
      });
    };
    const auto can_child_bear = [&](int child) {
      const bool fits = At(child).part.is_rows || RowOf(At(child).members[0]) == RowOf(group.members[0]);
      return fits && CanHaveGaps(child);
    };
    return !group.is_output && std::all_of(group.members.begin(), group.members.end(), can_bear) &&
           std::all_of(group.children.begin(), group.children.end(), can_child_bear);
  }

  // ---- Changes

  // Makes group `child` a part of `parent`.
  bool Attach(int child, int parent, ValueId whole, const PartView& part) {
    if (child == kNone || parent == kNone || At(child).parent != kNone || At(child).is_output) return false;
    if (RootOf(parent) == child) return false;
    const bool is_whole_apart = HasGaps(parent);
    if (is_whole_apart && !part.is_rows && RowOf(At(child).members[0]) != RowOf(whole)) return false;
    if ((part.is_rows || is_whole_apart) && !CanHaveGaps(child)) return false;
    At(child).parent = parent;
    At(child).part = part;
    At(child).whole = whole;
    At(parent).children.push_back(child);
    return true;
  }

  void Detach(int child) {
    std::erase(At(At(child).parent).children, child);
    At(child).parent = kNone;
    At(child).part = {};
  }

  // Makes two groups of equal size one. At most one of them is a part of something.
  bool Merge(int a, int b) {
    if (a == kNone || b == kNone || a == b) return false;
    if (At(a).parent != kNone) std::swap(a, b);
    if (At(a).parent != kNone || RootOf(b) == a) return false;
    if (At(b).parent != kNone && At(a).is_output) return false;
    if (At(a).is_output && At(b).is_output) return false;
    if (HasGaps(b) && (!CanHaveGaps(a) || RowOf(At(a).members[0]) != RowOf(At(b).members[0]))) return false;
    if (At(b).parent == kNone && At(a).size() > At(b).size()) std::swap(a, b);
    At(RootOf(b)).Note(At(a).last_write, At(a).last_read);
    Group& from = At(a);
    Group& to = At(b);
    for (ValueId id : from.members) group_of_[Index(id)] = b;
    to.members.insert(to.members.end(), from.members.begin(), from.members.end());
    for (int child : from.children) At(child).parent = b;
    to.children.insert(to.children.end(), from.children.begin(), from.children.end());
    to.is_output |= from.is_output;
    from = {};
    return true;
  }

  // Of all trees. From now on groups merge, but no part is attached.
  void NoteLastSteps() {
    for (size_t g = 0; g < groups_.size(); ++g) {
      Group& root = At(RootOf(static_cast<int>(g)));
      for (ValueId id : groups_[g].members)
        root.Note(lifetimes_.first[Index(id)], lifetimes_.last[Index(id)]);
    }
  }

  // ---- Steps

  template <class F>
  void ForEachView(ViewKind kind, const F& f) {
    for (size_t s = 0; s < views_.size(); ++s) {
      if (views_[s] && views_[s]->kind == kind) f(s);
    }
  }

  // What stands between the two is skipped before it is asked whether they can lie apart.
  void TrySame(size_t s) {
    const Node& node = graph_.nodes[s];
    sharing_.is_skipped[s] = true;
    sharing_.is_skipped[s] = Merge(GroupOf(node.inputs[0]), GroupOf(node.outputs[0]));
  }

  // A small part must not keep the whole alive.
  bool IsWorthKeeping(const Node& node) const {
    int64_t count = 0;
    for (ValueId id : node.outputs) count += CountOf(id);
    return 4 * count >= CountOf(node.inputs[0]);
  }

  void TryCut(size_t s) {
    const Node& node = graph_.nodes[s];
    if (!IsWorthKeeping(node)) return;
    sharing_.is_skipped[s] = true;
    size_t done = 0;
    while (done < node.outputs.size() && Attach(GroupOf(node.outputs[done]), GroupOf(node.inputs[0]),
                                                node.inputs[0], views_[s]->parts[done])) {
      ++done;
    }
    if (done == node.outputs.size()) return;
    while (done-- > 0) Detach(GroupOf(node.outputs[done]));
    sharing_.is_skipped[s] = false;
  }

  // All operands, so that nothing is left to do; else those that the kernel can recognise by their step.
  void TryJoin(size_t s) {
    const Node& node = graph_.nodes[s];
    const int whole = GroupOf(node.outputs[0]);
    const auto attach = [&](size_t i) {
      return CountOf(node.inputs[i]) == 0 ||
             Attach(GroupOf(node.inputs[i]), whole, node.outputs[0], views_[s]->parts[i]);
    };
    sharing_.is_skipped[s] = true;
    size_t done = 0;
    while (done < node.inputs.size() && attach(done)) ++done;
    if (done == node.inputs.size()) return;
    while (done-- > 0) {
      if (CountOf(node.inputs[done]) > 0) Detach(GroupOf(node.inputs[done]));
    }
    sharing_.is_skipped[s] = false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (kernels_[s]->CanReadSteps(i)) attach(i);
    }
  }

  // Whether nothing in the tree of `input` is needed after step s, or by any other operand of it.
  bool DiesAt(size_t s, size_t input) const {
    const Node& node = graph_.nodes[s];
    const int root = RootOf(GroupOf(node.inputs[input]));
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const int other = GroupOf(node.inputs[i]);
      if (i != input && other != kNone && RootOf(other) == root) return false;
    }
    return At(root).last_read <= static_cast<int>(s) && At(root).last_write < static_cast<int>(s);
  }

  void TryOverwrite(size_t s) {
    const Node& node = graph_.nodes[s];
    for (size_t o = 0; o < node.outputs.size(); ++o) {
      if (GroupOf(node.outputs[o]) == kNone) continue;
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (GroupOf(node.inputs[i]) == kNone || !kernels_[s]->CanOverwrite(i, o)) continue;
        const bool is_alike = DimsOf(node.inputs[i]) == DimsOf(node.outputs[o]) &&
                              BytesEach(node.inputs[i]) == BytesEach(node.outputs[o]);
        if (!is_alike || !DiesAt(s, i)) continue;
        if (Merge(GroupOf(node.inputs[i]), GroupOf(node.outputs[o]))) break;
      }
    }
  }

  // ---- The result

  void PlaceValues() {
    sharing_.places.resize(graph_.values.size());
    for (size_t g = 0; g < groups_.size(); ++g) {
      if (!groups_[g].members.empty() && groups_[g].parent == kNone) {
        PlaceGroup(static_cast<int>(g), {groups_[g].members[0], 0, 0});
      }
    }
  }

  void PlaceGroup(int index, const Place& place) {
    const Group& group = At(index);
    for (ValueId id : group.members) sharing_.places[Index(id)] = place;
    for (int child : group.children) {
      const PartView& part = At(child).part;
      const int64_t row = RowOf(At(child).whole);
      const int64_t step = place.step == 0 ? row : place.step;
      const int64_t offset = place.step == 0 ? part.offset : part.offset / row * step + part.offset % row;
      PlaceGroup(child, {place.root, place.offset_bytes + offset * BytesEach(At(child).whole),
                         part.is_rows ? step : place.step});
    }
  }

  const Graph& graph_;
  std::span<const std::unique_ptr<Kernel>> kernels_;
  const std::vector<bool>& is_static_;
  const Lifetimes lifetimes_;
  std::vector<std::vector<Reader>> readers_;     // by ValueId
  std::vector<Dims> dims_;                       // by ValueId
  std::vector<std::optional<StepViews>> views_;  // by step
  std::vector<int> group_of_;                    // by ValueId
  std::vector<Group> groups_;
  Sharing sharing_;
};

}  // namespace

Lifetimes LifetimesOf(const Graph& graph) {
  Lifetimes lifetimes{std::vector<int>(graph.values.size(), INT_MAX),
                      std::vector<int>(graph.values.size(), -1)};
  for (size_t s = 0; s < graph.nodes.size(); ++s) {
    for (ValueId id : graph.nodes[s].inputs) {
      if (id != kNoValue) lifetimes.last[static_cast<size_t>(id)] = static_cast<int>(s);
    }
    for (ValueId id : graph.nodes[s].outputs) {
      if (id != kNoValue) lifetimes.first[static_cast<size_t>(id)] = static_cast<int>(s);
    }
  }
  for (ValueId id : graph.outputs) {
    lifetimes.last[static_cast<size_t>(id)] = static_cast<int>(graph.nodes.size());
  }
  return lifetimes;
}

Sharing ShareStorage(const Graph& graph, std::span<const std::unique_ptr<Kernel>> kernels,
                     const std::vector<bool>& is_static) {
  return Sharer(graph, kernels, is_static).Run();
}

Sharing ShareNothing(const Graph& graph, const std::vector<bool>& is_static) {
  Sharing sharing{std::vector<Place>(graph.values.size()), std::vector<bool>(graph.nodes.size(), false)};
  for (size_t s = 0; s < graph.nodes.size(); ++s) {
    for (ValueId id : graph.nodes[s].outputs) {
      if (id != kNoValue && is_static[s]) sharing.places[static_cast<size_t>(id)].root = id;
    }
  }
  return sharing;
}

}  // namespace slipway
