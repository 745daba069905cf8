// What the small runtime library leaves out of the operators' records.
//
// Importers, tests, the manual and the `ref` backend read parts of a record that nothing reads which only
// runs networks: texts, foreign rows, test cases, most reference implementations. Where
// SLIPWAY_RUNTIME_LIBRARY is defined (src/library) these parts have types that take the same values and keep
// none of them. The records' sources stay as they are; the compiler then drops what only these parts named:
// literals, importers, cases, reference code.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

#include "slipway/status.h"

namespace slipway {

class RunContext;  // ops/run.h

#ifndef SLIPWAY_RUNTIME_LIBRARY

using Doc = std::string;
template <class T>
using KeptOutside = T;
template <class T>
using ListOutside = std::vector<T>;
using ReferenceFn = Status (*)(RunContext&);

#else

struct Doc {
  constexpr Doc() = default;
  constexpr Doc(const char*) {}         // NOLINT: as std::string
  constexpr Doc(const std::string&) {}  // NOLINT
};

template <class T>
struct KeptOutside;
// Null, whatever it is given.
template <class T, class... Args>
struct KeptOutside<T (*)(Args...)> {
  constexpr KeptOutside() = default;
  template <class Function>
  constexpr KeptOutside(const Function&) {}  // NOLINT: as a pointer
};

template <class T>
struct ListOutside {
  constexpr ListOutside() = default;
  constexpr ListOutside(std::initializer_list<T>) {}  // NOLINT: as a std::vector
  constexpr void push_back(const T&) {}
  constexpr T* begin() const { return nullptr; }
  constexpr T* end() const { return nullptr; }
};

// Backends run some references when they make kernels (backends/cpu/sample.h). Files that give one of those
// are compiled with SLIPWAY_KEEPS_REFERENCE; null, whatever it is given, in the others.
#ifdef SLIPWAY_KEEPS_REFERENCE
constexpr bool kKeepsReference = true;
#else
constexpr bool kKeepsReference = false;
#endif
class ReferenceFn {
 public:
  constexpr ReferenceFn() = default;
  template <class Function, bool kKeeps = kKeepsReference>
  constexpr ReferenceFn(const Function& function)
      : function_(kKeeps ? Pointer(function) : nullptr) {}  // NOLINT
  Status operator()(RunContext& context) const { return function_(context); }
  constexpr bool operator==(std::nullptr_t) const { return function_ == nullptr; }

 private:
  using Pointer = Status (*)(RunContext&);
  Pointer function_ = nullptr;
};

#endif

}  // namespace slipway
