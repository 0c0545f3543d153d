import type { AllowedDetail, Grant } from '@helseid-zones/protocol/grant';
import { escapeControls, table } from '../../terminal.ts';
import { objectOf, parseJson, stringsOf } from '../assembly/json.ts';
import { resourcesOfType } from '../assembly/resolve.ts';
import { ownSignersOnly } from '../rules/lambda/signers.ts';
import type { ProofInput } from '../rules/rule.ts';
import { askedOfZone, filesOf } from '../rules/targets.ts';
import { readSigners } from './map/read.ts';
import type { Part } from './report.ts';
import { heading } from './summary.ts';

/** What one signer signs, by the grant in its asset, and who may ask it. */
export interface Signable {
  /** Physical name of the signer's function. */
  signer: string;
  zone: string;
  /** Roles that policies let ask it. */
  askedBy: readonly string[];
  client: string;
  clientId: string;
  issuer: string;
  /** Which organisations assertions may name. */
  organisations: Grant['assertions']['details'];
  /** Where proofs are for: patterns of URLs, and whether they may name an access token. */
  proofs: { methods: readonly string[]; urls: readonly string[]; token: boolean }[];
  requestObjects: boolean;
  /** Scopes that the zone's own login asks for when it sends people to the issuer; none where it logs nobody in with this client. */
  loginScopes: readonly string[];
}

/**
 * Who can have what signed: of every function of the assembly that has a grant.
 * @throws {ZonesError} config_invalid: a grant is none.
 */
export function readSignable(input: ProofInput): Signable[] {
  const { assembly } = input;
  const asking = ownSignersOnly.rows(input).filter(({ verdict }) => verdict !== 'never');
  const logins = resourcesOfType(assembly, 'AWS::Lambda::Function').map((fn) => {
    const { zone, login } = objectOf(parseJson(filesOf(fn).get('config.json')));
    return { zone, ...objectOf(login) };
  });
  return [...readSigners(assembly)].map(([arn, grant]) => {
    const { zone, client, clientId, issuer, assertions, proofs, requestObjects } = grant;
    const own = logins.find((login) => login.zone === zone && objectOf(login).client === client);
    return {
      ...{ signer: arn.split(':').at(-1) ?? arn, zone, client, clientId, issuer, requestObjects },
      askedBy: [...new Set(asking.flatMap((row) => (row.resource === arn ? row.principal : [])))],
      organisations: assertions.details,
      proofs: proofs.map(({ methods, origin, paths, ath }) => ({
        ...{ methods, urls: paths.map((path) => origin + path), token: ath },
      })),
      loginScopes: stringsOf(objectOf(own).scopes),
    };
  });
}

/** What a signer signs in words, a text for each kind of thing; a `*` in one is anything. */
export function signableInWords(of: Signable): [kind: string, texts: string[]][] {
  const { client, clientId, issuer, organisations, proofs, requestObjects, loginScopes } = of;
  const details =
    organisations === 'any' ? ['*'] : organisations === 'none' ? [] : organisations.map(inWords);
  return [
    ['assertions', [`of client ${client} (${clientId}) at ${issuer}, which buy any scope of it`]],
    ['organisations', details],
    [
      'proofs',
      proofs.flatMap(({ methods, urls, token }) =>
        methods.flatMap((method) => urls.map((url) => `${method} ${url}${token ? '' : ' without a token'}`)),
      ),
    ],
    ['request objects', requestObjects ? [`of client ${client}`] : []],
    ['login of people', loginScopes.length > 0 ? [`for ${loginScopes.join(' ')}`] : []],
  ];
}

/** The same for people, a paragraph for each signer of a zone, or that a role is or may ask; empty where there is none. */
export function reportSignable(input: ProofInput, width: number, { zone, role }: Part = {}): string {
  const shown = readSignable(input).filter(
    (of) =>
      (zone ?? of.zone) === of.zone && (role === undefined || [of.signer, ...of.askedBy].includes(role)),
  );
  const paragraphs = shown.map((of) => {
    const askers = of.askedBy.filter((asker) => role === undefined || asker === role || of.signer === role);
    const parts = [['for', [askers.join(', ')]] as const, ...signableInWords(of)];
    const rows = parts.flatMap(([kind, texts]) =>
      texts.map((text, index) => [index === 0 ? kind : '', text]),
    );
    return `  ${escapeControls(of.signer)}\n${table(rows, width - 2).replaceAll(/^/gm, '  ')}`;
  });
  const given = reportTokens(input, width, { zone, role });
  if (paragraphs.length + given.length === 0) return '';
  return [heading('Who can have what signed'), ...paragraphs, ...given].join('\n');
}

/** What the tokens functions give, and to whom: tokens of these scopes and of no other. */
function reportTokens(input: ProofInput, width: number, { zone, role }: Part): string[] {
  const { assembly, declaration } = input;
  const asking = ownSignersOnly.rows(input).filter(({ verdict }) => verdict !== 'never');
  return Object.keys(declaration.zones).flatMap((of) => {
    const [arn = ''] = askedOfZone(input, of, 'tokens');
    const fn = resourcesOfType(assembly, 'AWS::Lambda::Function').find((one) => one.arn === arn);
    const askers = asking.flatMap(({ resource, principal }) => (resource === arn ? principal : []));
    if (fn === undefined || (zone ?? of) !== of) return [];
    if (role !== undefined && ![fn.physicalId, ...askers].includes(role)) return [];
    const apis = Object.entries(objectOf(objectOf(parseJson(filesOf(fn).get('config.json'))).apis));
    const rows = apis.map(([api, one]) => {
      const { clients, scopes } = objectOf(one);
      return `for ${api} of client ${stringsOf(clients).join(' or ')}: ${stringsOf(scopes).join(' ')}`;
    });
    const lines = [
      ['for', (role === undefined || role === fn.physicalId ? askers : [role]).join(', ')],
      ...rows.map((text, index) => [index === 0 ? 'tokens' : '', text]),
    ];
    return `  ${escapeControls(fn.physicalId)}\n${table(lines, width - 2).replaceAll(/^/gm, '  ')}`;
  });
}

function inWords({ type, ...rest }: AllowedDetail): string {
  return [type, ...Object.entries(rest).map(([name, value]) => `${name} ${value}`)].join(' ');
}
