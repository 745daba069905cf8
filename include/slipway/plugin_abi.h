/* The binary interface between Slipway and a plugin: plain C11. No C++ type, exception or allocation crosses
 * it, so a plugin may be built by another compiler, with another standard library, or in another language.
 *
 * C++ authors include slipway/plugin.h, which wraps all of this; docs/plugins.md tells how a plugin is
 * written.
 *
 * A plugin library exports one function, slipway_plugin_v1, that returns the table of its plugins. A plugin
 * is one operator: a constant table of names and functions. An instance is made of a plugin for each node of
 * an engine and runs it.
 *
 * Rules of the boundary
 * - Who allocates frees. The host's memory that a call is given is valid during that call only; what a
 * plugin's tables point to stays valid until the process ends: libraries are never unloaded.
 * - A function that can fail returns 0 when all is well; otherwise it writes why, in words, to the sink
 * `error`.
 * - Every function may be called from several threads at once. `run` must not change its instance.
 * - `size` is sizeof the struct as its maker knew it. Structs with a `size` grow at their end; what lies
 * beyond it is absent. The others never change within one ABI version.
 * - Tensors are dense and row-major, in the host's byte order. Tensors of strings are read as arrays of
 * slipway_bytes and written with set_string. Sequences and sub-graphs do not cross.
 */
#pragma once

#include <stdint.h>

#include "slipway/abi_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SLIPWAY_PLUGIN_ABI 1u
#define SLIPWAY_PLUGIN_ENTRY "slipway_plugin_v1"

/* An extent: >= 0, or -1 where only a run will know it. Open extents with the same `symbol` other than 0 are
 * equal; symbols mean something within one call of `infer` only. */
typedef struct slipway_dim {
  int64_t extent;
  uint64_t symbol;
} slipway_dim;

/* What is known of an operand before a run. */
typedef struct slipway_operand {
  uint32_t is_present; /* 0: left out */
  uint32_t dtype;
  int64_t rank;               /* -1: not even that is known */
  const slipway_dim* dims;    /* rank of them */
  const void* data;           /* the content, where it is known already; all extents are then.
                               * Of strings: an array of slipway_bytes */
  const slipway_quant* quant; /* null: none */
} slipway_operand;

/* Kinds of attributes: the order of src/ir/attrs.h. */
enum {
  SLIPWAY_ATTR_INT = 0,
  SLIPWAY_ATTR_FLOAT = 1,
  SLIPWAY_ATTR_STRING = 2,
  SLIPWAY_ATTR_INTS = 3,
  SLIPWAY_ATTR_FLOATS = 4,
  SLIPWAY_ATTR_STRINGS = 5,
  SLIPWAY_ATTR_TENSOR = 6,
  SLIPWAY_ATTR_DTYPE = 8
};

typedef struct slipway_attr {
  slipway_bytes name;
  uint32_t kind;
  uint32_t dtype; /* of SLIPWAY_ATTR_DTYPE */
  int64_t i;
  float f;
  uint32_t reserved;
  slipway_bytes s;
  uint64_t count; /* of the list that `kind` names */
  const int64_t* ints;
  const float* floats;
  const slipway_bytes* strings;
  const slipway_tensor* tensor;
} slipway_attr;

/* A node that the plugin is asked about. */
typedef struct slipway_node {
  uint32_t size;
  uint32_t version;   /* of the plugin that the node was made for: oldest_version <= version */
  slipway_bytes name; /* for messages */
  uint64_t num_attrs; /* sorted by name; those left out have their defaults */
  const slipway_attr* attrs;
  slipway_bytes state; /* what `save` wrote when the node was made, from wherever the model came: check it */
  uint64_t num_inputs;
  const slipway_operand* inputs;
  uint64_t num_outputs;
  const slipway_operand* outputs; /* is_present, quant; in `create` types as far as known */
} slipway_node;

/* Arithmetic on extents that may be open. */
enum {
  SLIPWAY_DIM_ADD = 0,
  SLIPWAY_DIM_SUB = 1,
  SLIPWAY_DIM_MUL = 2,
  SLIPWAY_DIM_FLOOR_DIV = 3,
  SLIPWAY_DIM_CEIL_DIV = 4
};

typedef struct slipway_infer {
  uint32_t size;
  uint32_t reserved;
  const slipway_node* node;
  void* host;
  /* Every output that is present must be set. rank -1 and extents of -1 are allowed: then `run` allocates.
   * What is wrong with it is reported after `infer` has returned. */
  void (*set_output)(void* host, uint64_t index, uint32_t dtype, int64_t rank, const slipway_dim* dims);
  /* An extent that cannot be had (a division by 0, a number too large) is open, without a symbol. */
  void (*combine)(void* host, uint32_t operation, const slipway_dim* a, const slipway_dim* b,
                  slipway_dim* result);
  slipway_sink error;
} slipway_infer;

typedef struct slipway_run {
  uint32_t size;
  uint32_t num_threads; /* that parallel_for may use, the caller included */
  uint64_t num_inputs;
  const slipway_tensor* inputs;
  uint64_t num_outputs;
  slipway_tensor* outputs;
  void* workspace; /* aligned to 64; its content means nothing */
  uint64_t workspace_bytes;
  void* host;
  /* Gives an output whose `data` is null its memory, and fills outputs[index]. Returns the data; null where
   * these extents are not what `infer` promised, or there is not enough memory: return at once, the host
   * knows why. */
  void* (*allocate)(void* host, uint64_t index, int64_t rank, const int64_t* dims);
  /* Calls body(arg, begin, end) for chunks of at least `grain` that cover [0, count), from several threads,
   * and returns when all are done. The body must not call back into the host. */
  void (*parallel_for)(void* host, int64_t count, int64_t grain,
                       void (*body)(void* arg, int64_t begin, int64_t end), void* arg);
  slipway_sink error;
  /* Copies a text into an element of an output of strings that has its memory; elements that are not set
   * are empty. Returns 0; else the host knows why: return at once. */
  int32_t (*set_string)(void* host, uint64_t index, uint64_t element, const void* data, uint64_t size);
} slipway_run;

enum {
  SLIPWAY_REQUIRED = 0,
  SLIPWAY_OPTIONAL = 1,    /* ports: may be left out; attributes: may be absent */
  SLIPWAY_VARIADIC = 2,    /* the last port: zero or more operands */
  SLIPWAY_ONE_OR_MORE = 3, /* the last port: one or more */
  SLIPWAY_DEFAULT = 4      /* attributes: `value` where the model has none */
};

/* How a port wants images of three axes or more: the host transposes where the model's format has it
 * otherwise. */
enum {
  SLIPWAY_LAYOUT_ANY = 0,            /* as the model has it */
  SLIPWAY_LAYOUT_CHANNELS_FIRST = 1, /* [N,C,spatial...] */
  SLIPWAY_LAYOUT_CHANNELS_LAST = 2   /* [N,spatial...,C] */
};

typedef struct slipway_port {
  const char* name;
  const char* doc;
  uint64_t dtypes; /* SLIPWAY_DTYPE_BIT(...) | ... */
  uint32_t presence;
  uint32_t layout;
} slipway_port;

typedef struct slipway_attr_def {
  const char* name;
  const char* doc;
  uint32_t kind;
  uint32_t presence;
  slipway_attr value; /* of SLIPWAY_DEFAULT; not of tensors */
} slipway_attr_def;

/* A foreign operator that becomes this plugin's node where Slipway has none for it. */
typedef struct slipway_claim {
  const char*
      format; /* "onnx", "tflite" (op: the custom code), "tensorflow", "caffe" (op: the layer's type) */
  const char* domain; /* of ONNX: "com.acme"; "" elsewhere */
  const char* op;
  int64_t since; /* ONNX: versions of the domain's opset; TFLite: of the operator; 1 elsewhere */
  int64_t until; /* the last one; 0: and all later ones */
} slipway_claim;

enum {
  SLIPWAY_NOT_DETERMINISTIC =
      1u,                 /* equal inputs may give unequal outputs: never folded, not compared in checks */
  SLIPWAY_OPEN_ATTRS = 2u /* takes attributes that `attrs` does not name */
};

typedef struct slipway_plugin {
  uint32_t size;
  uint32_t flags;
  const void* user; /* handed back to the first four functions */
  const char* name; /* letters, digits, '_' and '.' */
  uint32_t version;
  uint32_t oldest_version; /* whose nodes, attributes and state it still reads; at most 63 back */
  const char* summary;     /* one sentence */
  uint64_t num_inputs;
  const slipway_port* inputs;
  uint64_t num_outputs;
  const slipway_port* outputs;
  uint64_t num_attrs;
  const slipway_attr_def* attrs;
  uint64_t num_claims;
  const slipway_claim* claims;

  /* Says what the outputs are. Called often, also with ranks and extents open: must be a pure function. */
  int32_t (*infer)(const void* user, const slipway_infer* call);
  /* May be null. Writes what is worth keeping in the .slip file beside the attributes: tables, packed
   * weights. Called when a node is made, without state. */
  int32_t (*save)(const void* user, const slipway_node* node, const slipway_sink* state,
                  const slipway_sink* error);
  /* Makes what runs the node; may keep nothing of the host's. */
  int32_t (*create)(const void* user, const slipway_node* node, void** instance, const slipway_sink* error);
  /* May be null. Bytes of scratch for operands of these shapes (data is null); negative: it cannot be. */
  int64_t (*workspace_bytes)(const void* user, const void* instance, uint64_t num_inputs,
                             const slipway_tensor* inputs, uint64_t num_outputs,
                             const slipway_tensor* outputs);
  int32_t (*run)(const void* instance, const slipway_run* call);
  void (*destroy)(void* instance);
} slipway_plugin;

typedef struct slipway_plugin_library {
  uint32_t size;
  uint32_t abi; /* SLIPWAY_PLUGIN_ABI */
  uint64_t num_plugins;
  const slipway_plugin* const* plugins;
} slipway_plugin_library;

typedef struct slipway_host {
  uint32_t size;
  uint32_t abi;        /* the newest that the host knows */
  const char* version; /* "slipway 0.1.0" */
  slipway_sink error;  /* why there is no table */
} slipway_host;

/* What a library exports under SLIPWAY_PLUGIN_ENTRY. Called once, when the library is loaded; null: it cannot
 * be used. */
typedef const slipway_plugin_library* (*slipway_plugin_entry)(const slipway_host* host);

#ifdef __cplusplus
} /* extern "C" */
#endif
