import type { SystemInput } from './schema.ts';

/**
 * What an editor knows of a declaration beside {@link SystemInput}: the names that are declared in it, and that a field which is
 * none is a mistake, though TypeScript lets an inferred type have more fields.
 * @module
 */

/** `T` with the declared names to choose from where one is written. Any text may stand there: {@link Checked} judges it. */
type Naming<T, Client extends string, Api extends string> = T extends readonly (infer Each)[]
  ? readonly Naming<Each, Client, Api>[]
  : T extends object
    ? {
        readonly [K in keyof T]: K extends 'client'
          ? Client | (string & {})
          : K extends 'api'
            ? Api | (string & {})
            : Naming<T[K], Client, Api>;
      }
    : T;

/** {@link SystemInput} with the names of clients and APIs, for what may be written in its zones. */
export type NamingSystem<Client extends string, Api extends string> = Omit<
  SystemInput,
  'clients' | 'apis' | 'zones'
> & {
  readonly clients: { readonly [C in Client]: SystemInput['clients'][string] };
  readonly apis: { readonly [A in Api]: SystemInput['apis'][string] };
  readonly zones: Naming<SystemInput['zones'], NoInfer<Client>, NoInfer<Api>>;
};

type Keys<T> = T extends unknown ? keyof T : never;
type Item<T> = T extends readonly (infer Each)[] ? Each : never;
type Value<T, K> = T extends unknown ? (K extends keyof T ? T[K] : never) : never;

/** A name that is written out must be declared; of a text that is only known when it runs, `defineSystem` judges. */
type Named<Written, Declared> = string extends Written
  ? Written
  : Written extends Declared
    ? Written
    : { 'is not declared; declared are': Declared };

/** `T` where fields are those of `Shape` and names are declared ones; else a type that says what would be right. */
export type Checked<T, Client, Api, Shape = SystemInput> = T extends readonly unknown[]
  ? number extends T['length']
    ? readonly Checked<T[number], Client, Api, Item<Shape>>[]
    : { readonly [I in keyof T]: Checked<T[I], Client, Api, Item<Shape>> }
  : T extends object
    ? {
        readonly [K in keyof T]: K extends 'client'
          ? Named<T[K], Client>
          : K extends 'api'
            ? Named<T[K], Api>
            : K extends Keys<Shape>
              ? Checked<T[K], Client, Api, Value<Shape, K>>
              : { 'is not a field here; fields are': Keys<Shape> };
      }
    : T;
