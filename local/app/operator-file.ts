import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OperatorFile } from '../../infra/operator-file.ts';
import type { LocalSystem } from './system.ts';

/** Writes the file for `readOperatorFile` (infra/operator-file.ts), readable by its owner only; returns what removes it. Its credentials end with the process anyway. */
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
