import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Grant, parseGrant } from '@helseid-zones/protocol/grant';
import { functionName } from '../../../declaration/names.ts';
import type { SystemDeclaration } from '../../../declaration/schema.ts';
import { SIGNING } from '../../assembly/network.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import type { World } from '../../policy/index.ts';
import { virtualKeys } from '../../policy/world/virtual-keys.ts';
import type { Entry } from './entries.ts';
import { type MapNode, OUTSIDE } from './model.ts';

/** Functions by ARN with what they may have signed, where they are signers. */
export type Signers = ReadonlyMap<string, Grant>;

/**
 * The grants that lie in the assets of functions.
 * @throws {ZonesError} config_invalid: one is no grant.
 */
export function readSigners(assembly: ResolvedAssembly): Signers {
  const found = resourcesOfType(assembly, 'AWS::Lambda::Function').flatMap((fn): [string, Grant][] => {
    const file = join(fn.assetPath ?? '', 'grant.json');
    if (fn.assetPath === undefined || !existsSync(file)) return [];
    return [[fn.arn ?? fn.physicalId, parseGrant(readFileSync(file, 'utf8'))]];
  });
  return new Map(found);
}

/** The nodes that are resources: functions, signers, keys, records, tables and entries. */
export function readNodes(
  declaration: SystemDeclaration,
  assembly: ResolvedAssembly,
  world: World,
  entries: readonly Entry[],
  signers: Signers,
): MapNode[] {
  const zoneOf = ({ zone = OUTSIDE }: ResolvedResource) => zone;
  const node = (given: Omit<MapNode, 'violated'>): MapNode => ({ ...given, violated: false });
  const functions = resourcesOfType(assembly, 'AWS::Lambda::Function').map((fn) => {
    const id = fn.arn ?? fn.physicalId;
    const grant = signers.get(id);
    const role = world.roles.get(String(fn.properties.Role))?.constructPath;
    const zone = zoneOf(fn);
    const resources = [fn.constructPath, ...(role === undefined ? [] : [role])];
    const prefix = grant === undefined ? functionName(declaration.name, zone, '') : `${declaration.name}-`;
    return node({
      ...{ id, kind: grant === undefined ? 'function' : 'signer', zone, resources },
      label: shortName(fn.physicalId, prefix),
      notes: grant === undefined ? [] : grantNotes(grant),
    });
  });
  const made = new Map(virtualKeys(assembly).map(({ arn, client }) => [arn, client]));
  const keys = [...made].map(([arn, client]) => {
    const algorithm = declaration.clients[client]?.algorithm;
    const notes = [`of client ${client}`, ...(algorithm === undefined ? [] : [algorithm]), 'only in KMS'];
    return node({ id: arn, kind: 'key', zone: 'signing', label: 'client key', notes, resources: [] });
  });
  const records = resourcesOfType(assembly, 'AWS::SecretsManager::Secret').map((secret) => {
    const [name, zone] = [String(secret.properties.Name), zoneOf(secret)];
    const common = { id: secret.arn ?? secret.physicalId, zone, resources: [secret.constructPath] };
    return zone === SIGNING
      ? node({
          ...{ ...common, kind: 'record', label: 'client record' },
          notes: [`of client ${name.split('/').at(-1)}`, 'holds no key'],
        })
      : node({ ...common, kind: 'secret', label: name.split('/').slice(2).join('/'), notes: ['secret'] });
  });
  const tables = resourcesOfType(assembly, 'AWS::DynamoDB::Table').map((table) => {
    const zone = zoneOf(table);
    return node({
      ...{ id: table.arn ?? table.physicalId, kind: 'table', zone, resources: [table.constructPath] },
      label: shortName(table.physicalId, functionName(declaration.name, zone, '')),
      notes: ['table of the zone'],
    });
  });
  const ways = entries.map(({ functions: _, service: __, stack, ...entry }) =>
    node({ ...entry, zone: assembly.stacks.find(({ name }) => name === stack)?.zone ?? OUTSIDE }),
  );
  return [...ways, ...functions, ...tables, ...keys, ...records];
}

function shortName(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** What a grant lets its signer sign, a line each. */
function grantNotes({ client, assertions, proofs, requestObjects }: Grant): string[] {
  const { details } = assertions;
  const about =
    details === 'none' ? '' : details === 'any' ? ', any organisation' : ', organisations as granted';
  return [
    `assertions of client ${client}${about}`,
    ...(requestObjects ? ['request objects'] : []),
    ...proofs.map((target) =>
      !target.ath
        ? 'proofs for its issuer'
        : `proofs ${target.methods.join(', ')} ${target.origin.replace('https://', '')}${target.paths.join(', ')}`,
    ),
  ];
}
