#include "server/grpc_module.h"

#include <dlfcn.h>

#include <filesystem>

namespace slipway::server {
namespace {

Status Missing(const std::string& why) {
  return {Code::kUnsupported, "gRPC is not there: " + why,
          "build with Debian's libgrpc++-dev, libprotobuf-dev and protobuf-compiler-grpc, and keep " +
              std::string(kGrpcModule) + " beside the program"};
}

}  // namespace

Result<GrpcEntry> LoadGrpcModule() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string path = (program.parent_path() / kGrpcModule).string();
  if (error || !std::filesystem::exists(path, error)) return Missing("there is no '" + path + "'");
  // Its own libraries come first: libsentencepiece, which the program has, exports an older protobuf of the
  // same names. Never closed: gRPC keeps threads.
  void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (module == nullptr) return Missing(dlerror());
  if (void* const entry = dlsym(module, kGrpcEntry)) return reinterpret_cast<GrpcEntry>(entry);
  return Missing("'" + path + "' is of another version of Slipway");
}

}  // namespace slipway::server
