// Shared libraries of plugins.
#include <dlfcn.h>

#include <cstdlib>
#include <map>
#include <mutex>

#include "plugin/registry.h"
#include "plugin/views.h"
#include "slipway/plugin_library.h"

namespace slipway {
namespace {

constexpr uint64_t kMaxPlugins = 1024;  // of one library

struct Libraries {
  std::mutex mutex;
  std::map<void*, std::string> loaded;  // by the system's handle
};

Libraries& AllLibraries() {
  static auto* const libraries = new Libraries;
  return *libraries;
}

Status Unusable(const std::string& path, const std::string& what, std::string hint) {
  return Status(Code::kUsage, "'" + path + "': " + what, std::move(hint));
}

// dlopen looks a bare name up in the system's folders; here a path is a file.
std::string AsFile(const std::string& path) {
  return path.find('/') == std::string::npos ? "./" + path : path;
}

Result<void*> Open(const std::string& path) {
  std::unique_ptr<char, decltype(&std::free)> real(::realpath(AsFile(path).c_str(), nullptr), &std::free);
  if (real == nullptr) return Status(Code::kNotFound, "'" + path + "': no such plugin library");
  void* handle = ::dlopen(real.get(), RTLD_NOW | RTLD_LOCAL);
  if (handle != nullptr) return handle;
  const char* reason = ::dlerror();
  return Unusable(path, std::string("cannot be loaded: ") + (reason ? reason : "the system does not say why"),
                  "a plugin is a shared library (.so) for this machine, with all that it links found");
}

Result<const slipway_plugin_library*> Enter(const std::string& path, void* handle) {
  void* symbol = ::dlsym(handle, SLIPWAY_PLUGIN_ENTRY);
  if (symbol == nullptr) {
    return Unusable(path, "exports no '" SLIPWAY_PLUGIN_ENTRY "': it is no plugin library",
                    "end it with SLIPWAY_PLUGIN_LIBRARY(...), or export that function by hand: see "
                    "docs/plugins.md");
  }
  Sink error(Sink::kMaxTextBytes);
  const slipway_host host{sizeof(slipway_host), SLIPWAY_PLUGIN_ABI, "slipway " SLIPWAY_VERSION, error.raw()};
  const slipway_plugin_library* library = reinterpret_cast<slipway_plugin_entry>(symbol)(&host);
  if (library == nullptr) {
    return Unusable(path, "gives no plugins: " + error.Words(),
                    "the plugin must be mended: see docs/plugins.md");
  }
  if (library->abi != SLIPWAY_PLUGIN_ABI) {
    return Unusable(path,
                    "is made for plugin ABI " + std::to_string(library->abi) + ", this program has ABI " +
                        std::to_string(SLIPWAY_PLUGIN_ABI),
                    library->abi > SLIPWAY_PLUGIN_ABI
                        ? "update slipway, or build the plugin against this version's headers"
                        : "build the plugin against this version's headers");
  }
  const bool is_whole = library->size >= sizeof(slipway_plugin_library) && library->num_plugins > 0 &&
                        library->num_plugins <= kMaxPlugins && library->plugins != nullptr;
  if (!is_whole)
    return Unusable(path, "lists no plugins, or too many: " + std::to_string(library->num_plugins),
                    "the plugin must be mended: see docs/plugins.md");
  return library;
}

}  // namespace

// The handle is kept: records and engines refer to the library's code until the program ends.
Status LoadPluginLibrary(const std::string& path) {
  Libraries& libraries = AllLibraries();
  const std::lock_guard lock(libraries.mutex);
  SLIPWAY_ASSIGN_OR_RETURN(void* handle, Open(path));
  if (libraries.loaded.count(handle) > 0) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(const slipway_plugin_library* library, Enter(path, handle));
  const std::string file = path.substr(path.rfind('/') + 1);
  for (uint64_t i = 0; i < library->num_plugins; ++i)
    SLIPWAY_RETURN_IF_ERROR(AddPlugin(library->plugins[i], path, file));
  libraries.loaded.emplace(handle, path);
  return Status::Ok();
}

}  // namespace slipway
