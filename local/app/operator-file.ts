import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import type { AwsAccess } from '../aws/aws-client.ts';
import type { LocalSystem } from './system.ts';

/** What another terminal needs to talk to the running system as its operator. */
export interface OperatorFile extends AwsAccess {
  /** As it runs: with the stand-ins' URLs. */
  declaration: SystemDeclaration;
  /** The stage that it was started with. */
  stage?: string | undefined;
  /** Folder of the functions' logs. */
  logs: string;
  /** Where each zone's gateway is. */
  gateways: { zone: string; url: string }[];
  /** Id of the signing zone's VPC. */
  signingVpc: string | undefined;
}

/** Writes the file for {@link readOperatorFile}, readable by its owner only; returns what removes it. Its credentials end with the process anyway. */
export function writeOperatorFile(
  directory: string,
  { aws, declaration, logs, stage, gatewayUrl }: LocalSystem,
): () => void {
  const path = join(directory, 'operator.json');
  const signingVpc = aws.functions.find(({ environment }) => environment['SIGNING_VPC'])?.environment[
    'SIGNING_VPC'
  ];
  const { publicUrl: url, region, operator: credentials } = aws;
  const entered = Object.keys(declaration.zones).filter((zone) => declaration.zones[zone]?.gateway);
  const gateways = entered.map((zone) => ({ zone, url: gatewayUrl(zone) }));
  const content: OperatorFile = { declaration, stage, logs, signingVpc, gateways, url, region, credentials };
  rmSync(path, { force: true });
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

/**
 * Reads it.
 * @throws {ZonesError} local_failed: no system runs there
 */
export function readOperatorFile(directory: string): OperatorFile {
  try {
    return JSON.parse(readFileSync(join(directory, 'operator.json'), 'utf8')) as OperatorFile;
  } catch (cause) {
    const message = `No local system is running with its state in ${directory}; begin one with npm start, or name its folder with --directory.`;
    throw new ZonesError('local_failed', message, { cause });
  }
}
