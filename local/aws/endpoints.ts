import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { beginCall, type Call, type Caller, type Route } from './call.ts';
import type { AwsContext } from './context.ts';
import { AwsError, toAwsError, type WireResponse, writeJsonError } from './errors.ts';
import type { Faults } from './faults.ts';
import { type Listening, listen, readRequest } from './http.ts';
import type { Emulator } from './operation.ts';
import { verifySignature } from './sigv4.ts';
import type { Networks } from './template/resources.ts';

const MAX_BODY = 10 * 1024 * 1024;

/**
 * The services here whose requests have `aws:VpceAccount`:
 * {@link https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-vpceaccount}
 */
const WITH_VPCE_ACCOUNT: readonly string[] = ['dynamodb', 'kms', 'lambda'];

/** What every listener of the local AWS shares. */
type AwsDeps = Pick<AwsContext, 'authorize' | 'credentials' | 'trail' | 'region' | 'now'> & {
  services: readonly Emulator[];
  /** Default: none. */
  faults?: Faults | undefined;
};

/**
 * Starts one listener for each VPC endpoint of the template and one for AWS's public endpoints. A call's `aws:SourceVpce` is
 * decided by the listener it came to. Loopback has no subnets: that a function uses no other zone's listener rests on its
 * process's hook on connections (`runtime/egress.mjs`), which the boundary proof does not rely on.
 */
export async function startEndpoints(deps: AwsDeps, networks: Networks) {
  const open = await startListener(deps, {});
  const started = await Promise.all(
    networks.endpoints.map(async (endpoint) => {
      const { id: vpce, vpc, service } = endpoint;
      const account = WITH_VPCE_ACCOUNT.includes(service) ? endpoint.account : undefined;
      const listener = await startListener(deps, { vpce, vpc, account }, service);
      return { endpoint: { ...endpoint, url: listener.url }, close: listener.close };
    }),
  );
  const all = started.map(({ endpoint }) => endpoint);
  return {
    /** AWS's public endpoints: for networks with a way there, and for operators. */
    publicUrl: open.url,
    all,
    /** What a function in these subnets reaches: its VPC's endpoints by service, and the public ones where the VPC has a way out. */
    reachableFrom(subnets: readonly string[]) {
      const vpc = networks.vpcOf(subnets);
      if (vpc === undefined) return { endpoints: new Map<string, string>(), publicUrl: open.url };
      const mine = all.filter((endpoint) => endpoint.vpc === vpc);
      return {
        endpoints: new Map(mine.map(({ service, url }) => [service, url] as const)),
        publicUrl: networks.hasEgress(vpc) ? open.url : undefined,
      };
    },
    async close() {
      await Promise.all([open.close(), ...started.map(({ close }) => close())]);
    },
  };
}

/**
 * Listens as one VPC endpoint (then only `only` is served, and `aws:SourceVpce` and `aws:SourceVpc` are the route's), or as
 * AWS's public endpoints. Every request is verified, authorised and put on the trail before it is answered.
 */
export function startListener(deps: AwsDeps, route: Route, only?: string): Promise<Listening> {
  return listen((request, response) => {
    // Looked up for each request: functions, which some services run, need the listeners' URLs first.
    const services = deps.services.filter(({ name }) => only === undefined || name === only);
    void answer({ ...deps, services }, route, request).then((answered) =>
      answered === undefined ? request.socket.destroy() : write(response, answered),
    );
  });
}

/** Resolves to nothing where the answer is lost. */
async function answer(deps: AwsDeps, route: Route, incoming: IncomingMessage) {
  const requestId = randomUUID();
  let service: Emulator | undefined;
  let operation = '';
  let caller: Caller | undefined;
  let call: Call | undefined;
  const record = (failure: object = {}) => {
    const { action, resource } = call?.needs.at(-1) ?? {};
    const principal = caller?.session ?? 'nobody';
    const { vpce } = route;
    const fields = { service: service?.name ?? 'unknown', operation, principal, requestId, vpce };
    deps.trail.add({ kind: 'aws', fields: { ...fields, action, resource, ...failure } });
  };
  try {
    const request = await readRequest(incoming, MAX_BODY);
    service = deps.services.find((candidate) => candidate.matches(request));
    if (service === undefined)
      throw new AwsError('UnknownOperationException', 'This endpoint does not serve that operation', 404);
    operation = service.operation(request);
    caller = await verifySignature(request, { ...deps, service: service.name });
    const begun = beginCall(deps, caller, route, requestId);
    call = begun;
    const of = service;
    const run = () => of.answer(request, begun);
    const answered = await (deps.faults?.meet(of.name, operation, caller, run) ?? run());
    record();
    return answered;
  } catch (cause) {
    const error = toAwsError(cause);
    // Only a fault of the local AWS itself has a stack that is worth seeing.
    const fault = cause === error ? undefined : cause instanceof Error ? cause.stack : String(cause);
    record({ error: error.code, message: error.message, fault });
    return service?.writeError(error, requestId) ?? writeJsonError('1.1', error, requestId);
  }
}

function write(response: ServerResponse, { status, headers, body }: WireResponse): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
