//! How far a file is.

use std::cell::Cell;

use crate::terminal::printable;

/// Columns of the bar.
const WIDTH: u64 = 20;

/// How far a file is on its way.
pub(crate) struct Gauge {
    name: String,
    shown: String,
    done: Cell<u64>,
    total: Cell<u64>,
}

impl Gauge {
    /// Makes one that stands at nothing.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), shown: printable(name), done: Cell::new(0), total: Cell::new(0) }
    }

    /// Returns whether it is that of the file of this name.
    pub(crate) fn is_of(&self, name: &str) -> bool {
        self.name == name
    }

    /// Notes how many bytes of how many there are.
    pub(crate) fn set(&self, done: u64, total: u64) {
        self.done.set(done);
        self.total.set(total);
    }

    /// Returns how many bytes there are.
    pub(crate) fn done(&self) -> u64 {
        self.done.get()
    }

    /// Returns a bar with the name before it.
    pub(crate) fn bar(&self) -> String {
        let full = self.part_of(WIDTH);
        let cells: String = (0..WIDTH).map(|cell| if cell < full { '█' } else { '░' }).collect();
        format!("{} {cells} {} %", self.shown, self.part_of(100))
    }

    fn part_of(&self, whole: u64) -> u64 {
        let (done, total) = (u128::from(self.done.get()), u128::from(self.total.get().max(1)));
        u64::try_from(done * u128::from(whole) / total).unwrap_or(whole).min(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_from_the_left() {
        let gauge = Gauge::new("a\u{1b}b");
        assert_eq!(gauge.bar(), "a\u{fffd}b ░░░░░░░░░░░░░░░░░░░░ 0 %");
        gauge.set(50, 200);
        assert_eq!(gauge.bar(), "a\u{fffd}b █████░░░░░░░░░░░░░░░ 25 %");
        gauge.set(200, 200);
        assert_eq!((gauge.part_of(100), gauge.done()), (100, 200));
    }
}
