import { createPool } from '../../../../local/aws/runtime/pool.ts';
import { startRuntimeApi } from '../../../../local/aws/runtime/runtime-api.ts';

/** A process that has a function's process and does not end: for the test that kills it. Prints the pid of the function. */
const [codeDirectory = '', payload = ''] = process.argv.slice(2);
const environment = { LAMBDA_TASK_ROOT: codeDirectory, _HANDLER: 'index.handler' };
const api = await startRuntimeApi();
const pool = createPool({ api, now: Date.now, log: () => ({ stream: '', line: console.log }) });
const of = {
  name: 'f',
  arn: 'arn',
  roleArn: 'role',
  codeDirectory,
  environment,
  timeout: 60_000,
  memory: 128,
};
await pool.invoke(of, Buffer.from(payload));
