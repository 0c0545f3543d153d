import { readInput } from '../../../infra/proof/assembly/input.ts';
import { readZoneMap } from '../../../infra/proof/report/map/read.ts';
import { listen } from '../../aws/http.ts';
import { makeOrganizationNumber } from '../events.ts';
import { sendEvent } from '../steps/entries.ts';
import { needsEntries, samplePath, sampleZone } from '../steps/facts.ts';
import { loginZone } from '../steps/login-steps.ts';
import type { LocalSystem } from '../system.ts';
import { ATTACKS } from './attacks.ts';
import type { PageDeps } from './document.ts';
import { splitByPort } from './hosts.ts';
import { readKeys } from './keys.ts';
import { createNames } from './names.ts';
import { servePage } from './server.ts';

/** The page, served. */
interface RunningPage {
  /** `http://localhost:<port>`, or `https:` */
  url: string;
  close(): Promise<void>;
}

/** Serves the page of a running system on the loopback. Throws `local_failed` where the port is taken. */
export async function startPage(system: LocalSystem, port: number): Promise<RunningPage> {
  const { close } = await listen(servePage(pageDeps(system), port), port, system.tls);
  return { url: `${system.tls ? 'https' : 'http'}://localhost:${port}`, close };
}

function pageDeps(system: LocalSystem): PageDeps {
  const { declaration, aws, trail, assembly } = system;
  const map = splitByPort(readZoneMap(readInput(assembly, declaration)), declaration);
  const zone = loginZone(system);
  const noEvents = needsEntries(sampleZone)(system);
  return {
    map,
    trail,
    names: createNames(map, (arn) => clientOf(system, arn)),
    keys: () => readKeys({ declaration, aws }),
    sendEvent: noEvents === undefined ? () => sendSample(system) : undefined,
    attacks: ATTACKS.map(({ step, ...attack }) => ({
      ...attack,
      unfit: step.unfit(system),
      run: () => step.run(system),
    })),
    login:
      zone === undefined
        ? undefined
        : {
            gateway: system.gatewayUrl(zone),
            call: forwardedPath(system, zone),
            caFile: system.standIns === undefined ? undefined : system.ca.certificatePath,
          },
  };
}

async function sendSample(system: LocalSystem): Promise<string> {
  const organization = makeOrganizationNumber();
  const { fields, function: name } = await sendEvent(system, organization);
  return `${name} submitted the document for organisation ${organization}: ${fields['status']}.`;
}

function forwardedPath({ declaration }: LocalSystem, zone: string): string | undefined {
  const { forward = [] } = declaration.zones[zone]?.gateway?.login ?? {};
  const route = forward.find(({ method }) => method === 'GET');
  return route === undefined ? undefined : `/api${samplePath(route.path)}`;
}

/** The client whose record names a key. */
function clientOf({ declaration, aws }: LocalSystem, keyArn: string): string | undefined {
  return readKeys({ declaration, aws }).find(({ keys }) => keys.some((key) => key.keyArn === keyArn))?.client;
}
