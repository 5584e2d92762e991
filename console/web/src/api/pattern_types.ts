// Log patterns and fleet issues, as docs/api.md says them.

import type { Time } from './types';

export interface PatternSummary {
  pattern: string;
  kind: 'rule' | 'template' | string;
  version?: string;
  text: string;
  first_seen: Time;
  last_seen: Time;
  hosts: number;
  hosts_cut?: boolean;
  lines: number;
  hosts_10m: number;
  new: boolean;
  rising: boolean;
  novelty: number;
  rank: number;
  trend: number[];
  issue?: string;
}

export interface PatternList {
  now: Time;
  from: Time;
  reading: boolean;
  patterns_total: number;
  matching_total: number;
  lines_total: number;
  items: PatternSummary[];
}

export interface PatternPoint {
  at: Time;
  hosts: number;
  lines: number;
}

export interface Example {
  host: string;
  source: string;
  line: string;
  at: Time;
}

export interface Variable {
  name: string;
  values: Record<string, number>;
  other_lines: number;
}

export interface PatternDetail extends PatternSummary {
  now: Time;
  from: Time;
  reading: boolean;
  step_ms: number;
  series: PatternPoint[];
  hosts_listed: { host: string; last_seen: Time }[];
  examples: Example[];
  variables: Variable[];
}

export interface Difference {
  fact: string;
  value: string;
  lately?: boolean;
  hit_with: number;
  hit: number;
  others_with: number;
  others: number;
  log10_p: number;
}

export interface PatternDiff {
  pattern: string;
  from: Time;
  to: Time;
  hit: number;
  others: number;
  enough: boolean;
  why: string;
  rows: Difference[];
  not_different: string[];
}

export interface Cause {
  facts: { fact: string; value: string }[];
  same_hosts: string[];
  hit_with: number;
  hit: number;
  others_with: number;
  others: number;
  log10_p: number;
  likely: boolean;
  changed_at?: Time;
  sentence: string;
}

export interface IssueSummary {
  id: string;
  state: 'open' | 'closed' | string;
  stale?: boolean;
  pattern: string;
  kind: string;
  version?: string;
  text: string;
  scope_text: string;
  hosts_total: number;
  lines: number;
  first_at?: Time;
  opened_at: Time;
  updated_at: Time;
  closed_at?: Time;
  why: string;
  response: string;
}

export interface IssueList {
  items: IssueSummary[];
  total: number;
}

export interface Issue extends IssueSummary {
  window_ms: number;
  hosts_in_window: number;
  hosts_reporting: number;
  expected: number;
  log10_p: number;
  hosts: string[];
  causes: Cause[];
  not_different: string[];
  series: { minute: Time; hosts: number }[];
  examples: Example[];
}
