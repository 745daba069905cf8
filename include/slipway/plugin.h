// Plugin: an operator of your own, written in C++ and used by Slipway over the C interface of plugin_abi.h.
//
//   class Scale : public slipway::Plugin {
//    public:
//     slipway::plugin::Description Describe() const override {
//       return {.name = "acme.Scale", .summary = "x times a number.",
//               .inputs = {{.name = "x", .dtypes = {DType::kF32}}},
//               .outputs = {{.name = "y", .dtypes = {DType::kF32}}},
//               .attrs = {plugin::FloatAttr("factor", 1.0f)},
//               .claims = {plugin::Onnx("com.acme", "Scale")}};
//     }
//     void Infer(plugin::InferCall& call) const override { call.SetOutput(0, call.input(0)); }
//     std::unique_ptr<PluginKernel> Create(const plugin::Node& node) const override { ... }
//   };
//   SLIPWAY_PLUGIN_LIBRARY(Scale)
//
// Header only: a plugin includes this and links nothing of Slipway. Whatever a function of a plugin throws is
// caught on its side of the boundary and reported as that plugin's error; throw plugin::Error with a sentence
// for the user. docs/plugins.md is the guide, examples/plugin the template. An application registers plugins
// of its own with slipway/plugin_library.h.
#pragma once

#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "slipway/plugin_abi.h"
#include "slipway/plugin_calls.h"
#include "slipway/plugin_describe.h"
#include "slipway/plugin_error.h"
#include "slipway/plugin_state.h"

#if defined(_WIN32)
#define SLIPWAY_PLUGIN_EXPORT __declspec(dllexport)
#else
#define SLIPWAY_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

namespace slipway {

// What runs one node of an engine. Shared by the engine's contexts: Run is called from many threads at once.
class PluginKernel {
 public:
  virtual ~PluginKernel() = default;
  // Scratch for operands of these shapes; their data is not there yet.
  virtual int64_t WorkspaceBytes(std::span<const plugin::TensorView> /*inputs*/,
                                 std::span<const plugin::TensorView> /*outputs*/) const {
    return 0;
  }
  // Fills every output that is present, to the last byte.
  virtual void Run(plugin::RunCall& call) const = 0;
};

// An operator. One object per process, used from many threads.
class Plugin {
 public:
  virtual ~Plugin() = default;
  virtual plugin::Description Describe() const = 0;
  // Sets every output that is present. Asked often, and also while ranks and extents are open; must depend on
  // nothing but what the call shows.
  virtual void Infer(plugin::InferCall& call) const = 0;
  // What is worth keeping in the .slip file beside the attributes.
  virtual std::string Save(const plugin::Node& /*node*/) const { return {}; }
  // Reads attributes and state, once, and checks them.
  virtual std::unique_ptr<PluginKernel> Create(const plugin::Node& node) const = 0;
};

}  // namespace slipway

namespace slipway::plugin {

// The C table of a Plugin.
class Adapter {
 public:
  explicit Adapter(std::unique_ptr<const Plugin> plugin)
      : plugin_(std::move(plugin)), description_(plugin_->Describe()) {
    for (const Port& port : description_.inputs) inputs_.push_back(TableOf(port));
    for (const Port& port : description_.outputs) outputs_.push_back(TableOf(port));
    for (const Attr& attr : description_.attrs) attrs_.push_back(TableOf(attr));
    for (const Claim& claim : description_.claims) {
      claims_.push_back(
          {claim.format.c_str(), claim.domain.c_str(), claim.op.c_str(), claim.since, claim.until});
    }
    table_.size = sizeof(table_);
    table_.flags = (description_.is_deterministic ? 0 : SLIPWAY_NOT_DETERMINISTIC) |
                   (description_.has_open_attrs ? SLIPWAY_OPEN_ATTRS : 0);
    table_.user = this;
    table_.name = description_.name.c_str();
    table_.version = description_.version;
    table_.oldest_version =
        description_.oldest_version == 0 ? description_.version : description_.oldest_version;
    table_.summary = description_.summary.c_str();
    table_.num_inputs = inputs_.size();
    table_.inputs = inputs_.data();
    table_.num_outputs = outputs_.size();
    table_.outputs = outputs_.data();
    table_.num_attrs = attrs_.size();
    table_.attrs = attrs_.data();
    table_.num_claims = claims_.size();
    table_.claims = claims_.data();
    table_.infer = Infer;
    table_.save = Save;
    table_.create = Create;
    table_.workspace_bytes = WorkspaceBytes;
    table_.run = Run;
    table_.destroy = Destroy;
  }
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  const slipway_plugin* table() const { return &table_; }

  // 0, or 1 after what `function` threw has been written to `error`.
  template <class Function>
  static int32_t Guarded(const slipway_sink& error, const Function& function) {
    try {
      function();
      return 0;
    } catch (const std::exception& thrown) {
      error.write(error.host, thrown.what(), std::strlen(thrown.what()));
    } catch (...) {
      constexpr std::string_view kText = "an exception of unknown type was thrown";
      error.write(error.host, kText.data(), kText.size());
    }
    return 1;
  }

 private:
  static slipway_port TableOf(const Port& port) {
    uint64_t dtypes = 0;
    for (DType dtype : port.dtypes) dtypes |= SLIPWAY_DTYPE_BIT(static_cast<uint32_t>(dtype));
    return {port.name.c_str(), port.doc.c_str(), dtypes, static_cast<uint32_t>(port.presence),
            static_cast<uint32_t>(port.layout)};
  }

  static slipway_attr_def TableOf(const Attr& attr) {
    slipway_attr_def def{};
    def.name = attr.name.c_str();
    def.doc = attr.doc.c_str();
    def.kind = static_cast<uint32_t>(attr.kind);
    def.presence = attr.presence;
    def.value.kind = def.kind;
    def.value.i = attr.i;
    def.value.f = attr.f;
    def.value.s = {attr.s.data(), attr.s.size()};
    def.value.count = attr.kind == AttrKind::kFloats ? attr.floats.size() : attr.ints.size();
    def.value.ints = attr.ints.data();
    def.value.floats = attr.floats.data();
    return def;
  }

  static const Plugin& Of(const void* user) { return *static_cast<const Adapter*>(user)->plugin_; }
  static const PluginKernel& KernelOf(const void* instance) {
    return *static_cast<const PluginKernel*>(instance);
  }

  static int32_t Infer(const void* user, const slipway_infer* call) {
    return Guarded(call->error, [&] {
      InferCall wrapped(*call);
      Of(user).Infer(wrapped);
    });
  }
  static int32_t Save(const void* user, const slipway_node* node, const slipway_sink* state,
                      const slipway_sink* error) {
    return Guarded(*error, [&] {
      const std::string bytes = Of(user).Save(Node(*node));
      state->write(state->host, bytes.data(), bytes.size());
    });
  }
  static int32_t Create(const void* user, const slipway_node* node, void** instance,
                        const slipway_sink* error) {
    return Guarded(*error, [&] {
      std::unique_ptr<PluginKernel> kernel = Of(user).Create(Node(*node));
      if (kernel == nullptr) throw Error("Create() made nothing");
      *instance = kernel.release();
    });
  }
  static int64_t WorkspaceBytes(const void* /*user*/, const void* instance, uint64_t num_inputs,
                                const slipway_tensor* inputs, uint64_t num_outputs,
                                const slipway_tensor* outputs) {
    try {
      const std::vector<TensorView> in(Views(num_inputs, inputs));
      const std::vector<TensorView> out(Views(num_outputs, outputs));
      return KernelOf(instance).WorkspaceBytes(in, out);
    } catch (...) {
      return -1;
    }
  }
  static std::vector<TensorView> Views(uint64_t count, const slipway_tensor* tensors) {
    std::vector<TensorView> views;
    for (uint64_t i = 0; i < count; ++i) views.emplace_back(tensors[i]);
    return views;
  }
  static int32_t Run(const void* instance, const slipway_run* call) {
    return Guarded(call->error, [&] {
      RunCall wrapped(*call);
      KernelOf(instance).Run(wrapped);
    });
  }
  static void Destroy(void* instance) { delete static_cast<PluginKernel*>(instance); }

  std::unique_ptr<const Plugin> plugin_;
  Description description_;
  std::vector<slipway_port> inputs_, outputs_;
  std::vector<slipway_attr_def> attrs_;
  std::vector<slipway_claim> claims_;
  slipway_plugin table_{};
};

// The plugins of a library.
struct Library {
  std::vector<std::unique_ptr<Adapter>> adapters;
  std::vector<const slipway_plugin*> tables;
  slipway_plugin_library table{};
};

// Makes the table of these plugins, once; null, with the reason written to the host, where one cannot be
// described. `made` belongs to the library that asks: a static of this template would be one for all
// libraries of a process that name their plugins alike.
template <class... Plugins>
const slipway_plugin_library* LibraryOf(const slipway_host* host, Library** made) {
  if (*made != nullptr) return &(*made)->table;
  auto library = std::make_unique<Library>();
  const int32_t failed = Adapter::Guarded(host->error, [&] {
    (library->adapters.push_back(std::make_unique<Adapter>(std::make_unique<Plugins>())), ...);
    for (const auto& adapter : library->adapters) library->tables.push_back(adapter->table());
  });
  if (failed != 0) return nullptr;
  library->table = {sizeof(slipway_plugin_library), SLIPWAY_PLUGIN_ABI, library->tables.size(),
                    library->tables.data()};
  *made = library.release();  // for the life of the process
  return &(*made)->table;
}

}  // namespace slipway::plugin

// Once in a plugin library, outside of every namespace: SLIPWAY_PLUGIN_LIBRARY(Scale, Shift)
#define SLIPWAY_PLUGIN_LIBRARY(...)                                                 \
  extern "C" SLIPWAY_PLUGIN_EXPORT const slipway_plugin_library* slipway_plugin_v1( \
      const slipway_host* host) {                                                   \
    static ::slipway::plugin::Library* library = nullptr;                           \
    return ::slipway::plugin::LibraryOf<__VA_ARGS__>(host, &library);               \
  }
