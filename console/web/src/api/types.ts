// What the HTTP API says (docs/api.md). Members are only ever added there, so everything that an
// older server may leave out is optional here, and a word that is not known is kept as a string.

export type Time = string; // RFC 3339, UTC

export type ModeWord = 'auto' | 'shadow' | 'hold' | 'tripped' | 'degraded';

export interface HoldSource {
  source: string; // override | file | store
  id?: string;
  scope: string;
  who: string;
  reason: string;
  since: Time;
  review_at?: Time;
  path?: string;
}

export interface BrakeCause {
  cause: string;
  detail: string;
  since: Time;
}

export interface Brake {
  tripped: boolean;
  causes: BrakeCause[];
}

export interface Mode {
  mode: ModeWord | string;
  reason: string;
  holds: HoldSource[];
  brake: Brake;
  hold_file?: string;
}

export interface Freshness {
  log_lag_ms: number;
  hosts_reporting: number;
  hosts_total: number;
  hosts_silent: number;
  oldest_ms: number;
  leader: boolean;
}

export interface Limit {
  name: string;
  scope: string;
  kind: 'concurrent' | 'window' | 'floor' | string;
  used: number;
  max: number;
  window_ms?: number;
  next_at?: Time;
}

export interface Grant {
  id: string;
  host: string;
  act: string;
  cell: string;
  pool: string;
  rack: string;
  granted_at: Time;
  reason: string;
  holder?: string; // of one that is lent, and so are these
  ends_at?: Time;
  overdue?: boolean;
}

export type Verdict = 'ok' | 'bad' | 'unknown';

export interface Condition {
  type: string;
  unit: string;
  verdict: Verdict | string;
  severity: string;
  reason: string;
  message: string;
  since: Time;
  evidence: string[];
}

export interface HostSummary {
  host: string;
  state: string;
  since: Time;
  why: string;
  held: boolean;
  protected: boolean;
  silent: boolean;
  revision: number;
  attempt: number;
  tasks_total: number;
  tasks_left: number;
  cell: string;
  pool: string;
  rack: string;
  zone: string;
  kernel: string;
  image: string;
  agent_version: string;
  seen_at: Time;
  conditions: Condition[];
  waits_for?: unknown; // promised for HostDetail; welcome here
}

export interface NeedsYou {
  what: string;
  host?: string;
  since: Time;
  detail: string;
}

export interface AuditEntry {
  seq: number;
  at: Time;
  who: string;
  action: string;
  object: string;
  why: string;
  result: string;
}

export interface State {
  cursor: string;
  now: Time;
  version: string;
  mode: Mode;
  freshness: Freshness;
  limits: Limit[];
  grants: Grant[];
  hosts: HostSummary[];
  needs_you: NeedsYou[];
  recent: AuditEntry[];
}

export interface TimelineItem {
  at: Time;
  until?: Time;
  lane: string;
  title: string;
  detail: string;
  tone: string;
}

export interface WhyLine {
  at: Time;
  kind: string;
  text: string;
}

export interface Task {
  task: string;
  job: string;
  state: string;
  pid?: number;
  since: Time;
}

export interface Override {
  id: string;
  kind: string;
  scope: string;
  who: string;
  reason: string;
  created_at: Time;
  review_at?: Time;
  until?: Time;
}

// Its `why` is the chain of lines, where a HostSummary's is one sentence.
export interface HostDetail extends Omit<HostSummary, 'why'> {
  facts: Record<string, unknown>;
  timeline: TimelineItem[];
  why: WhyLine[] | string;
  tasks: Task[];
  overrides: Override[];
}

export interface Released {
  released: Override[];
  still: HoldSource[];
}

export interface AuditPage {
  items: AuditEntry[];
  chain?: { ok: boolean; to_seq: number };
}
