// A small fleet with a story: twelve hosts in three racks, one draining, one silent, one suspect
// that waits for a limit, one whose log is hostile. Times are relative to the start.

const RLO = '\u202e';
export const HOSTILE_LINE =
  `<img src=x onerror="window.hacked=1">\u001b[31mred\u001b[0m ${RLO}txt.exe\u2066 nul\u0000 end`;

const NVME_LINE = 'nvme nvme0: I/O 214 QID 3 timeout, aborting';

export function ago(seconds) {
  return new Date(Date.now() - seconds * 1000).toISOString();
}

function condition(type, unit, verdict, severity, reason, message, since, evidence = []) {
  return { type, unit, verdict, severity, reason, message, since: ago(since), evidence };
}

function host(name, pool, rack, more = {}) {
  return {
    host: name, state: 'healthy', since: ago(86400 * 3), why: '', held: false, protected: false,
    silent: false, revision: 4, attempt: 0, tasks_total: 14, tasks_left: 14, cell: 'c1', pool,
    rack, zone: 'z1', kernel: '6.1.90', image: '2026.11.2', agent_version: '1.4.0',
    seen_at: ago(1), conditions: [], ...more,
  };
}

export function hosts() {
  const nvme = condition(
    'DiskHealth', 'nvme0', 'bad', 'hard', 'nvme_timeout', '9 I/O timeouts in 5 m', 290,
    [`kernel: ${NVME_LINE}`, 'kernel: nvme nvme0: I/O 215 QID 3 timeout, aborting', HOSTILE_LINE]);
  return [
    host('web-101', 'web', 'r16'), host('web-102', 'web', 'r16'),
    host('web-103', 'web', 'r16', { protected: true, why: 'protected by op1: firmware flash' }),
    host('web-104', 'web', 'r16'),
    host('web-114', 'web', 'r17', {
      state: 'draining', since: ago(240), revision: 9, attempt: 1, tasks_left: 9,
      kernel: '6.1.99', conditions: [nvme],
      why: 'disk.nvme_timeout matched 9 times in 5 m (3 needed): taint, then drain',
    }),
    host('web-115', 'web', 'r17', {
      state: 'suspect', since: ago(95), kernel: '6.1.99', waits_for: 'pool-concurrent (pool:web)',
      why: 'disk.nvme_timeout matched 4 times; no grant yet',
      conditions: [condition('DiskHealth', 'nvme0', 'bad', 'hard', 'nvme_timeout',
        '4 I/O timeouts', 95, [`kernel: ${NVME_LINE}`])],
    }),
    host('web-116', 'web', 'r17'), host('web-117', 'web', 'r17'),
    host('db-005', 'db', 'r19'), host('db-006', 'db', 'r19'),
    host('db-007', 'db', 'r19', {
      state: 'repairing', since: ago(130), attempt: 1, tasks_left: 0, revision: 11,
      why: 'mem.ecc_ue: reboot, 2 m of about 6 m',
      conditions: [condition('Memory', 'dimm-3', 'bad', 'hard', 'ecc_ue', '2 uncorrected errors',
        900)],
    }),
    host('db-008', 'db', 'r19', {
      silent: true, since: ago(412), seen_at: ago(412),
      why: 'no report for 6 m; the scheduler lost it too',
      conditions: [condition('Agent', '', 'unknown', 'soft', 'silent', 'no report', 412)],
    }),
  ];
}

export function auditEntries() {
  const rows = [
    [40, 'rule disk.nvme_timeout@7', 'wait', 'web-115', 'pool-concurrent is full', 'refused'],
    [240, 'rule disk.nvme_timeout@7', 'drain', 'web-114', '9 timeouts in 5 m', 'running'],
    [250, 'rule disk.nvme_timeout@7', 'taint', 'web-114', '9 timeouts in 5 m', 'done'],
    [130, 'policy ladder', 'repair reboot', 'db-007', 'drained, verified: 0 of 14 left', 'running'],
    [1900, 'op1', 'protect', 'host:web-103', 'firmware flash', 'done'],
    [7400, 'op2', 'release', 'fleet', 'rack power is back', 'done'],
  ];
  return rows.sort((a, b) => a[0] - b[0]).map(([s, who, action, object, why, result], i) => ({
    seq: 900 - i, at: ago(s), who, action, object, why, result,
  }));
}

export function state() {
  return {
    apiVersion: 'fleetmedic/v1', cursor: 'e1:100', now: new Date().toISOString(), version: '0.1.0',
    mode: { mode: 'auto', reason: '', holds: [], brake: { tripped: false, causes: [] } },
    freshness: {
      log_lag_ms: 400, hosts_reporting: 11, hosts_total: 12, hosts_silent: 1, oldest_ms: 3100,
      leader: true,
    },
    limits: [
      { name: 'fleet-concurrent', scope: 'fleet', kind: 'concurrent', used: 2, max: 5 },
      { name: 'pool-concurrent', scope: 'pool:web', kind: 'concurrent', used: 1, max: 1 },
      { name: 'fleet-window', scope: 'fleet', kind: 'window', used: 2, max: 10, window_ms: 3600000,
        next_at: ago(-320) },
    ],
    grants: [
      { id: 'g-81', host: 'web-114', act: 'drain', cell: 'c1', pool: 'web', rack: 'r17',
        granted_at: ago(250), reason: 'disk.nvme_timeout' },
      { id: 'g-80', host: 'db-007', act: 'repair', cell: 'c1', pool: 'db', rack: 'r19',
        granted_at: ago(700), reason: 'mem.ecc_ue' },
    ],
    hosts: hosts(),
    needs_you: [
      { what: 'A host is silent', host: 'db-008', since: ago(352),
        detail: 'No report for 6 m and the scheduler lost it too. Nothing is done by itself.' },
      { what: 'A drain is blocked', host: 'web-114', since: ago(60),
        detail: 'payments-api needs 3 healthy and has 3; it is never forced.' },
    ],
    recent: auditEntries(),
  };
}

const WHY = [
  [292, 'line', `kernel: ${NVME_LINE}`],
  [290, 'line', HOSTILE_LINE],
  [286, 'finding', 'disk.nvme_timeout@7 matched 9 times in 5 m (3 needed)'],
  [285, 'condition', 'DiskHealth nvme0 is bad (hard)'],
  [255, 'decision', 'bad for 30 s, evidence 2 s old, same boot: ask for a grant'],
  [250, 'grant', 'g-81 granted: fleet 2 of 5, pool web 1 of 1'],
  [249, 'directive', 'revision 8: tainted, then revision 9: drained by 04:12'],
  [244, 'ack', 'the scheduler confirmed revision 9'],
  [60, 'refusal', 'eviction of payments-api-3 refused: needs 3 healthy, has 3'],
];

function timeline() {
  const at = (s, lane, title, detail, tone, until) => ({
    at: ago(s), ...(until === undefined ? {} : { until: ago(until) }), lane, title, detail, tone,
  });
  return [
    at(290, 'condition', 'DiskHealth nvme0', '9 I/O timeouts in 5 m', 'bad'),
    ...[292, 290, 288, 280, 262, 230, 180, 122]
      .map((s) => at(s, 'log', 'nvme timeout', NVME_LINE, 'bad')),
    at(290, 'log', 'odd line', HOSTILE_LINE, 'unknown'),
    at(250, 'action', 'taint', 'revision 8', 'info', 244),
    at(244, 'action', 'drain, try 1', 'revision 9', 'info', 2),
    at(200, 'people', 'op1: watching', 'from the phone', 'info'),
    at(292, 'task', '14 tasks', '', 'ok', 210),
    at(210, 'task', '12 tasks', '', 'ok', 120),
    at(120, 'task', '9 tasks', '', 'ok'),
  ];
}

export function detail(summary) {
  const moving = summary.state === 'draining';
  const tasks = ['payments-api-3', 'search-7', 'thumbs-21'].map((task, i) => ({
    task, job: task.replace(/-\d+$/, ''), state: moving ? 'leaving' : 'running', pid: 4100 + i,
    since: ago(86000 - i * 300),
  }));
  return {
    ...summary,
    facts: { boot_id: '5f0c7d52', instance_type: 'm5.4xlarge', cpus: 16, memory_gib: 64 },
    conditions: [
      ...summary.conditions,
      condition('Network', 'eth0', 'ok', 'info', '', '', 86000),
      condition('Docker', 'docker.service', 'ok', 'info', '', '', 86000),
    ],
    why: moving ? WHY.map(([s, kind, text]) => ({ at: ago(s), kind, text })) : [],
    timeline: moving ? timeline() : [],
    tasks: summary.tasks_left ? tasks : [],
    overrides: summary.protected
      ? [{ id: 'o-7', kind: 'protect', scope: `host:${summary.host}`, who: 'op1',
        reason: 'firmware flash', created_at: ago(1900), until: ago(-5300) }] : [],
  };
}

// A large fleet, for the time it takes to paint.
export function manyHosts(count) {
  const states = ['healthy', 'healthy', 'healthy', 'healthy', 'healthy', 'healthy', 'healthy',
    'healthy', 'suspect', 'draining', 'tainted', 'drained', 'probation', 'retired'];
  return Array.from({ length: count }, (_, i) => host(
    `web-${String(i).padStart(5, '0')}`, `pool-${i % 7}`, `r${String(i / 40 | 0).padStart(3, '0')}`,
    {
      state: i % 97 === 0 ? states[(i / 97 | 0) % states.length] : 'healthy',
      silent: i % 501 === 7,
    }));
}
