/** What the admin API answers, as far as this page shows it. What an older server does not say is optional. */
import type { Maybe } from "../lib/format.js";

/** Something in use, and how much of it there may be. */
export interface Pool {
  size: number;
  max: number;
  busy: number;
  waiting: Maybe<number>;
}

export interface Overview {
  node: string;
  version: string;
  commit: Maybe<string>;
  at: string;
  started_at: string;
  uptime_s: number;
  ready: boolean;
  draining: boolean;
  problems: { name: string; reason: string; since: Maybe<string> }[];
  warnings: { name: string; warning: string }[];
  sessions: number;
  sockets: { legacy: number; v1: number; background: number };
  connections: { open: number; limit: number };
  messages_per_s: number;
  refused_per_s: number;
  commit_p50_ms: Maybe<number>;
  commit_p99_ms: Maybe<number>;
  mailbox: Record<string, { waiting: number; wait_p99_ms: Maybe<number> }>;
  restarts: number;
  rss_bytes: Maybe<number>;
  cpu_cores: Maybe<number>;
  cpus: number;
  fds: { open: Maybe<number>; limit: Maybe<number> };
  passwords: { threads: number; busy: number; waiting: number };
  disks: { disk: string; free_bytes: number; size_bytes: number; min_free_bytes: number }[];
  database: { kind: string; bytes: Maybe<number>; wal_bytes: Maybe<number>; pool: Record<string, Pool> };
}

export type ActorState = "running" | "stuck" | "restarting" | "failed" | "stopped";

export interface ListedSession {
  session: string;
  user_id?: number;
  sockets: number;
  dialects: string[];
  queue_frames: number;
  queue_bytes: number;
  oldest_ms: number;
  waiting: number;
  wait_ms: number;
  age_s: number;
}

export interface Sessions {
  actors: number;
  sockets: number;
  handled: number;
  waiting: number;
  oldest_wait_ms: number;
  restarts: number;
  worst_queue: ListedSession[];
  worst_wait: ListedSession[];
  oldest: ListedSession[];
}

export interface ActorNode {
  kind: string;
  state: ActorState;
  restarts: number;
  handled: number;
  waiting: number;
  oldest_wait_ms: number;
  busy_ms: number;
  last_error: { text: string; at: string } | null;
  bound: string;
  sessions?: Sessions;
  batch?: { last_commands: number; last_commit_ms: number; in_flight: number };
  children?: ActorNode[];
}

export interface ActorTree {
  node: string;
  at: string;
  root: ActorNode;
}

/** An open socket that stands out. */
export interface ListedSocket {
  socket: number;
  session: string | null;
  dialect: string;
  mode: string;
  queue_frames: number;
  queue_bytes: number;
  oldest_ms: number;
  age_s: number;
}

export interface Sockets {
  at: string;
  open: number;
  kinds: { dialect: string; mode: string; open: number }[];
  ages: { up_to_s: number | null; open: number }[];
  closed: { from: string; codes: { code: string; count: number }[] };
  worst_queues: ListedSocket[];
  oldest: ListedSocket[];
}

export interface Registration {
  mode: "open" | "invite" | "closed";
  configured: string;
  switched_at: string | null;
}

export interface Invite {
  id: number;
  code?: string;
  code_begins: string;
  state: string;
  uses: number;
  uses_left: number;
  bound_to: string | null;
  note: string;
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
  used_at: string | null;
  used_by: number | null;
}

export interface AddressRule {
  id: number;
  cidr: string;
  action: "allow" | "block";
  scope: "all" | "auth";
  source: "manual" | "auto";
  reason: string;
  strikes: number;
  created_at: string;
  expires_at: string | null;
}

export interface Decisions {
  all: AddressRule | null;
  auth: AddressRule | null;
}

export interface Limiter {
  limiter: string;
  text?: string;
  counts_by?: string;
  numbers: { burst: number; every_ms: number } | null;
  refused?: number;
  delayed?: number;
  worst: WorstKey[];
}

export interface WorstKey {
  key: string;
  count: number;
  error: number;
  next_token_ms?: number;
}

export interface Report {
  id: number;
  state: "open" | "upheld" | "dismissed";
  level: "metadata" | "content";
  reason: string;
  reporter_id: number | null;
  subject_id: number;
  message_id: number;
  sent_at: string;
  created_at: string;
  decided_at: string | null;
  note: string;
  decision_note?: string | null;
  has_plaintext: boolean;
  plaintext?: string;
}

export interface AuditEntry {
  id: number;
  at: string;
  event: string;
  actor_kind: string;
  actor_id: number | null;
  subject_id: number | null;
  network: string | null;
  detail: unknown;
}

export interface PushAttempt {
  device_id: string;
  at: string;
  provider: string;
  outcome: string;
  status: number | null;
  reason: string | null;
  took_ms: number;
  words: string;
}

export interface PushTrace {
  message_id: number;
  targets: { device_id: string; provider: string; state: string; attempts: PushAttempt[]; words: string[] }[];
  deleted: PushAttempt[];
}

export interface PushStatus {
  enabled: boolean;
  owed: number;
  oldest_owed_at: string | null;
  providers: {
    provider: string;
    configured: boolean;
    state: string;
    why: string | null;
    until: string | null;
    open_origins: number;
    active: number;
    suspended: number;
    owed: number;
  }[];
}

export interface OperatorToken {
  id: string;
  name: string;
  scope: "metrics" | "read" | "write";
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  state: string;
  secret?: string;
}

export interface User {
  id: number;
  name: string;
  created_at: string;
  last_seen_at: string | null;
  state: "active" | "disabled";
  disabled_at: string | null;
  second_factor: boolean;
}

export interface PushTarget {
  device_id: string;
  provider: string;
  state: "active" | "suspended";
  reason: string | null;
  created_at: string;
  last_wake_at: string | null;
  last_wake_outcome: string | null;
  last_seen_at: string | null;
}

export interface Person extends User {
  sessions: number;
  sockets: number;
  media_bytes: number;
  push_targets: PushTarget[];
  email?: string;
}

export interface Login {
  id: number;
  created_at: string;
  last_used_at: string | null;
  network: string | null;
  second_factor: boolean;
  device_ids: string[];
}

export interface TableOfStore {
  table: string;
  what: string;
  rows: number | null;
  rows_exact: boolean;
  bytes: number | null;
  bytes_exact: boolean;
  keeps: string;
  oldest_at: string | null;
}

export interface MediaState {
  enabled: boolean;
  bytes: number | null;
  files: Record<string, number> | null;
  lost: number | null;
  last_reconcile: Reconciled | null;
}

export interface Reconciled {
  at?: string;
  dry_run: boolean;
  orphans: { found: number; removed: number; bytes: number };
  /** How many, or which. */
  lost: number | string[];
}

export interface LogFilter {
  filter: string;
  configured: string;
  until: string | null;
  switched_at: string | null;
}

export interface LogLine {
  id: number;
  at: string;
  level: "warn" | "error";
  target: string;
  text: string;
  fields: Record<string, unknown>;
  spans: string[];
}

export interface Setting {
  key: string;
  value: unknown;
  source: "default" | "file" | "environment";
}

export interface Reloaded {
  parts: { name: string; outcome: "unchanged" | "changed" | "failed"; reason: string | null }[];
  needs_restart: string[];
  config_error: string | null;
}

export interface SlowStatement {
  statement: string;
  pool: string;
  count: number;
  longest_ms: number;
  latest_ms: number;
  first_at: string;
  last_at: string;
}
