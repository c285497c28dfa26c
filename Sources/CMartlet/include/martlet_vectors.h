#pragma once

// Dot products of vectors, by the widest instructions that this processor has. No allocation, no state.

#include <stddef.h>
#include <stdint.h>

/// The ways to calculate. Each of them gives the same whole numbers; floats differ in their last digits.
typedef enum {
    martlet_vectors_plain = 0,
    martlet_vectors_avx2 = 1,
    martlet_vectors_vnni = 2,
} martlet_vectors_way;

/// Rows and queries begin at multiples of this many bytes from each other.
enum { martlet_vectors_stride = 64 };

/// How many queries may share a pass.
enum { martlet_vectors_most_queries = 64 };

/// The fastest one that this processor knows; all below it are known to it, too.
martlet_vectors_way martlet_vectors_best(void);

/// The dot products of `query_count` queries with `row_count` rows: `dots[query * dots_stride + row]`.
/// A row has `stride` bytes, each of them 128 + a value from -127 to 127; a query has `stride` values from -127 to 127.
/// Where the vectors are shorter than the stride, the query is filled with zeros. Each row is read from memory once.
void martlet_vectors_dots(
    martlet_vectors_way way, const uint8_t *rows, size_t row_count, size_t stride, const int8_t *queries,
    size_t query_count, int32_t *dots, size_t dots_stride);

/// The rows whose `dots[row] * scales[row] * factor` is at least `least`, in their order. Returns how many there are;
/// `picked` has room for all.
size_t martlet_vectors_pick(
    const int32_t *dots, const float *scales, size_t count, float factor, float least, uint32_t *picked);

/// The dot product of two vectors.
float martlet_vectors_dot(martlet_vectors_way way, const float *left, const float *right, size_t count);
