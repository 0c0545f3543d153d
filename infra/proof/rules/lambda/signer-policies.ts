import { askingRoles } from '../../../declaration/names.ts';
import { remembered } from '../../assembly/remembered.ts';
import { type ResolvedResource, resourceByArn, resourcesOfType } from '../../assembly/resolve.ts';
import { ALWAYS, all, any, type Condition, not } from '../../policy/condition.ts';
import { decide } from '../../policy/decide.ts';
import { compileConditions } from '../../policy/operators.ts';
import { rolePrincipal } from '../../policy/principal.ts';
import { satisfiable } from '../../policy/solve.ts';
import { statementsAbout } from '../../policy/statement.ts';
import { describeCondition } from '../../policy/words.ts';
import { NO_ZONE } from '../actors.ts';
import { actionsOf, type CapabilityRow, type CapabilityRule } from '../capability.ts';
import { unknownRole } from '../external-principals.ts';
import { type Problems, type ProofInput, violationsOf } from '../rule.ts';
import { askedOfZone, signingPlace } from '../targets.ts';
import { findNearest, findWitness } from '../witness.ts';

const INVOKE = actionsOf({ lambda: 'InvokeAsync InvokeFunction InvokeFunctionUrl' });
const CHANGE = actionsOf({
  lambda: `
    AddPermission CreateAlias CreateFunctionUrlConfig DeleteFunctionEventInvokeConfig DeleteFunctionUrlConfig
    PublishVersion PutFunctionEventInvokeConfig UpdateFunctionCode UpdateFunctionConfiguration
    UpdateFunctionEventInvokeConfig UpdateFunctionUrlConfig
  `,
});

/** How the matrix calls whoever is no role of the templates. */
export const OTHERS = 'other principals';

const NO_OTHER =
  'What other principals of the account are allowed is in no template: the function’s own policy alone keeps them out.';
const remedy =
  'Synthesize again from zones.ts; each signer and tokens function has one policy of its own, from there.';

/**
 * Whatever an account's other principals are allowed, a signer's own policy denies them, by logic over every request, whatever the
 * statements look like. Its line in the matrix is about those principals, whose policies nobody knows.
 */
export const signersHaveOneCaller: CapabilityRule = {
  name: 'signers-have-one-caller',
  invariant: 'I2',
  title:
    'The own policy of a signer or tokens function denies its use to all but its zone’s roles, and from all but its zone’s endpoint (or account), and its change to all but deploys.',
  actions: INVOKE,
  check: (input) => {
    const signers = input.declaration.signing.resourcePolicies ? signersOf(input) : [];
    const policies = resourcesOfType(input.assembly, 'AWS::Lambda::ResourcePolicy');
    const strays = policies.filter(
      ({ properties }) => !signers.some(({ arn }) => arn === properties.ResourceArn),
    );
    return [
      ...strays.flatMap(({ constructPath: resource }) =>
        violationsOf(['is a policy of something else than a declared signer or tokens function'], {
          resource,
          remedy,
        }),
      ),
      ...signers.flatMap((signer) => {
        const own = policies.filter(({ properties }) => properties.ResourceArn === signer.arn);
        const resource = (own[0] ?? signer.fn)?.constructPath ?? signer.arn;
        return violationsOf(problemsOf(signer, own, input), { resource, subject: signer.arn, remedy });
      }),
    ];
  },
  rows: (input) =>
    signersOf(input).map(({ arn }): CapabilityRow => {
      const { principal } = unknownRole(arn.split(':')[4] ?? '');
      const asked = { principal, action: 'lambda:InvokeFunction', resource: arn };
      const world = { ...input.world, endpoints: new Map() };
      const found = decide(asked, world);
      const held = found.verdict === 'never';
      return {
        principal: OTHERS,
        zone: NO_ZONE,
        action: asked.action,
        resource: arn,
        verdict: found.verdict,
        allowed: !held,
        layers: held ? ['resource policy'] : [],
        when: found.verdict === 'when' ? describeCondition(found.condition) : '',
        asked: undefined,
        alone: held ? NO_OTHER : '',
        request: remembered(() =>
          held ? findNearest(asked, world, { holding: ['resource policy'] }) : findWitness(asked, world),
        ),
      };
    }),
};

/** The declared signers and tokens functions, who asks each, and what its policy denies: actions, in every request that meets a condition. */
export function signersOf(input: ProofInput) {
  const { assembly, declaration, network, world } = input;
  const { account: home } = signingPlace(input);
  const others = (roles: readonly string[]) =>
    roles.length === 0 ? ALWAYS : compileConditions({ ArnNotEquals: { 'aws:PrincipalArn': roles } }, false);
  const zones = Object.entries(declaration.zones).flatMap(([zone, declared]) =>
    (['signers', 'tokens'] as const).map((asked) => ({ zone, declared, asked })),
  );
  return zones.flatMap(({ zone, declared, asked }) => {
    const { account = home } = declared;
    const endpoint = [...world.endpoints.values()].find(
      ({ service, vpc }) => service === 'lambda' && network.zones.get(vpc) === zone,
    );
    const here =
      account === home || asked === 'tokens'
        ? { 'aws:SourceVpce': endpoint?.id ?? 'none' }
        : { 'aws:VpceAccount': account };
    const askers = askingRoles(declaration.name, zone, declared, account, asked);
    return askedOfZone(input, zone, asked).map((arn) => {
      const fn = resourceByArn(assembly, arn);
      const { executionRole = '' } = assembly.stacks.find(({ name }) => name === fn?.stack) ?? {};
      const denied: readonly (readonly [what: string, actions: readonly string[], whenever: Condition])[] = [
        ['invoked by others than its zone’s roles', INVOKE, others(askers)],
        ['invoked from elsewhere', INVOKE, compileConditions({ StringNotEquals: here }, false)],
        ['changed by others than deploys', CHANGE, others([executionRole, ...declaration.signing.deployers])],
      ];
      return { arn, fn, askers, zoneAccount: account, denied };
    });
  });
}

type Signer = ReturnType<typeof signersOf>[number];

function problemsOf(signer: Signer, own: readonly ResolvedResource[], { world }: ProofInput): Problems {
  const { arn, askers, denied } = signer;
  const policies = world.resources.get(arn)?.policies ?? [];
  // On the signer and on every version or alias of it.
  const deniedTo = (action: string) =>
    policies
      .flatMap((policy) => statementsAbout(policy, action))
      .filter(({ effect, principals: who }) => effect === 'Deny' && who?.everybody === true)
      .map(({ condition, covers }) => all([condition, covers(arn), covers(`${arn}:1`)]));
  const { principal: other } = unknownRole(arn.split(':')[4] ?? '');
  const principals = [other, ...askers.map((asker) => rolePrincipal(asker))];
  return [
    own.length !== 1 && `has ${own.length} policies of its own, and Lambda keeps the last that is put`,
    ...denied.map(([what, actions, whenever]) => {
      const open = actions.find((action) => satisfiable(all([whenever, not(any(deniedTo(action)))])));
      const questions = [arn, `${arn}:1`].flatMap((resource) =>
        principals.map((principal) => ({ principal, action: open ?? '', resource })),
      );
      // What other layers still deny to its zone's own roles, they alone do.
      const shown = () =>
        [findWitness, findNearest]
          .values()
          .flatMap((find) =>
            questions.values().map((one) => find(one, world, { given: whenever, holding: [] })),
          )
          .find((found) => found !== undefined);
      const problem = `is not kept by its own policy from being ${what}`;
      return open !== undefined && ([undefined, problem, remembered(shown)] as const);
    }),
  ];
}
