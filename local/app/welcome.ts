import { resolve } from 'node:path';
import type { ZoneDeclaration } from '../../infra/declaration/schema.ts';
import { DEFAULT_DIRECTORY } from './options.ts';
import { isReadByIam, needsEntries, samplePath, sampleZone } from './steps/facts.ts';
import type { LocalSystem } from './system.ts';

/** What `npm start` prints once everything runs: what that is, where it is entered, and lines to try. */
export function welcome(
  system: LocalSystem,
  { seconds, directory, page }: { seconds: number; directory: string; page: string | undefined },
): string {
  const { declaration, aws, standIns, places, keys, logs } = system;
  const endpoints = aws.endpoints.map(({ zone, service, url }) => row(`${zone} ${service}`, url));
  const sections: [string, string[]][] = [
    ['Page', page === undefined ? [] : [row('see and try it all', page)]],
    ['Entries', Object.keys(declaration.zones).flatMap((zone) => describeEntries(system, zone))],
    ['Stand-ins', places.map(({ kind, name, url }) => row(kind === 'api' ? `API ${name}` : kind, url))],
    ['Client keys', keys.map(({ client, kid, state }) => row(client, `${state}  ${kid}`))],
    ['AWS', [row('public', aws.publicUrl), ...endpoints]],
    ['Try', [...curlLines(system), ...sendLines(system, directory), ...callLines(system, directory)]],
  ];
  const fresh = standIns === undefined ? '' : ' (npm start -- --fresh empties it)';
  return [
    `helseid-zones: ${declaration.name} runs (ready in ${seconds.toFixed(1)} s)`,
    ...sections.filter(([, lines]) => lines.length > 0).map(([title, lines]) => [title, ...lines].join('\n')),
    ...(standIns === undefined ? registrationHints(system, directory) : []),
    `Logs: ${logs}   State: ${directory}${fresh}   Ctrl-C ends everything.`,
  ].join('\n\n');
}

function row(name: string, value: string): string {
  return `  ${name.padEnd(24)} ${value}`;
}

function describeEntries({ declaration, gatewayUrl }: LocalSystem, zone: string): string[] {
  const { gateway } = declaration.zones[zone] ?? {};
  const routes = (gateway?.routes ?? []).map(({ method, path, authorize }) => {
    const by = { iam: 'AWS SigV4', helseid: 'HelseID token', webhook: 'signed webhook' }[authorize];
    return `${method} ${gatewayUrl(zone)}${path}  (${by})`;
  });
  const login = `${gatewayUrl(zone)}/login?return=/session  (in a browser; Safari needs --https)`;
  return [...routes, ...(gateway?.login ? [login] : [])].map((entry) => row(`${zone} zone`, entry));
}

function curlLines({ declaration, aws, gatewayUrl, certificate, tls }: LocalSystem): string[] {
  const trust = tls ? `--cacert ${certificate.path} ` : '';
  const { accessKeyId, secretAccessKey } = aws.operator;
  const sign = `--aws-sigv4 aws:amz:${aws.region}:execute-api --user ${accessKeyId}:${secretAccessKey}`;
  return Object.entries(declaration.zones).flatMap(([zone, { gateway }]) =>
    (gateway?.routes ?? [])
      .filter(isReadByIam)
      .map(({ path }) => `  curl ${trust}${sign} ${gatewayUrl(zone)}${samplePath(path)}`),
  );
}

function sendLines(system: LocalSystem, directory: string): string[] {
  if (needsEntries(sampleZone)(system) !== undefined) return [];
  return [`  npm run send --${option('--directory', directory)} ${sampleZone(system).file}`];
}

/**
 * For what neither `curl` nor an event starts: webhooks and HelseID's tokens, whose signatures are made anew each time, schedules, and
 * secrets to put.
 */
export function callLines(
  { declaration, standIns }: Pick<LocalSystem, 'declaration'> & { standIns?: unknown },
  directory: string,
): string[] {
  const call = `  npm run call --${option('--directory', directory)}`;
  // A stand-in has a client of somebody else's, and tokens of no person for it.
  const foreign = (gateway: ZoneDeclaration['gateway']) =>
    standIns !== undefined && gateway?.authorizer?.securityLevel === undefined;
  return Object.entries(declaration.zones).flatMap(([zone, { gateway, functions }]) => [
    ...(gateway?.routes ?? [])
      .filter(({ authorize }) => authorize === 'webhook' || (authorize === 'helseid' && foreign(gateway)))
      .map(({ method, path }) => `${call} ${zone} ${method} ${samplePath(path)}`),
    ...Object.entries(functions).flatMap(([name, { schedules, secrets }]) => [
      ...Object.keys(schedules).map((schedule) => `${call} ${zone} schedule ${name}/${schedule}`),
      ...secrets.map((secret) => `${call} ${zone} secret ${name}/${secret} --body FILE`),
    ]),
  ]);
}

/** What a command in another terminal needs to find this system: nothing where it looks by itself. */
function option(name: string, directory: string): string {
  return directory === resolve(DEFAULT_DIRECTORY) ? '' : ` ${name} ${directory}`;
}

/** Without stand-ins a person registers the first key: it is shown before anything else has to work. */
export function registrationHints({ keys }: Pick<LocalSystem, 'keys'>, directory: string): string[] {
  const local = option('--local', directory) || ' --local';
  return keys
    .filter(({ state }) => state === 'created')
    .map(({ client, clientId, issuer, jwk, problem }) =>
      [
        `Register this public key for client ${clientId} at ${issuer}; then npm run keys -- verify ${client}${local}, or start again:`,
        `  ${JSON.stringify(jwk)}`,
        ...(problem === undefined ? [] : [`It has come no further yet. ${problem}`]),
      ].join('\n'),
    );
}
