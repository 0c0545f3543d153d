/**
 * The part of Lambda's Node.js runtime that runs in the function's own process: loads the handler and asks the Runtime API
 * for one invocation after another. Plain JavaScript without dependencies, so that a function starts in milliseconds.
 * It is not deployed; AWS's runtime takes its place there.
 */
import { awslambda, isStreaming, openResponseStream } from './streaming.mjs';

const http = process.getBuiltinModule('node:http');
const { existsSync } = process.getBuiltinModule('node:fs');
const { pathToFileURL } = process.getBuiltinModule('node:url');
const { format } = process.getBuiltinModule('node:util');

const { env } = process;
const base = `http://${env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

// Ctrl-C reaches the whole process group: the local system ends its functions itself, once they are done.
process.on('SIGINT', () => {});
// The other end of standard input closes when the local system is gone, however it ended.
process.stdin.on('end', () => process.exit(0)).resume();

const diagnostics = process.getBuiltinModule('node:diagnostics_channel');
const LOOPBACK = /^(?:https?:\/\/)?(?:localhost|127\.0\.0\.1)(?::|$)/;

// Tells the stand-ins, whose lines the page shows, which invocation a request belongs to. Calls of AWS say so themselves, or not, as there.
const AWS = Object.entries(env).flatMap(([name, url]) =>
  /^AWS_ENDPOINT_URL/.test(name) ? new URL(url).origin : [],
);
diagnostics.subscribe('undici:request:create', ({ request }) => {
  const origin = String(request.origin);
  if (env._X_AMZN_TRACE_ID && LOOPBACK.test(origin) && !AWS.includes(origin))
    request.addHeader('x-amzn-trace-id', env._X_AMZN_TRACE_ID);
});

function open(method, path, headers, onAnswer, onError) {
  const sent = http.request(`${base}${path}`, { method, agent, headers }, (response) => {
    const chunks = [];
    response.on('data', (chunk) => chunks.push(chunk));
    response.on('end', () => onAnswer({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    response.on('error', onError);
  });
  sent.on('error', onError);
  return sent;
}

function request(method, path, body) {
  return new Promise((resolve, reject) => {
    open(method, path, {}, resolve, reject).end(body);
  });
}

function describe(error) {
  return error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };
}

async function loadHandler() {
  const [module = '', name = ''] = (env._HANDLER ?? '').split('.');
  const file = ['.mjs', '.js', '.cjs']
    .map((extension) => `${env.LAMBDA_TASK_ROOT}/${module}${extension}`)
    .find((path) => existsSync(path));
  if (file === undefined) throw failure('Runtime.ImportModuleError', `Cannot find module '${module}'`);
  const handler = (await import(pathToFileURL(file).href))[name];
  if (typeof handler === 'function') return handler;
  throw failure('Runtime.HandlerNotFound', `${env._HANDLER} is undefined or not exported`);
}

function failure(name, message) {
  return Object.assign(new Error(message), { name });
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

/** Done once the Runtime API has all of the answer: where the handler does not end its stream, with the function's timeout. */
async function answerStreaming(handler, event, context) {
  const path = `/invocation/${context.awsRequestId}/response`;
  const { promise: answered, resolve, reject } = Promise.withResolvers();
  const { stream, fail } = openResponseStream((headers) => open('POST', path, headers, resolve, reject));
  try {
    await handler(event, stream, context);
  } catch (error) {
    const described = describe(error);
    console.error(JSON.stringify(described));
    fail(described);
  }
  await answered;
}

async function serveOne(handler) {
  const { headers, body } = await request('GET', '/invocation/next');
  const context = contextOf(headers);
  env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
  if (isStreaming(handler)) return answerStreaming(handler, JSON.parse(body), context);
  let path = 'response';
  let answer;
  try {
    answer = JSON.stringify((await handler(JSON.parse(body), context)) ?? null);
  } catch (error) {
    path = 'error';
    answer = JSON.stringify(describe(error));
    // The log alone has what it comes of, such as a host that can't be reached.
    const { code, message } = error?.cause ?? {};
    console.error(JSON.stringify({ ...describe(error), cause: code && message }));
  }
  await request('POST', `/invocation/${context.awsRequestId}/${path}`, answer);
}

/** With the log format JSON the runtime writes each call of the console as an object with its level. */
function writeJson() {
  const levels = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', log: 'INFO', warn: 'WARN', error: 'ERROR' };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...what) => {
      const line = { timestamp: new Date().toISOString(), level, message: format(...what) };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    };
  }
}

if (env.AWS_LAMBDA_LOG_FORMAT === 'JSON') writeJson();
globalThis.awslambda = awslambda;
let handler;
try {
  handler = await loadHandler();
} catch (error) {
  const answer = JSON.stringify(describe(error));
  console.error(answer);
  await request('POST', '/init/error', answer).catch(() => {});
  process.exit(1);
}
try {
  for (;;) await serveOne(handler);
} catch {
  // The Runtime API is gone, and with it the reason to be here.
  process.exit(0);
}
