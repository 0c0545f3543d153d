import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { OperatorFile } from '../../infra/operator-file.ts';
import { openDocument } from '../aws/state.ts';
import { callerOfClient, operatorAccess } from './steps/facts.ts';
import type { LocalSystem } from './system.ts';

/** Writes the file for `readOperatorFile` (infra/operator-file.ts), readable by its owner only; returns what removes it. Its credentials end with the process anyway. */
export function writeOperatorFile(directory: string, system: LocalSystem): () => void {
  const { aws, declaration, logs, stage, gatewayUrl } = system;
  const path = join(directory, 'operator.json');
  const signingVpc = aws.functions.map(({ environment: of }) => of['SIGNING_VPC']).find(Boolean);
  const zones = Object.entries(declaration.zones);
  const gateways = zones.flatMap(([zone, { gateway }]) => (gateway ? [{ zone, url: gatewayUrl(zone) }] : []));
  const callers = zones.flatMap(([zone, { grants }]) =>
    grants.flatMap(({ client }) => callerOfClient(system, zone, client) ?? []),
  );
  const foreign = (system.standIns?.foreign ?? []).map(({ demands, privateKey, ...client }) => ({
    ...client,
    scopes: [...demands.scopes],
    wantsPerson: demands.securityLevel !== undefined,
    privateKey: JSON.stringify(privateKey.export({ format: 'jwk' })),
  }));
  const content: OperatorFile = {
    declaration,
    stage,
    logs,
    signingVpc,
    gateways,
    callers,
    foreign,
    ...operatorAccess(system),
  };
  rmSync(path, { force: true });
  openDocument(path, content).save();
  return () => rmSync(path, { force: true });
}
