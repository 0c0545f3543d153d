import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  authorize,
  closedFacts,
  decide,
  decideLayers,
  evaluate,
  formulate,
  type HoldingLayer,
} from '../../../../infra/proof/policy/index.ts';
import { ACCOUNT, type Case, caseArbitrary, SESSION } from './arbitrary.ts';
import { askedOf, principalOfCase, requestOf, worldOf } from './build.ts';

const RUNS = 800;
const check = (property: (given: Case) => void, contexts = 8) =>
  fc.assert(fc.property(caseArbitrary(contexts), property), { numRuns: RUNS, seed: 20_261_124 });

/** Concrete decisions of a case, one a context. */
function decisions(given: Case) {
  const world = worldOf(given);
  return given.contexts.map((context) => {
    const request = requestOf(given, context);
    return { allowed: authorize(request, world).allowed, facts: closedFacts(request, context, world) };
  });
}

describe('for every random case', () => {
  it('never has no allowing request, always no denying one, and a condition holds exactly for those that are allowed', () => {
    const seen = { never: 0, always: 0, when: 0, whenAllowed: 0 };
    check((given) => {
      const verdict = decide(askedOf(given), worldOf(given));
      seen[verdict.verdict]++;
      for (const { allowed, facts } of decisions(given)) {
        if (verdict.verdict !== 'when') expect(allowed).toBe(verdict.verdict === 'always');
        else {
          expect(evaluate(verdict.condition, facts)).toBe(allowed);
          if (allowed) seen.whenAllowed++;
        }
      }
    });
    // The vocabulary is such that each verdict comes up often.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(RUNS / 100);
  });

  it('the condition before simplification agrees too', () => {
    check((given) => {
      const { allowed: condition } = formulate(askedOf(given), worldOf(given));
      for (const { allowed, facts } of decisions(given)) expect(evaluate(condition, facts)).toBe(allowed);
    });
  });

  it('a question about every session covers each one', () => {
    check((given) => {
      const anySession = { ...askedOf(given), principal: principalOfCase(given, undefined) };
      if (anySession.principal.kind === 'role')
        anySession.principal = { ...anySession.principal, session: undefined };
      const verdict = decide(anySession, worldOf(given));
      for (const { allowed, facts } of decisions(given)) {
        if (verdict.verdict === 'never') expect(allowed).toBe(false);
        else if (verdict.verdict === 'always') expect(allowed).toBe(true);
        else expect(evaluate(verdict.condition, { ...facts, session: SESSION })).toBe(allowed);
      }
    });
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
        const { allowed } = authorize(request, world);
        if (verdict.verdict !== 'when') expect(allowed).toBe(verdict.verdict === 'always');
        else expect(evaluate(verdict.condition, closedFacts(request, request.context, world))).toBe(allowed);
      }
    }, 4);
  });

  it('a layer that is said to forbid on its own does, whatever the others allow to the account', () => {
    let seen = 0;
    check((given) => {
      const question = askedOf(given);
      if (decide(question, worldOf(given)).verdict !== 'never' || given.principal === 'service') return;
      for (const { layer } of decideLayers(question, worldOf(given))) {
        const alone = worldOf(onlyLayer(given, layer));
        seen++;
        for (const context of given.contexts)
          expect(authorize(requestOf(onlyLayer(given, layer), context), alone).allowed).toBe(false);
      }
    }, 4);
    expect(seen).toBeGreaterThan(RUNS / 10);
  });
});

/** The case with every other layer as wide as a layer can be that does not name the session itself. */
function onlyLayer(given: Case, layer: HoldingLayer['layer']): Case {
  const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
  const toAccount = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*', Principal: { AWS: ACCOUNT } }],
  };
  // An endpoint policy counts together with a Deny elsewhere that forces the way through the endpoint.
  const keeps = (...layers: HoldingLayer['layer'][]) => layers.includes(layer) || layer === 'endpoint policy';
  return {
    ...given,
    identity: keeps('identity policy') ? given.identity : [everything],
    boundary: keeps('permissions boundary') ? given.boundary : undefined,
    session: keeps('session policy') ? given.session : undefined,
    resourcePolicy: layer === 'resource policy' ? given.resourcePolicy : toAccount,
    endpointPolicy: layer === 'endpoint policy' ? given.endpointPolicy : undefined,
    serviceControls: layer === 'service control policy' ? given.serviceControls : [],
    resourceControls: layer === 'resource control policy' ? given.resourceControls : [],
  };
}
