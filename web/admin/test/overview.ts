/** A server of which all is well. */
import type { Overview } from "../src/data/types.js";

/** Returns what it says of itself, with these changes. */
export function overview(changes: Partial<Overview> = {}): Overview {
  return {
    node: "a1",
    version: "0.1.0",
    commit: null,
    at: "2026-11-28T06:00:00Z",
    started_at: "2026-11-28T05:00:00Z",
    uptime_s: 3_600,
    ready: true,
    draining: false,
    problems: [],
    warnings: [],
    sessions: 1_203,
    sockets: { legacy: 10, v1: 1_300, background: 78 },
    connections: { open: 1_400, limit: 20_000 },
    messages_per_s: 212,
    refused_per_s: 0,
    commit_p50_ms: 1,
    commit_p99_ms: 4,
    mailbox: {},
    restarts: 0,
    rss_bytes: 1,
    cpu_cores: 0.4,
    cpus: 2,
    fds: { open: 1_450, limit: 65_536 },
    passwords: { threads: 2, busy: 0, waiting: 0 },
    disks: [{ disk: "store", free_bytes: 50, size_bytes: 100, min_free_bytes: 1 }],
    database: { kind: "sqlite", bytes: 1, wal_bytes: 1, pool: {} },
    ...changes,
  };
}
