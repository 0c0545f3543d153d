import { Validations } from 'aws-cdk-lib';
import { buildApp } from './build-app.ts';
import { loadSystem } from './declaration/load.ts';
import { boundaryPlugin } from './proof/plugin.ts';

// `cdk.json` names this file alone; `--app 'node infra/app.ts FILE'` names another declaration.
const system = await loadSystem(process.argv[2]);

// Without credentials the command line knows no account and makes up a region; templates then fit any.
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;

const app = buildApp(system, account && region ? { account, region } : {});
Validations.of(app).addPlugins(boundaryPlugin(system));
app.synth();
