import type { SystemDeclaration } from './schema.ts';

/** A registration at an issuer, by its field: one of `clients`, or of a client whose keys a function of `zone` keeps. */
export type Registration = ReturnType<typeof registrations>[number];

/** Every registration of the declaration, those of `clients` first. */
export function registrations({ clients, zones }: Pick<SystemDeclaration, 'clients' | 'zones'>) {
  const none: { zone: string | undefined; apis: readonly string[] } = { zone: undefined, apis: [] };
  const shared = Object.entries(clients).map(([name, of]) => ({
    ...of,
    ...none,
    name,
    field: `clients.${name}`,
  }));
  const kept = Object.entries(zones).flatMap(([zone, { functions }]) =>
    Object.entries(functions).flatMap(([owner, { clientKeys }]) =>
      Object.entries(clientKeys).map(([name, of]) => ({
        ...of,
        name,
        zone,
        field: `zones.${zone}.functions.${owner}.clientKeys.${name}`,
      })),
    ),
  );
  return [...shared, ...kept];
}
