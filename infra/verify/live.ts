import { parseXML } from '@aws-sdk/xml-builder';
import { type AwsConfig, createAwsCaller } from '@helseid-zones/client/aws';
import type { Fetch } from '@helseid-zones/client/http';
import { isObject, type JsonObject, listOf, objectOf, parseJson } from '../proof/assembly/json.ts';

/**
 * Asks a service of an account to describe something: by an action, or by the path of a REST API, which is percent-encoded already. Members
 * of the answer are named as CloudFormation names them, all its pages are one answer, and the same question is asked once.
 * @throws {ZonesError} aws_refused, aws_throttled, aws_unavailable, with AWS's own code in `facts.error`
 */
export type Live = (service: Service, action: string, input?: JsonObject) => Promise<JsonObject>;

type Service = keyof typeof SERVICES;

/** What stands before an action in `X-Amz-Target`, the version of a query API, or nothing for REST. */
const SERVICES = {
  kms: 'TrentService',
  secretsmanager: 'secretsmanager',
  dynamodb: 'DynamoDB_20120810',
  sqs: 'AmazonSQS',
  events: 'AWSEvents',
  logs: 'Logs_20140328',
  route53resolver: 'Route53Resolver',
  cloudformation: '2010-05-15',
  ec2: '2016-11-15',
  iam: '2010-05-08',
  monitoring: '2010-08-01',
  sns: '2010-03-31',
  sts: '2011-06-15',
  lambda: '',
  apigateway: '',
} as const;

/** Services whose members begin with a small letter. */
const SMALL = ['ec2', 'apigateway', 'logs'];

/** How services say that there is more, and what asks for it. */
const PAGES = Object.entries({
  NextToken: 'NextToken',
  nextToken: 'nextToken',
  Marker: 'Marker',
  NextMarker: 'Marker',
  position: 'position',
});

/** Whom to ask; `endpoint` is one for every service, where it is not AWS that is asked. */
type LiveOptions = Omit<AwsConfig, 'endpoints'> & { endpoint?: string | undefined; fetch?: Fetch };

/** An account as it describes itself: nothing here writes. */
export function createLive({ endpoint, fetch, ...access }: LiveOptions): Live {
  const options = { timeout: 15_000, attempts: 6, ...(fetch === undefined ? {} : { fetch }) };
  const all = Object.fromEntries(endpoint ? Object.keys(SERVICES).map((service) => [service, endpoint]) : []);
  const caller = createAwsCaller({ ...access, endpoints: all }, options);
  // IAM has one endpoint for all regions.
  const iam = { ...access, region: 'us-east-1', endpoints: { iam: 'https://iam.amazonaws.com', ...all } };
  const global = createAwsCaller(iam, options);
  const asked = new Map<string, Promise<JsonObject>>();

  async function askPage(service: Service, action: string, input: JsonObject): Promise<JsonObject> {
    const name = SERVICES[service];
    const request = { service, repeatable: true };
    if (name === '') {
      const query = new URLSearchParams(flatten(input, true)).toString();
      const path = query === '' ? action : `${action}?${query}`;
      return objectOf(parseJson((await caller.call({ ...request, method: 'GET', path })).body));
    }
    if (!name.startsWith('20')) {
      const version = service === 'dynamodb' || service === 'sqs' ? '1.0' : '1.1';
      return objectOf(await caller.json({ ...request, target: `${name}.${action}`, version, input }));
    }
    const form = { Action: action, Version: name, ...flatten(input, service === 'ec2') };
    const { body } = await (service === 'iam' ? global : caller).call({
      ...request,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
    const answer = parseXml(body);
    return objectOf(answer[`${action}Result`] ?? answer);
  }

  async function askAll(service: Service, action: string, input: JsonObject): Promise<JsonObject> {
    const page = await askPage(service, action, input);
    const [said, asks] = PAGES.find(([member]) => page[member]) ?? [];
    if (said === undefined || asks === undefined) return page;
    const rest = await askAll(service, action, { ...input, [asks]: page[said] });
    const both = Object.entries({ ...page, ...rest }).map(([key, value]) => {
      const lists = [page[key], rest[key]].filter((list) => Array.isArray(list));
      return [key, lists.length > 0 ? lists.flat() : value];
    });
    return Object.fromEntries(both);
  }

  return (service, action, input = {}) => {
    const key = JSON.stringify([service, action, input]);
    const ask = async () => {
      const answer = await askAll(service, action, input);
      return SMALL.includes(service) ? objectOf(capitals(answer)) : answer;
    };
    const answer = asked.get(key) ?? ask();
    asked.set(key, answer);
    return answer;
  };
}

/** `{A: [x]}` as `A.member.1=x`, or for EC2 `A.1=x`. */
function flatten(value: unknown, bare: boolean, path = ''): Record<string, string> {
  if (!isObject(value) && !Array.isArray(value)) return { [path]: String(value) };
  const parts = Object.entries(value).map(([key, item]) => {
    const name = Array.isArray(value) ? `${bare ? '' : 'member.'}${Number(key) + 1}` : key;
    return flatten(item, bare, path === '' ? name : `${path}.${name}`);
  });
  return Object.assign({}, ...parts);
}

/** Members with a capital; those that are no words are names of something, and stay. */
function capitals(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(capitals);
  if (!isObject(value)) return value;
  const name = (key: string) => (/^[a-z]\w*$/.test(key) ? `${key[0]?.toUpperCase()}${key.slice(1)}` : key);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [name(key), capitals(item)]));
}

/** What elements of lists, and of lists of keys with values, are called. */
const LISTED = ['member', 'item', 'entry'];

/**
 * What AWS's query protocol answers, as the JSON that its other protocols would give, by the AWS SDK's own parser: an element with
 * elements is an object, one whose elements are all {@link LISTED} a list, any other its text. Without an element it is empty.
 */
export function parseXml(text: string): JsonObject {
  try {
    return objectOf(Object.values(objectOf(jsonOf(parseXML(text))))[0]);
  } catch {
    return {};
  }
}

function jsonOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonOf);
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([name]) => name !== 'xmlns' && name !== '#text');
  if (members.length > 0 && members.every(([name]) => LISTED.includes(name)))
    return members.flatMap(([, of]) => [of].flat().map(jsonOf));
  return Object.fromEntries(members.map(([name, of]) => [name, jsonOf(of)]));
}

/** What is there under this id, with members as the type's template has them; more members do no harm. Undefined: nothing. */
export type Read = (id: string, live: Live, expected: JsonObject) => Promise<JsonObject | undefined>;

/** Objects in a list of an answer; an empty list is an empty text in XML. */
export const items = (list: unknown): JsonObject[] => (list === '' ? [] : listOf(list).map(objectOf));

/** The value behind a path of members. */
export const at = (from: unknown, ...path: readonly string[]) =>
  path.reduce<unknown>((value, member) => objectOf(value)[member], from);

/** The object of a list that has a member of this value. */
export const one = (list: unknown, member: string, value: unknown) =>
  items(list).find((item) => item[member] === value);

/** What `asked` resolves to; undefined where AWS says, in one of its ways, that there is no such thing. */
export async function ifThere<T>(asked: Promise<T>, missing = /NotFound|NoSuch|NonExist|DoesNotExist/) {
  try {
    return await asked;
  } catch (error) {
    if (missing.test(String(at(error, 'facts', 'error')))) return undefined;
    throw error;
  }
}
