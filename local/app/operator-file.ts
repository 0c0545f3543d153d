import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { eventNames } from '../../infra/declaration/names.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import type { AwsAccess } from '../aws/aws-client.ts';
import type { LocalSystem } from './system.ts';

/** What another terminal needs to talk to the running system as its operator. */
export interface OperatorFile extends AwsAccess {
  system: string;
  /** As it runs: with the stand-ins' URLs. */
  declaration: SystemDeclaration;
  /** Folder of the functions' logs. */
  logs: string;
  /** Id of the signing zone's VPC. */
  signingVpc: string;
  /** The entries by events: which bus takes what. */
  entries: readonly {
    zone: string;
    bus: string;
    sources: readonly string[];
    detailTypes: readonly string[];
  }[];
}

/** Writes the file for {@link readOperatorFile}, readable by its owner only; returns what removes it. Its credentials end with the process anyway. */
export function writeOperatorFile(directory: string, { aws, declaration, logs }: LocalSystem): () => void {
  const path = join(directory, 'operator.json');
  const content: OperatorFile = {
    system: declaration.name,
    declaration,
    logs,
    signingVpc: aws.functions.flatMap(({ environment }) => environment['SIGNING_VPC'] ?? [])[0] ?? '',
    url: aws.publicUrl,
    region: aws.region,
    credentials: aws.operator,
    entries: Object.entries(declaration.zones).flatMap(([zone, { events }]) =>
      events === undefined ? [] : [{ zone, bus: eventNames(declaration.name, zone).bus, ...events }],
    ),
  };
  rmSync(path, { force: true });
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

/** Reads it. Throws `local_failed` where no system runs. */
export function readOperatorFile(directory: string): OperatorFile {
  try {
    return JSON.parse(readFileSync(join(directory, 'operator.json'), 'utf8')) as OperatorFile;
  } catch (cause) {
    throw new ZonesError(
      'local_failed',
      `No local system is running with its state in ${directory}; begin one with npm start, or name its folder with --directory.`,
      { cause },
    );
  }
}
