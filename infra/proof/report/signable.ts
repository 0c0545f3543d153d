import type { AllowedDetail, Grant } from '@helseid-zones/protocol/grant';
import { ownSecrets } from '../../declaration/function-resources.ts';
import { escapeControls, table } from '../../terminal.ts';
import { objectOf, parseJson, stringsOf } from '../assembly/json.ts';
import { resourceByArn, resourcesOfType } from '../assembly/resolve.ts';
import { ownSignersOnly } from '../rules/lambda/signers.ts';
import type { ProofInput } from '../rules/rule.ts';
import { recordsAreReadByOwn } from '../rules/secretsmanager/records.ts';
import { askedOfZone, filesOf, secretNamed } from '../rules/targets.ts';
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
  const logins = resourcesOfType(assembly, 'AWS::Lambda::Function').map((fn) => {
    const { zone, login } = objectOf(parseJson(filesOf(fn).get('config.json')));
    return { zone, ...objectOf(login) };
  });
  return [...readSigners(assembly)].map(([arn, grant]) => {
    const { zone, client, clientId, issuer, assertions, proofs, requestObjects } = grant;
    const own = logins.find((login) => login.zone === zone && objectOf(login).client === client);
    return {
      signer: arn.split(':').at(-1) ?? arn,
      zone,
      client,
      clientId,
      issuer,
      requestObjects,
      askedBy: askersOf(arn, input),
      organisations: assertions.details,
      proofs: proofs.map(({ methods, origin, paths, ath }) => ({
        methods,
        urls: paths.map((path) => origin + path),
        token: ath,
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

/** The same for people, a paragraph for each signer, tokens function or client's keys of a zone, or that a role is or may ask; empty where there is none. */
export function reportSignable(input: ProofInput, width: number, { zone, role }: Part = {}): string {
  const signers = readSignable(input).map((of) => ({ ...of, name: of.signer, parts: signableInWords(of) }));
  const paragraphs = [...signers, ...readTokens(input), ...readKept(input)]
    .filter((of) => (zone ?? of.zone) === of.zone && [undefined, of.name, ...of.askedBy].includes(role))
    .map(({ name, askedBy, parts }) => {
      const askers = askedBy.filter((asker) => [undefined, asker, name].includes(role));
      const rows = [['for', [askers.join(', ')]] as const, ...parts].flatMap(([kind, texts]) =>
        texts.map((text, index) => [index === 0 ? kind : '', text]),
      );
      return `  ${escapeControls(name)}\n${table(rows, width - 2).replaceAll(/^/gm, '  ')}`;
    });
  return paragraphs.length === 0 ? '' : [heading('Who can have what signed'), ...paragraphs].join('\n');
}

/** What the tokens functions give, and to whom: tokens of these scopes and of no other. */
function readTokens(input: ProofInput) {
  return Object.keys(input.declaration.zones).flatMap((zone) => {
    const [arn = ''] = askedOfZone(input, zone, 'tokens');
    const fn = resourceByArn(input.assembly, arn);
    if (fn === undefined) return [];
    const { apis } = objectOf(parseJson(filesOf(fn).get('config.json')));
    const tokens = Object.entries(objectOf(apis)).map(([api, one]) => {
      const { clients, scopes } = objectOf(one);
      return `for ${api} of client ${stringsOf(clients).join(' or ')}: ${stringsOf(scopes).join(' ')}`;
    });
    const parts: [string, string[]][] = [['tokens', tokens]];
    return [{ name: fn.physicalId, zone, askedBy: askersOf(arn, input), parts }];
  });
}

/** The keys that functions keep for clients: whoever reads one signs anything with it. */
function readKept(input: ProofInput) {
  const { name: system, zones } = input.declaration;
  return Object.entries(zones).flatMap(([zone, declared]) =>
    ownSecrets(system, zone, declared).flatMap(({ kind, name, secret }) => {
      const arn = secretNamed(input, name)?.arn;
      if (kind !== 'clientKeys' || arn === undefined) return [];
      const said = `of client ${secret}, whose key in Secrets Manager can be read out by them`;
      const parts: [string, string[]][] = [['anything', [said]]];
      return [{ name, zone, askedBy: askersOf(arn, input, recordsAreReadByOwn), parts }];
    }),
  );
}

/** The roles that policies let ask a function, or read a secret. */
function askersOf(arn: string, input: ProofInput, { rows } = ownSignersOnly): string[] {
  const asking = rows(input).filter((row) => row.verdict !== 'never' && row.resource === arn);
  return [...new Set(asking.map(({ principal }) => principal))];
}

function inWords({ type, ...rest }: AllowedDetail): string {
  return [type, ...Object.entries(rest).map(([name, value]) => `${name} ${value}`)].join(' ');
}
