import { escapeStrings } from '../terminal.ts';
import type { Change } from './changes.ts';

/** What a change comes to. */
export interface Changes {
  /** `explained`: the declarations alone, as this version's constructs read them, differ in it too. */
  widened: readonly (Change & { explained: boolean })[];
  narrowed: readonly Change[];
}

/** How many are not explained. */
export function unexplained({ widened }: Changes): number {
  return widened.filter(({ explained }) => !explained).length;
}

/** The changes for people: how many first, then what the declaration does not explain, and the rest. */
export function reportChanges(changes: Changes): string {
  const { widened, narrowed } = escapeStrings(changes);
  const open = unexplained(changes);
  const parts: [title: string, sign: string, list: readonly Change[]][] = [
    ['Widened, and not by the declaration', '!', widened.filter(({ explained }) => !explained)],
    ['Widened, as declared', '+', widened.filter(({ explained }) => explained)],
    ['Narrowed', '-', narrowed],
  ];
  return [
    `${widened.length} widened (${open} not by the declaration), ${narrowed.length} narrowed.`,
    ...parts.flatMap(([title, sign, list]) =>
      list.length === 0
        ? []
        : [`\n${title.toUpperCase()}`, ...gather(list).map((line) => `  ${sign} ${line}`)],
    ),
  ].join('\n');
}

/** Those that differ in the action alone as one, and then those that differ in who. */
function gather(list: readonly Change[]): string[] {
  const byAction = Map.groupBy(list, ({ kind, who, what }) =>
    [who, kind, what.replace(/^\S+ on /, 'on ')].join('\n'),
  );
  const lines = [...byAction.values()].flatMap((of) => {
    const [first] = of;
    const actions = of.map(({ what }) => what.replace(/ on .*$/s, '')).join(', ');
    return first === undefined
      ? []
      : [of.length === 1 ? first : { ...first, what: first.what.replace(/^\S+/, () => actions) }];
  });
  const byWhat = Map.groupBy(lines, ({ kind, what }) => `${kind} ${what}`);
  return [...byWhat].map(([what, of]) => `${[...new Set(of.map(({ who }) => who))].join(', ')} ${what}`);
}
