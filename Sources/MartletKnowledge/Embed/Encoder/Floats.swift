import CMartlet
import Glibc

/// Rows of floats in memory that never moves: what the kernels of `martlet_matrix.h` read and write.
///
/// Every place handed to C is checked here. Not for two threads at a time, but to read.
@safe final class Floats {
    let rows: Int
    let columns: Int
    private let memory: UnsafeMutablePointer<Float>

    /// All 0.
    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        // Pages that nobody writes to take no memory so.
        // SAFETY: all bits 0 are the number 0, and nobody else has the memory.
        guard let zeros = unsafe calloc(max(rows * columns, 1), MemoryLayout<Float>.stride) else {
            fatalError("out of memory")
        }
        // SAFETY: as many floats as were allocated.
        unsafe memory = zeros.bindMemory(to: Float.self, capacity: max(rows * columns, 1))
    }

    convenience init(row: [Float]) {
        self.init(rows: 1, columns: row.count)
        // SAFETY: as many floats as the row has.
        unsafe row.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { unsafe memory.update(from: start, count: row.count) }
        }
    }

    // SAFETY: nobody has the memory any more.
    deinit { unsafe free(memory) }

    /// Copied out.
    subscript(row: Int) -> [Float] {
        // SAFETY: `place` has checked that the row lies within the memory.
        unsafe Array(UnsafeBufferPointer(start: place(row, 0, columns), count: columns))
    }

    func copyRow(_ row: Int, from source: Floats, _ sourceRow: Int) {
        precondition(source.columns == columns)
        // SAFETY: both places are checked, and hold as many floats as are copied.
        unsafe place(row, 0, columns).update(from: source.place(sourceRow, 0, columns), count: columns)
    }

    func clearRow(_ row: Int) {
        // SAFETY: the place is checked.
        unsafe place(row, 0, columns).update(repeating: 0, count: columns)
    }

    func changeRow(_ row: Int, _ change: (_ column: Int, Float) -> Float) {
        // SAFETY: the place is checked for all columns.
        let start = unsafe place(row, 0, columns)
        for column in 0..<columns { unsafe start[column] = change(column, start[column]) }
    }

    /// Row `row` plus as many floats of `other`'s row, from `column` on.
    func addRow(_ row: Int, _ other: Floats, _ otherRow: Int, from column: Int = 0) {
        // SAFETY: both places are checked for as many floats as the call reads and writes.
        unsafe martlet_row_add(other.place(otherRow, column, columns), columns, place(row, 0, columns))
    }

    /// As many floats of row `row`, from `column` on, as `other` has: what `other` has there, but 0 for what is below,
    /// and the residual on top.
    func rectifyRow(
        _ row: Int, at column: Int = 0, _ other: Floats, _ otherRow: Int, plus residual: Floats? = nil,
        _ residualRow: Int = 0, from residualColumn: Int = 0
    ) {
        let count = other.columns
        // SAFETY: all three places are checked for as many floats as the call reads and writes.
        unsafe martlet_row_rectify(
            other.place(otherRow, 0, count), residual?.place(residualRow, residualColumn, count), count,
            place(row, column, count))
    }

    /// The first floats of the row from bytes of a table.
    func widenRow(_ row: Int, _ bytes: [UInt8], from first: Int, count: Int, scale: Float, offset: Float) {
        precondition(first >= 0 && first + count <= bytes.count)
        // SAFETY: the bytes are checked above, the floats in `place`.
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe martlet_row_widen(start + first, count, scale, offset, place(row, 0, count))
        }
    }

    func normalizeRow(_ row: Int, gain: Floats, bias: Floats, epsilon: Float) {
        // SAFETY: the three places are checked for as many floats as the call reads and writes.
        unsafe martlet_row_normalize(
            place(row, 0, columns), columns, gain.place(0, 0, columns), bias.place(0, 0, columns), epsilon)
    }

    func unitRow(_ row: Int, epsilon: Float) {
        // SAFETY: the place is checked.
        unsafe martlet_row_unit(place(row, 0, columns), columns, epsilon)
    }

    /// `count` rows from `row` on: each of the places in `left`, one `stride` after another from `start` on, times the
    /// matrix, plus the bias.
    func multiply(
        row: Int, count: Int, _ left: Floats, start: Int = 0, stride: Int, by right: PackedMatrix, bias: Floats? = nil,
        kernel: MatrixKernel = .best
    ) {
        guard count > 0 else { return }
        precondition(columns == right.columns && row + count <= rows && (bias?.columns ?? columns) == columns)
        precondition(start >= 0 && start + (count - 1) * stride + right.rows <= left.rows * left.columns)
        // SAFETY: both matrices are checked above, and the packed one is as large as its own type made it.
        unsafe martlet_matrix_multiply(
            Int32(kernel.rawValue), left.memory + start, stride, count, right.memory, right.rows, columns,
            bias?.memory, place(row, 0, columns))
    }

    private func place(_ row: Int, _ column: Int, _ count: Int) -> UnsafeMutablePointer<Float> {
        precondition(row >= 0 && column >= 0 && row < rows && column + count <= columns)
        // SAFETY: within the memory, as was looked at.
        return unsafe memory + (row * columns + column)
    }
}

/// The right side of products, laid out for the kernels.
@safe final class PackedMatrix {
    let rows: Int
    let columns: Int
    fileprivate let memory: UnsafeMutablePointer<Float>

    /// - Parameter values: Row by row.
    init(rows: Int, columns: Int, _ values: [Float]) {
        precondition(values.count == rows * columns && !values.isEmpty)
        self.rows = rows
        self.columns = columns
        // SAFETY: as many floats as the kernels say they need.
        unsafe memory = .allocate(capacity: martlet_matrix_packed_count(rows, columns))
        // SAFETY: as many floats as the call says it reads and writes.
        unsafe values.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { unsafe martlet_matrix_pack(start, rows, columns, memory) }
        }
    }

    // SAFETY: nobody has the memory any more.
    deinit { unsafe memory.deallocate() }
}

enum MatrixKernel: UInt32, CaseIterable {
    case best, scalar, base, avx2, avx512

    /// Whether this machine has it.
    var isHere: Bool { martlet_matrix_has(Int32(rawValue)) != 0 }
}
