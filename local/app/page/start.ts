import { parseRecord } from '@helseid-zones/protocol/record';
import { recordName } from '../../../infra/declaration/names.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { readZoneMap } from '../../../infra/proof/report/map/read.ts';
import { readInput } from '../../../infra/proof/rules/actors.ts';
import { listen } from '../../aws/http.ts';
import type { SecretStore } from '../../aws/secrets/store.ts';
import { sendEvent } from '../steps/entries.ts';
import { callingZone, needsEntries, otherZone, sampleZone } from '../steps/facts.ts';
import { loginZone } from '../steps/login-steps.ts';
import type { LocalSystem } from '../system.ts';
import { ATTACKS } from './attacks.ts';
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
  const event = needsEntries(sampleZone)(system) === undefined ? sampleZone(system).event : undefined;
  return {
    map: readZoneMap(readInput(assembly, declaration)),
    ...{ trail, keys: () => readKeys(declaration, aws.secrets), login: loginDeps(system) },
    zoneOf: (name) => aws.functions.find((of) => of.name === name)?.zone,
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
  const zone = loginZone(system);
  if (zone === undefined) return undefined;
  return { gateway: system.gatewayUrl(zone), caFile: system.standIns && system.certificate.path };
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
