import { describe, expect, it } from 'vitest';
import distributed from '../../../examples/distributed.zones.ts';
import helsenettet from '../../../examples/helsenettet.zones.ts';
import { defineSystem } from '../../../infra/declaration/define.ts';
import { calledUrls } from '../../../infra/declaration/derive.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { deriveLocalDeclaration, reachedUrls } from '../../../local/app/declaration.ts';
import zones from '../../one-client.zones.ts';

const ports = { gateway: 3000, standIn: 3443 };
const declared: SystemDeclaration = zones;

describe('the local declaration', () => {
  it('gives issuer, self-service and each API a port of its own, and keeps their paths', () => {
    const { places, system } = deriveLocalDeclaration(declared, ports);
    expect(places.map(({ kind, url }) => [kind, url])).toEqual([
      ['issuer', 'https://localhost:3443'],
      ['self-service', 'https://localhost:3444'],
      ['api', 'https://localhost:3445/fhir'],
      ['api', 'https://localhost:3446'],
    ]);
    expect(system.clients['journal']).toMatchObject({
      issuer: 'https://localhost:3443',
      selfService: { baseUrl: 'https://localhost:3444' },
      rotation: { everyDays: 60, propagation: 1 },
    });
    expect(system.apis['documents']?.baseUrl).toBe('https://localhost:3445/fhir');
    const { reports } = deriveLocalDeclaration(distributed, ports).system.zones;
    expect(reports?.functions['report']?.clientKeys['reporting']?.propagation).toBe(1);
  });

  it('stays a valid declaration, and changes no grant, scope, network or client id', () => {
    const { system } = deriveLocalDeclaration(declared, ports);
    expect(defineSystem(system)).toEqual(system);
    const rest = ({ zones: of, apis, clients }: SystemDeclaration) => [
      Object.entries(of).map(([name, { gateway: _, ...zone }]) => [name, zone]),
      Object.values(apis).map(({ baseUrl: _, ...api }) => api),
      Object.values(clients).map(({ clientId, tenancy, algorithm, profile }) => [
        clientId,
        tenancy,
        algorithm,
        profile,
      ]),
    ];
    expect(rest(system)).toEqual(rest(declared));
  });

  it('gives two issuers two places, and one issuer of two clients one', () => {
    const client = declared.clients['journal'];
    if (client === undefined) throw new TypeError('zones.ts has no client journal');
    const two = {
      ...declared,
      clients: { one: client, two: client, three: { ...client, issuer: 'https://other.example.no/path' } },
    };
    const { places, system } = deriveLocalDeclaration(two, ports);
    const issuers = places.filter(({ kind }) => kind === 'issuer').map(({ url }) => url);
    expect(issuers).toEqual(['https://localhost:3443', 'https://localhost:3447/path']);
    expect(system.clients['one']?.issuer).toBe(system.clients['two']?.issuer);
    expect(system.clients['three']?.issuer).toBe('https://localhost:3447/path');
  });

  it("leaves out domains of their own, so that functions take the gateway's URL", () => {
    const { public: publicZone } = zones.zones;
    const gateway = { ...publicZone.gateway, baseUrl: 'https://journal.example.no' };
    const withDomain = { ...declared, zones: { ...declared.zones, public: { ...publicZone, gateway } } };
    const { system } = deriveLocalDeclaration(withDomain, ports);
    expect(system.zones['public']?.gateway).toEqual(publicZone.gateway);
  });
});

it('functions reach what nothing stands in for, such as a database, by the ports of its exit, and no other host', () => {
  const { portal } = helsenettet.zones;
  const summary = { ...portal.functions.summary, hosts: ['db.example.no'] };
  const db = { cidrs: ['10.90.8.0/24'], hosts: ['db.example.no'], ports: [443, 5432] };
  const exits = { ...portal.exits, db };
  const declared = defineSystem({
    ...helsenettet,
    zones: {
      ...helsenettet.zones,
      portal: { ...portal, exits, functions: { ...portal.functions, summary } },
    },
  } as never);
  const reached = reachedUrls(deriveLocalDeclaration(declared, ports).system, declared, 'portal');
  expect(reached).toContain('https://db.example.no:5432');
  expect(reached.filter((url) => !url.includes('localhost') && !url.includes('db.example.no'))).toEqual([]);
});

it('what exists elsewhere is left out: every zone has a network of its own, and all its hosts', () => {
  const { system } = deriveLocalDeclaration(helsenettet, ports);
  for (const [zone, { network, exits }] of Object.entries(system.zones)) {
    expect({ network, exits }).toEqual({ network: undefined, exits: {} });
    expect(calledUrls(system, zone)).toHaveLength(calledUrls(helsenettet, zone).length);
    expect(calledUrls(system, zone).every((url) => url.startsWith('https://localhost:'))).toBe(true);
  }
});
