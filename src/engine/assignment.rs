//! Optimal one-to-one matching of a small cost table (the assignment problem).
//!
//! The shortest augmenting path method with potentials, O(rows² × columns); see Jonker and Volgenant,
//! "A shortest augmenting path algorithm for dense and sparse linear assignment problems", 1987.
//! Deterministic: ties go to the lower column.

/// Pairs `(row, column)` of least total cost among those below `limit`, ordered by row.
///
/// `cost(row, column)` must be finite; pairs at or above `limit` are never made, and a row rather
/// stays alone than take one.
pub fn assign(
    rows: usize,
    columns: usize,
    limit: f64,
    cost: impl Fn(usize, usize) -> f64,
) -> Vec<(usize, usize)> {
    if rows == 0 || columns == 0 {
        return Vec::new();
    }
    // One extra column per row that costs `limit` and stands for "nobody".
    let width = columns + rows;
    let price = |row: usize, column: usize| {
        if column < columns { cost(row, column).min(limit) } else { limit }
    };
    let holder = solve(rows, width, price);
    let mut pairs: Vec<(usize, usize)> = (0..columns)
        .filter_map(|column| holder[column].map(|row| (row, column)))
        .filter(|&(row, column)| cost(row, column) < limit)
        .collect();
    pairs.sort_unstable();
    pairs
}

/// For each column the row that holds it.
fn solve(rows: usize, width: usize, price: impl Fn(usize, usize) -> f64) -> Vec<Option<usize>> {
    let mut row_potential = vec![0.0; rows];
    let mut column_potential = vec![0.0; width];
    let mut holder: Vec<Option<usize>> = vec![None; width];
    for start in 0..rows {
        let mut least = vec![f64::INFINITY; width];
        let mut came_from: Vec<Option<usize>> = vec![None; width];
        let mut done = vec![false; width];
        let mut column: Option<usize> = None;
        let end = loop {
            let row = column.map_or(start, |c| holder[c].unwrap_or(start));
            let mut next = (f64::INFINITY, width);
            for c in (0..width).filter(|&c| !done[c]) {
                let reduced = price(row, c) - row_potential[row] - column_potential[c];
                if reduced < least[c] {
                    least[c] = reduced;
                    came_from[c] = column;
                }
                if least[c] < next.0 {
                    next = (least[c], c);
                }
            }
            let (delta, best) = next;
            row_potential[start] += delta;
            for c in 0..width {
                if done[c] {
                    column_potential[c] -= delta;
                    if let Some(row) = holder[c] {
                        row_potential[row] += delta;
                    }
                } else {
                    least[c] -= delta;
                }
            }
            done[best] = true;
            if holder[best].is_none() {
                break best;
            }
            column = Some(best);
        };
        give_along_path(&mut holder, &came_from, start, end);
    }
    holder
}

/// Hands the columns on along the path that ends at the free column `end`.
fn give_along_path(
    holder: &mut [Option<usize>],
    came_from: &[Option<usize>],
    start: usize,
    end: usize,
) {
    let mut column = end;
    while let Some(previous) = came_from[column] {
        holder[column] = holder[previous];
        column = previous;
    }
    holder[column] = Some(start);
}
