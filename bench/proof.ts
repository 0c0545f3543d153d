import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '../infra/build-app.ts';
import type { SystemDeclaration } from '../infra/declaration/schema.ts';
import { readAssembly } from '../infra/proof/assembly/read-assembly.ts';
import { deriveAssembly } from '../infra/proof/derived/derive.ts';
import { prove } from '../infra/proof/prove.ts';
import shipped from '../zones.ts';
import { type BenchResult, fastest } from './result.ts';

const ZONES = [3, 10, 30];
const ROUNDS = 5;

/**
 * The whole proof of a synthesized system, as the plugin runs it, for systems of several sizes: first as a synth meets it, cold and with
 * the assembly that it derives and compares with, which has to add less than two seconds to a synth of the shipped app; then warm.
 */
export function benchProof(): BenchResult[] {
  return ZONES.flatMap((zones) => {
    const system = systemOf(zones);
    const directory = mkdtempSync(join(tmpdir(), 'zones-'));
    try {
      buildApp(system, { outdir: directory }).synth();
      const run = () => {
        const assembly = readAssembly(directory);
        prove(assembly, system, { derived: deriveAssembly(system, assembly) });
      };
      const first = fastest(1, run);
      const again = fastest(ROUNDS, run);
      return [
        { name: `proof and comparison, ${zones} zones, first time`, value: first / 1000, unit: 'ms' },
        { name: `proof and comparison, ${zones} zones`, value: again / 1000, unit: 'ms' },
        {
          name: `proof and comparison, ${zones} zones, of each zone`,
          value: again / 1000 / zones,
          unit: 'ms',
        },
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
