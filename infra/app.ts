import { Validations } from 'aws-cdk-lib';
import { buildApp, placeFromEnvironment } from './build-app.ts';
import { loadSystem } from './declaration/load.ts';
import { limitsPlugin } from './limits.ts';
import { boundaryPlugin } from './proof/plugin.ts';

// `cdk.json` names this file alone; `--app 'node infra/app.ts FILE'` names another declaration.
const system = await loadSystem(process.argv[2]);

const app = buildApp(system, placeFromEnvironment(process.env));
Validations.of(app).addPlugins(boundaryPlugin(system), limitsPlugin());
app.synth();
