// What only training needs is taken out of a graph before it is imported.
//
// before: Mul(RealDiv(x, keep), Floor(Add(keep, RandomUniform)))   after: x   (dropout, in three spellings)
// before: Placeholder 'is_training' of bool                         after: false
// before: IteratorGetNext, QueueDequeueV2 (the input pipeline)      after: placeholders
// before: Print(x, ...)                                             after: x
// Asserts and summaries have no results that anything reads: importing leaves them out by itself. A batch
// normalisation in training mode stays, for the graph has no other moments than the batch's.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// `kept`: nodes that stay as they are, for the user or the model names them as inputs. `notes`: what was
// done.
TfGraph WithoutTraining(const TfGraph& graph, const std::set<std::string>& kept,
                        std::vector<std::string>& notes);

}  // namespace slipway::tensorflow
