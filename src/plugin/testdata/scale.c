/* A plugin in plain C: y = factor * x. What the interface asks of a language that is not C++. */
#include <stdlib.h>
#include <string.h>

#include "slipway/plugin_abi.h"

static int32_t Infer(const void* user, const slipway_infer* call) {
  const slipway_operand* x = &call->node->inputs[0];
  (void)user;
  call->set_output(call->host, 0, x->dtype, x->rank, x->dims);
  return 0;
}

static int32_t Create(const void* user, const slipway_node* node, void** instance,
                      const slipway_sink* error) {
  static const char kNone[] = "out of memory";
  float* factor = malloc(sizeof(float));
  (void)user;
  if (factor == NULL) {
    error->write(error->host, kNone, strlen(kNone));
    return 1;
  }
  *factor = node->attrs[0].f;
  *instance = factor;
  return 0;
}

static int32_t Run(const void* instance, const slipway_run* call) {
  const float factor = *(const float*)instance;
  const float* x = call->inputs[0].data;
  float* y = call->outputs[0].data;
  for (uint64_t i = 0; i < call->inputs[0].size_bytes / sizeof(float); ++i) y[i] = factor * x[i];
  return 0;
}

static const slipway_port kX = {"x", "any shape", SLIPWAY_DTYPE_BIT(SLIPWAY_F32), SLIPWAY_REQUIRED, 0};
static const slipway_port kY = {"y", "as x", SLIPWAY_DTYPE_BIT(SLIPWAY_F32), SLIPWAY_REQUIRED, 0};
static const slipway_attr_def kFactor = {
    "factor", "", SLIPWAY_ATTR_FLOAT, SLIPWAY_DEFAULT, {.kind = SLIPWAY_ATTR_FLOAT, .f = 2}};
static const slipway_claim kClaim = {"onnx", "com.acme", "ScaleInC", 1, 0};

static const slipway_plugin kScale = {
    .size = sizeof(slipway_plugin),
    .name = "acme.ScaleInC",
    .version = SCALE_VERSION,
    .oldest_version = SCALE_VERSION,
    .summary = "x times a number.",
    .num_inputs = 1,
    .inputs = &kX,
    .num_outputs = 1,
    .outputs = &kY,
    .num_attrs = 1,
    .attrs = &kFactor,
    .num_claims = 1,
    .claims = &kClaim,
    .infer = Infer,
    .create = Create,
    .run = Run,
    .destroy = free,
};
static const slipway_plugin* const kPlugins[] = {&kScale};
static const slipway_plugin_library kLibrary = {sizeof(kLibrary), SCALE_ABI, 1, kPlugins};

__attribute__((visibility("default"))) const slipway_plugin_library* slipway_plugin_v1(
    const slipway_host* host) {
  (void)host;
  return &kLibrary;
}
