import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { systemSchema } from '../../infra/declaration/schema.ts';
import { DEFAULT_DIRECTORY, DEFAULT_EXAMPLES } from '../../local/app/options.ts';

/**
 * The reference, generated (`npm run docs`): the declaration's fields from its schema, commands from what `--help` prints, exports
 * from their doc comments.
 * @module
 */

const root = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** As much of a valibot schema as is looked at. */
interface Schema {
  type: string;
  wrapped?: Schema;
  default?: unknown;
  entries?: Record<string, Schema>;
  value?: Schema;
  item?: Schema;
  literal?: unknown;
  /** Values of a picklist; schemas of a variant. */
  options?: unknown[];
  getter?: (given: unknown) => Schema;
}

/** Where fields of the declaration have their comments. */
const SHAPES = [
  'infra/declaration/schema.ts',
  'infra/declaration/client-schema.ts',
  'infra/declaration/function-schema.ts',
  'infra/declaration/network-schema.ts',
  ...['config', 'profile', 'grant'].map((name) => `protocol/${name}.ts`),
];

/** What a field that is looked up by a function may hold: one of each form. */
const FORMS = [[], {}, { of: '' }, ''];

/** Doc comments of members, of each object that is written over several lines. Biome's indentation tells what is a member. */
function readObjects(): Map<string, string>[] {
  return SHAPES.flatMap((file) => {
    const open: { indent: number; comments: Map<string, string> }[] = [];
    const done: Map<string, string>[] = [];
    let comment = '';
    for (const line of read(file).split('\n')) {
      const indent = line.search(/\S/);
      while (open.length > 0 && indent >= 0 && indent <= (open.at(-1)?.indent ?? 0))
        done.push(open.pop()?.comments ?? new Map());
      const said = /^\s*(?:\/\*\*|\*(?!\/)) ?(.*?)(?: ?\*\/)?$/.exec(line)?.[1];
      if (said !== undefined) {
        comment = line.includes('/**') ? said : `${comment} ${said}`;
        continue;
      }
      const member = /^\s*(?:(\w+)[:,]|\.\.\.)/.exec(line);
      const object = open.at(-1);
      if (member?.[1] && object && indent === object.indent + 2) object.comments.set(member[1], comment);
      if (/strictObject\(\{$/.test(line)) open.push({ indent, comments: new Map() });
      if (!/^\s*\*\/$/.test(line)) comment = '';
    }
    return done;
  });
}

const objects = readObjects();

/** What is said of a member of an object with these members: by the object with just these, else by one that is a part of it. */
function commentOf(member: string, members: readonly string[]): string {
  const parts = objects.filter((each) => [...each.keys()].every((key) => members.includes(key)));
  const [best] = parts.filter((each) => each.get(member)).sort((a, b) => b.size - a.size);
  return (best?.get(member) ?? '').trim();
}

/** What may be written for a field. */
function writable(schema: Schema, above: readonly Schema[] = []): string {
  if (above.includes(schema)) return 'the same again';
  const within = (part: Schema) => writable(part, [...above, schema]);
  const { type, wrapped, entries, value, item, literal, options = [], getter } = schema;
  if (wrapped) return within(wrapped);
  if (getter) return [...new Set(FORMS.map((form) => within(getter(form))))].join(' or ');
  if (literal !== undefined) return `\`${literal}\``;
  if (type === 'picklist') return options.map((option) => `\`${option}\``).join(', ');
  if (type === 'union') return options.map((option) => within(option as Schema)).join(' or ');
  if (type === 'variant')
    return options
      .map((option) => `\`{ ${Object.keys((option as Schema).entries ?? {}).join(', ')} }\``)
      .join(' or ');
  if (item) return item.entries ? 'list of objects' : `list: ${within(item)}`;
  if (value) return value.entries ? 'objects by name' : `${within(value)}, by name`;
  return entries ? 'object' : type === 'string' ? 'text' : type;
}

/** The rows of a schema's fields, each with its path. */
function fieldRows(schema: Schema, path: string, above: readonly Schema[] = []): string[] {
  if (above.includes(schema)) return [];
  const within = (part: Schema, at = path) => fieldRows(part, at, [...above, schema]);
  const { wrapped, entries, value, item, getter } = schema;
  if (wrapped) return within(wrapped);
  if (getter) return [...new Set(FORMS.flatMap((form) => within(getter(form))))];
  if (value) return within(value, `${path}.*`);
  if (item) return within(item, `${path}[]`);
  return Object.entries(entries ?? {}).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const comment = commentOf(name, Object.keys(entries ?? {}));
    const { default: given } = field;
    const shown = given !== undefined && typeof given !== 'object' && !/default/.test(comment);
    const needed = 'wrapped' in field ? '' : ' *';
    const means = `${comment}${shown ? ` Default \`${given}\`.` : ''}`.trim();
    return [`| \`${at}\`${needed} | ${writable(field)} | ${plain(means)} |`, ...within(field, at)];
  });
}

/** A comment as a cell of a table: links of doc comments as code. */
const plain = (comment: string) => comment.replaceAll(/\{@link (\w+)\}/g, '`$1`').replaceAll('|', '\\|');

const GENERATED = 'Generated by `npm run docs`';

function renderDeclaration(): string {
  const rows = fieldRows(systemSchema as unknown as Schema, '');
  return `# The declaration, field by field

${GENERATED} from \`infra/declaration/schema.ts\`. \`*\` stands for a name of yours and \`[]\` for each of a list; a star after a field: it must be there
wherever what it is in is. What fields mean together is checked too, and said with what would be right. What a change does to a system that runs:
[changing.md](../changing.md).

| Field | Value | Means |
| --- | --- | --- |
${rows.join('\n')}
`;
}

/** Commands by the file that has what \`--help\` prints. */
const COMMANDS = [
  'local/app/options.ts',
  'local/app/send.ts',
  'local/app/call.ts',
  'local/patterns/main.ts',
  'infra/cost.ts',
  'infra/proof/main.ts',
  'infra/keys/options.ts',
  'infra/verify/main.ts',
  '.ci/pack.ts',
];

const CONSTANTS: Readonly<Record<string, string>> = { DEFAULT_DIRECTORY, DEFAULT_EXAMPLES };

function renderCommands(): string {
  const chapters = COMMANDS.map((file) => {
    const usage = /const USAGE = `(.*?)\n?`;/s.exec(read(file))?.[1] ?? '';
    const said = usage.replaceAll(/\$\{(\w+)\}/g, (_, name) => CONSTANTS[name] ?? refuse(`${file}: ${name}`));
    const [, title = refuse(file)] = /^(npm (?:run )?\w+)/.exec(said) ?? [];
    return `## ${title}\n\n\`\`\`text\n${said}\n\`\`\`\n`;
  });
  return `# Commands\n\n${GENERATED} from what each says with \`--help\`. \`npm run jwk\`, \`npm run audit\` and \`npm run redrive\` are commands of \`npm run keys\`.\n\n${chapters.join('\n')}`;
}

function refuse(what: string): never {
  throw new Error(`The reference can't be made of ${what}.`);
}

/** An export with what its doc comment says first, and the codes it may throw. */
interface Export {
  name: string;
  kind: string;
  means: string;
  throws: string[];
}

/** Kinds that are gone when the code runs. */
const TYPES = /interface|type/;

/** What a module exports, its own and what it passes on. */
function exportsOf(file: string): Export[] {
  const text = read(file);
  const passed = [...text.matchAll(/^export (type )?(\*|\{.*?\}) from '(.+?)';/gms)].flatMap(
    ([, types, what = '', from = '']) => {
      const target = from.startsWith('.')
        ? relative(root, resolve(root, dirname(file), from))
        : `${from.replace('@helseid-zones/', '')}.ts`;
      const names = what === '*' ? undefined : [...what.matchAll(/(\w+)(?=[,\s}])/g)].map(([, name]) => name);
      return exportsOf(target).filter(({ name, kind }) =>
        names ? names.includes(name) : types === undefined || TYPES.test(kind),
      );
    },
  );
  const own = [
    ...text.matchAll(
      /(?:\/\*\*((?:(?!\*\/).)*)\*\/\s*(?:\/\/[^\n]*\n)?)?^export (?:declare )?(?:async )?(function|class|interface|type|const) (\w+)/gms,
    ),
  ].map(([, comment, kind = '', name = '']) => {
    if (comment === undefined) return { name, kind, means: '', throws: [] };
    const said = comment.replaceAll(/^\s*\* ?/gm, '').trim();
    const [first = ''] = said.split(/\n\s*\n|\n@/);
    const throws = [...said.matchAll(/@throws \{ZonesError\} ([\w, ]+?)(?=:|\n|$)/g)];
    const codes = throws.flatMap(([, list = '']) => list.split(', '));
    return { name, kind, means: first.replaceAll(/\s+/g, ' ').trim(), throws: [...new Set(codes)] };
  });
  // Overloads have one comment, at the first.
  return [...passed, ...own].filter(
    (each, at, all) => all.findIndex(({ name }) => name === each.name) === at,
  );
}

const MODULES = [
  ['@helseid-zones/client', 'client/index.ts', 'what a function imports'],
  ['@helseid-zones/client/testing', 'client/testing.ts', 'for unit tests'],
  ['@helseid-zones/client/conformance', 'client/conformance.ts', 'for a signer of your own'],
  ['@helseid-zones/client/custody', 'client/custody.ts', 'where the key is kept within one network'],
  ['@helseid-zones/infra', 'infra/index.ts', 'the infrastructure as a library'],
  ['@helseid-zones/infra/proof/plugin', 'infra/proof/plugin.ts', 'the proof in every synth'],
] as const;

function renderExports(): string {
  const chapters = MODULES.map(([name, file, what]) => {
    const all = exportsOf(file);
    const silent = all.filter(({ means }) => means === '');
    if (silent.length > 0) refuse(`${file}: no doc comment on ${silent.map((each) => each.name)}`);
    const [types, values] = [true, false].map((is) => all.filter(({ kind }) => is === TYPES.test(kind)));
    const rows = (values ?? []).map((each) => {
      const throws = each.throws.length > 0 ? ` Throws \`${each.throws.join('`, `')}\`.` : '';
      return `| \`${each.name}\` | ${plain(each.means)}${throws} |`;
    });
    return `## ${name}: ${what}

| Export | What it is |
| --- | --- |
${rows.join('\n')}

Types: ${(types ?? []).map((each) => `\`${each.name}\``).join(', ') || 'none'}.
`;
  });
  return `# Exports

${GENERATED} from doc comments, of which this is the beginning; your editor shows the rest, with examples and parameters. The codes of
errors: [operating.md](../operating.md#reasons).

${chapters.join('\n')}`;
}

/** Each page of the reference as it should be. */
export const PAGES: Readonly<Record<string, () => string>> = {
  'docs/reference/declaration.md': renderDeclaration,
  'docs/reference/commands.md': renderCommands,
  'docs/reference/exports.md': renderExports,
};

if (import.meta.main)
  for (const [file, render] of Object.entries(PAGES)) writeFileSync(join(root, file), render());
