import { readZoneMap } from '../../../infra/proof/report/map/read.ts';
import { readInput } from '../../../infra/proof/rules/input.ts';
import { listen } from '../../aws/http.ts';
import { sendEvent } from '../steps/entries.ts';
import { callingZone, needsEntries, otherZone, samplePath, sampleZone } from '../steps/facts.ts';
import { loginZone } from '../steps/login-steps.ts';
import type { LocalSystem } from '../system.ts';
import { ATTACKS } from './attacks.ts';
import type { PageDeps } from './document.ts';
import { splitByPort } from './hosts.ts';
import { readKeys } from './keys.ts';
import { createNames } from './names.ts';
import { servePage } from './server.ts';

/**
 * Serves the page of a running system on the loopback.
 * @throws {ZonesError} local_failed: the port is taken
 */
export async function startPage(
  system: LocalSystem,
  port: number,
): Promise<{ url: string; close(): Promise<void> }> {
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
    ...{ map, trail, keys, names: createNames(map, ownerOf), login: loginDeps(system) },
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
  const zone = loginZone(system);
  if (zone === undefined) return undefined;
  const { forward = [] } = system.declaration.zones[zone]?.gateway?.login ?? {};
  const route = forward.find(({ method }) => method === 'GET');
  return {
    gateway: system.gatewayUrl(zone),
    call: route && `/api${samplePath(route.path)}`,
    caFile: system.standIns && system.certificate.path,
  };
}
