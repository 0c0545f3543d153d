import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { required } from '@helseid-zones/protocol/values';
import { serviceCall } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { AwsError } from '../errors.ts';
import { describeFailure } from '../runtime/instance.ts';
import { removeStage, type Secret, versionAt } from './store.ts';

/** The four steps, in the order in which Secrets Manager takes them. */
export const ROTATION_STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

/** One of {@link ROTATION_STEPS}. */
type RotationStep = (typeof ROTATION_STEPS)[number];

/** How a rotation ended. */
type RotationResult = { ok: true } | { ok: false; step: RotationStep; error: string };

/** Runs rotations. */
export type Rotations = ReturnType<typeof createRotations>;

/** What rotations need; `throttledWaits` are milliseconds before each further try of a step whose function was throttled. */
type RotationDeps = Pick<AwsContext, 'secrets' | 'invoke' | 'authorize' | 'trail' | 'now'> & {
  throttledWaits?: readonly number[];
};

const THROTTLED_WAITS = [500, 1000, 2000, 5000, 10_000];

/** Secrets Manager's side of rotation. It tries once: a failed rotation waits for the next `RotateSecret` or schedule. */
export function createRotations(deps: RotationDeps) {
  const { secrets, now } = deps;
  const running = new Map<string, Promise<RotationResult>>();
  const last = new Map<string, RotationResult>();

  /** An AWSPENDING version without a value: what a rotation function finds before `createSecret`. */
  function reserve({ stored }: Secret, token: string): void {
    const pending = versionAt(stored, 'AWSPENDING');
    if (pending !== undefined) removeStage(pending, 'AWSPENDING');
    const created = Math.floor(now() / 1000);
    stored.versions.push({ id: token, created, stages: ['AWSPENDING'] });
    stored.changed = created;
    secrets.save();
  }

  async function runSteps(secret: Secret, versionId: string): Promise<RotationResult> {
    for (const step of ROTATION_STEPS) {
      const { arn, name } = secret.stored;
      const error = await runStep(secret, { Step: step, SecretId: arn, ClientRequestToken: versionId });
      deps.trail.add({ kind: 'platform', fields: { event: 'rotation', secret: name, step, error } });
      if (error !== undefined) return { ok: false, step, error };
    }
    return { ok: true };
  }

  /** A rotation function works on one secret at a time (reserved concurrency 1); another secret's rotation waits for its turn. */
  async function runStep(
    { stored, settings }: Secret,
    event: object,
    [wait, ...waits]: readonly number[] = deps.throttledWaits ?? THROTTLED_WAITS,
  ): Promise<string | undefined> {
    const call = serviceCall(deps, 'secretsmanager.amazonaws.com', stored.arn);
    const payload = Buffer.from(JSON.stringify({ ...event, RotationToken: randomUUID() }));
    try {
      const invoked = await deps.invoke(
        call,
        required(settings.rotation, 'The rotation that runs').functionArn,
        payload,
      );
      return invoked.functionError && describeFailure(invoked);
    } catch (cause) {
      const throttled = cause instanceof AwsError && cause.code === 'TooManyRequestsException';
      if (!throttled || wait === undefined) return String(cause);
      await setTimeout(wait);
      return runStep({ stored, settings }, event, waits);
    }
  }

  function start(secret: Secret, versionId: string): void {
    const { arn } = secret.stored;
    const done = runSteps(secret, versionId);
    running.set(arn, done);
    void done.then((result) => {
      last.set(arn, result);
      running.delete(arn);
    });
  }

  return {
    /**
     * Begins a rotation under `token`, which becomes a version's id.
     * @throws {AwsError} InvalidRequestException: the last rotation is not complete; that one is taken up again, as AWS does
     */
    begin(secret: Secret, token: string): void {
      const { stored } = secret;
      const pending = versionAt(stored, 'AWSPENDING');
      if (running.has(stored.arn) || (pending !== undefined && !pending.stages.includes('AWSCURRENT'))) {
        if (!running.has(stored.arn) && pending !== undefined) start(secret, pending.id);
        const message = "A previous rotation isn't complete. That rotation will be reattempted.";
        throw new AwsError('InvalidRequestException', message);
      }
      reserve(secret, token);
      start(secret, token);
    },
    /** Resolves when no rotation of the secret is running any more, with how the last one ended. */
    async idle(arn: string) {
      await running.get(arn);
      return last.get(arn);
    },
  };
}
