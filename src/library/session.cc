// Sessions as the C interface shows them (slipway/runtime.h).
#include <algorithm>

#include "base/c_views.h"
#include "library/failures.h"
#include "library/network.h"

struct slipway_runtime_session {
  std::shared_ptr<const slipway::Engine> engine;
  std::unique_ptr<slipway::Context> context;
  std::vector<slipway::Tensor> inputs;  // of the last run
  std::span<const slipway::Tensor> results;
  std::vector<slipway_quant> quants;  // by output; of those that have one
};

namespace slipway {
namespace {

constexpr int64_t kMaxRank = 64;  // far beyond what a model has: a rank that was never set is noticed

Status NotATensor(size_t index, const std::string& why) {
  return Status(Code::kInvalidInput, "input " + std::to_string(index) + " " + why);
}

// The tensor, looked at where it lies.
Result<Tensor> ReadTensor(size_t index, const slipway_tensor& given) {
  if (given.is_present != 1) return NotATensor(index, "is left out");
  if (given.dtype >= static_cast<uint32_t>(kDTypeCount) || BitsOf(static_cast<DType>(given.dtype)) == 0)
    return NotATensor(
        index, "has elements of type " + std::to_string(given.dtype) + ", which is none that may cross");
  if (given.rank < 0 || given.rank > kMaxRank)
    return NotATensor(index, "has rank " + std::to_string(given.rank));
  const auto dtype = static_cast<DType>(given.dtype);
  Dims dims(given.dims, given.dims + given.rank);
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t count, ElementCount(dims));
  const auto size_bytes = static_cast<uint64_t>(BytesOf(dtype, count));
  if (given.size_bytes != size_bytes) {
    return NotATensor(index, "has " + std::to_string(given.size_bytes) + " bytes, its type and shape take " +
                                 std::to_string(size_bytes));
  }
  return Tensor(dtype, std::move(dims), given.data);
}

// Whether `tensor` is what ReadTensor would make of `given`.
bool IsSame(const Tensor& tensor, const slipway_tensor& given) {
  return given.is_present == 1 && given.dtype == static_cast<uint32_t>(tensor.dtype()) &&
         given.rank == tensor.rank() && std::equal(tensor.dims().begin(), tensor.dims().end(), given.dims) &&
         given.size_bytes == static_cast<uint64_t>(tensor.size_bytes()) && given.data == tensor.data();
}

Status Run(slipway_runtime_session& session, std::span<const slipway_tensor> inputs) {
  session.results = {};
  session.inputs.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (IsSame(session.inputs[i], inputs[i])) continue;
    SLIPWAY_ASSIGN_OR_RETURN(session.inputs[i], ReadTensor(i, inputs[i]));
  }
  SLIPWAY_ASSIGN_OR_RETURN(session.results, session.context->Run(session.inputs));
  return Status::Ok();
}

Result<std::unique_ptr<slipway_runtime_session>> MakeSession(const slipway_runtime_network& network) {
  auto session = std::make_unique<slipway_runtime_session>();
  session->engine = network.engine;
  session->context = network.engine->NewContext();
  for (const PortInfo& port : network.engine->outputs())
    session->quants.push_back(port.quant ? ViewQuant(*port.quant) : slipway_quant{});
  return session;
}

}  // namespace
}  // namespace slipway

using namespace slipway;

int32_t slipway_runtime_new_session(const slipway_runtime_network* network,
                                    slipway_runtime_session** session) {
  return Give(session, [&] { return MakeSession(*network); });
}

void slipway_runtime_free_session(slipway_runtime_session* session) { delete session; }

int32_t slipway_runtime_run(slipway_runtime_session* session, uint64_t num_inputs,
                            const slipway_tensor* inputs) {
  return Guarded([&] { return Run(*session, {inputs, static_cast<size_t>(num_inputs)}); });
}

slipway_tensor slipway_runtime_result(const slipway_runtime_session* session, uint64_t index) {
  const bool has_quant = session->engine->outputs()[index].quant.has_value();
  return ViewTensor(session->results[index], has_quant ? &session->quants[index] : nullptr);
}

int32_t slipway_runtime_reset(slipway_runtime_session* session) {
  return Guarded([&] {
    session->context->ResetStates();
    return Status::Ok();
  });
}
