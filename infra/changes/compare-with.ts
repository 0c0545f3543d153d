import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { buildApp } from '../build-app.ts';
import { sharedStackNames } from '../declaration/names.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { type Assembly, readAssembly } from '../proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../proof/assembly/resolve.ts';
import { compareWithDerived } from '../proof/derived/compare.ts';
import { deriveAssembly } from '../proof/derived/derive.ts';
import { readInput } from '../proof/rules/input.ts';
import type { ProofInput } from '../proof/rules/rule.ts';
import { type BaseOptions, withBase } from './base.ts';
import { widenings } from './changes.ts';
import type { Changes } from './report.ts';

/**
 * What `now` widens and narrows against a cloud assembly or a git revision. A widening is explained where the two declarations alone
 * make it: synthesized both by this version's constructs, the new one allows it too, and the old one does not. So what comes of
 * a construct, of an edited template or of an addition is not, nor anything where the base does not say what its declaration was.
 * @throws {ZonesError} as `withBase`; config_invalid: the two are for different accounts or regions
 */
export function compareWith(
  against: string,
  now: ProofInput & { read: Assembly },
  options: Omit<BaseOptions, 'place'>,
): Promise<Changes> {
  const { declaration, read } = now;
  const place = placeOf(read, declaration);
  return withBase(against, { ...options, place }, async (base) => {
    const found = readAssembly(base.directory);
    const { declaration: old = declaration } = base;
    const where = placeOf(found, old);
    if (!isDeepStrictEqual(where, place))
      throw new ZonesError(
        'config_invalid',
        `${against} is for ${describe(where)}, and this is for ${describe(place)}, so nothing in them is equal: synthesize both for the same.`,
      );
    const compared = compareWithDerived(found, deriveAssembly(old, found), old.otherStacks);
    const before = { ...readInput(resolveAssembly(found), old, compared) };
    const [widened, narrowed] = [widenings(before, now), widenings(now, before)];
    const declared =
      base.declaration === undefined || widened.length === 0
        ? []
        : withDerived([old, declaration], place, ([was, is]) => (was && is ? widenings(was, is) : []));
    return {
      narrowed,
      widened: widened.map((change) => ({
        ...change,
        explained: declared.some((one) => isDeepStrictEqual(one, change)),
      })),
    };
  });
}

function placeOf({ stacks }: Assembly, { name }: SystemDeclaration): { account?: string; region?: string } {
  const { account, region } = stacks.find((stack) => stack.name === sharedStackNames(name).signing) ?? {};
  return { ...(account ? { account } : {}), ...(region ? { region } : {}) };
}

function describe({ account = 'any account', region = 'any region' }: { account?: string; region?: string }) {
  return `${account}, ${region}`;
}

/** What declarations yield, with the files beside the code, which are gone afterwards. */
function withDerived<T>(
  systems: readonly SystemDeclaration[],
  place: { account?: string; region?: string },
  use: (inputs: readonly ProofInput[]) => T,
): T {
  const folder = mkdtempSync(join(tmpdir(), 'zones-'));
  try {
    return use(
      systems.map((system, index) => {
        const outdir = join(folder, String(index));
        buildApp(system, {
          ...place,
          outdir,
          checkTemplates: false,
          withCode: 'files',
          extension: false,
        }).synth();
        return readInput(resolveAssembly(readAssembly(outdir)), system);
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
