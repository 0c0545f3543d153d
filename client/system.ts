/**
 * What types read off a declaration, so that the names in a function complete, and wrong ones are errors.
 * @module
 */

/**
 * The declaration that functions are written for. `zones.ts` adds its own:
 *
 * ```
 * declare module '@helseid-zones/client/system' {
 *   interface Register { system: typeof system }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: a declaration adds itself
export interface Register {}

interface AnyGrant {
  readonly client: string;
  readonly apis: readonly { readonly api: string }[];
}

/** As much of a declaration as names are read off. */
export interface AnySystem {
  readonly zones: Readonly<Record<string, { readonly grants: readonly AnyGrant[] }>>;
}

/** The registered declaration; any names where there is none. */
export type Registered = Register extends { system: infer S extends AnySystem } ? S : AnySystem;

type KnownKeys<T> = keyof { [K in keyof T as string extends K ? never : K]: never } & string;

/** Names of the zones that are declared; any where none is known. */
export type ZoneNames<S extends AnySystem> = [KnownKeys<S['zones']>] extends [never]
  ? string
  : KnownKeys<S['zones']>;

type Grants<S extends AnySystem, Z extends keyof S['zones']> = S['zones'][Z]['grants'][number];

/** Clients that the zone has grants for. */
export type Clients<S extends AnySystem, Z extends keyof S['zones']> = Grants<S, Z>['client'];

/** APIs that the zone has grants for. */
export type ApiNames<S extends AnySystem, Z extends keyof S['zones']> = Grants<S, Z>['apis'][number]['api'];

type ClientOf<Grant extends AnyGrant, A> = Grant extends unknown
  ? A extends Grant['apis'][number]['api']
    ? Grant['client']
    : never
  : never;

/** Clients that the zone has grants of for an API. */
export type ClientsOf<S extends AnySystem, Z extends keyof S['zones'], A> = ClientOf<Grants<S, Z>, A> &
  string;

type IsUnion<T, All = T> = T extends unknown ? ([All] extends [T] ? false : true) : never;

/** Whether several clients may call the API in one of the zones; `false`, or something else. */
export type NeedsClient<S extends AnySystem, Z extends keyof S['zones'], A> = true extends (
  Z extends unknown
    ? IsUnion<ClientsOf<S, Z, A>>
    : never
)
  ? true
  : false;
