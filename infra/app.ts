import system from '../zones.ts';
import { buildApp } from './build-app.ts';

const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;

buildApp(system, { ...(account ? { account } : {}), ...(region ? { region } : {}) }).synth();
