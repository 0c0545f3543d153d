import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readAssembly } from '../../../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../../../infra/proof/assembly/resolve.ts';
import { readInput } from '../../../../../infra/proof/read-input.ts';
import { renderHtml, renderSvg, writeMaps } from '../../../../../infra/proof/report/map/page.ts';
import { reportMatrix } from '../../../../../infra/proof/report/report.ts';
import { readSignable } from '../../../../../infra/proof/report/signable.ts';
import type { Finding } from '../../../../../infra/proof/rules/rule.ts';
import { coded } from '../../../../coded.ts';
import { newFolder } from '../../../../temporary.ts';
import { mapOf, SMALL, synthesizedFolder } from './maps.ts';

const assembly = synthesizedFolder(SMALL);
const input = readInput(resolveAssembly(readAssembly(assembly)), SMALL);
const folder = newFolder();

const finding: Finding = {
  rule: 'own-signers-only',
  about: ['lambda:InvokeFunction'],
  invariant: 'I2',
  resource: 'journal-zone-public/summary/Role/Resource',
  message: 'It may invoke another signer.',
  path: ['summary', 'signer'],
  remedy: 'Name its own only.',
};

test("writes what is asked for, with the proof's violations in red", () => {
  const [svg, html] = [join(folder, 'map.svg'), join(folder, 'map.html')];
  writeMaps({ svg, html: undefined }, { input, violations: [] });
  expect(readFileSync(svg, 'utf8')).toBe(renderSvg(mapOf(assembly, SMALL)));
  writeMaps({ svg: undefined, html }, { input, violations: [finding] });
  const page = readFileSync(html, 'utf8');
  expect(page).toBe(renderHtml(mapOf(assembly, SMALL, undefined, [finding]), reportMatrix({ input }, 140)));
  for (const part of ['WHO CAN HAVE WHAT SIGNED\n', '\nWHO MAY SIGN\n']) expect(page).toContain(part);
  for (const { signer } of readSignable(input)) expect(page).toContain(`\n  ${signer}\n`);
  expect(page).toContain('It may invoke another signer.');
});

test("says where it can't write", () => {
  const svg = join(folder, 'nowhere', 'map.svg');
  expect(() => writeMaps({ svg, html: undefined }, { input, violations: [] })).toThrow(
    coded('assembly_invalid', svg),
  );
});
