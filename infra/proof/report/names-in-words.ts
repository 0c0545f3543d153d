import { escapeControls } from '../../terminal.ts';
import { resourcesOfType } from '../assembly/resolve.ts';
import { showUnknown } from '../assembly/unknown.ts';
import type { ProofInput } from '../rules/rule.ts';
import { clientKeyArn } from '../rules/targets.ts';

/** Turns made-up ids and long ARNs into names for people, on whose terminal no character of them does anything. */
export type NameIds = (text: string) => string;

/** {@link NameIds} for one system. */
export function nameIds(input: ProofInput): NameIds {
  const { network, assembly, declaration } = input;
  const names = new Map<string, string>();
  for (const { id, vpc, service } of network.endpoints)
    names.set(id, `the ${service} endpoint of ${network.zones.get(vpc) ?? 'no zone'}`);
  for (const [vpc, zone] of network.zones) names.set(vpc, `the VPC of ${zone}`);
  for (const client of Object.keys(declaration.clients))
    names.set(clientKeyArn(input, client), `the keys of ${client}`);
  for (const { arn, constructPath } of resourcesOfType(assembly, 'AWS::KMS::Key'))
    if (arn !== undefined) names.set(arn, `the key ${constructPath.replace(/\/Resource$/, '')}`);
  const escaped = [...names.keys()].map((id) => id.replace(/[^\w:/-]/g, '\\$&'));
  const known = new RegExp(escaped.join('|') || '$^', 'g');
  return (text) =>
    escapeControls(showUnknown(text))
      .replace(known, (id) => names.get(id) ?? id)
      .replace(/arn:aws:([a-z0-9-]+):\*:\*:\*/g, 'everything of $1')
      .replace(/arn:aws:secretsmanager:[^:]*:\d*:secret:([^ ,]+?)-[0-9a-f]{6}\b/g, 'secret $1')
      .replace(/arn:aws:[a-z0-9-]*:[^:]*:\d*:(function|table|role|log-group|key)[:/]/g, '$1 ')
      .replace(/arn:aws:sqs:[^:]*:\d*:/g, 'queue ');
}
