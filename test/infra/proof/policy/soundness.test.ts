import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../../infra/proof/policy/condition.ts';
import { decide } from '../../../../infra/proof/policy/decide.ts';
import { compileConditions } from '../../../../infra/proof/policy/operators.ts';
import { rolePrincipal } from '../../../../infra/proof/policy/principal.ts';
import { closedFacts } from '../../../../infra/proof/policy/request.ts';
import type { Actor } from '../../../../infra/proof/rules/actors.ts';
import { ask } from '../../../../infra/proof/rules/ask.ts';
import type { EnforcingLayer } from '../../../../infra/proof/rules/enforcing-layers.ts';
import { decideRequest } from '../../../../local/aws/decide-request.ts';
import { full } from '../../../full.ts';
import { ACCOUNT, type Case, caseArbitrary, ENDPOINT, ROLE } from './arbitrary.ts';
import { askedOf, requestOf, worldOf } from './build.ts';

const RUNS = full(800);
const check = (property: (given: Case) => void, contexts = 8) =>
  fc.assert(fc.property(caseArbitrary(contexts), property), { numRuns: RUNS, seed: 20_261_124 });

/** Concrete decisions of a case, one a context. */
function decisions(given: Case) {
  const world = worldOf(given);
  return given.contexts.map((context) => {
    const request = requestOf(given, context);
    const { allowed } = decideRequest(request, world);
    return { context, allowed, facts: closedFacts(request, context, world) };
  });
}

/** The role of a case as the rules ask about it: any session. `closed` says that its network leaves it the one endpoint only. */
function actorOf(given: Case, closed: boolean): Actor {
  const view = worldOf(given);
  const role = view.roles.get(ROLE);
  const endpoint = view.endpoints.get(ENDPOINT);
  if (role === undefined || endpoint === undefined) throw new Error('no role');
  return {
    name: ROLE,
    role,
    principal: rolePrincipal(ROLE),
    path: ROLE,
    view,
    stack: '',
    region: '',
    zone: '',
    kind: 'function',
    admin: false,
    other: false,
    client: undefined,
    asks: undefined,
    ways: closed ? [endpoint] : undefined,
  };
}

describe('for every random case', () => {
  it('decide says never, always or when as requests are decided one by one', () => {
    const seen = { never: 0, always: 0, when: 0, whenAllowed: 0 };
    check((given) => {
      const verdict = decide(askedOf(given), worldOf(given));
      const anySession =
        given.principal === 'service'
          ? verdict
          : decide({ ...askedOf(given), principal: rolePrincipal(ROLE) }, worldOf(given));
      seen[verdict.verdict]++;
      for (const { allowed, facts } of decisions(given)) {
        for (const found of [verdict, anySession]) {
          if (found.verdict !== 'when') expect(allowed).toBe(found.verdict === 'always');
          else expect(evaluate(found.condition, facts)).toBe(allowed);
        }
        if (verdict.verdict === 'when' && allowed) seen.whenAllowed++;
      }
    });
    // The vocabulary is such that each verdict comes up often.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(RUNS / 100);
  });

  it('what is known of the context narrows the verdict and stays right', () => {
    check((given) => {
      const known = Object.entries(given.contexts[0] ?? {}).find(([key]) => !key.startsWith('aws:SourceVpc'));
      if (known === undefined) return;
      const context = Object.fromEntries([known]);
      const world = worldOf(given);
      const verdict = decide({ ...askedOf(given), context }, world);
      for (const other of given.contexts) {
        const request = requestOf(given, { ...other, ...context });
        const { allowed } = decideRequest(request, world);
        if (verdict.verdict !== 'when') expect(allowed).toBe(verdict.verdict === 'always');
        else expect(evaluate(verdict.condition, closedFacts(request, request.context, world))).toBe(allowed);
      }
    }, 4);
  });

  it('a rule is told never or always, also under a condition, only where every request is decided so', () => {
    const given = compileConditions({ StringEquals: { 'aws:SourceVpce': ENDPOINT } }, false);
    const seen = { never: 0, always: 0, when: 0 };
    check((one) => {
      if (one.principal === 'service') return;
      const actor = actorOf(one, false);
      const whole = ask(actor, one.action, one.resource).verdict;
      const narrowed = ask(actor, one.action, one.resource, { given }).verdict;
      seen[narrowed]++;
      for (const { allowed, context } of decisions(one)) {
        if (whole !== 'when') expect(allowed).toBe(whole === 'always');
        if (narrowed !== 'when' && context['aws:SourceVpce'] === ENDPOINT)
          expect(allowed).toBe(narrowed === 'always');
      }
    });
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(RUNS / 100);
  });

  it.each([false, true])(
    'a layer that a rule counts forbids on its own, whatever the others allow to the account (closed network: %s)',
    (closed) => {
      let seen = 0;
      check((given) => {
        if (given.principal === 'service') return;
        const { verdict, enforcing } = ask(actorOf(given, closed), given.action, given.resource);
        if (verdict !== 'never') return;
        for (const holder of enforcing) {
          const alone = onlyHolder(given, holder, closed);
          seen++;
          for (const context of given.contexts)
            if (!closed || context['aws:SourceVpce'] === ENDPOINT)
              expect(decideRequest(requestOf(alone, context), worldOf(alone)).allowed).toBe(false);
        }
      }, 4);
      expect(seen).toBeGreaterThan(RUNS / 10);
    },
  );
});

/** The case with every other layer as wide as a layer can be that does not name the session itself. */
function onlyHolder(given: Case, holder: EnforcingLayer, closed: boolean): Case {
  const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
  const toAccount = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*', Principal: { AWS: ACCOUNT } }],
  };
  // Where the network leaves other ways, an endpoint policy counts together with what forces the way through the endpoint.
  const keeps = (layer: EnforcingLayer) => layer === holder || (holder === 'endpoint policy' && !closed);
  return {
    ...given,
    identity: keeps('identity policy') ? given.identity : [everything],
    boundary: keeps('permissions boundary') ? given.boundary : undefined,
    resourcePolicy: holder === 'resource policy' ? given.resourcePolicy : toAccount,
    endpointPolicy: holder === 'endpoint policy' ? given.endpointPolicy : undefined,
  };
}
