import fc from 'fast-check';

/** Any character but half of a pair. fast-check's own (`unit: 'binary'`, also within `webUrl`) first makes a table of all, for a second and more. */
export const character = fc
  .integer({ min: 0, max: 0x10f7ff })
  .map((index) => String.fromCodePoint(index < 0xd800 ? index : index + 0x800));

const plain = fc.constantFrom(
  ..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@",
);
const part = fc.string({
  unit: fc.oneof(
    { weight: 10, arbitrary: plain },
    { weight: 1, arbitrary: character.map(encodeURIComponent) },
  ),
});
const after = (mark: string) => fc.option(part, { nil: undefined }).map((text) => text && mark + text);

/** URLs as RFC 3986 has them: of http and https, with paths, queries and fragments. */
export const anyUrl = fc
  .tuple(
    fc.constantFrom('https://', 'http://'),
    fc.domain(),
    fc.array(part.map((text) => `/${text}`)).map((parts) => parts.join('')),
    after('?'),
    after('#'),
  )
  .map((parts) => parts.join(''));
