/* Values that cross Slipway's interfaces in C: to plugins (plugin_abi.h) and to users of the runtime library
 * (runtime.h).
 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the host or the plugin: UTF-8 text or anything. Not terminated; data may be null when size is 0.
 */
typedef struct slipway_bytes {
  const void* data;
  uint64_t size;
} slipway_bytes;

/* Takes what it is given, piece after piece. */
typedef struct slipway_sink {
  void* host;
  void (*write)(void* host, const void* data, uint64_t size);
} slipway_sink;

/* Element types: the numbers of slipway/dtype.h. Sub-byte elements are packed, the first in the lowest bits.
 */
enum {
  SLIPWAY_NONE = 0, /* not known */
  SLIPWAY_F32 = 1,
  SLIPWAY_F16 = 2,
  SLIPWAY_BF16 = 3,
  SLIPWAY_F64 = 4,
  SLIPWAY_I8 = 5,
  SLIPWAY_U8 = 6,
  SLIPWAY_I16 = 7,
  SLIPWAY_U16 = 8,
  SLIPWAY_I32 = 9,
  SLIPWAY_U32 = 10,
  SLIPWAY_I64 = 11,
  SLIPWAY_U64 = 12,
  SLIPWAY_BOOL = 13,
  SLIPWAY_STRING = 14, /* UTF-8, or any bytes. Hosts without set_string refuse ports that name it */
  SLIPWAY_I4 = 15,
  SLIPWAY_U4 = 16,
  SLIPWAY_I2 = 17,
  SLIPWAY_U2 = 18,
  SLIPWAY_F8E4M3FN = 19,
  SLIPWAY_F8E4M3FNUZ = 20,
  SLIPWAY_F8E5M2 = 21,
  SLIPWAY_F8E5M2FNUZ = 22,
  SLIPWAY_F8E8M0 = 23,
  SLIPWAY_F4E2M1 = 24,
  SLIPWAY_C64 = 25,
  SLIPWAY_C128 = 26
};
/* A set of them, for ports. */
#define SLIPWAY_DTYPE_BIT(dtype) (UINT64_C(1) << (dtype))

/* real = scale * (q - zero_point): one entry for the whole tensor (axis -1), or one per slice along `axis`.
 */
typedef struct slipway_quant {
  const float* scales;
  const int64_t* zero_points;
  uint64_t count;
  int64_t axis;
} slipway_quant;

/* An operand during a run. */
typedef struct slipway_tensor {
  uint32_t is_present; /* 0: left out; an output that nobody reads is not to be computed */
  uint32_t dtype;
  int64_t rank;
  const int64_t* dims;
  void* data;          /* inputs are read only. Outputs: aligned to 64; null: call `allocate`.
                        * Of strings: inputs are an array of slipway_bytes; outputs hold nothing to be read
                        * or written: call `set_string` for every element */
  uint64_t size_bytes; /* of the elements; 0 of outputs of strings, and of strings before a run */
  const slipway_quant* quant;
} slipway_tensor;

#ifdef __cplusplus
} /* extern "C" */
#endif
