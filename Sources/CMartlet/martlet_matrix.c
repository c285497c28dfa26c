#include "martlet_matrix.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#define MARTLET_X86 1
#endif

// A panel is 16 columns wide: one register of AVX-512, two of AVX2, four of SSE2 and NEON.
enum { PANEL = 16 };
// As many rows of a panel as stay in the first cache (16 KiB) while all rows of the left matrix pass by.
enum { DEPTH = 256 };

typedef float lanes __attribute__((vector_size(PANEL * sizeof(float)), aligned(sizeof(float))));

size_t martlet_matrix_packed_count(size_t rows, size_t columns) {
    return (columns + PANEL - 1) / PANEL * PANEL * rows;
}

void martlet_matrix_pack(const float *matrix, size_t rows, size_t columns, float *packed) {
    for (size_t first = 0; first < columns; first += PANEL) {
        size_t width = columns - first < PANEL ? columns - first : PANEL;
        for (size_t row = 0; row < rows; row++, packed += PANEL) {
            memcpy(packed, matrix + row * columns + first, width * sizeof(float));
            memset(packed + width, 0, (PANEL - width) * sizeof(float));
        }
    }
}

// `height` rows of the left matrix by one panel, `depth` deep. `height` is a constant in each use, so that the sums
// stay in registers.
static inline __attribute__((always_inline)) void tile(
    const size_t height, const float *left, size_t stride, size_t depth, const float *panel, float *result,
    size_t result_stride, size_t width, const float *bias, int is_first) {
    lanes sums[12];
    for (size_t row = 0; row < height; row++) {
        lanes start = {0};
        const float *from = is_first ? bias : result + row * result_stride;
        if (from) memcpy(&start, from, width * sizeof(float));
        sums[row] = start;
    }
    for (size_t step = 0; step < depth; step++) {
        lanes column = *(const lanes *)(panel + step * PANEL);
        for (size_t row = 0; row < height; row++) sums[row] += left[row * stride + step] * column;
    }
    for (size_t row = 0; row < height; row++) {
        memcpy(result + row * result_stride, &sums[row], width * sizeof(float));
    }
}

// All rows by one panel: `most` at a time while there are as many, the rest in ever smaller tiles.
static inline __attribute__((always_inline)) void strip(
    const size_t most, const float *left, size_t stride, size_t count, size_t depth, const float *panel,
    float *result, size_t result_stride, size_t width, const float *bias, int is_first) {
#define TILES(HEIGHT)                                                                                        \
    for (; count >= (HEIGHT); count -= (HEIGHT), left += (HEIGHT)*stride, result += (HEIGHT)*result_stride) \
        tile((HEIGHT), left, stride, depth, panel, result, result_stride, width, bias, is_first);
    if (most >= 12) { TILES(12) }
    if (most >= 6) { TILES(6) }
    TILES(3)
    TILES(1)
#undef TILES
}

static inline __attribute__((always_inline)) void product(
    const size_t most, const float *left, size_t stride, size_t count, const float *packed, size_t rows,
    size_t columns, const float *bias, float *result) {
    for (size_t from = 0; from < rows; from += DEPTH) {
        size_t depth = rows - from < DEPTH ? rows - from : DEPTH;
        for (size_t first = 0; first < columns; first += PANEL) {
            size_t width = columns - first < PANEL ? columns - first : PANEL;
            const float *panel = packed + first * rows + from * PANEL;
            const float *own_bias = bias ? bias + first : NULL;
            if (width == PANEL) {
                strip(most, left + from, stride, count, depth, panel, result + first, columns, PANEL, own_bias, !from);
            } else {
                strip(most, left + from, stride, count, depth, panel, result + first, columns, width, own_bias, !from);
            }
        }
    }
}

static void product_base(
    const float *left, size_t stride, size_t count, const float *packed, size_t rows, size_t columns,
    const float *bias, float *result) {
#if defined(__aarch64__)
    product(6, left, stride, count, packed, rows, columns, bias, result);
#else
    product(3, left, stride, count, packed, rows, columns, bias, result);
#endif
}

#if MARTLET_X86
__attribute__((target("avx2,fma"))) static void product_avx2(
    const float *left, size_t stride, size_t count, const float *packed, size_t rows, size_t columns,
    const float *bias, float *result) {
    product(6, left, stride, count, packed, rows, columns, bias, result);
}

__attribute__((target("avx512f,avx2,fma"))) static void product_avx512(
    const float *left, size_t stride, size_t count, const float *packed, size_t rows, size_t columns,
    const float *bias, float *result) {
    product(12, left, stride, count, packed, rows, columns, bias, result);
}
#endif

static void product_scalar(
    const float *left, size_t stride, size_t count, const float *packed, size_t rows, size_t columns,
    const float *bias, float *result) {
    for (size_t row = 0; row < count; row++) {
        for (size_t column = 0; column < columns; column++) {
            const float *panel = packed + column / PANEL * PANEL * rows + column % PANEL;
            double sum = bias ? bias[column] : 0;
            for (size_t step = 0; step < rows; step++) {
                sum += (double)left[row * stride + step] * panel[step * PANEL];
            }
            result[row * columns + column] = (float)sum;
        }
    }
}

int martlet_matrix_has(int kernel) {
    switch (kernel) {
    case MARTLET_MATRIX_BEST:
    case MARTLET_MATRIX_SCALAR:
    case MARTLET_MATRIX_BASE: return 1;
#if MARTLET_X86
    case MARTLET_MATRIX_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case MARTLET_MATRIX_AVX512: return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma");
#endif
    default: return 0;
    }
}

static int best(void) {
    if (martlet_matrix_has(MARTLET_MATRIX_AVX512)) return MARTLET_MATRIX_AVX512;
    return martlet_matrix_has(MARTLET_MATRIX_AVX2) ? MARTLET_MATRIX_AVX2 : MARTLET_MATRIX_BASE;
}

void martlet_matrix_multiply(
    int kernel, const float *left, size_t left_stride, size_t count, const float *packed, size_t rows,
    size_t columns, const float *bias, float *result) {
    switch (kernel == MARTLET_MATRIX_BEST ? best() : kernel) {
#if MARTLET_X86
    case MARTLET_MATRIX_AVX512:
        product_avx512(left, left_stride, count, packed, rows, columns, bias, result);
        break;
    case MARTLET_MATRIX_AVX2:
        product_avx2(left, left_stride, count, packed, rows, columns, bias, result);
        break;
#endif
    case MARTLET_MATRIX_SCALAR:
        product_scalar(left, left_stride, count, packed, rows, columns, bias, result);
        break;
    default: product_base(left, left_stride, count, packed, rows, columns, bias, result);
    }
}

void martlet_row_widen(const uint8_t *bytes, size_t count, float scale, float offset, float *result) {
    for (size_t index = 0; index < count; index++) result[index] = (float)bytes[index] * scale + offset;
}

void martlet_row_add(const float *row, size_t count, float *result) {
    for (size_t index = 0; index < count; index++) result[index] += row[index];
}

void martlet_row_rectify(const float *row, const float *residual, size_t count, float *result) {
    for (size_t index = 0; index < count; index++) {
        float value = row[index] > 0 ? row[index] : 0;
        result[index] = residual ? value + residual[index] : value;
    }
}

// Sums are kept for each lane apart: in that order the compiler may not, and must not, add floats side by side.
static float sum_of(const float *row, size_t count, float mean, int is_squared) {
    lanes sums = {0};
    size_t index = 0;
    for (; index + PANEL <= count; index += PANEL) {
        lanes part = *(const lanes *)(row + index) - mean;
        sums += is_squared ? part * part : part;
    }
    float sum = 0;
    for (size_t lane = 0; lane < PANEL; lane++) sum += sums[lane];
    for (; index < count; index++) {
        float part = row[index] - mean;
        sum += is_squared ? part * part : part;
    }
    return sum;
}

void martlet_row_normalize(float *row, size_t count, const float *gain, const float *bias, float epsilon) {
    float mean = sum_of(row, count, 0, 0) / (float)count;
    float scale = 1 / sqrtf(sum_of(row, count, mean, 1) / (float)count + epsilon);
    for (size_t index = 0; index < count; index++) row[index] = (row[index] - mean) * scale * gain[index] + bias[index];
}

void martlet_row_unit(float *row, size_t count, float epsilon) {
    float square = sum_of(row, count, 0, 1);
    float scale = 1 / sqrtf(square > epsilon ? square : epsilon);
    for (size_t index = 0; index < count; index++) row[index] *= scale;
}
