//! The priorities of threads that hash. Nothing is changed where the system does not allow that, or has priorities only
//! for whole processes.

/// How much nicer than the rest of the process the threads for people who are known are (`nice(2)`): under full load a
/// tenth of a core stays for each.
#[cfg(target_os = "linux")]
pub(super) const NICER: i32 = 10;

/// Lowers this thread's priority.
pub(super) fn low() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};
        let me = Some(rustix::thread::gettid());
        let lowered = getpriority_process(me).and_then(|now| setpriority_process(me, now.saturating_add(NICER)));
        if let Err(error) = lowered {
            tracing::warn!(%error, "password hashes run at normal priority");
        }
    }
}

/// Lets this thread run only while nothing else wants its core (`SCHED_IDLE`, `sched(7)`): whatever wakes up takes it
/// at once. Under full load some 0.3 % of a core stay for it.
pub(super) fn idle() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::unix::{
            NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
            thread_schedule_policy,
        };
        const IDLE: ThreadSchedulePolicy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        // Nice is set too, and cannot be in a process that is nicer than most; idle threads have no use for it.
        let set = set_thread_priority_and_policy(thread_native_id(), thread_priority::ThreadPriority::Min, IDLE);
        if thread_schedule_policy().ok() != Some(IDLE) {
            tracing::warn!(error = ?set.err(), "the password hashes of strangers run at low priority, not idle");
            low();
        }
    }
}
