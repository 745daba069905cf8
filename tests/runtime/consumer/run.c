/* Runs a .slip file on raw arrays, with the installed runtime library alone.
 *
 *   run                                       lists the library's operators
 *   run MODEL.slip THREADS bf16|f32 OUT INPUT...   writes OUT.0, OUT.1, ...
 *
 * An INPUT is a file with the elements of the network's input; open extents are 1. Prints notes and the
 * outputs. Loads the network from the file and from memory, runs it once and twice, and fails where answers
 * differ.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/runtime.h"

enum { kMost = 64 };

static void Check(int32_t code) {
  if (code == SLIPWAY_RUNTIME_OK) return;
  fprintf(stderr, "%s\n", slipway_runtime_error());
  exit(code);
}

static slipway_bytes ReadAll(const char* path) {
  FILE* file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(99);
  const size_t size = (size_t)ftell(file);
  rewind(file);
  char* data = malloc(size + 1);
  if (data == NULL || fread(data + 1, 1, size, file) != size) exit(99);
  fclose(file);
  return (slipway_bytes){data + 1, size}; /* at an odd address: the library may not rely on an even one */
}

static slipway_tensor InputOf(slipway_runtime_port port, const char* path) {
  int64_t* dims = calloc(kMost, sizeof(int64_t));
  for (int64_t i = 0; i < port.rank; ++i) dims[i] = port.dims[i] < 0 ? 1 : port.dims[i];
  const slipway_bytes bytes = ReadAll(path);
  void* data = aligned_alloc(64, (bytes.size + 63) / 64 * 64);
  memcpy(data, bytes.data, bytes.size);
  return (slipway_tensor){1, port.dtype, port.rank, dims, data, bytes.size, NULL};
}

static slipway_runtime_session* Start(const slipway_runtime_network* network, uint64_t count,
                                      const slipway_tensor* inputs) {
  slipway_runtime_session* session;
  Check(slipway_runtime_new_session(network, &session));
  Check(slipway_runtime_run(session, count, inputs));
  return session;
}

static void CompareWith(const slipway_runtime_session* a, const slipway_runtime_session* b, uint64_t count,
                        const char* what) {
  for (uint64_t i = 0; i < count; ++i) {
    const slipway_tensor one = slipway_runtime_result(a, i), other = slipway_runtime_result(b, i);
    if (one.size_bytes == other.size_bytes && memcmp(one.data, other.data, one.size_bytes) == 0) continue;
    fprintf(stderr, "output %" PRIu64 " differs %s\n", i, what);
    exit(98);
  }
}

int main(int argc, char** argv) {
  if (argc < 5) {
    for (uint64_t i = 0; i < slipway_runtime_num_operators(); ++i) puts(slipway_runtime_operator(i));
    return 0;
  }
  slipway_runtime_options options = {sizeof(options), atoi(argv[2]), strcmp(argv[3], "bf16") == 0, 0};
  slipway_runtime_network *network, *copy;
  Check(slipway_runtime_load(argv[1], &options, &network));
  for (uint64_t i = 0; i < slipway_runtime_num_notes(network); ++i)
    printf("note: %s\n", slipway_runtime_note(network, i));
  slipway_tensor inputs[kMost];
  uint64_t count = 0;
  for (int i = 5; i < argc; ++i, ++count)
    inputs[count] = InputOf(slipway_runtime_input(network, count), argv[i]);
  slipway_runtime_session* session = Start(network, count, inputs);
  const uint64_t num_outputs = slipway_runtime_num_outputs(network);

  const slipway_bytes file = ReadAll(argv[1]);
  Check(slipway_runtime_parse(file, &options, &copy));
  slipway_runtime_session* other = Start(copy, count, inputs);
  slipway_runtime_free_network(copy); /* the session keeps what it needs */
  CompareWith(session, other, num_outputs, "when the file is read from memory");
  Check(slipway_runtime_reset(other));
  Check(slipway_runtime_run(other, count, inputs));
  CompareWith(session, other, num_outputs, "the second time");

  for (uint64_t i = 0; i < num_outputs; ++i) {
    const slipway_tensor output = slipway_runtime_result(session, i);
    char path[4096];
    snprintf(path, sizeof(path), "%s.%" PRIu64, argv[4], i);
    FILE* to = fopen(path, "wb");
    if (to == NULL || fwrite(output.data, 1, output.size_bytes, to) != output.size_bytes) return 99;
    fclose(to);
    printf("%s: %" PRIu64 " bytes\n", slipway_runtime_output(network, i).name, output.size_bytes);
  }
  slipway_runtime_free_session(other);
  slipway_runtime_free_session(session);
  slipway_runtime_free_network(network);
  return 0;
}
