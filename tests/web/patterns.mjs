// Log patterns and fleet issues of the small fleet: a new one on 41 hosts with an open issue, one
// that is as always, one that no rule matches and whose text is hostile.

import { ago, HOSTILE_LINE } from './fleet.mjs';

function pattern(name, more) {
  return {
    pattern: name, kind: 'rule', version: '7', text: name, first_seen: ago(86400 * 9),
    last_seen: ago(20), hosts: 3, hosts_cut: false, lines: 1020, hosts_10m: 3, new: false,
    rising: false, novelty: 0.01, rank: 0.03, trend: Array(60).fill(2), ...more,
  };
}

export const NVME = 'disk.nvme_timeout';
export const TEMPLATE = 't-9f31c4';

export function patterns() {
  const rise = Array.from({ length: 60 }, (_, i) => Math.max(0, i - 40) * 2);
  return [
    pattern(NVME, {
      text: 'nvme «nvme0»: I/O «tag» QID «3» timeout, aborting', first_seen: ago(900), hosts: 41,
      lines: 9204, hosts_10m: 38, new: true, rising: true, novelty: 0.98, rank: 40.2, trend: rise,
      issue: 'I-3fa94c21',
    }),
    pattern(TEMPLATE, {
      kind: 'template', version: undefined, text: `mlx5_core «0000:3b:00.0»: ${HOSTILE_LINE}`,
      first_seen: ago(600), hosts: 19, lines: 77, hosts_10m: 19, new: true, novelty: 0.95,
      rank: 18.1, trend: rise.map((n) => n / 2 | 0),
    }),
    pattern('fs.ext4_error', { text: 'EXT4-fs error (device «sda1»): «…»' }),
  ];
}

function minute(n) {
  return new Date(Math.floor(Date.now() / 60000 - n) * 60000).toISOString();
}

export function patternDetail(summary) {
  const series = summary.trend.map((hosts, i) => ({ at: minute(59 - i), hosts, lines: hosts * 9 }))
    .filter((p) => p.hosts > 0);
  return {
    ...summary, now: ago(0), from: minute(59), reading: false, step_ms: 60000, series,
    hosts_listed: ['web-114', 'web-115', 'web-116'].map((host, i) =>
      ({ host, last_seen: ago(i * 40) })),
    examples: [
      { host: 'web-114', source: 'kernel', line: 'nvme nvme0: I/O 214 QID 3 timeout', at: ago(20) },
      { host: 'web-115', source: 'kernel', line: HOSTILE_LINE, at: ago(60) },
    ],
    variables: [
      { name: '1', values: { nvme0: 6000, nvme1: 3000, [HOSTILE_LINE.slice(0, 60)]: 40 },
        other_lines: 164 },
      { name: 'tag', values: {}, other_lines: 0 },
    ],
  };
}

export function diff(summary, sel) {
  if (summary.hosts < 4) {
    return {
      pattern: summary.pattern, from: ago(3600), to: ago(0), hit: summary.hosts, others: 3997,
      enough: false, why: `${summary.hosts} hosts hit are too few to compare.`, rows: [],
      not_different: [],
    };
  }
  const hit = sel ? 12 : summary.hosts;
  const row = (fact, value, hitShare, othersShare, lately = false) => ({
    fact, value, lately, hit, others: 3959, hit_with: Math.round(hit * hitShare),
    others_with: Math.round(3959 * othersShare), log10_p: -20,
  });
  return {
    pattern: summary.pattern, from: ago(3600), to: ago(0), hit, others: 3959, enough: true,
    why: `${hit} of ${hit} hit have kernel 6.1.99; 0 of 3,959 others do.`,
    rows: [
      row('kernel', '6.1.99', 1, 0), row('fw', '2B2QEXM7', 0.71, 0.18),
      row('rack', 'r17', 0.2, 0.003), row('image', '', 0.5, 0.001, true),
      row('label', HOSTILE_LINE.slice(0, 50), 0.3, 0.01),
    ],
    not_different: ['pool', 'instance_type', 'agent_version'],
  };
}

function issue(id, more) {
  return {
    id, state: 'open', pattern: NVME, kind: 'rule', version: '7',
    text: 'nvme «nvme0»: I/O «tag» QID «3» timeout, aborting',
    scope: { fact: 'kernel', value: '6.1.99' }, scope_text: 'kernel 6.1.99', hosts_total: 41,
    lines: 9204, first_at: ago(900), opened_at: ago(720), updated_at: ago(15),
    why: '41 of 41 hit have kernel 6.1.99; 0 of 3,959 others do.',
    response: 'Drains of these hosts are held; a person is called.', ...more,
  };
}

export function issues() {
  return [
    issue('I-3fa94c21', {}),
    issue('I-77aa0001', {
      state: 'closed', pattern: 'net.flap', text: 'eth«0»: link «down»', hosts_total: 12,
      scope_text: 'rack r3', opened_at: ago(86400), updated_at: ago(80000), closed_at: ago(80000),
      why: 'All 12 are in rack r3.', response: '',
    }),
  ];
}

export function issueDetail(summary) {
  return {
    ...summary, window_ms: 600000, hosts_in_window: 38, hosts_reporting: 4000, expected: 0.42,
    log10_p: -60, hosts: ['web-114', 'web-115', 'web-116'],
    causes: [
      { facts: [{ fact: 'kernel', value: '6.1.99' }], same_hosts: ['image=ami-7'], hit_with: 41,
        hit: 41, others_with: 0, others: 3959, log10_p: -83, likely: false,
        changed_at: ago(5000), sentence: '41 of 41 hit have kernel 6.1.99; 0 of 3,959 others do.' },
      { facts: [{ fact: 'fw', value: HOSTILE_LINE.slice(0, 40) }], same_hosts: [], hit_with: 8,
        hit: 41, others_with: 12, others: 3959, log10_p: -4, likely: true,
        sentence: `8 of 41 hit have fw ${HOSTILE_LINE.slice(0, 40)}` },
    ],
    not_different: ['pool', 'zone'],
    series: [0, 5, 18, 30, 41, 38, 40, 36].map((hosts, i) => ({ minute: minute(8 - i), hosts })),
    examples: [
      { host: 'web-114', source: 'kernel', line: HOSTILE_LINE, at: ago(20) },
    ],
  };
}
