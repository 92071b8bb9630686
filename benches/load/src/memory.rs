//! The memory of a process, from `/proc/PID/smaps_rollup`.

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::process::field;

/// The memory of a process at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the unit is in the name in the results too")]
pub(crate) struct Memory {
    /// Resident: all its pages that are in memory, also those of its program file, which the kernel may take back.
    pub(crate) rss_kib: i64,
    /// The same, each page divided by the number of processes that share it.
    pub(crate) pss_kib: i64,
    /// The resident part that belongs to no file: heap and stacks.
    pub(crate) anon_kib: i64,
}

impl Memory {
    /// Returns the memory of process `pid` now.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        Self::parse(&text).with_context(|| format!("{path} is not as expected"))
    }

    fn parse(text: &str) -> Option<Self> {
        let kib = |name| i64::try_from(field(text, name)?).ok();
        Some(Self { rss_kib: kib("Rss:")?, pss_kib: kib("Pss:")?, anon_kib: kib("Anonymous:")? })
    }

    /// Returns the difference from `before`.
    pub(crate) fn beyond(self, before: Self) -> Self {
        Self {
            rss_kib: self.rss_kib - before.rss_kib,
            pss_kib: self.pss_kib - before.pss_kib,
            anon_kib: self.anon_kib - before.anon_kib,
        }
    }

    /// Returns the resident memory in MiB.
    pub(crate) fn rss_mib(self) -> f64 {
        mib(self.rss_kib)
    }

    /// Returns the memory that belongs to no file, in MiB.
    pub(crate) fn anon_mib(self) -> f64 {
        mib(self.anon_kib)
    }

    /// Returns each figure divided by `count`, in KiB.
    pub(crate) fn each(self, count: u32) -> Each {
        let share = |kib| mib(kib) * 1024.0 / f64::from(count.max(1));
        Each { rss: share(self.rss_kib), pss: share(self.pss_kib), anon: share(self.anon_kib) }
    }
}

/// KiB for each of several things.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Each {
    pub(crate) rss: f64,
    pub(crate) pss: f64,
    pub(crate) anon: f64,
}

#[expect(clippy::cast_precision_loss, reason = "the memory of a machine in KiB is far below 2^52")]
fn mib(kib: i64) -> f64 {
    kib as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollup() {
        let text = "55e0-7ffc ---p 0 00:00 0 [rollup]\nRss:    2048 kB\nPss:    1024 kB\nPss_Anon:   7 kB\n\
                    Anonymous:  512 kB\n";
        let memory = Memory::parse(text).unwrap();
        assert_eq!(memory, Memory { rss_kib: 2048, pss_kib: 1024, anon_kib: 512 });
        let more = Memory { rss_kib: 4096, ..memory }.beyond(memory);
        assert_eq!((more.rss_kib, more.pss_kib), (2048, 0));
        assert!((more.rss_mib() - 2.0).abs() < 1e-9 && (more.each(4).rss - 512.0).abs() < 1e-9);
    }

    #[test]
    fn this_process() {
        assert!(Memory::of(std::process::id()).unwrap().anon_kib > 0);
    }
}
