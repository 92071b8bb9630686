//! Metrics of the process and of its runtime.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::{Gauge, gauge};
use metrics_process::Collector;
use tokio::runtime::Handle;

use super::names;

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
