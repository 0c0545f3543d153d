import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { required } from '@helseid-zones/protocol/required';
import { functionName, signerName } from '../../infra/declaration/names.ts';
import type { OperatorFile } from '../../infra/operator-file.ts';
import { accessOf, askerOf } from './steps/facts.ts';
import type { LocalSystem } from './system.ts';

/** Writes the file for `readOperatorFile` (infra/operator-file.ts), readable by its owner only; returns what removes it. Its credentials end with the process anyway. */
export function writeOperatorFile(directory: string, system: LocalSystem): () => void {
  const { aws, declaration, logs, stage, gatewayUrl } = system;
  const path = join(directory, 'operator.json');
  const signingVpc = aws.functions.find(({ environment }) => environment['SIGNING_VPC'])?.environment[
    'SIGNING_VPC'
  ];
  const { publicUrl: url, region, operator: credentials } = aws;
  const entered = Object.keys(declaration.zones).filter((zone) => declaration.zones[zone]?.gateway);
  const gateways = entered.map((zone) => ({ zone, url: gatewayUrl(zone) }));
  const callers = Object.entries(declaration.zones).flatMap(([zone, declared]) => {
    const caller = askerOf(declared);
    if (caller === undefined) return [];
    return declared.grants.map(({ client }) => callerOfClient(system, zone, caller, client));
  });
  const content: OperatorFile = {
    ...{ declaration, stage, logs, signingVpc, gateways, callers },
    ...{ url, region, credentials },
  };
  rmSync(path, { force: true });
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

/** A function of a zone, as whom a client's signer may be asked. */
function callerOfClient(
  system: LocalSystem,
  zone: string,
  name: string,
  client: string,
): OperatorFile['callers'][number] {
  const { aws, declaration } = system;
  const { url, credentials } = accessOf(system, functionName(declaration.name, zone, name), 'lambda');
  const signer = signerName(declaration.name, client, zone);
  const { arn } = required(
    aws.functions.find((of) => of.name === signer),
    signer,
  );
  return { zone, client, signerArn: arn, lambdaUrl: url, credentials };
}
