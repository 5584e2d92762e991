import type { HostSummary } from '../src/api/types';

export function makeHost(change: Partial<HostSummary>): HostSummary {
  return {
    host: 'web-1', state: 'healthy', since: '2026-11-23T03:00:00Z', why: '', held: false,
    protected: false, silent: false, revision: 1, attempt: 0, tasks_total: 3, tasks_left: 3,
    cell: 'c1', pool: 'web', rack: 'r1', zone: 'z1', kernel: '6.1.90', image: 'i1',
    agent_version: '1', seen_at: '2026-11-23T03:00:00Z', conditions: [], ...change,
  };
}
