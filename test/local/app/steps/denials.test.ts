import { randomUUID } from 'node:crypto';
import { isOrganizationNumber } from '@helseid-zones/protocol/details';
import { required } from '@helseid-zones/protocol/values';
import { describe, expect, it } from 'vitest';
import multiTenant from '../../../../examples/multi-tenant.zones.ts';
import { parseDocumentEvent } from '../../../../functions/worker/event.ts';
import type { SystemDeclaration } from '../../../../infra/declaration/schema.ts';
import { fillIn, makeOrganizationNumber, readSamples } from '../../../../local/app/events.ts';
import { formatReport, runSteps } from '../../../../local/app/once.ts';
import { makeForeignClients } from '../../../../local/app/stand-ins.ts';
import { expectDenied } from '../../../../local/app/steps/denials.ts';
import type { Step } from '../../../../local/app/steps/facts.ts';
import { STEPS } from '../../../../local/app/steps/index.ts';
import type { LocalSystem } from '../../../../local/app/system.ts';
import type { AwsAnswer } from '../../../../local/aws/aws-client.ts';
import { createTrail } from '../../../../local/aws/trail.ts';
import shipped from '../../../two-clients.zones.ts';

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
    await expect(expectDenied({ allowed: answering(twin), denied: answers.map(answering) })).rejects.toThrow(
      /twin failed|expected AccessDeniedException/,
    );
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
  const trail = createTrail(Date.now);
  const system = { trail } as LocalSystem;
  const step = (name: string, run: Step['run'], why?: string): Step => ({ name, run, unfit: () => why });

  it('all run, whatever one of them does', async () => {
    const { ok, steps, skipped } = await runSteps(system, [
      step('throws', async () => {
        trail.add({ kind: 'log', function: 'worker', fields: { code: 'document.failed', reason: 'x' } });
        trail.add({ kind: 'log', function: 'signer', fields: { code: 'signed' } });
        throw new Error('no');
      }),
      step('does not fit', async () => 'never', 'no zone'),
      step('passes', async () => 'seen'),
    ]);
    expect(ok).toBe(false);
    expect(steps).toEqual([
      {
        name: 'throws',
        ok: false,
        ms: expect.any(Number),
        detail: 'no; worker wrote: document.failed, reason x',
      },
      { name: 'passes', ok: true, ms: expect.any(Number), detail: 'seen' },
    ]);
    const table = formatReport({ ok, ready_ms: 1234, steps }, skipped);
    expect(table).toContain('Ready after 1.2 s.');
    expect(table).toContain('FAILED  throws');
    expect(table).toMatch(/- {7}does not fit +not with this declaration: no zone/);
    expect(table).toContain('1 of 2 steps failed.');
  });

  it('are not passed where none fits, and are where all that fit pass', async () => {
    const passes = step('passes', async () => 'seen');
    const unfit = step('unfit', passes.run, 'no zone');
    await expect(runSteps(system, [unfit])).resolves.toMatchObject({ ok: false, steps: [] });
    await expect(runSteps(system, [unfit, passes])).resolves.toMatchObject({ ok: true });
  });

  it('all fit the shipped declaration or the example with routes for HelseID’s tokens, and say what is lacking', () => {
    const running = (declaration: object) =>
      ({
        declaration,
        standIns: {
          helseIds: { get: () => ({}) },
          foreign: makeForeignClients(declaration as SystemDeclaration),
        },
        gatewayUrl: () => 'http://localhost:3000',
        examples: 'examples',
        samples: readSamples('examples'),
        aws: { functions: [] },
      }) as unknown as LocalSystem;
    const unfit = (declaration: object) =>
      STEPS.flatMap(({ unfit: check }) => check(running(declaration)) ?? []);
    const foreign = "no zone has a GET route with authorize: 'helseid' that machines may call";
    expect(unfit(shipped)).toEqual([foreign, foreign, foreign, foreign]);
    expect(unfit(multiTenant)).not.toContain(foreign);
    expect(unfit(multiTenant)).toContain('no zone is entered by events');
    expect(unfit(multiTenant)).toContain('no zone has a GET route that IAM authorises');
  });

  it('have names of their own', () => {
    const names = STEPS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('a sample event', () => {
  it('is one that the worker takes, about a new document of a new organisation each time', () => {
    const [sample] = readSamples('examples');
    expect(readSamples('nowhere')).toEqual([]);
    const [one, two] = [undefined, makeOrganizationNumber()].map((organization) =>
      parseDocumentEvent(
        JSON.stringify({ id: randomUUID(), ...fillIn(required(sample, 'A sample').event, organization) }),
      ),
    );
    expect(isOrganizationNumber(one?.organization ?? '')).toBe(true);
    expect(one?.organization).not.toBe(two?.organization);
    expect(one?.identifier.value).not.toBe(two?.identifier.value);
  });
});
