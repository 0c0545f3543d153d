import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { YEARS } from '../full.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = join(ROOT, 'docs/reliability.md');

/** What is promised where something fails, and the tests that show it: test file to titles as they stand there. */
interface Promised {
  fault: string;
  promise: string;
  shown: Readonly<Record<string, readonly string[]>>;
}

const SIGN_REQUEST = 'test/functions/signer/sign-request.test.ts';
const SIGNER_AWS = 'test/functions/signer/aws.test.ts';
const REMOTE = 'test/client/remote-signer.test.ts';
const MACHINE = 'test/client/machine-token.test.ts';
const METADATA = 'test/client/metadata.test.ts';
const RUNBOOKS = 'test/local/runbooks.test.ts';
const STAND_IN = 'test/local/helseid/faults.test.ts';
const API_FETCH = 'test/client/api-fetch.test.ts';
const BROKEN = 'test/client/broken-connection.test.ts';
const SHARED = 'test/functions/tokens/shared-cache.test.ts';
const WORKER = 'test/functions/worker/worker.test.ts';
const ROTATION = 'test/rotation/rotation.test.ts';
const CALLBACK = 'test/functions/login/callback.test.ts';
const SESSION = 'test/functions/login/session.test.ts';

/** The promises by what fails. `docs/reliability.md` is this table. */
export const PROMISES: Readonly<Record<string, readonly Promised[]>> = {
  'KMS and the signer': [
    {
      fault: 'KMS throttles, is slow, answers 5xx, or its key is disabled or gone',
      promise:
        'A code that tells which; nothing is signed late or by another key; the next request is signed, once KMS does again.',
      shown: {
        [SIGN_REQUEST]: [
          '%s is %s',
          'a signature that took %i ms: %s',
          'the oldest signature of a batch decides',
        ],
        'test/functions/signer/handler.test.ts': [
          'what KMS throttles is shed at once, with a code and when to come back',
        ],
        [REMOTE]: [
          'what KMS throttles is asked for again, after a random part of a time that doubles up to retry_after',
          'overload of %s ends the asking after five seconds at the latest',
        ],
      },
    },
    {
      fault:
        'KMS or Secrets Manager fails once or for a while under a cold signer, or does what it is asked and its answer is lost',
      promise:
        'A code, or one signature: none is audited that was not handed out, none is handed out twice; the first request afterwards is signed within five seconds.',
      shown: {
        'test/local/aws/faults.test.ts': [
          '%s %s, at a cold start: refuses coded or signs once, and signs when it is over',
        ],
      },
    },
    {
      fault: 'KMS throttles the signer of one zone in the middle of traffic, a zone loses its signer',
      promise:
        'Its requests succeed or fail with a code, the other zone’s all succeed, and it recovers by itself (the time is printed); its events lie in the dead letters with the reason, which the alarm rings for, and are done once they are sent again. Steps `fault-heals` and `dead-letter-rings` of `npm start -- --once`, in every run of `.ci/run` and in this test at night.',
      shown: {
        'test/local/once.test.ts': ['does the whole job once, and what it leaves is a state to start from'],
      },
    },
    {
      fault: 'KMS does not give a public key',
      promise:
        'One that was read stays; a failure is not kept; a key that is not the record’s signs nothing.',
      shown: {
        [SIGNER_AWS]: [
          'KMS down after a good read: a public key is had once and for all, a failure is not kept',
        ],
        [SIGN_REQUEST]: [
          'that KMS can’t be asked beside hinders nothing, and it is asked again',
          'KMS is asked beside, and where it has another key nothing is signed: neither at once nor later',
        ],
      },
    },
    {
      fault: 'Secrets Manager is down, at a cold start or later',
      promise:
        'A record is used for its 30 seconds and no longer; without one nothing is signed; then it heals.',
      shown: {
        'test/functions/signer/read-record.test.ts': [
          'Secrets Manager down after a good read: the record stays for its 30 seconds, a wish for a fresh one drops nothing',
        ],
        [SIGN_REQUEST]: [
          'I10: an unreadable record refuses, and an old one never takes its place',
          'what fails is read again by the first request',
          'nothing holds it up for longer than it has',
        ],
      },
    },
    {
      fault: 'The signer crashes, is throttled, does not exist, or answers something else',
      promise: 'A code; nothing of what it printed; nothing that is no signature is sent to anybody.',
      shown: {
        [REMOTE]: [
          'a signer that crashed is unavailable, and what it printed stays out',
          '%s: unavailable after %i, asked %i times',
          'an answer with %s is invalid',
          'an answer that is no JSON is invalid',
        ],
        [MACHINE]: ['what the signer refuses, the caller hears, and nothing is sent'],
        [API_FETCH]: ['a signer that answers with another key is caught before anything is sent'],
      },
    },
    {
      fault:
        'An environment was frozen, for 2 seconds to 10 minutes, and its sockets are closed or forgotten',
      promise:
        'The next signature is had, at the cost of one retry; a token that has expired meanwhile is replaced, and proofs have the time of now.',
      shown: {
        [SIGNER_AWS]: ['%i signatures are had though every socket of the last eight died'],
        'test/client/frozen.test.ts': [
          'after a freeze in which the socket was %s, a signer answers, at the cost of one retry at most',
          'after %i s of standing still, and a connection that died meanwhile, an API is called with a token that lives and a proof of now',
        ],
      },
    },
    {
      fault: 'The audit can’t be written',
      promise: 'No signature leaves.',
      shown: { [SIGN_REQUEST]: ['without an audit nothing is released'] },
    },
  ],
  'The issuer': [
    {
      fault: 'Its metadata is slow, down, refused (429, 403), moved, malformed, or breaks off',
      promise:
        'A code, and the failure is not kept; metadata that was read stays an hour over its day and is asked for once in 30 seconds.',
      shown: {
        [METADATA]: [
          'an issuer that %s; the failure is not kept',
          'metadata that can’t be read again stays an hour longer, and is asked for once in 30 seconds',
          'an issuer that does not answer in time, or is not there, is unreachable',
          'an issuer whose connection breaks in the middle of its answer is asked once more, and unreachable',
        ],
      },
    },
    {
      fault: 'Its token endpoint answers 5xx, 429, a redirect or something malformed',
      promise: 'A code; nothing further is sent; no secret in an error; a failure is not kept.',
      shown: {
        [MACHINE]: [
          'the token endpoint answers with %s: nothing further is sent',
          'an error carries HelseID’s words and no secret, however it is printed',
          'those who ask at once share one request, and a failure is not kept',
        ],
      },
    },
    {
      fault:
        'In the running stand-in: metadata or token endpoint too slow, down, 429, 503, half an answer, broken JSON, over a megabyte',
      promise: 'A code, nothing of the answer in it; the next request has a token.',
      shown: { [STAND_IN]: ['%s %s: a code, and a token once it is over'] },
    },
    {
      fault: 'In the running stand-in: its certificate is of no authority that is trusted',
      promise: 'A code that says so, and nothing is sent; other certificates are trusted as before.',
      shown: {
        [STAND_IN]: [
          'its certificate is of no authority that is trusted: a code that says so, and nothing is sent to it',
        ],
        'test/client/http.test.ts': ['%s is a failure of the %s'],
      },
    },
    {
      fault: 'It refuses the key that the record calls current',
      promise: 'The alarm pages; the commands of the runbook have another key in use.',
      shown: { [RUNBOOKS]: ['HelseID refuses the current key'] },
    },
    {
      fault:
        'In the running stand-in: its metadata is wrong for a while, its keys change, its clock is 30 s off',
      promise: 'A code or nothing; the figure `ClockDifference` tells of the clock, and rings.',
      shown: {
        [STAND_IN]: [
          'its metadata names an endpoint that is gone: a code, and a token for who reads the right one',
          'it publishes another key: what it signs by that is taken, for one more reading',
          'its clock is 30 s off: the figure says so, and nothing else fails for it',
        ],
        'test/infra/alarms.test.ts': ['on a clock that is %i ms from the issuer’s: %s'],
      },
    },
    {
      fault: 'The connection breaks in a token request',
      promise: 'It is sent once more, signed anew; then there is a code.',
      shown: { [BROKEN]: ['a token request whose connection breaks is sent once more, signed anew'] },
    },
    {
      fault: 'It asks for one nonce after another, or gives none',
      promise: 'Two requests at most; nonces that have expired are replaced.',
      shown: {
        [MACHINE]: [
          'a server that asks for one nonce after another is left after two requests',
          'a server that wants a nonce and gives none is left after one request',
          'nonces: none ever demanded; only with the 400; expired ones are replaced',
        ],
      },
    },
    {
      fault: 'It gives a token of another type, or bound to another key',
      promise: 'Refused, and not kept.',
      shown: {
        [MACHINE]: [
          'token_type %s is refused and not kept',
          'the key a token is bound to is remembered with it, and a token bound to another is refused',
        ],
      },
    },
    {
      fault: 'Its keys change, or can’t be read',
      promise:
        'A new key is found; keys that were read count for an hour; what can’t be checked lets nobody in and is told apart from a refusal.',
      shown: {
        'test/client/issuer-keys.test.ts': [
          'keys are read again for a kid that is new, and not on every made-up one',
          'keys that were read stay while they can’t be read again, until their hour is over',
        ],
        'test/functions/authorizer/authorize.test.ts': [
          'the issuer’s keys down after a good read: good requests get in, made-up ones are unchecked and no requests there',
        ],
      },
    },
  ],
  APIs: [
    {
      fault: 'An API is slow, not there, or breaks off',
      promise:
        'A code that says whether it may have been done; only what is harmless to repeat is sent again.',
      shown: {
        [API_FETCH]: ['an API that does not answer in time, or is not there, is unreachable'],
        [BROKEN]: [
          'an API call with %s is sent again only where that is harmless',
          'a stream is not sent again',
        ],
      },
    },
    {
      fault:
        'In the running stand-in: it is too slow, down, answers 401 to everything, or gives half an answer',
      promise:
        'A code, two requests and one new token, an answer that can’t be read; the next call is whole.',
      shown: {
        [STAND_IN]: [
          '%s: a code, and an answer once it is over',
          'answers 401 to everything: one new token, and it ends',
          'gives half an answer: reading it fails, and the next call is whole',
        ],
      },
    },
    {
      fault: 'It asks for a nonce at every call, or in a loop',
      promise: 'Each is answered once; two requests at most.',
      shown: {
        [API_FETCH]: [
          'an API’s nonce is answered once: %s',
          'an API that wants another nonce at every call (given with answers: %s) costs %i requests for three, and no token',
          'an API whose nonces never satisfy it (%s) is left after %i requests',
          'an answer of %i is the caller’s, whatever it says: %s is no reason to send again',
        ],
      },
    },
    {
      fault: 'It answers 401 again and again',
      promise: 'One new token for all who were refused; three requests at most; no storm of tokens.',
      shown: {
        [API_FETCH]: [
          'whatever a 401 says, it ends after three requests',
          'calls refused at the same time share one new token',
          'a token that the API does not take is replaced once, and then its answer stands',
          'an issuer that is down after a good read: a refused token stays until there is another',
        ],
      },
    },
  ],
  'Tokens of a zone’s function': [
    {
      fault: 'The table of tokens is out of reach, read-only or throttled',
      promise: 'Each environment fetches for itself and loses nothing; a throttled table is waited for.',
      shown: {
        [SHARED]: [
          'a table out of reach: each environment fetches for itself and keeps it; what was kept before stays',
          'a table that can be read and not written gives what it has, and no fetch is lost',
          'a throttled table is waited for, not gone round',
        ],
      },
    },
    {
      fault: 'A fetch fails, or whoever fetches is slow',
      promise: 'The failure is shared and over a second later; who waits too long has a code.',
      shown: {
        [SHARED]: [
          'a fetch that fails is shared by those who waited for it; the next one begins a second later',
          'who waits longer than that for somebody slow fails, and keeps what it has',
        ],
      },
    },
    {
      fault: 'A key was retired early, the issuer is out of reach',
      promise: 'One new token; the cache is not emptied.',
      shown: {
        'test/client/give-tokens.test.ts': [
          'a key that was retired early costs one new token, and an issuer out of reach empties nothing',
        ],
      },
    },
  ],
  Events: [
    {
      fault: 'API, issuer, signer, table and connections fail in any order, and environments are cold',
      promise:
        'An event is submitted, each time by its one identifier, or was given up with a reason for each of its five deliveries; a delivery that meets nothing submits it.',
      shown: {
        [WORKER]: [
          'nothing is lost: whatever five deliveries meet, an event is submitted, each time by its one identifier, or is given up with a reason for each',
        ],
      },
    },
    {
      fault: 'An event comes twice, at once or later',
      promise: 'Its document is submitted once.',
      shown: {
        [WORKER]: [
          'that comes again is not submitted again',
          'the same document twice at one time is submitted once; the other delivery comes again',
        ],
      },
    },
    {
      fault: 'Events come out of order, or late',
      promise: 'Each is submitted once, under its own identifier.',
      shown: {
        [WORKER]: [
          'that comes in another order (%s), late, or again among others, is submitted once under its own identifier',
        ],
      },
    },
    {
      fault: 'The API or the issuer refuses or is down',
      promise: 'That message comes again and no other; its reason is in the log, without the document.',
      shown: {
        [WORKER]: [
          'answered with %i by the API can be tried again',
          'fails its message only; the reason is audited by message id, without the document',
          'by a token that is refused names HelseID’s error',
        ],
      },
    },
    {
      fault: 'DynamoDB does not answer, fails, or its answer is lost',
      promise: 'Without the table nothing is submitted; a write whose answer is lost knows itself again.',
      shown: {
        [WORKER]: [
          'a document whose first write %s is submitted at once, and once',
          'a table that does not answer fails the message and submits nothing',
        ],
        'test/functions/common/dynamo.test.ts': [
          'a conditional put whose answer gets lost is repeated, and knows itself again',
        ],
        'test/client/aws.test.ts': [
          '%s with status %i is sent again, with a growing wait, until it succeeds',
          'throttling that lasts ends after three attempts',
        ],
      },
    },
    {
      fault: 'HelseID is down for so long that an event is given up',
      promise: 'It lies in the dead letters with its reason, and the commands of the runbook have it done.',
      shown: { [RUNBOOKS]: ['HelseID is down'] },
    },
    {
      fault: 'An event is poison',
      promise:
        'A code that names the field; after five deliveries it lies in the dead letters, and `npm run redrive` shows it with its reason and sends it again.',
      shown: {
        'test/functions/worker/event.test.ts': ['whatever else comes is event_invalid and nothing else'],
        'test/local/aws/events.test.ts': [
          'hides what was received, gives it again, and buries it when it was received too often',
        ],
        'test/infra/keys/redrive.test.ts': [
          'first shows how many there are, since when, and why by the log; nothing is moved, or hidden from others',
          'with --yes puts dead letters, and what EventBridge could not deliver, into the queue',
        ],
      },
    },
  ],
  Logins: [
    {
      fault: 'The table fails at any call of a login',
      promise: 'The old session stays or the new one is there; tokens that nobody has are revoked.',
      shown: {
        [CALLBACK]: [
          'leaves the old session as it was, or has the new one in its place, wherever it fails',
          'at %s, sets nothing and has what came revoked',
        ],
        'test/functions/login/logout-race.test.ts': [
          'works when it is sent again after the table was away in the middle, wherever that was',
        ],
      },
    },
    {
      fault: 'Requests race for one refresh, or the table’s answer to it is lost',
      promise: 'One refresh; no update is lost; no token that is in use is revoked.',
      shown: {
        [SESSION]: [
          'asks once when many requests race, and loses no update',
          'finds its own write when %s',
          'takes what a faster request stored, when its own lease had lapsed, and revokes nothing',
        ],
      },
    },
    {
      fault: 'The issuer is down, or the API or the signer does not answer',
      promise: 'The session stays; the answer says so.',
      shown: {
        'test/functions/login/api.test.ts': [
          'keeps session and token while the issuer is down after a good answer',
          'says so when the API or the signer does not answer',
        ],
      },
    },
  ],
  Deploys: [
    {
      fault: 'Every function’s code is replaced in the middle of traffic',
      promise:
        'Every request is answered and every event done: what works ends, what comes next starts anew.',
      shown: { [RUNBOOKS]: ['a deploy comes in the middle of traffic'] },
    },
    {
      fault: 'A deploy has gone wrong',
      promise:
        'The version before goes on with keys, records and queues as they are; what failed meanwhile is done.',
      shown: { [RUNBOOKS]: ['a deploy has gone wrong'] },
    },
    {
      fault: 'A quota is reached',
      promise: 'It rings; by the commands of the runbook the zone reaches KMS less, and the others go on.',
      shown: { [RUNBOOKS]: ['a quota is reached'] },
    },
  ],
  Rotation: [
    {
      fault:
        'It is killed at any of its calls, while traffic runs (in `npm test` at every twentieth, each at night)',
      promise: 'The next run converges: one current key, none astray, and no request failed for it.',
      shown: {
        'test/rotation/crash.test.ts': [
          'HelseID %s: a rotation killed at one of its calls (each, in full) converges (%#)',
          'killed at one of the calls of run %i (each, in full), it converges',
        ],
        'test/rotation/model.test.ts': ['%s: interleavings at random spoil no call'],
      },
    },
    {
      fault: 'Two run at once, beside the key watch',
      promise: 'No key is lost and no call fails.',
      shown: {
        'test/rotation/model.test.ts': [
          '%s: two rotations and the watch at once lose no key and spoil no call',
          'a run that stood still while others came through posts its key no more',
        ],
      },
    },
    {
      fault: 'KMS throttles it, or does not know a key yet that it has made',
      promise: 'The next run converges, or this one waits.',
      shown: {
        [ROTATION]: ['throttles %s: the run fails, the next one converges'],
        'test/rotation/settling.test.ts': ['for %i s: the rotation waits, and comes through'],
      },
    },
    {
      fault: 'The self-service API fails, or its answer is lost',
      promise: 'The current key stays; nothing is registered twice; a later run heals it.',
      shown: {
        [ROTATION]: [
          '%s: the current key stays, and a later run heals it',
          '%s: what it lists decides, and nothing is posted twice',
          'fails after having registered, and does not list any more: a token tells',
        ],
      },
    },
    {
      fault: 'The self-service API stays away, a version of the record is bad, a zone is compromised',
      promise:
        'The commands of the runbooks, as they stand there, resolve it in the local system; other zones go on.',
      shown: {
        [RUNBOOKS]: [
          'the self-service API is down',
          'a version of the record is to be restored',
          'a zone is compromised',
        ],
      },
    },
    {
      fault: 'HelseID takes its time with the new key, or never accepts it',
      promise: 'The current key stays until the new one is accepted; the next run goes on.',
      shown: {
        [ROTATION]: [
          'accepts a key at once: it is tested again when every node must have heard',
          'takes longer than the function has: the next run goes on',
          'never accepts the new key: the current one stays, and a later run heals it',
        ],
      },
    },
    {
      fault:
        'A year of it: kills and lost answers at any call, throttling, slow propagation, a self-service API that fails',
      promise: `No request fails, nobody is called, every key is replaced in time: ${YEARS.quick} schedules in \`npm test\`, the same ones each time; ${YEARS.full} new ones with \`FULL=1\`, ${YEARS.nightly.toLocaleString('en')} in \`.ci/nightly\`; a seed that fails prints its shortest story.`,
      shown: {
        'test/rotation/year.test.ts': [
          'a year on schedule: whatever goes wrong, no request fails for a rotation and nobody is called',
          'it notices an issuer that takes no key for a while',
        ],
      },
    },
  ],
};

/** What is asked for as often as the above, and that neither `npm test` nor `FULL=1` shows. */
const NOT_SHOWN = [
  'A clock of ours 30 s off. Assertions live 8 s, so an issuer refuses them, which rings; AWS keeps Lambda’s clock.',
  'An oversized answer of an API: it is handed on as it comes, and whoever reads it bounds it, as the example’s functions do.',
  'A function out of memory, and a burst of cold starts, on AWS itself.',
  'A deploy in the middle of traffic on AWS, where CloudFormation replaces more than code. Old and new formats beside each other are: `npm run test:upgrade`.',
  'Half an hour of mixed traffic with faults, memory and sockets watched: `npm run test:soak -- --minutes 30`, in `.ci/nightly`.',
  'Hostile input by the hundred thousand: `npm run test:fuzz`, in `.ci/nightly`.',
];

const HEAD = `# What is promised when something fails

A row is a promise and the tests that show it, by file and title. Those *at night* run with \`FULL=1\`, as in \`.ci/nightly\`, and not in \`npm test\`.
What no test shows stands at the end.

Generated by \`npm run docs\` from \`test/docs/reliability.ts\`; a test fails when a test that is named here is gone.
`;

/** Whether a test, or the `describe` around it, is one that `npm test` leaves out. */
export function runsInFullOnly(text: string, title: string): boolean {
  const before = text.slice(0, text.indexOf(title));
  const last = (pattern: RegExp) => before.slice([...before.matchAll(pattern)].at(-1)?.index ?? 0);
  const around = last(/^describe\b/gm);
  const closed = /^\}/m.test(around);
  return [last(/^ *(?:it|test)\b/gm), closed ? '' : (around.split('\n')[0] ?? '')].some((of) =>
    of.includes('runIf(FULL'),
  );
}

/** The whole page, as `docs/reliability.md` holds it. */
export function renderReliability(): string {
  const chapters = Object.entries(PROMISES).map(([title, promises]) => {
    const rows = promises.map(({ fault, promise, shown }) => {
      const tests = Object.entries(shown).flatMap(([file, titles]) =>
        titles.map((each) => {
          const night = runsInFullOnly(readFileSync(join(ROOT, file), 'utf8'), each) ? ' *(at night)*' : '';
          return `\`${file}\`: ${each.replaceAll(/%[sij#]/g, '…')}${night}`;
        }),
      );
      return `| ${[fault, promise, tests.join('<br>')].join(' | ')} |`;
    });
    return [`## ${title}`, '', '| Fault | Promise | Shown by |', '| --- | --- | --- |', ...rows, ''].join(
      '\n',
    );
  });
  const rest = ['## Not shown', '', ...NOT_SHOWN.map((each) => `- ${each}`)].join('\n');
  return `${[HEAD, ...chapters, rest].join('\n')}\n`;
}

/** What `docs/reliability.md` holds now. */
export function readReliability(): string {
  return readFileSync(PAGE, 'utf8');
}

if (import.meta.main) writeFileSync(PAGE, renderReliability());
