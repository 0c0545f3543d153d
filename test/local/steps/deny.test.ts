import { describe, expect, it } from 'vitest';
import { isOrganizationNumber } from '../../../client/compose/details.ts';
import { parseDocumentEvent } from '../../../functions/worker/event.ts';
import type { AwsAnswer } from '../../../local/aws-client.ts';
import { formatReport, runSteps } from '../../../local/once.ts';
import { expectDenied } from '../../../local/steps/deny.ts';
import { STEPS } from '../../../local/steps/index.ts';
import { makeOrganizationNumber, newDocumentEvent } from '../../../local/steps/send-event.ts';
import type { Step } from '../../../local/steps/step.ts';
import type { LocalSystem } from '../../../local/system.ts';

const fine: AwsAnswer = { status: 200, headers: new Headers(), body: {} };
const refused = (code: string): AwsAnswer => ({ ...fine, status: 400, error: { code, message: `${code}!` } });
const denied = refused('AccessDeniedException');
const answering = (answer: AwsAnswer) => async () => answer;

describe('a denial', () => {
  it("is shown with AWS's error when its twin succeeds", async () => {
    await expect(expectDenied({ allowed: answering(fine), denied: [answering(denied)] })).resolves.toBe(
      'AccessDeniedException: AccessDeniedException!',
    );
  });

  it.each([
    ['its twin fails too', denied, [denied]],
    ['it is not denied', fine, [fine]],
    ['it fails for another reason', fine, [refused('NotFoundException')]],
    ['one way of several is open', fine, [denied, fine]],
  ])('is none when %s', async (_, twin, answers) => {
    await expect(
      expectDenied({ allowed: answering(twin), denied: answers.map(answering) }),
    ).rejects.toThrow();
  });

  it('is not tried before its twin', async () => {
    const order: string[] = [];
    await expectDenied({
      allowed: async () => {
        order.push('allowed');
        return fine;
      },
      denied: [
        async () => {
          order.push('denied');
          return denied;
        },
      ],
    });
    expect(order).toEqual(['allowed', 'denied']);
  });
});

describe('the steps', () => {
  const system = {} as LocalSystem;
  const step = (name: string, run: Step['run'], unfit?: Step['unfit']): Step => ({
    name,
    run,
    ...(unfit === undefined ? {} : { unfit }),
  });

  it('all run, whatever one of them does', async () => {
    const results = await runSteps(system, [
      step('throws', async () => {
        throw new Error('no');
      }),
      step(
        'does not fit',
        async () => 'never',
        () => 'no zone',
      ),
      step('passes', async () => 'seen'),
    ]);
    expect(results).toEqual([
      { name: 'throws', ok: false, ms: expect.any(Number), detail: 'no' },
      {
        name: 'does not fit',
        ok: false,
        ms: expect.any(Number),
        detail: 'does not fit the declaration: no zone',
      },
      { name: 'passes', ok: true, ms: expect.any(Number), detail: 'seen' },
    ]);
    const table = formatReport({ ok: false, ready_ms: 1234, steps: results });
    expect(table).toContain('Ready after 1.2 s.');
    expect(table).toContain('FAILED  throws');
    expect(table).toContain('2 of 3 steps failed.');
  });

  it('have names of their own', () => {
    const names = STEPS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('the event of the steps', () => {
  it('is one that the worker takes, and a new document each time', () => {
    const organization = makeOrganizationNumber();
    expect(isOrganizationNumber(organization)).toBe(true);
    const [one, two] = [newDocumentEvent(organization), newDocumentEvent(organization)].map((event) =>
      parseDocumentEvent(JSON.stringify({ id: 'x', ...event })),
    );
    expect(one).toMatchObject({ organization });
    expect(one?.identifier.value).not.toBe(two?.identifier.value);
  });
});
