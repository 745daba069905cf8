/* Running a network that `slipway convert` or `slipway build` made: all that the small runtime library
 * exports (libslipway_runtime, docs/runtime_library.md). Plain C11: no C++ type or exception crosses it.
 *
 *   slipway_runtime_network* network;
 *   slipway_runtime_session* session;
 *   if (slipway_runtime_load("model.slip", NULL, &network) != 0) return complain(slipway_runtime_error());
 *   if (slipway_runtime_new_session(network, &session) != 0) return complain(slipway_runtime_error());
 *   const int64_t dims[] = {1, 3, 224, 224};
 *   const slipway_tensor image = {1, SLIPWAY_F32, 4, dims, pixels, sizeof(pixels), NULL};
 *   if (slipway_runtime_run(session, 1, &image) != 0) return complain(slipway_runtime_error());
 *   const slipway_tensor scores = slipway_runtime_result(session, 0);
 *
 * Functions that can fail return 0, or one of the codes below and keep the reason for slipway_runtime_error.
 * Indices are the caller's to keep in range. Whoever passes NULL where it is not offered has undefined
 * behaviour.
 */
#pragma once

#include <stdint.h>

#include "slipway/abi_types.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* The numbers of slipway/status.h. */
enum {
  SLIPWAY_RUNTIME_OK = 0,
  SLIPWAY_RUNTIME_INTERNAL = 1,      /* a defect of the library, or no memory left for a small thing */
  SLIPWAY_RUNTIME_USAGE = 2,         /* the caller's options */
  SLIPWAY_RUNTIME_NOT_FOUND = 3,     /* no such file */
  SLIPWAY_RUNTIME_INVALID_MODEL = 4, /* a file that is broken or inconsistent */
  SLIPWAY_RUNTIME_UNSUPPORTED = 5,   /* a valid file that needs what this library lacks */
  SLIPWAY_RUNTIME_INVALID_INPUT = 6, /* a tensor of the wrong kind or shape, or too large for the memory */
  SLIPWAY_RUNTIME_IO = 8             /* the operating system refused to read */
};

/* Why this thread's last call that failed did so, and what to do about it. Valid until its next failure. */
const char* slipway_runtime_error(void);

/* "0.1.0" */
const char* slipway_runtime_version(void);

/* The operators that this library was built with, sorted. */
uint64_t slipway_runtime_num_operators(void);
const char* slipway_runtime_operator(uint64_t index);

/* ---- A network: immutable, used from any thread. */

typedef struct slipway_runtime_network slipway_runtime_network;

typedef struct slipway_runtime_options {
  uint32_t size;        /* sizeof(slipway_runtime_options): options grow at their end */
  int32_t num_threads;  /* 0: all cores */
  uint32_t allows_bf16; /* 1: products in bf16 with sums in f32 where that is faster, about 1e-2 of the
                         * largest output off; an error on processors without bf16 */
  uint32_t is_strict;   /* 1: no kernel whose rounding errors exceed 1e-5 of the largest output (Winograd) */
} slipway_runtime_options;

/* Reads the section that was tuned for this machine and these options where the file has one. Nothing in the
 * file is trusted; it stays mapped as long as the network or a session of it lives. An operator that this
 * library was built without is an error that names it and its node. Memory that loading cannot have ends the
 * process. options: NULL for {0}. */
int32_t slipway_runtime_load(const char* path, const slipway_runtime_options* options,
                             slipway_runtime_network** network);
/* From memory that stays as it is as long as the network or a session of it lives. */
int32_t slipway_runtime_parse(slipway_bytes file, const slipway_runtime_options* options,
                              slipway_runtime_network** network);
/* Sessions keep what they need of it. NULL: nothing happens. */
void slipway_runtime_free_network(slipway_runtime_network* network);

/* What a network takes or gives. Valid as long as the network. */
typedef struct slipway_runtime_port {
  const char* name;
  uint32_t dtype;             /* SLIPWAY_F32 ... */
  int64_t rank;               /* -1: not even that is known */
  const int64_t* dims;        /* -1: every run may choose it anew */
  const slipway_quant* quant; /* NULL: none */
} slipway_runtime_port;

uint64_t slipway_runtime_num_inputs(const slipway_runtime_network* network);
uint64_t slipway_runtime_num_outputs(const slipway_runtime_network* network);
slipway_runtime_port slipway_runtime_input(const slipway_runtime_network* network, uint64_t index);
slipway_runtime_port slipway_runtime_output(const slipway_runtime_network* network, uint64_t index);

/* What to feed and how to read the answer, as JSON (docs/manifest.md); empty: the file says nothing. */
slipway_bytes slipway_runtime_manifest(const slipway_runtime_network* network);

/* What a person may want to know: that the file's tuned section is for another machine, say. */
uint64_t slipway_runtime_num_notes(const slipway_runtime_network* network);
const char* slipway_runtime_note(const slipway_runtime_network* network, uint64_t index);

/* ---- A session: buffers for one stream of calls, used by one thread at a time. Sessions of one network run
 * beside each other. */

typedef struct slipway_runtime_session slipway_runtime_session;

int32_t slipway_runtime_new_session(const slipway_runtime_network* network,
                                    slipway_runtime_session** session);
/* NULL: nothing happens. */
void slipway_runtime_free_session(slipway_runtime_session* session);

/* One dense tensor per input, in order, not of strings; dtypes, shapes and sizes are checked, `is_present`
 * must be 1, `quant` is not looked at. The first call with new shapes plans memory. Later ones allocate
 * nothing where the tensors lie where they lay, or else their extents; and what steps give whose results'
 * shapes depend on data. */
int32_t slipway_runtime_run(slipway_runtime_session* session, uint64_t num_inputs,
                            const slipway_tensor* inputs);
/* An output of the last run, which has succeeded; valid until the next one or the session's end. An output
 * that is an input of the network, too, is the caller's own memory. */
slipway_tensor slipway_runtime_result(const slipway_runtime_session* session, uint64_t index);
/* Forgets what earlier runs left in the network's states (recurrent layers, variables). */
int32_t slipway_runtime_reset(slipway_runtime_session* session);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
} /* extern "C" */
#endif
