// A library whose plugin cannot even describe itself.
#include "slipway/plugin.h"

class Undescribed : public slipway::Plugin {
 public:
  slipway::plugin::Description Describe() const override {
    throw slipway::plugin::Error("no licence was found");
  }
  void Infer(slipway::plugin::InferCall&) const override {}
  std::unique_ptr<slipway::PluginKernel> Create(const slipway::plugin::Node&) const override {
    return nullptr;
  }
};

SLIPWAY_PLUGIN_LIBRARY(Undescribed)
