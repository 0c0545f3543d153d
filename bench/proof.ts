import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '../infra/build-app.ts';
import type { SystemDeclaration } from '../infra/declaration/schema.ts';
import { prove } from '../infra/proof/prove.ts';
import shipped from '../zones.ts';
import { type BenchResult, fastest } from './result.ts';

const ZONES = [3, 10, 30];
const ROUNDS = 5;

/** The whole proof of a synthesized system, for systems of several sizes: first as a synth meets it, cold, then warm. */
export function benchProof(): BenchResult[] {
  return ZONES.flatMap((zones) => {
    const system = systemOf(zones);
    const directory = mkdtempSync(join(tmpdir(), 'zones-'));
    try {
      buildApp(system, { outdir: directory }).synth();
      const first = fastest(1, () => prove(directory, system));
      const again = fastest(ROUNDS, () => prove(directory, system));
      return [
        { name: `proof, ${zones} zones, first time`, value: first / 1000, unit: 'ms' },
        { name: `proof, ${zones} zones`, value: again / 1000, unit: 'ms' },
      ];
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

/** The shipped system with as many event zones more as make `count`. */
function systemOf(count: number): SystemDeclaration {
  const { internal, ...zones } = shipped.zones;
  if (internal === undefined) return shipped;
  const more = Array.from({ length: count - Object.keys(shipped.zones).length }, (_, index) => [
    `internal${index}`,
    { ...internal, cidr: `10.${100 + index}.0.0/20` },
  ]);
  return { ...shipped, zones: { ...zones, internal, ...Object.fromEntries(more) } };
}
