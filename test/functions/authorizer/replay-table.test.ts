import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createReplayTable } from '../../../functions/authorizer/replay-table.ts';
import { createDynamoTable } from '../../../functions/common/dynamo.ts';
import { type Dynamo, startDynamo } from '../../fakes/dynamo.ts';

describe('replays in DynamoDB', () => {
  let dynamo: Dynamo;
  let clock = 1000;
  beforeAll(async () => {
    dynamo = await startDynamo();
    await dynamo.createTable('replays');
  });
  afterAll(() => dynamo.close());
  beforeEach(() => {
    clock = 1000;
  });

  test('a proof is claimed once, by whichever instance comes first', async () => {
    const instances = [1, 2, 3, 4].map(() =>
      createReplayTable(createDynamoTable(dynamo.aws, 'replays'), () => clock),
    );
    const claims = await Promise.all(instances.map((instance) => instance.claim('one', 1021)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await instances[0]?.claim('two', 1021)).toBe(true);
  });

  test('and again only when its time has passed', async () => {
    const table = createReplayTable(createDynamoTable(dynamo.aws, 'replays'), () => clock);
    expect(await table.claim('three', 1021)).toBe(true);
    clock = 1021;
    expect(await table.claim('three', 1042)).toBe(false);
    clock = 1022;
    expect(await table.claim('three', 1043)).toBe(true);
  });
});
