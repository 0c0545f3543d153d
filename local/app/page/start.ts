import { parseRecord } from '@helseid-zones/protocol/record';
import { calledUrls } from '../../../infra/declaration/derive.ts';
import { recordName } from '../../../infra/declaration/names.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { readInput } from '../../../infra/proof/read-input.ts';
import { rolesOfHost } from '../../../infra/proof/report/map/hosts.ts';
import type { MapCall, MapNode, ZoneMap } from '../../../infra/proof/report/map/model.ts';
import { readZoneMap } from '../../../infra/proof/report/map/read.ts';
import { listen } from '../../aws/http.ts';
import type { SecretStore } from '../../aws/secrets/store.ts';
import { sendEvent } from '../steps/entries.ts';
import { callingZone, needsEntries, otherZone, samplePath, sampleZone } from '../steps/facts.ts';
import { loginZone } from '../steps/login-steps.ts';
import type { LocalSystem } from '../system.ts';
import { ATTACKS } from './attacks.ts';
import { createNames } from './describe-line.ts';
import type { ClientKeys, PageDeps } from './document.ts';
import { countFigures } from './figures.ts';
import { servePage } from './server.ts';

/**
 * Serves the page of a running system on the loopback.
 * @throws {ZonesError} local_failed: the port is taken
 */
export async function startPage(system: LocalSystem, port: number) {
  const { close } = await listen(servePage(pageDeps(system), port), port, system.tls);
  return { url: `${system.tls ? 'https' : 'http'}://localhost:${port}`, close };
}

function pageDeps(system: LocalSystem): PageDeps {
  const { declaration, aws, trail, assembly } = system;
  const map = splitByPort(readZoneMap(readInput(assembly, declaration)), declaration);
  const keys = () => readKeys(declaration, aws.secrets);
  const ownerOf = (arn: string) =>
    keys().find((client) => client.keys.some(({ keyArn }) => keyArn === arn))?.client;
  const event = needsEntries(sampleZone)(system) === undefined ? sampleZone(system).event : undefined;
  return {
    map,
    trail,
    keys,
    names: createNames(map, ownerOf),
    login: loginDeps(system),
    figures: countFigures(system),
    event: event && { type: event['detail-type'], source: event.source, send: () => sendSample(system) },
    attacks: ATTACKS.map(({ step, tries, ...attack }) => ({
      ...attack,
      tries: nameZones(system, tries),
      unfit: step.unfit(system),
      run: () => step.run(system),
    })),
  };
}

/** A text with the names of the zones that an attack is about, where the declaration has such. */
function nameZones(system: LocalSystem, text: string): string {
  return Object.entries({ calling: callingZone, other: otherZone }).reduce((named, [word, find]) => {
    const lacking = needsEntries(find)(system) !== undefined;
    return named.replaceAll(`{${word}}`, lacking ? word : find(system).zone);
  }, text);
}

async function sendSample(system: LocalSystem): Promise<string> {
  const { functionName } = sampleZone(system);
  await sendEvent(system);
  return `${functionName} is done with it.`;
}

function loginDeps(system: LocalSystem): PageDeps['login'] {
  if (needsEntries(loginZone)(system) !== undefined) return undefined;
  const zone = loginZone(system);
  const { forward = [] } = system.declaration.zones[zone]?.gateway?.login ?? {};
  const route = forward.find(({ method }) => method === 'GET');
  return {
    gateway: system.gatewayUrl(zone),
    call: route && `/api${samplePath(route.path)}`,
    caFile: system.standIns && system.certificate.path,
  };
}

/**
 * `map` with a box a port for each host, since the stand-ins share the name `localhost`. A resolver knows names only, but the
 * local system lets a zone's functions open connections to the hosts and ports of the URLs that it is declared to call, and
 * so do the lines here.
 */
export function splitByPort(map: ZoneMap, declaration: SystemDeclaration): ZoneMap {
  const callsOf = (zone: string) => [zone, calledUrls(declaration, zone).map(hostOf)] as const;
  const called = new Map(Object.keys(declaration.zones).map(callsOf));
  const hosts = [...new Set([...called.values()].flat())];
  const zones = new Map(map.nodes.map(({ id, zone }) => [id, zone]));
  const ids = new Map(
    map.nodes.flatMap(({ id, kind, label }) => {
      const ports = hosts.filter((host) => new URL(`https://${host}`).hostname === label);
      return kind === 'host' && ports.length > 0 ? [[id, ports]] : [];
    }),
  );
  const splitNode = (node: MapNode): MapNode[] =>
    ids.get(node.id)?.map((label) => {
      const notes = rolesOfHost((url) => hostOf(url) === label, declaration);
      return { ...node, id: `host:${label}`, label, notes };
    }) ?? [node];
  const splitCall = (call: MapCall): MapCall[] => {
    const own = called.get(zones.get(call.from) ?? '') ?? [];
    const ports = ids.get(call.to)?.filter((host) => call.violated || own.includes(host));
    return ports?.map((host) => ({ ...call, to: `host:${host}` })) ?? [call];
  };
  return { ...map, nodes: map.nodes.flatMap(splitNode), calls: map.calls.flatMap(splitCall) };
}

function hostOf(url: string): string {
  return new URL(url).host;
}

/** Reads the keys of every client from its record, as stored: not through AWS, so that looking leaves no trace on the trail. */
export function readKeys(declaration: SystemDeclaration, secrets: SecretStore): ClientKeys[] {
  return Object.entries(declaration.clients).map(([client, { clientId, issuer }]) => {
    const { stored } = secrets.find(recordName(declaration.name, client));
    const current = stored.versions.find(({ stages }) => stages.includes('AWSCURRENT'));
    try {
      const { keys } = parseRecord(current?.text ?? '', { client, clientId, issuer });
      return { client, clientId, keys };
    } catch (cause) {
      return { client, clientId, keys: [], problem: cause instanceof Error ? cause.message : String(cause) };
    }
  });
}
