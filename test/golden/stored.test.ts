import { readFileSync } from 'node:fs';
import { parseRecord } from '@helseid-zones/protocol/record';
import { currentKey } from '@helseid-zones/protocol/record-states';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoTable } from '../../functions/common/dynamo.ts';
import { SESSION_COOKIE } from '../../functions/login-common/cookies.ts';
import { findSession } from '../../functions/login-common/sessions.ts';
import { createDynamoStore } from '../../functions/login-common/store.ts';
import { takeTransaction } from '../../functions/login-common/transactions.ts';
import { readPlan } from '../../functions/rotation/find-candidate.ts';
import type { Rotation } from '../../functions/rotation/settings.ts';
import { parseDocumentEvent } from '../../functions/worker/event.ts';
import { type Dynamo, startDynamo } from '../fakes/dynamo.ts';
import { createFakeSecrets, FAKE_SECRET_ARN } from '../fakes/secrets.ts';
import { makeLogin, openBrowser } from '../functions/login/make-login.ts';

const readJson = (file: string) => JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));

/** What the previous release has stored: `npm run test:upgrade -- --golden` wrote it, with that release's own bundles. */
const golden = readJson('stored.json');
const secrets: string[] = golden.secrets;
const plans = secrets.filter((text) => JSON.parse(text).plan === 'rotation');

describe('what the previous release has stored is read', () => {
  let dynamo: Dynamo;
  beforeAll(async () => {
    dynamo = await startDynamo();
    await dynamo.createTable('sessions');
    for (const Item of golden.items)
      await dynamo.aws.json({
        service: 'dynamodb',
        target: 'DynamoDB_20120810.PutItem',
        repeatable: true,
        input: { TableName: 'sessions', Item },
      });
  });
  afterAll(() => dynamo.close());

  const open = () =>
    makeLogin(
      {},
      { store: createDynamoStore(createDynamoTable(dynamo.aws, 'sessions')), now: () => golden.at },
    );

  it('and is of that release', () => {
    expect(golden).toMatchObject(readJson('../upgrade/previous.json'));
  });

  it.each(secrets.filter((text) => !plans.includes(text)))('a record: %.60s', (text) => {
    const record = parseRecord(text, golden.owner);
    expect({ ...golden.owner, ...JSON.parse(text) }).toEqual(record);
  });

  it('a record with a current key', () => {
    const states = secrets.flatMap((text) => JSON.parse(text).keys ?? []).map(({ state }) => state);
    expect(new Set(states)).toEqual(new Set(['created', 'registered', 'verified', 'current', 'retiring']));
    expect(currentKey(parseRecord(secrets.at(-1) ?? '', golden.owner))).toBeDefined();
  });

  it.each(plans)('a plan: %.60s', async (text) => {
    const fake = createFakeSecrets(text);
    const rotation = { secrets: fake, secretArn: FAKE_SECRET_ARN } as unknown as Rotation;
    expect(await readPlan(rotation, fake.stages.get('AWSCURRENT') ?? '')).toBe(JSON.parse(text).kid);
  });

  it('a login under way', async () => {
    const { deps } = await open();
    expect(await takeTransaction(deps, golden.login)).toEqual({
      again: false,
      returnPath: '/session',
      begunAt: expect.any(Number),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      codeVerifier: expect.stringMatching(/^[\w-]{43}$/),
      binding: { kid: expect.any(String), jkt: expect.any(String) },
    });
  });

  it('a session, which is shown, and ended with its indexes', async () => {
    const login = await open();
    const { data } = await findSession(login.deps, golden.session);
    expect(data.tokens).toMatchObject({
      summaries: { accessToken: expect.any(String), binding: { kid: expect.any(String) } },
    });
    const browser = openBrowser(login);
    browser.cookies.set(SESSION_COOKIE, { value: golden.session, sameSite: 'Lax' });
    expect(await browser.ask('/session')).toMatchObject({
      status: 200,
      body: { name: data.person.name, security_level: '4', logged_in_at: data.loggedInAt },
    });
    await browser.logOut();
    expect((await browser.ask('/session')).status).toBe(401);
    expect(Object.keys(data.links)).toHaveLength(3);
    for (const [pk, member] of Object.entries(data.links))
      expect(await login.deps.store.close(pk, 0, 0)).not.toContain(member);
  });

  it('an event', () => {
    expect(parseDocumentEvent(JSON.stringify(golden.event)).document).toEqual(golden.event.detail.document);
  });
});
