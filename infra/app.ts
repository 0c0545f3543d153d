import { Validations } from 'aws-cdk-lib';
import { buildApp, placeFromEnvironment, stageFromContext } from './build-app.ts';
import { idleCost, reportCost } from './cost.ts';
import { loadSystem } from './declaration/load.ts';
import { loadExtension } from './extension.ts';
import { limitsPlugin } from './limits.ts';
import { boundaryPlugin } from './proof/plugin.ts';
import { printError, runCommand } from './terminal.ts';

// `cdk.json` names this file alone; `--app 'node infra/app.ts FILE'` names another declaration, `-c stage=NAME` the stage.
await runCommand(async ([file]) => {
  const system = await loadSystem(file, stageFromContext());
  const app = buildApp(system, {
    ...placeFromEnvironment(process.env, system),
    extension: await loadExtension(file),
  });
  Validations.of(app).addPlugins(boundaryPlugin(system), limitsPlugin());
  const { directory } = app.synth();
  printError(reportCost(idleCost(directory)));
  return 0;
});
