//! The costs of processes, from /proc.

use std::fs::read_to_string;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// The usage of a process since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Processor time of all its threads, in user and in system mode; in ticks of 10 ms.
    pub(crate) cpu: Duration,
    /// Context switches of its living threads.
    pub(crate) switches: u64,
}

/// Returns the usage of process `pid` so far.
pub(crate) fn usage(pid: u32) -> Result<Usage> {
    let path = format!("/proc/{pid}/stat");
    let stat = read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let cpu = cpu_ticks(&stat).with_context(|| format!("{path} is not as expected"))?;
    Ok(Usage { cpu: from_ticks(cpu), switches: switches(pid) })
}

/// Returns the usage of process `pid` and of those that it has started and that live.
pub(crate) fn usage_with_children(pid: u32) -> Result<Usage> {
    let mut all = usage(pid)?;
    for entry in std::fs::read_dir("/proc").context("cannot read /proc")?.flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = read_to_string(entry.path().join("stat")).unwrap_or_default();
        // It may have ended meanwhile.
        if parent(&stat) == Some(pid)
            && let Ok(of_child) = usage(child)
        {
            all.cpu += of_child.cpu;
            all.switches += of_child.switches;
        }
    }
    Ok(all)
}

/// Returns the peak memory of a process, in MiB.
pub(crate) fn peak_rss_mib(pid: u32) -> Option<u64> {
    let status = read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(field(&status, "VmHWM:")? / 1024)
}

/// Returns the busy processor time of the whole machine.
pub(crate) fn machine_cpu() -> Option<Duration> {
    busy_ticks(&read_to_string("/proc/stat").ok()?).map(from_ticks)
}

/// Returns the sum of `utime` and `stime` in a line of `/proc/PID/stat`. The name, field 2, may hold blanks and
/// brackets.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Returns `ppid` in such a line.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Returns the sum of user, nice, system, irq, softirq and steal of all cores.
fn busy_ticks(stat: &str) -> Option<u64> {
    let fields: Vec<u64> =
        stat.lines().next()?.split_ascii_whitespace().skip(1).map_while(|n| n.parse().ok()).collect();
    Some([0, 1, 2, 5, 6, 7].iter().filter_map(|&index| fields.get(index)).sum())
}

fn switches(pid: u32) -> u64 {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    let of = |thread: std::fs::DirEntry| {
        let status = read_to_string(thread.path().join("status")).ok()?;
        Some(field(&status, "voluntary_ctxt_switches:")? + field(&status, "nonvoluntary_ctxt_switches:")?)
    };
    threads.flatten().filter_map(of).sum()
}

/// Returns the number behind a name at the beginning of a line.
pub(crate) fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn from_ticks(ticks: u64) -> Duration {
    Duration::from_nanos(ticks.saturating_mul(1_000_000_000 / rustix::param::clock_ticks_per_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 12 0 0 0 150 25 0 0 20 0 4 0 9 1 2";
        assert_eq!((cpu_ticks(stat), parent(stat)), (Some(175), Some(1)));
        assert_eq!(busy_ticks("cpu  1 2 4 1000 1000 8 16 32 1000\ncpu0 1"), Some(63));
        assert_eq!(field("A: 1\nVmHWM:\t  2048 kB\n", "VmHWM:"), Some(2048));
    }

    #[test]
    fn this_process() {
        let me = std::process::id();
        assert!(usage(me).is_ok() && usage_with_children(me).is_ok());
        assert!(peak_rss_mib(me).is_some_and(|mib| mib > 0) && machine_cpu().is_some());
    }
}
