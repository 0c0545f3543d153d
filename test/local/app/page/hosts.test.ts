import { expect, test } from 'vitest';
import { deriveLocalDeclaration } from '../../../../local/app/declaration.ts';
import { splitByPort } from '../../../../local/app/page/start.ts';
import { linesOf, mapOf, synthesizedFolder } from '../../../infra/proof/report/map/maps.ts';
import zones from '../../../two-clients.zones.ts';

const { system, places } = deriveLocalDeclaration(zones, { gateway: 4000, standIn: 5000 });
const standIns = splitByPort(mapOf(synthesizedFolder(system), system), system);
const declared = mapOf(synthesizedFolder(zones), zones);

test('each stand-in has a box of its own, and a zone reaches those that stand for the hosts it is declared to call', () => {
  const hosts = ({ nodes }: typeof declared) =>
    nodes.filter(({ kind }) => kind === 'host').map(({ notes }) => notes);
  expect(hosts(standIns)).toEqual(expect.arrayContaining(hosts(declared)));
  expect(hosts(standIns)).toHaveLength(hosts(declared).length);
  const names = new Map(
    places.map(({ kind, name, port }) => [
      `localhost:${port}`,
      new URL(kind === 'api' ? (zones.apis[name]?.baseUrl ?? '') : name).hostname,
    ]),
  );
  const named = linesOf(standIns).map((line) =>
    line.replace(/localhost:\d+/, (host) => names.get(host) ?? host),
  );
  expect(named.sort()).toEqual(linesOf(declared).sort());
});

test('a call that violates a boundary leads to every port of the name', () => {
  const map = mapOf(synthesizedFolder(system), system);
  const calls = map.calls.map((call) => ({ ...call, violated: true }));
  const to = new Set(splitByPort({ ...map, calls }, system).calls.map((call) => call.to));
  for (const { port } of places) expect(to).toContain(`host:localhost:${port}`);
});
