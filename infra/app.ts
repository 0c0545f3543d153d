import system from '../zones.ts';
import { buildApp } from './build-app.ts';

// Without credentials the command line knows no account and makes up a region; templates then fit any.
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;

buildApp(system, account && region ? { account, region } : {}).synth();
