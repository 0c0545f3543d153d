import type { IssuerProfile } from '../../client/profile.ts';

/** A client, as a zone function sees it. */
export interface ClientConfig {
  clientId: string;
  issuer: string;
  tenancy: 'single-tenant' | 'multi-tenant';
  profile: IssuerProfile;
}

/** An API, as a zone function sees it. */
export interface ApiConfig {
  /** https URL without a trailing slash; request paths are appended. */
  baseUrl: string;
  /** `aud` of its access tokens. */
  audience: string;
  /** Scopes asked for when a token for it is fetched. */
  scopes: readonly string[];
  /** RFC 8707 resource indicator, where the issuer's registration wants one. */
  resource?: string;
  /** Which of the zone's clients calls it. */
  client: string;
}

/** What lies as `config.json` in the asset of a zone function: everything the declaration says that it needs. Ids of AWS resources come by environment instead. */
export interface ZoneConfig {
  version: 1;
  system: string;
  zone: string;
  clients: Readonly<Record<string, ClientConfig>>;
  apis: Readonly<Record<string, ApiConfig>>;
}
