// The category names of the COCO dataset.
#pragma once

#include <string>
#include <vector>

namespace slipway {

// By category number, 0 to 90: 0 is the background, the eleven numbers COCO left unused are "".
// Source: COCO 2017 annotations, "categories".
std::vector<std::string> CocoLabels91();
// The 80 used categories in order, as YOLO models number them.
std::vector<std::string> CocoLabels80();

}  // namespace slipway
