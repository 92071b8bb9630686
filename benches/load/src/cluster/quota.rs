//! A share of a core for a process, by a control group of Linux.

use std::path::{Path, PathBuf};

use crate::report;

/// The time over which a share counts, in microseconds.
const PERIOD_US: f64 = 100_000.0;
/// Where control groups are: those of version 2, and those for the processor of version 1.
const ROOTS: [&str; 3] = ["/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"];

/// A control group, removed on drop: after its process.
pub(super) struct Quota(PathBuf);

/// Reads a number of cores.
pub(super) fn cores(text: &str) -> Result<f64, String> {
    let cores: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=64.0).contains(&cores) { Ok(cores) } else { Err("from 0.01 to 64".to_owned()) }
}

impl Quota {
    /// Lets a process use at most so much. Says so when that is not possible.
    pub(super) fn of(pid: u32, cores: f64) -> Option<Self> {
        let made = ROOTS.iter().find_map(|root| Self::below(Path::new(root), pid, cores));
        if made.is_none() {
            report::complain("NO QUOTA: no control group can be made here, so each server takes what it gets");
        }
        made
    }

    fn below(root: &Path, pid: u32, cores: f64) -> Option<Self> {
        let this = Self(root.join(format!("fluent-load-{pid}")));
        std::fs::create_dir(&this.0).ok()?;
        let (quota, period) = (format!("{:.0}", cores * PERIOD_US), format!("{PERIOD_US:.0}"));
        // A file of the other version is not made anew: there is none.
        let write = |file: &str, text: &str| {
            let path = this.0.join(file);
            path.exists() && std::fs::write(path, text).is_ok()
        };
        let is_set = write("cpu.max", &format!("{quota} {period}"))
            || (write("cpu.cfs_period_us", &period) && write("cpu.cfs_quota_us", &quota));
        (is_set && write("cgroup.procs", &pid.to_string())).then_some(this)
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // What is left of it is empty.
        let _ = std::fs::remove_dir(&self.0);
    }
}
