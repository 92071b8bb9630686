//! Metrics of the process and of its runtime.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::{Gauge, gauge};
use metrics_process::{Collector, collector};
use tokio::runtime::Handle;

use super::names;

/// What the process has used, as far as the system tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time of processors since its start.
    pub cpu: Option<Duration>,
    /// Memory that it has in use now, in bytes.
    pub rss_bytes: Option<u64>,
}

/// The open files of the process, as far as the system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files {
    /// Files, sockets among them.
    pub open: Option<u64>,
    /// Most that may be open.
    pub limit: Option<u64>,
}

impl Usage {
    /// Returns what the process has used until now. Cheaper than a look at all its files.
    #[must_use]
    pub fn now() -> Self {
        #[cfg(target_os = "linux")]
        return std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| Self::parse(&stat)).unwrap_or_default();
        #[cfg(not(target_os = "linux"))]
        {
            let seen = collector::collect();
            Self { cpu: seen.cpu_seconds_total.map(Duration::from_secs_f64), rss_bytes: seen.resident_memory_bytes }
        }
    }

    /// Reads the line of `proc_pid_stat(5)`.
    #[cfg(target_os = "linux")]
    fn parse(stat: &str) -> Option<Self> {
        // The name of the program, which may have spaces and brackets in it, is the second field; the third follows.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let ticks = number(14)?.checked_add(number(15)?)?;
        let millis = ticks.checked_mul(1000)?.checked_div(rustix::param::clock_ticks_per_second())?;
        let page = u64::try_from(rustix::param::page_size()).ok()?;
        Some(Self { cpu: Some(Duration::from_millis(millis)), rss_bytes: number(24)?.checked_mul(page) })
    }
}

impl Files {
    /// Counts the open files of the process.
    #[must_use]
    pub fn now() -> Self {
        let seen = collector::collect();
        // 0 stands for no limit.
        Self { open: seen.open_fds, limit: seen.max_fds.filter(|limit| *limit > 0) }
    }
}

/// Metrics of the process and of its runtime, made once.
pub struct ProcessMetrics {
    process: Collector,
    workers: Gauge,
    tasks: Gauge,
    queue: Gauge,
    busy: Gauge,
    /// When the runtime was looked at last, and for how long its threads had been busy by then.
    last: Mutex<Option<(Instant, Duration)>>,
}

impl ProcessMetrics {
    /// Makes the series, so that they exist before the first look.
    pub(super) fn new() -> Self {
        let process = Collector::default();
        process.describe();
        process.collect();
        let made = Self {
            process,
            workers: gauge!(names::RUNTIME_WORKERS),
            tasks: gauge!(names::RUNTIME_TASKS),
            queue: gauge!(names::RUNTIME_QUEUE),
            busy: gauge!(names::RUNTIME_BUSY),
            last: Mutex::default(),
        };
        for gauge in [&made.workers, &made.tasks, &made.queue, &made.busy] {
            gauge.set(0.0);
        }
        made
    }

    /// Reads the figures of the process.
    pub(super) fn collect(&self) {
        self.process.collect();
    }

    /// Looks at the runtime.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn look_at(&self, runtime: &Handle) {
        let seen = runtime.metrics();
        let workers = seen.num_workers();
        self.workers.set(workers as f64);
        self.tasks.set(seen.num_alive_tasks() as f64);
        self.queue.set(seen.global_queue_depth() as f64);
        let busy: Duration = (0..workers).map(|worker| seen.worker_total_busy_duration(worker)).sum();
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, before)) = last.replace((now, busy)) {
            let passed = now.duration_since(at).as_secs_f64() * workers as f64;
            let ratio = busy.saturating_sub(before).as_secs_f64() / passed.max(f64::EPSILON);
            self.busy.set(ratio.min(1.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_process_uses_is_read_whatever_its_name_is() {
        let line = "7 (a (odd) name) S 1 7 7 0 -1 4194560 9 0 0 0 120 30 0 0 20 0 8 0 55 99999 256 184467 1 1";
        let seen = Usage::parse(line).unwrap();
        let second = rustix::param::clock_ticks_per_second();
        assert_eq!(seen.cpu, Some(Duration::from_millis(150 * 1000 / second)));
        assert_eq!(seen.rss_bytes, Some(256 * rustix::param::page_size() as u64));
        assert_eq!((Usage::parse(""), Usage::parse("7 (x) S 1")), (None, None));
    }

    #[test]
    fn a_process_knows_its_own_figures() {
        let (usage, files) = (Usage::now(), Files::now());
        assert!(usage.cpu.is_some() && usage.rss_bytes.is_some_and(|bytes| bytes > 1 << 20), "{usage:?}");
        assert!(files.open.is_some_and(|open| open > 2), "{files:?}");
    }
}
