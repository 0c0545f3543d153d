import { showUnknown } from '../assembly/unknown.ts';
import type { ProofInput } from '../rules/rule.ts';
import { clientKeyArns } from '../rules/targets.ts';

/** Turns made-up ids and long ARNs into names for people. */
export type NameIds = (text: string) => string;

/** {@link NameIds} for one system. */
export function nameIds(input: ProofInput): NameIds {
  const { network, assembly, declaration } = input;
  const names = new Map<string, string>([
    ...network.endpoints.map(({ id, vpc, service }): [string, string] => [
      id,
      `the ${service} endpoint of ${network.zones.get(vpc) ?? 'no zone'}`,
    ]),
    ...[...network.zones].map(([vpc, zone]): [string, string] => [vpc, `the VPC of ${zone}`]),
    ...clientKeyArns(input).map((arn, index): [string, string] => [
      arn,
      `the keys of ${Object.keys(declaration.clients)[index]}`,
    ]),
    ...assembly.resources.flatMap(({ arn, type, constructPath }): [string, string][] =>
      arn !== undefined && type === 'AWS::KMS::Key'
        ? [[arn, `the key ${constructPath.replace(/\/Resource$/, '')}`]]
        : [],
    ),
  ]);
  const known = new RegExp(
    [...names.keys()].map((id) => id.replace(/[^\w:/-]/g, '\\$&')).join('|') || '$^',
    'g',
  );
  return (text) =>
    showUnknown(text)
      .replace(known, (id) => names.get(id) ?? id)
      .replace(/arn:aws:([a-z0-9-]+):\*:\*:\*/g, 'everything of $1')
      .replace(/arn:aws:secretsmanager:[^:]*:\d*:secret:([^ ,]+?)-[0-9a-f]{6}\b/g, 'secret $1')
      .replace(/arn:aws:[a-z0-9-]*:[^:]*:\d*:(function|table|role|log-group|key)[:/]/g, '$1 ')
      .replace(/arn:aws:sqs:[^:]*:\d*:/g, 'queue ');
}
