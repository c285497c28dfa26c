#pragma once

// The arithmetic of small neural networks, one thread, float32. Pure functions of their arguments: nothing is kept.
// Matrices are row by row; the right one of a product is packed once, and then used many times.

#include <stddef.h>
#include <stdint.h>

/// What the product is computed with. Each answers the same but for rounding.
enum martlet_matrix_kernel {
    /// The best that this machine has.
    MARTLET_MATRIX_BEST = 0,
    /// Plain C: the oracle of tests, and what machines without any of the others take.
    MARTLET_MATRIX_SCALAR = 1,
    /// What every machine of this architecture has (SSE2, NEON).
    MARTLET_MATRIX_BASE = 2,
    MARTLET_MATRIX_AVX2 = 3,
    MARTLET_MATRIX_AVX512 = 4,
};

/// Whether this machine has it.
int martlet_matrix_has(int kernel);

/// How many floats `martlet_matrix_pack` writes.
size_t martlet_matrix_packed_count(size_t rows, size_t columns);

/// Packs `rows` × `columns` for `martlet_matrix_multiply`.
void martlet_matrix_pack(const float *matrix, size_t rows, size_t columns, float *packed);

/// `result` = `left` × packed + `bias`.
///
/// `left` has `count` rows of `rows` floats, `left_stride` apart: rows may overlap, which makes it a convolution.
/// `result` has `count` rows of `columns` floats, `columns` apart; it is another piece of memory than `left`.
/// `bias`: one for each column, or NULL.
void martlet_matrix_multiply(
    int kernel, const float *left, size_t left_stride, size_t count, const float *packed, size_t rows,
    size_t columns, const float *bias, float *result);

/// `result[i]` = `bytes[i]` × `scale` + `offset`.
void martlet_row_widen(const uint8_t *bytes, size_t count, float scale, float offset, float *result);

/// `result` += `row`.
void martlet_row_add(const float *row, size_t count, float *result);

/// `result` = max(`row`, 0) + `residual`; `residual` may be NULL, and `result` may be `row`.
void martlet_row_rectify(const float *row, const float *residual, size_t count, float *result);

/// Layer normalisation in place: mean 0 and variance 1, then times `gain` plus `bias`.
void martlet_row_normalize(float *row, size_t count, const float *gain, const float *bias, float epsilon);

/// Scales to length 1, in place; a row whose squared length is below `epsilon` is taken as that long.
void martlet_row_unit(float *row, size_t count, float epsilon);
