//! Tables for the terminal: columns as wide as what stands in them.

/// Lines of text in aligned columns. The first line is the header.
#[derive(Debug, Default)]
pub(super) struct Table {
    lines: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings. Columns whose heading ends in `>` are aligned to the right.
    pub(super) fn new(headings: &[&str]) -> Table {
        Table { lines: vec![headings.iter().map(|h| (*h).into()).collect()] }
    }

    /// Adds a line.
    pub(super) fn line(&mut self, cells: impl IntoIterator<Item = String>) {
        self.lines.push(cells.into_iter().collect());
    }

    /// Whether there is nothing below the headings.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.len() == 1
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let right: Vec<bool> = self.lines[0].iter().map(|h| h.ends_with('>')).collect();
        let shown = |cell: &str| cell.trim_end_matches('>').to_owned();
        let width = |column: usize| {
            let cells = self.lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| shown(cell).chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..right.len()).map(width).collect();
        for line in &self.lines {
            let mut text = String::from(" ");
            for (column, cell) in line.iter().enumerate() {
                let (cell, width) = (shown(cell), widths.get(column).copied().unwrap_or(0));
                text += &match right.get(column) {
                    Some(true) => format!(" {cell:>width$} "),
                    _ => format!(" {cell:<width$} "),
                };
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["who", "much>"]);
        table.line(["a".into(), "10".into()]);
        table.line(["beta".into(), "1".into()]);
        assert_eq!(table.to_string(), "  who   much\n  a       10\n  beta     1\n");
    }
}
