import type { SystemDeclaration } from '../../../../../infra/declaration/schema.ts';
import { type Assembly, readAssembly } from '../../../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../../../infra/proof/assembly/resolve.ts';
import { readInput } from '../../../../../infra/proof/read-input.ts';
import type { ZoneMap } from '../../../../../infra/proof/report/map/model.ts';
import { readZoneMap } from '../../../../../infra/proof/report/map/read.ts';
import type { Finding } from '../../../../../infra/proof/rules/rule.ts';
import shipped from '../../../../one-client.zones.ts';
import { synthesize, withZones } from '../../../synthesize.ts';

/** The shipped system's zones and clients with nothing but one route and one kind of events, whatever the shipped one has by now. */
export const SMALL: SystemDeclaration = withZones({
  public: {
    cidr: '10.10.0.0/20',
    gateway: { routes: [{ method: 'GET', path: '/summaries/{id}', function: 'summary', authorize: 'iam' }] },
    grants: [
      { client: 'journal', apis: [{ api: 'summaries', methods: ['GET'], paths: ['/v1/summaries/*'] }] },
    ],
  },
});

/** A template as the tests change it. */
export type Template = { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> };

/** Where the shipped system, or another, is synthesized to; zones with accounts of their own need the signing zone's. */
export function synthesizedFolder(declaration: SystemDeclaration = shipped): string {
  const placed = Object.values(declaration.zones).some(({ account }) => account !== undefined);
  return synthesize(declaration, placed ? { account: '222233334444', region: 'eu-north-1' } : {}).folder;
}

/** The map of what lies in `folder`, after `change` has changed the templates it is given by name. */
export function mapOf(
  folder: string,
  declaration: SystemDeclaration = shipped,
  change: (template: (stack: string) => Template) => void = () => {},
  findings: readonly Finding[] = [],
  rename: (assembly: Assembly) => Assembly = (assembly) => assembly,
): ZoneMap {
  const assembly = rename(structuredClone(readAssembly(folder)));
  change((name) => {
    const stack = assembly.stacks.find((candidate) => candidate.name === name);
    if (stack === undefined) throw new Error(`no stack ${name}`);
    return stack.template as Template;
  });
  return readZoneMap(readInput(resolveAssembly(assembly), declaration), findings);
}

/** An assembly as it would be if every construct had another name: other logical ids, other paths. */
export function renameConstructs(assembly: Assembly): Assembly {
  const ids = assembly.stacks.flatMap(({ constructPaths }) => [...constructPaths.keys()]);
  const hashed = new RegExp(ids.filter((id) => /[0-9A-F]{8}$/.test(id)).join('|'), 'g');
  const rename = (text: string) => text.replaceAll(hashed, 'Renamed$&');
  const stacks = assembly.stacks.map((stack) => ({
    ...stack,
    template: JSON.parse(rename(JSON.stringify(stack.template))),
    constructPaths: new Map(
      [...stack.constructPaths].map(([id, path]) => [rename(id), path.replace('/', '/Renamed/')]),
    ),
  }));
  return { ...assembly, stacks };
}

/** Calls as short lines: `summary invoke signer-journal-public`. */
export function linesOf(
  { calls, nodes }: ZoneMap,
  only: (call: ZoneMap['calls'][number]) => boolean = () => true,
) {
  const label = new Map(nodes.map((node) => [node.id, node.label]));
  return calls.filter(only).map(({ from, verb, to }) => `${label.get(from)} ${verb} ${label.get(to)}`);
}
