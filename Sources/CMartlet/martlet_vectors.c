#include "martlet_vectors.h"

static int32_t dot_plain(const uint8_t *row, const int8_t *query, size_t stride) {
    int32_t sum = 0;
    for (size_t i = 0; i < stride; i++) sum += ((int32_t)row[i] - 128) * query[i];
    return sum;
}

static float dot_floats_plain(const float *left, const float *right, size_t count) {
    // Several sums: additions need not wait for each other.
    float sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t j = 0; j < 8; j++) sums[j] += left[i + j] * right[i + j];
    float sum = 0;
    for (; i < count; i++) sum += left[i] * right[i];
    for (size_t j = 0; j < 8; j++) sum += sums[j];
    return sum;
}

size_t martlet_vectors_pick(
    const int32_t *dots, const float *scales, size_t count, float factor, float least, uint32_t *picked) {
    size_t found = 0, i = 0;
    // Hardly any row passes: sixteen are asked at once whether one of them does.
    for (; i + 16 <= count; i += 16) {
        int any = 0;
        for (size_t j = i; j < i + 16; j++) any |= (float)dots[j] * scales[j] * factor >= least;
        if (!any) continue;
        for (size_t j = i; j < i + 16; j++)
            if ((float)dots[j] * scales[j] * factor >= least) picked[found++] = (uint32_t)j;
    }
    for (; i < count; i++)
        if ((float)dots[i] * scales[i] * factor >= least) picked[found++] = (uint32_t)i;
    return found;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")))
#define WITHIN static inline __attribute__((always_inline))

// MARK: AVX2

/// The sums of four vectors' parts, in their order.
AVX2 WITHIN __m128i sums_of_four(__m256i a, __m256i b, __m256i c, __m256i d) {
    __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

/// Of one row with `queries` of at most four.
AVX2 WITHIN void dots_avx2_tile(
    const uint8_t *row, size_t stride, const int8_t *query, int queries, int32_t *dots, size_t dots_stride) {
    const __m256i offset = _mm256_set1_epi8((char)0x80), ones = _mm256_set1_epi16(1);
    __m256i sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t i = 0; i < stride; i += 32) {
        __m256i values = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(row + i)), offset);
        // Unsigned times signed is what there is. Of values up to 127 two products still fit into 16 bits.
        __m256i sizes = _mm256_abs_epi8(values);
        for (int q = 0; q < queries; q++) {
            __m256i other = _mm256_loadu_si256((const __m256i *)(query + (size_t)q * stride + i));
            __m256i pairs = _mm256_maddubs_epi16(sizes, _mm256_sign_epi8(other, values));
            sums[q] = _mm256_add_epi32(sums[q], _mm256_madd_epi16(pairs, ones));
        }
    }
    int32_t results[4];
    _mm_storeu_si128((__m128i *)results, sums_of_four(sums[0], sums[1], sums[2], sums[3]));
    for (int q = 0; q < queries; q++) dots[(size_t)q * dots_stride] = results[q];
}

AVX2 static void dots_avx2(
    const uint8_t *rows, size_t row_count, size_t stride, const int8_t *queries, size_t query_count, int32_t *dots,
    size_t dots_stride) {
    for (size_t row = 0; row < row_count; row++) {
        const uint8_t *values = rows + row * stride;
        size_t q = 0;
        for (; q + 4 <= query_count; q += 4)
            dots_avx2_tile(values, stride, queries + q * stride, 4, dots + q * dots_stride + row, dots_stride);
        for (; q < query_count; q++)
            dots_avx2_tile(values, stride, queries + q * stride, 1, dots + q * dots_stride + row, dots_stride);
    }
}

AVX2 static float dot_floats_avx2(const float *left, const float *right, size_t count) {
    __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        a = _mm256_fmadd_ps(_mm256_loadu_ps(left + i), _mm256_loadu_ps(right + i), a);
        b = _mm256_fmadd_ps(_mm256_loadu_ps(left + i + 8), _mm256_loadu_ps(right + i + 8), b);
        c = _mm256_fmadd_ps(_mm256_loadu_ps(left + i + 16), _mm256_loadu_ps(right + i + 16), c);
        d = _mm256_fmadd_ps(_mm256_loadu_ps(left + i + 24), _mm256_loadu_ps(right + i + 24), d);
    }
    __m256 all = _mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d));
    float parts[8];
    _mm256_storeu_ps(parts, all);
    float sum = ((parts[0] + parts[4]) + (parts[1] + parts[5])) + ((parts[2] + parts[6]) + (parts[3] + parts[7]));
    for (; i < count; i++) sum += left[i] * right[i];
    return sum;
}

// MARK: AVX-512 with VNNI

VNNI WITHIN __m256i halves_added(__m512i sum) {
    return _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
}

/// Of four rows with `queries` of at most four: the sums stay in registers.
VNNI WITHIN void dots_vnni_tile(
    const uint8_t *rows, size_t stride, const int8_t *query, int queries, const int32_t *offsets, int32_t *dots,
    size_t dots_stride) {
    __m512i sums[4][4];
    for (int q = 0; q < queries; q++)
        for (int r = 0; r < 4; r++) sums[q][r] = _mm512_setzero_si512();
    for (size_t i = 0; i < stride; i += 64) {
        __m512i values[4];
        for (int r = 0; r < 4; r++) values[r] = _mm512_loadu_si512(rows + (size_t)r * stride + i);
        for (int q = 0; q < queries; q++) {
            __m512i other = _mm512_loadu_si512(query + (size_t)q * stride + i);
            for (int r = 0; r < 4; r++) sums[q][r] = _mm512_dpbusd_epi32(sums[q][r], values[r], other);
        }
    }
    for (int q = 0; q < queries; q++) {
        __m256i a = halves_added(sums[q][0]), b = halves_added(sums[q][1]);
        __m256i c = halves_added(sums[q][2]), d = halves_added(sums[q][3]);
        __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
        __m128i four = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
        four = _mm_sub_epi32(four, _mm_set1_epi32(offsets[q]));
        _mm_storeu_si128((__m128i *)(dots + (size_t)q * dots_stride), four);
    }
}

VNNI static void dots_vnni(
    const uint8_t *rows, size_t row_count, size_t stride, const int8_t *queries, size_t query_count, int32_t *dots,
    size_t dots_stride) {
    // What the 128 of each byte of a row adds.
    int32_t offsets[martlet_vectors_most_queries];
    for (size_t q = 0; q < query_count; q++) {
        int32_t sum = 0;
        for (size_t i = 0; i < stride; i++) sum += queries[q * stride + i];
        offsets[q] = 128 * sum;
    }
    size_t row = 0;
    for (; row + 4 <= row_count; row += 4) {
        const uint8_t *values = rows + row * stride;
        // Four rows at a time are no stream that the processor would see coming. Beyond the end nothing is read.
        for (size_t i = 0; i < 4 * stride; i += 64) _mm_prefetch((const char *)values + 8 * stride + i, _MM_HINT_T0);
        size_t q = 0;
        for (; q + 4 <= query_count; q += 4)
            dots_vnni_tile(
                values, stride, queries + q * stride, 4, offsets + q, dots + q * dots_stride + row, dots_stride);
        for (; q < query_count; q++)
            dots_vnni_tile(
                values, stride, queries + q * stride, 1, offsets + q, dots + q * dots_stride + row, dots_stride);
    }
    if (row < row_count)
        dots_avx2(rows + row * stride, row_count - row, stride, queries, query_count, dots + row, dots_stride);
}

martlet_vectors_way martlet_vectors_best(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return martlet_vectors_plain;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512vnni"))
        return martlet_vectors_vnni;
    return martlet_vectors_avx2;
}

#else

martlet_vectors_way martlet_vectors_best(void) { return martlet_vectors_plain; }

#endif

void martlet_vectors_dots(
    martlet_vectors_way way, const uint8_t *rows, size_t row_count, size_t stride, const int8_t *queries,
    size_t query_count, int32_t *dots, size_t dots_stride) {
#if defined(__x86_64__)
    if (way == martlet_vectors_vnni)
        return dots_vnni(rows, row_count, stride, queries, query_count, dots, dots_stride);
    if (way == martlet_vectors_avx2)
        return dots_avx2(rows, row_count, stride, queries, query_count, dots, dots_stride);
#endif
    (void)way;
    for (size_t row = 0; row < row_count; row++)
        for (size_t q = 0; q < query_count; q++)
            dots[q * dots_stride + row] = dot_plain(rows + row * stride, queries + q * stride, stride);
}

float martlet_vectors_dot(martlet_vectors_way way, const float *left, const float *right, size_t count) {
#if defined(__x86_64__)
    if (way >= martlet_vectors_avx2) return dot_floats_avx2(left, right, count);
#endif
    (void)way;
    return dot_floats_plain(left, right, count);
}
