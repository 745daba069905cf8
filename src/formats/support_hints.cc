#include "formats/support_hints.h"

#include <array>

namespace slipway {
namespace {

// What several rows say.
constexpr std::string_view kNoAten =
    "PyTorch wrote its own operator because the opset has none for it: export with a newer opset_version (17 "
    "or later) and without operator_export_type=ONNX_ATEN_FALLBACK";
constexpr std::string_view kTensorrtNms =
    "a TensorRT plugin: export without the suppression built in (end2end=False, nms=False); 'slipway detect' "
    "does it after the network";
constexpr std::string_view kOrtExtensions =
    "onnxruntime-extensions' pre- or post-processing: cut it off with --input and --output; 'slipway "
    "detect', "
    "'classify' and 'segment' read photos themselves";
constexpr std::string_view kTrainingGraph =
    "only training computes this: name the network's own result with --output, or export the model for "
    "inference (model.eval(), training=False)";
constexpr std::string_view kFreeze =
    "the weights are in variables outside the graph: give the SavedModel's folder, or freeze it first (TF 2: "
    "convert_variables_to_constants_v2; TF 1: tf.compat.v1.graph_util.convert_variables_to_constants)";
constexpr std::string_view kTfFunction =
    "a call of a function that the graph does not hold inlined: freeze with "
    "convert_variables_to_constants_v2, which inlines it, or give the SavedModel itself";
constexpr std::string_view kInputPipeline =
    "part of the training's input pipeline: cut it off with --input on the value that it feeds, as in "
    "--input "
    "'IteratorGetNext:0[1,224,224,3]'";
constexpr std::string_view kPythonInGraph =
    "calls Python code that is not in the file: write it with TensorFlow's own operators";
constexpr std::string_view kCudnn =
    "exists only on CUDA: save the layer as tf.keras.layers.LSTM or GRU with implementation=1, or as "
    "CudnnCompatibleLSTMCell, and freeze again";
constexpr std::string_view kManyMachines =
    "distributes training over devices: export the model for inference from one of them";
constexpr std::string_view kLookup =
    "looks words up in a table outside the graph: do it before the network, and cut with --input on its "
    "result";
constexpr std::string_view kControlFlow1 =
    "TensorFlow 1's control flow of a form that is not understood: freeze with tf.compat.v1."
    "enable_control_flow_v2() and lower_control_flow=False, or cut around the loop with --input and --output";
constexpr std::string_view kFlex =
    "TensorFlow's own kernel (Select TF ops): convert with converter.target_spec.supported_ops = "
    "[tf.lite.OpsSet.TFLITE_BUILTINS], and rewrite what the converter then complains about";
constexpr std::string_view kFlexTokenizer =
    "a tokenizer of TensorFlow Text: make the tokens before the network, and cut with --input on them";
constexpr std::string_view kCompiledForChip =
    "compiled for one chip: take the .tflite from before its compiler";
constexpr std::string_view kEdgeTpu =
    "the part of the model that edgetpu_compiler translated for the Edge TPU (Coral), which no other chip "
    "runs: give the .tflite that edgetpu_compiler was given (the name without _edgetpu)";
constexpr std::string_view kTfliteSupportTest =
    "defined nowhere but in the test program of TFLite's task library (nl_classifier_test), which no "
    "converter writes: give it as a plugin, or take a real text classifier";
constexpr std::string_view kCoralTest =
    "defined nowhere but in the tests of Coral's library, where it fails on purpose: give it as a plugin, or "
    "take another model";
constexpr std::string_view kStablehlo =
    "the converter left StableHLO in: convert without experimental_serialize_stablehlo, or with a newer "
    "TensorFlow";
constexpr std::string_view kPythonLayer =
    "its code is Python and not in the file: cut around it with --input and --output, or write it with "
    "Caffe's own layers";

constexpr Format kOnnx = Format::kOnnx;
constexpr Format kTflite = Format::kTflite;
constexpr Format kTf = Format::kTensorflow;
constexpr Format kCaffe = Format::kCaffe;

constexpr std::array kRows = {
    // ONNX: what exporters put in where ONNX has no operator.
    HintRow{kOnnx, "org.pytorch.aten", "*", kNoAten},
    HintRow{kOnnx, "aten", "*", kNoAten},
    HintRow{kOnnx, "", "ATen", kNoAten},
    HintRow{kOnnx, "", "aten::*", kNoAten},
    HintRow{
        kOnnx, "pkg.onnxscript.torch_lib", "*",
        "a function of the exporter whose body was left out of the file: save the model with its functions "
        "(onnx.save of the whole ModelProto), or export with dynamo=False"},
    HintRow{kOnnx, "prim", "*",
            "a torch.autograd.Function in Python: give it a symbolic() method, or use its plain formula when "
            "exporting"},
    HintRow{kOnnx, "", "PythonOp",
            "a torch.autograd.Function in Python: give it a symbolic() method, or use its plain formula when "
            "exporting"},
    HintRow{kOnnx, "ai.onnx.ml", "DictVectorizer",
            "reads dictionaries: vectorise before the network, and cut with --input on the result"},
    HintRow{kOnnx, "ai.onnx.ml", "CastMap",
            "reads dictionaries: vectorise before the network, and cut with --input on the result"},
    HintRow{kOnnx, "ai.onnx.contrib", "*", kOrtExtensions},
    HintRow{kOnnx, "com.microsoft.extensions", "*", kOrtExtensions},
    HintRow{kOnnx, "com.microsoft.nchwc", "*",
            "onnxruntime laid the model out for one CPU: save it with ORT_ENABLE_EXTENDED at most"},
    HintRow{kOnnx, "com.ms.internal.nhwc", "*",
            "onnxruntime laid the model out for one device: save it with ORT_ENABLE_EXTENDED at most"},
    HintRow{kOnnx, "com.microsoft", "EPContext",
            "holds a model compiled for one device: take the ONNX file from before it was compiled"},
    HintRow{kOnnx, "com.microsoft", "*Grad", kTrainingGraph},
    HintRow{kOnnx, "com.microsoft", "*",
            "onnxruntime's optimiser made it: take the model from before it, or save with "
            "graph_optimization_level = ORT_DISABLE_ALL"},
    HintRow{kOnnx, "ai.onnx.preview.training", "*", kTrainingGraph},
    HintRow{kOnnx, "ai.onnx.training", "*", kTrainingGraph},
    HintRow{kOnnx, "", "*Grad", kTrainingGraph},
    HintRow{kOnnx, "", "EfficientNMS_TRT", kTensorrtNms},
    HintRow{kOnnx, "", "BatchedNMS_TRT", kTensorrtNms},
    HintRow{kOnnx, "", "BatchedNMSDynamic_TRT", kTensorrtNms},
    HintRow{kOnnx, "TRT", "*", kTensorrtNms},
    HintRow{kOnnx, "trt", "*", kTensorrtNms},
    HintRow{kOnnx, "trt.plugins", "*",
            "a TensorRT plugin: export without --plugins, or with the operator's own formula"},
    HintRow{kOnnx, "mmcv", "*",
            "OpenMMLab's own: export with mmdeploy for the onnxruntime backend without custom operators"},
    HintRow{kOnnx, "mmdeploy", "*",
            "OpenMMLab's own: export with mmdeploy for the onnxruntime backend without custom operators"},
    HintRow{kOnnx, "custom_domain", "*",
            "an operator of the model's maker: give its formula to the exporter"},

    // TFLite.
    HintRow{kTflite, "", "FlexSentencepiece*", kFlexTokenizer},
    HintRow{kTflite, "", "FlexWhitespaceTokenize*", kFlexTokenizer},
    HintRow{kTflite, "", "FlexVarHandleOp", kFreeze},
    HintRow{kTflite, "", "FlexReadVariableOp", kFreeze},
    HintRow{
        kTflite, "", "FlexDepthwiseConv2dNative",
        "TensorFlow's own kernel, as the converter has none for other channel orders: build the model with "
        "data_format='channels_last'"},
    HintRow{
        kTflite, "", "FlexConv2D",
        "TensorFlow's own kernel, as the converter has none for other channel orders or groups: build the "
        "model with data_format='channels_last', convert with TFLITE_BUILTINS only"},
    HintRow{kTflite, "", "Flex*", kFlex},
    HintRow{kTflite, "", "TFSentencepieceTokenizeOp", kFlexTokenizer},
    HintRow{kTflite, "", "TFText>*", kFlexTokenizer},
    HintRow{kTflite, "", "tftext:*", kFlexTokenizer},
    HintRow{kTflite, "", "edgetpu-custom-op", kEdgeTpu},
    HintRow{kTflite, "", "ethos-u", kCompiledForChip},
    HintRow{kTflite, "", "QNN*", kCompiledForChip},
    HintRow{kTflite, "", "DISPATCH_OP", kCompiledForChip},
    HintRow{kTflite, "", "STABLEHLO_*", kStablehlo},
    HintRow{kTflite, "", "CUSTOM_OP_STRING_TO_*", kTfliteSupportTest},
    HintRow{kTflite, "", "CUSTOM_OP_GENERATE_LABELS", kTfliteSupportTest},
    HintRow{kTflite, "", "fake-op-double", kCoralTest},

    // TensorFlow.
    HintRow{kTf, "", "VarHandleOp", kFreeze},
    HintRow{kTf, "", "ReadVariableOp", kFreeze},
    HintRow{kTf, "", "Variable", kFreeze},
    HintRow{kTf, "", "VariableV2", kFreeze},
    HintRow{kTf, "", "ResourceGather", kFreeze},
    HintRow{kTf, "", "AssignVariableOp", kFreeze},
    HintRow{kTf, "", "Assign", kFreeze},
    HintRow{kTf, "", "RestoreV2", kFreeze},
    HintRow{kTf, "", "PartitionedCall", kTfFunction},
    HintRow{kTf, "", "StatefulPartitionedCall", kTfFunction},
    HintRow{kTf, "", "PyFunc", kPythonInGraph},
    HintRow{kTf, "", "PyFuncStateless", kPythonInGraph},
    HintRow{kTf, "", "EagerPyFunc", kPythonInGraph},
    HintRow{kTf, "", "NumpyFunction", kPythonInGraph},
    HintRow{kTf, "", "Iterator*", kInputPipeline},
    HintRow{kTf, "", "OneShotIterator", kInputPipeline},
    HintRow{kTf, "", "*Dataset", kInputPipeline},
    HintRow{kTf, "", "*DatasetV2", kInputPipeline},
    HintRow{kTf, "", "Queue*", kInputPipeline},
    HintRow{kTf, "", "FIFOQueue*", kInputPipeline},
    HintRow{kTf, "", "ParseExample*", kInputPipeline},
    HintRow{kTf, "", "ParseSingle*", kInputPipeline},
    HintRow{kTf, "", "ReadFile", kInputPipeline},
    HintRow{kTf, "", "CudnnRNN*", kCudnn},
    HintRow{kTf, "", "Nccl*", kManyMachines},
    HintRow{kTf, "", "Collective*", kManyMachines},
    HintRow{kTf, "", "Horovod*", kManyMachines},
    HintRow{kTf, "", "TPU*", kManyMachines},
    HintRow{kTf, "", "LookupTable*", kLookup},
    HintRow{kTf, "", "HashTable*", kLookup},
    HintRow{kTf, "", "Enter", kControlFlow1},
    HintRow{kTf, "", "Exit", kControlFlow1},
    HintRow{kTf, "", "Merge", kControlFlow1},
    HintRow{kTf, "", "Switch", kControlFlow1},
    HintRow{kTf, "", "LoopCond", kControlFlow1},
    HintRow{kTf, "", "NextIteration", kControlFlow1},
    HintRow{kTf, "", "Apply*", kTrainingGraph},
    HintRow{kTf, "", "ResourceApply*", kTrainingGraph},
    HintRow{kTf, "", "*Grad", kTrainingGraph},
    HintRow{kTf, "", "*GradV3", kTrainingGraph},
    HintRow{kTf, "", "*Backprop", kTrainingGraph},
    HintRow{kTf, "", "*Summary", kTrainingGraph},
    HintRow{kTf, "", "TRTEngineOp", "holds a TensorRT engine for one GPU: take the graph from before TF-TRT"},

    // Caffe.
    HintRow{kCaffe, "", "Python", kPythonLayer},
    HintRow{
        kCaffe, "", "ROIAlign",
        "forks of Caffe compute different things by it: export the net to ONNX (RoiAlign), or give a plugin"},
    HintRow{kCaffe, "", "*Data",
            "reads the training's files: give the input with --input 'data[1,3,224,224]'"},
};

}  // namespace

std::span<const HintRow> AllHintRows() { return kRows; }

bool Fits(const HintRow& row, Format format, std::string_view domain, std::string_view op) {
  if (row.format != format || row.domain != domain) return false;
  const size_t star = row.op.find('*');
  if (star == std::string_view::npos) return row.op == op;
  const std::string_view before = row.op.substr(0, star);
  const std::string_view after = row.op.substr(star + 1);
  return op.size() >= before.size() + after.size() && op.starts_with(before) && op.ends_with(after);
}

std::string_view RewriteHint(Format format, std::string_view domain, std::string_view op) {
  for (const HintRow& row : kRows) {
    if (Fits(row, format, domain, op)) return row.hint;
  }
  return {};
}

}  // namespace slipway
