import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildApp } from '../../infra/build-app.ts';
import { loadSystem } from '../../infra/declaration/load.ts';
import { loadExtension } from '../../infra/extension.ts';
import { runCommand } from '../../infra/terminal.ts';
import { isRun } from '../aws/template/properties.ts';
import { ACCOUNT, NOT_RUN, REGION } from './assembly.ts';
import { deriveLocalDeclaration } from './declaration.ts';

/**
 * Synthesizes a declaration for the local system in a process of its own, since CDK takes more memory than everything else
 * together: `node local/app/synth.ts DECLARATION OUTDIR STAGE [GATEWAY_PORT STAND_IN_PORT]`, the stage empty
 * where there is none, with the ports where the stand-ins are used.
 */
await runCommand(async ([file = '', outdir = '', stage, gateway, standIn]) => {
  const ports = standIn === undefined ? undefined : { gateway: Number(gateway), standIn: Number(standIn) };
  const { system } = deriveLocalDeclaration(await loadSystem(file, stage || undefined), ports);
  // `cdk synth` checks templates against CloudFormation; here it would only delay the start.
  buildApp(system, {
    account: ACCOUNT,
    region: REGION,
    outdir,
    checkTemplates: false,
    extension: await loadExtension(file),
    onAdditions(added) {
      const own = system.audit ? ['the export of the audit (audit.export)'] : [];
      const missing = [...added]
        .filter(([, type]) => !isRun(type))
        .map(([path, type]) => `${path} (${type})`);
      mkdirSync(outdir, { recursive: true });
      writeFileSync(join(outdir, NOT_RUN), JSON.stringify([...own, ...missing]));
    },
  }).synth();
  return 0;
});
