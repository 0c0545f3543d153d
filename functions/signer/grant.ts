import type { IssuerProfile } from '../../client/profile.ts';

/** An organisation detail that a grant's list allows; an absent field means "must be absent", `*` means any valid value. */
export type AllowedDetail =
  | { type: 'helseid_authorization'; parent?: string; child?: string }
  | { type: 'nhn:sfm:journal-id'; journalId: string }
  | { type: 'nhn:tillitsrammeverk:parameters' };

/** Where proofs may be used: exact methods under one https origin, on path patterns (a trailing `/*` covers everything below). */
export interface GrantedTarget {
  /** `https://host[:port]`, canonical. */
  origin: string;
  methods: readonly string[];
  paths: readonly string[];
}

/** What one zone may have signed for one client. Rendered from the declaration into the asset of the zone's signer. */
export interface Grant {
  version: 1;
  system: string;
  zone: string;
  /** The client's name in the declaration. */
  client: string;
  clientId: string;
  issuer: string;
  tenancy: 'single-tenant' | 'multi-tenant';
  profile: IssuerProfile;
  assertions: { details: 'none' | 'any' | readonly AllowedDetail[] };
  proofs: readonly GrantedTarget[];
  requestObjects: boolean;
}
