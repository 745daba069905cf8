#include "manifest/labels_coco.h"

#include <array>
#include <string_view>

namespace slipway {
namespace {

constexpr std::array<std::string_view, 91> kLabels = {"background",
                                                      "person",
                                                      "bicycle",
                                                      "car",
                                                      "motorcycle",
                                                      "airplane",
                                                      "bus",
                                                      "train",
                                                      "truck",
                                                      "boat",
                                                      "traffic light",
                                                      "fire hydrant",
                                                      "",
                                                      "stop sign",
                                                      "parking meter",
                                                      "bench",
                                                      "bird",
                                                      "cat",
                                                      "dog",
                                                      "horse",
                                                      "sheep",
                                                      "cow",
                                                      "elephant",
                                                      "bear",
                                                      "zebra",
                                                      "giraffe",
                                                      "",
                                                      "backpack",
                                                      "umbrella",
                                                      "",
                                                      "",
                                                      "handbag",
                                                      "tie",
                                                      "suitcase",
                                                      "frisbee",
                                                      "skis",
                                                      "snowboard",
                                                      "sports ball",
                                                      "kite",
                                                      "baseball bat",
                                                      "baseball glove",
                                                      "skateboard",
                                                      "surfboard",
                                                      "tennis racket",
                                                      "bottle",
                                                      "",
                                                      "wine glass",
                                                      "cup",
                                                      "fork",
                                                      "knife",
                                                      "spoon",
                                                      "bowl",
                                                      "banana",
                                                      "apple",
                                                      "sandwich",
                                                      "orange",
                                                      "broccoli",
                                                      "carrot",
                                                      "hot dog",
                                                      "pizza",
                                                      "donut",
                                                      "cake",
                                                      "chair",
                                                      "couch",
                                                      "potted plant",
                                                      "bed",
                                                      "",
                                                      "dining table",
                                                      "",
                                                      "",
                                                      "toilet",
                                                      "",
                                                      "tv",
                                                      "laptop",
                                                      "mouse",
                                                      "remote",
                                                      "keyboard",
                                                      "cell phone",
                                                      "microwave",
                                                      "oven",
                                                      "toaster",
                                                      "sink",
                                                      "refrigerator",
                                                      "",
                                                      "book",
                                                      "clock",
                                                      "vase",
                                                      "scissors",
                                                      "teddy bear",
                                                      "hair drier",
                                                      "toothbrush"};

}  // namespace

std::vector<std::string> CocoLabels91() { return {kLabels.begin(), kLabels.end()}; }

std::vector<std::string> CocoLabels80() {
  std::vector<std::string> labels;
  for (size_t i = 1; i < kLabels.size(); ++i) {
    if (!kLabels[i].empty()) labels.emplace_back(kLabels[i]);
  }
  return labels;
}

}  // namespace slipway
