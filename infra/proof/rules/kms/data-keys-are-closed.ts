import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { compileConditions } from '../../policy/operators.ts';
import { DATA_KEY_USES } from '../data-key-uses.ts';
import { strangeServices } from '../entries/outsiders-are-not-admitted.ts';
import { externalPrincipals, isAdmitted } from '../external-principals.ts';
import { type ProofInput, type Rule, violationsOf } from '../rule.ts';

/** What nobody may do directly, and what nobody may do but for a service's own sake. */
const USES = ['kms:Anything', ...DATA_KEY_USES];

/** A template's key encrypts for services and for nobody directly. */
export const dataKeysAreClosed: Rule = {
  name: 'data-keys-are-closed',
  invariant: 'I8',
  title: 'Keys in templates encrypt for named services and for nobody directly.',
  check: (input) =>
    resourcesOfType(input.assembly, 'AWS::KMS::Key').flatMap((key) =>
      violationsOf(policyProblems(key, input), {
        resource: key.constructPath,
        subject: `Key ${key.constructPath}`,
        path: ['whoever it lets in', key.constructPath, 'what it encrypts'],
        remedy: 'Make it a DataKey (infra/constructs/data-key.ts), which names the services and log groups.',
      }),
    ),
};

function policyProblems({ arn = '', account }: ResolvedResource, input: ProofInput): string[] {
  const directly = compileConditions({ Null: { 'kms:ViaService': 'true' } }, false);
  const unowned = compileConditions({ BoolIfExists: { 'kms:GrantIsForAWSResource': 'false' } }, false);
  const resource = input.world.resources.get(arn);
  const open = externalPrincipals(input).flatMap(({ name, principal }) => {
    const own = 'account' in principal && principal.account === account;
    const may = (action: string, given = own ? { given: directly } : {}) =>
      isAdmitted(principal, action, arn, input.world, { ...given, delegation: true });
    const actions = [
      ...USES.filter((action) => may(action)),
      ...(may('kms:CreateGrant', { given: unowned }) ? ['kms:CreateGrant'] : []),
    ];
    return actions.length === 0 ? [] : [`lets ${name} do ${actions.slice(0, 4).join(', ')}`];
  });
  const services = resource === undefined ? [] : strangeServices(resource, USES, input);
  return [...open, ...services.map((service) => `lets ${service} use it for any account`)];
}
