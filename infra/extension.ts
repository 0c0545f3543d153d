import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { type App, CfnResource, type Stack } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { ownTables } from './declaration/function-resources.ts';
import { extensionFile } from './declaration/load.ts';
import type { SystemDeclaration } from './declaration/schema.ts';

/** What a zone gives to constructs of one's own. */
export interface ZoneConstructs {
  /** The zone's stack, to add to. */
  stack: Stack;
  /** Encrypts what the zone keeps. */
  key: IKey;
  vpc: IVpc;
  /** By their names in the declaration. A grant that the declaration does not hold throws. */
  functions: Readonly<Record<string, IFunction>>;
  /** Physical name of a table that the declaration says is made here: `tables: { NAME: 'cdk' }`. @throws {ZonesError} declaration_invalid */
  tableName(owner: string, table: string): string;
}

/** What the file beside a declaration exports by default: adds constructs to zones. What it adds are additions to the proof. */
export type Extension = (zones: Readonly<Record<string, ZoneConstructs>>) => void;

/**
 * The extension in the file beside a declaration: `zones.cdk.ts` beside `zones.ts`. None where there is no such file.
 * @throws {ZonesError} declaration_invalid: it exports no function by default
 */
export async function loadExtension(declarationFile = 'zones.ts'): Promise<Extension | undefined> {
  const path = extensionFile(declarationFile);
  if (!existsSync(path)) return undefined;
  const { default: extension } = await import(pathToFileURL(path).href);
  if (typeof extension === 'function') return extension;
  const message = `${path} exports no function by default; write: export default ((zones) => { … }) satisfies Extension;`;
  throw new ZonesError('declaration_invalid', message);
}

/**
 * Lets an extension add to zones; resolves to what it added, by path, with its CloudFormation type.
 * @throws {ZonesError} declaration_invalid: a table that the declaration says is made by CDK is not
 */
export function applyExtension(
  app: App,
  { name: system, zones }: SystemDeclaration,
  constructs: Readonly<Record<string, ZoneConstructs>>,
  extension: Extension = () => {},
): Map<string, string> {
  const before = new Set(resourcesOf(app).map(({ node }) => node.path));
  extension(constructs);
  const all = resourcesOf(app);
  for (const [zone, declared] of Object.entries(zones))
    for (const { name, owner, table, declared: made } of ownTables(system, zone, declared))
      if (made === 'cdk' && !all.some((one) => one instanceof CfnTable && one.tableName === name))
        throw new ZonesError(
          'declaration_invalid',
          `zones.${zone}.functions.${owner}.tables.${table} is 'cdk', and nothing makes ${name}: do it in the file beside the declaration (zones.cdk.ts), with tableName('${owner}', '${table}').`,
        );
  const added = all.filter(({ node }) => !before.has(node.path));
  return new Map(added.map(({ node, cfnResourceType }) => [node.path, cfnResourceType]));
}

const resourcesOf = (app: App): CfnResource[] =>
  app.node.findAll().filter((one) => CfnResource.isCfnResource(one));
