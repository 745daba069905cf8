// Every field of the manifest: key, limits, documentation. The single list that the reader, the writer and
// the schema walk.
//
// A visitor has `void Field(std::string_view key, T& field, const FieldInfo& info)` for each kind of T.
#pragma once

#include "manifest/manifest.h"

namespace slipway {

struct FieldInfo {
  const char* doc;
  double min = -1e30;  // of numbers, also of those in lists
  double max = 1e30;
  size_t max_items = size_t{1} << 20;
  bool is_nonzero = false;
  int64_t multiple_of = 1;  // of integers
};

inline constexpr double kMaxSide = 65535;

template <class V>
void ListFields(V& v, LetterboxSpec& s) {
  v.Field("pad_value", s.pad_value, {.doc = "level of the padding, in every channel", .min = 0, .max = 255});
  v.Field("stride", s.stride,
          {.doc = "0: pad to the whole target; n: only to the next multiple of n", .min = 0, .max = 4096});
  v.Field("centered", s.centered, {.doc = "false: the photo sits at the top left"});
  v.Field("enlarge", s.enlarge, {.doc = "false: small photos are padded, not scaled up"});
}

template <class V>
void ListFields(V& v, ResizeSpec& s) {
  v.Field("mode", s.mode,
          {.doc = "stretch: both sides to the target; letterbox: the whole photo, padded; center_crop: a "
                  "centred cut "
                  "of the target's aspect ratio, then resized; none: the photo must have the model's size"});
  v.Field("filter", s.filter, {.doc = "interpolation"});
  v.Field("convention", s.convention, {.doc = "where a sample of the result lies in the source"});
  v.Field("style", s.style, {.doc = "whose arithmetic to follow where it differs"});
  v.Field("width", s.width, {.doc = "target in pixels; 0: the tensor's", .min = 0, .max = kMaxSide});
  v.Field("height", s.height, {.doc = "target in pixels; 0: the tensor's", .min = 0, .max = kMaxSide});
  v.Field("crop_fraction", s.crop_fraction,
          {.doc = "center_crop: share of the largest fitting window that is kept", .min = 0.01, .max = 1});
  v.Field("letterbox", s.letterbox, {.doc = "how a letterbox pads"});
}

template <class V>
void ListFields(V& v, QuantSpec& s) {
  v.Field("scale", s.scale, {.doc = "real = scale * (q - zero_point)", .min = 1e-30, .max = 1e30});
  v.Field("zero_point", s.zero_point,
          {.doc = "the integer that stands for 0", .min = -2147483648.0, .max = 2147483647});
}

template <class V>
void ListFields(V& v, InputSpec& s) {
  v.Field("tensor", s.tensor, {.doc = "name of the model's input; empty: its first"});
  v.Field("kind", s.kind, {.doc = "image: made from a photo; tensor: given as it is"});
  v.Field("color", s.color, {.doc = "order of the channels"});
  v.Field("rotate", s.rotate,
          {.doc = "degrees clockwise that bring the photo upright; answers are in the photo as given",
           .min = 0,
           .max = 270,
           .multiple_of = 90});
  v.Field("mirror", s.mirror, {.doc = "then left and right change places"});
  v.Field("resize", s.resize, {.doc = "from the photo's size to the model's"});
  v.Field("mean", s.mean,
          {.doc = "(x - mean) / std with x in 0..255; one, or one per channel", .max_items = 16});
  v.Field("std", s.std,
          {.doc = "(x - mean) / std with x in 0..255; one, or one per channel",
           .max_items = 16,
           .is_nonzero = true});
  v.Field("layout", s.layout, {.doc = "order of the axes; auto: from the tensor's shape"});
  v.Field("dtype", s.dtype, {.doc = "element type, as in 'f32' or 'u8'; empty: the tensor's"});
  v.Field("quant", s.quant, {.doc = "quantisation of the input; absent: the tensor's"});
}

template <class V>
void ListFields(V& v, AnchorSpec& s) {
  v.Field("boxes", s.boxes,
          {.doc = "yolov5: one list w0,h0,w1,h1,... in pixels per stride; ssd, anchors: one [cx,cy,w,h] "
                  "each, ratios"});
  v.Field(
      "min_sizes", s.min_sizes,
      {.doc = "per stride: sides of square priors in pixels", .min = 0, .max = kMaxSide, .max_items = 64});
  v.Field("aspect_ratios", s.aspect_ratios,
          {.doc = "w / h of every grid's anchors", .min = 1e-3, .max = 1e3, .max_items = 64});
  v.Field("min_scale", s.min_scale,
          {.doc = "side of the first stride's anchors, ratio of the input", .min = 0, .max = 10});
  v.Field("max_scale", s.max_scale,
          {.doc = "side of the last stride's anchors, ratio of the input", .min = 0, .max = 10});
  v.Field("interpolated_ratio", s.interpolated_ratio,
          {.doc = "aspect ratio of an extra anchor between two scales; 0: none", .min = 0, .max = 1e3});
  v.Field("fixed_size", s.fixed_size, {.doc = "all anchors have size 1 x 1: only their centres count"});
  v.Field("offset", s.offset, {.doc = "of the centres within a grid cell", .min = -1, .max = 1});
  v.Field("variances", s.variances,
          {.doc = "factors of the raw x, y, w, h; empty: 1", .min = 1e-6, .max = 1e6, .max_items = 4});
  v.Field("size_code", s.size_code,
          {.doc = "exp: e^w * anchor; linear: w * anchor; square: (2 w)^2 * anchor"});
}

template <class V>
void ListFields(V& v, OutputSpec& s) {
  v.Field("decoder", s.decoder, {.doc = "how the tensors are read"});
  v.Field("tensors", s.tensors,
          {.doc = "role to tensor name, or to a list of them; absent: roles by shape", .max_items = 64});
  v.Field("activation", s.activation, {.doc = "what is still to be applied to the scores"});
  v.Field("box_order", s.box_order, {.doc = "order of a box's four numbers"});
  v.Field("coordinates", s.coordinates, {.doc = "ratio: 0..1 of the model's input; pixel: its pixels"});
  v.Field("strides", s.strides,
          {.doc = "pixels per grid cell, one per grid", .min = 1, .max = 4096, .max_items = 64});
  v.Field("anchors", s.anchors, {.doc = "priors that the raw boxes are relative to"});
  v.Field("keypoints", s.keypoints, {.doc = "key points per box", .min = 0, .max = 1024});
  v.Field("class_offset", s.class_offset,
          {.doc = "class index + class_offset = label index", .min = -1000000, .max = 1000000});
  v.Field("background", s.background,
          {.doc = "class index that means nothing; -1: none", .min = -1, .max = 1000000});
  v.Field("score_scale", s.score_scale, {.doc = "scores are multiplied by it", .min = 1e-9, .max = 1e9});
}

template <class V>
void ListFields(V& v, Thresholds& s) {
  v.Field("score", s.score, {.doc = "lower scores are dropped", .min = 0, .max = 1});
  v.Field("iou", s.iou, {.doc = "non-maximum suppression within a class", .min = 0, .max = 1});
  v.Field("cross_class_iou", s.cross_class_iou, {.doc = "then across classes; 1: off", .min = 0, .max = 1});
  v.Field("max_detections", s.max_detections, {.doc = "per photo", .min = 1, .max = 1000000});
  v.Field("top_k", s.top_k, {.doc = "classes listed per photo", .min = 1, .max = 1000000});
}

template <class V>
void ListFields(V& v, Manifest& s) {
  v.Field("name", s.name, {.doc = "what the model is called"});
  v.Field("description", s.description, {.doc = "what it does"});
  v.Field("version", s.version, {.doc = "of the model"});
  v.Field("author", s.author, {.doc = "who made it"});
  v.Field("license", s.license, {.doc = "terms of use"});
  v.Field("task", s.task, {.doc = "what the model is for"});
  v.Field("inputs", s.inputs, {.doc = "one per input tensor", .max_items = 1024});
  v.Field("outputs", s.outputs, {.doc = "one per decoder", .max_items = 1024});
  v.Field("labels", s.labels, {.doc = "names of the classes"});
  v.Field("thresholds", s.thresholds, {.doc = "defaults of the flags of the same names"});
  v.Field("notes", s.notes, {.doc = "what was guessed", .max_items = 1024});
}

template <class T>
concept ManifestEnum = requires {
  EnumNames<T>::kNames;
};

}  // namespace slipway
