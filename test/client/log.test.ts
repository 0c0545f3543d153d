import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createLog, describeError } from '@helseid-zones/client/log';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AUDIT_LINE, collectLog } from '../fakes/log.ts';
import { SHIPPED } from '../shipped.ts';

describe('a line', () => {
  test('of the audit says who, when and what, at the level that Lambda never drops', () => {
    const log = collectLog();
    log.audit('document.failed', { reason: 'api_refused', status: 503 });
    expect(log.lines).toEqual([
      {
        ...AUDIT_LINE,
        code: 'document.failed',
        message: 'document.failed',
        reason: 'api_refused',
        status: 503,
      },
    ]);
  });

  test('of the log has its own level', () => {
    const log = collectLog();
    for (const level of ['info', 'warn', 'error'] as const) log.write(level, 'login.refused', {});
    expect(log.lines.map(({ level }) => level)).toEqual(['INFO', 'WARN', 'ERROR']);
  });

  test('keeps the sentence that says what to do', () => {
    const log = collectLog();
    log.audit('summary.failed', { message: 'The summaries API answered 503; try again.' });
    expect(log.lines[0]).toMatchObject({
      code: 'summary.failed',
      message: 'The summaries API answered 503; try again.',
    });
  });

  test('names the trace of its invocation', () => {
    const lines: string[] = [];
    const env: Record<string, string> = {};
    const log = createLog({ service: 's', env, write: (line) => void lines.push(line) });
    for (const root of ['1-5759e988-bd862e3fe1be46a994272793', '1-6759e988-bd862e3fe1be46a994272793']) {
      env['_X_AMZN_TRACE_ID'] = `Root=${root};Parent=53995c3f42cd8ad8;Sampled=1`;
      log.audit('signed', {});
      expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ xray_trace_id: root });
    }
  });
});

test('why no answer came is told of an error of no code of ours, and not its words', () => {
  const cause = Object.assign(new Error('getaddrinfo ENOTFOUND secret.example.no'), { code: 'ENOTFOUND' });
  expect(describeError(new TypeError('fetch failed: secret', { cause }))).toEqual({
    reason: 'TypeError',
    at: expect.stringMatching(/^log\.test\.ts:/),
    network: 'name',
    network_code: 'ENOTFOUND',
  });
});

test('whatever facts are called, none is lost, none passes for what the function says, and a line is one line', () => {
  const names = fc.oneof(
    fc.constantFrom(
      'level',
      'timestamp',
      'service',
      'zone',
      'code',
      'message',
      'sampling_rate',
      'xray_trace_id',
    ),
    fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
  );
  const values = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string()));
  fc.assert(
    fc.property(fc.dictionary(names, values), (facts) => {
      const written: string[] = [];
      const source = { service: 'journal', zone: 'public', env: {}, now: () => 1_800_000_000_000 };
      createLog({ ...source, write: (line) => void written.push(line) }).audit('signed', facts);
      expect(written).toHaveLength(1);
      expect(written[0]).toMatch(/^[^\n]*\n$/);
      const line = JSON.parse(written[0] ?? '');
      expect(line).toMatchObject({ ...AUDIT_LINE, code: 'signed' });
      for (const [name, value] of Object.entries(facts))
        expect([line[name], line[`fact_${name}`]]).toContainEqual(value);
    }),
  );
});

test('no function writes beside it, so nothing that it tells can be filtered or lose a fact', () => {
  const root = new URL('../../', import.meta.url);
  const writers = [...SHIPPED.map((name) => `functions/${name}`), 'client']
    .filter((room) => existsSync(new URL(room, root)))
    .flatMap((room) =>
      readdirSync(new URL(room, root), { recursive: true, encoding: 'utf8' }).map(
        (file) => `${room}/${file}`,
      ),
    )
    .filter((file) => file.endsWith('.ts'))
    .filter((file) =>
      /\bconsole\b|process\.std(?:out|err)|powertools\/logger/.test(
        readFileSync(new URL(file, root), 'utf8'),
      ),
    );
  expect(writers).toEqual(['client/log.ts']);
});
