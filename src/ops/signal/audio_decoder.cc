// From the bytes of a sound file to samples, as TensorFlow's DecodeWav gives them.
#include "ops/signal/audio_decoder.h"

#include <algorithm>
#include <atomic>

#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

std::atomic<AudioDecodeFn> installed{nullptr};

// What the attribute asks for; open where the file decides.
Result<Dim> Desired(const InferContext& context, const char* name, int64_t most) {
  const int64_t wanted = context.attrs().Int(name);
  if (wanted < -1 || wanted > most)
    return context.Error(std::string(name) + " is " + std::to_string(wanted) +
                         "; it must be -1 (as in the file) to " + std::to_string(most));
  return wanted == -1 ? Dim() : Dim(wanted);
}

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const bool is_text = context.dtype(0) == DType::kString;
  if (x && x->size() != (is_text ? 0 : 1))
    return context.Error("the file is " + ToString(context.input(0)) +
                         "; it must be one string, or u8[bytes]");
  SLIPWAY_ASSIGN_OR_RETURN(const Dim samples, Desired(context, "desired_samples", INT32_MAX));
  SLIPWAY_ASSIGN_OR_RETURN(const Dim channels, Desired(context, "desired_channels", UINT16_MAX));
  context.SetOutput(0, DType::kF32, {samples, channels});
  context.SetOutput(1, DType::kI32, {});
  return Status::Ok();
}

std::span<const uint8_t> BytesIn(const Tensor& file) {
  if (file.dtype() != DType::kString) return file.values<uint8_t>();
  const std::string& text = *file.as<std::string>();
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Status Reference(RunContext& context) {
  const AudioDecodeFn decode = installed.load();
  if (decode == nullptr)
    return context.Error("no audio decoder is linked into this program", "decode the sound before the model");
  const auto audio = decode(BytesIn(context.in(0)));
  if (!audio.ok()) return context.Error(audio.status().message(), audio.status().hint());
  const Tensor& x = audio->samples;
  const int64_t desired_samples = context.attrs().Int("desired_samples");
  const int64_t desired_channels = context.attrs().Int("desired_channels");
  const int64_t samples = desired_samples == -1 ? x.dim(0) : desired_samples;
  const int64_t channels = desired_channels == -1 ? x.dim(1) : desired_channels;
  Tensor& y = context.AllocateOutput(0, {samples, channels});
  for (int64_t i = 0; i < samples * channels; ++i) {
    const int64_t sample = i / channels;
    const int64_t channel = std::min(i % channels, x.dim(1) - 1);
    y.as<float>()[i] = sample < x.dim(0) ? x.as<float>()[sample * x.dim(1) + channel] : 0.0F;
  }
  if (context.HasOutput(1)) *context.out(1).as<int32_t>() = static_cast<int32_t>(audio->sample_rate);
  return Status::Ok();
}

}  // namespace

void InstallAudioDecoder(AudioDecodeFn decode) { installed.store(decode); }

OpDef MakeAudioDecoder() {
  OpDef op;
  op.name = "AudioDecoder";
  op.group = "signal";
  op.summary =
      "The samples of a sound file: as many as are asked for, zeros behind its end, the last channel "
      "repeated where the "
      "file has fewer.";
  op.inputs = {{"file", {DType::kString, DType::kU8}, "one string, or [bytes]: WAV with 16-bit PCM"}};
  op.outputs = {{"samples", {DType::kF32}, "[samples,channels] in [-1,1)"},
                {"sample_rate", {DType::kI32}, "one number, per second", Arity::kOptional}};
  op.attrs = {IntAttr("desired_channels", -1, "-1: as in the file"),
              IntAttr("desired_samples", -1, "-1: as in the file")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kTensorflow, "DecodeWav"}};
  return op;
}

}  // namespace slipway
