import { join } from 'node:path';
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { type Document, memoryDocument, openDocument } from '../aws/state.ts';

/** The document `name` in `dir`, or one in memory where there is no folder. */
export function openState<T extends object>(dir: string | undefined, name: string, initial: T): Document<T> {
  return dir ? openDocument(join(dir, name), initial) : memoryDocument(initial);
}

type Entries = Map<string, { payload: AdapterPayload; expires: number }>;

/** What survives a restart: sessions, what was granted in them, and refresh tokens. */
const KEPT = ['Session', 'Grant', 'RefreshToken'];
/** A pushed request is looked at once more after the login, which may take longer than the request lives. */
const LINGERS: Record<string, number> = { PushedAuthorizationRequest: 3600 };
const SWEEP_EVERY = 500;

/** Saved form: model name to id, payload and expiry. */
export type SavedEntries = Record<string, [string, { payload: AdapterPayload; expires: number }][]>;

/**
 * Storage for oidc-provider: in memory, expired entries swept, sessions and refresh tokens saved by `save`. `findClient` gives a client's metadata as
 * registered at this instant; `beforeSave` may complete a payload.
 */
export function createStorage(
  state: Document<SavedEntries>,
  findClient: (clientId: string) => AdapterPayload | undefined,
  beforeSave: (model: string, payload: AdapterPayload) => void,
) {
  const models = new Map(
    Object.entries(state.value).map(([model, entries]): [string, Entries] => [model, new Map(entries)]),
  );
  const entriesOf = (model: string): Entries => {
    const entries = models.get(model) ?? new Map();
    models.set(model, entries);
    return entries;
  };

  const adapter: AdapterFactory = (model: string): Adapter => {
    const entries = entriesOf(model);
    let writes = 0;
    const find = (id: string) => {
      const entry = entries.get(id);
      return entry && entry.expires > Date.now() ? entry.payload : undefined;
    };
    const search = (matches: (payload: AdapterPayload) => boolean) =>
      [...entries.keys()].map(find).find((payload) => payload !== undefined && matches(payload));
    return {
      find: async (id) => (model === 'Client' ? findClient(id) : find(id)),
      findByUid: async (uid) => search((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => search((payload) => payload.userCode === userCode),
      async upsert(id, payload, expiresIn = 3600) {
        beforeSave(model, payload);
        entries.set(id, { payload, expires: Date.now() + (expiresIn + (LINGERS[model] ?? 0)) * 1000 });
        writes += 1;
        if (writes % SWEEP_EVERY === 0) sweep(entries);
      },
      async consume(id) {
        const payload = find(id);
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        entries.delete(id);
      },
      async revokeByGrantId(grantId) {
        for (const [id, { payload }] of entries) if (payload.grantId === grantId) entries.delete(id);
      },
    };
  };

  return {
    adapter,
    save() {
      for (const entries of models.values()) sweep(entries);
      for (const model of KEPT) state.value[model] = [...entriesOf(model)];
      state.save();
    },
  };
}

function sweep(entries: Entries) {
  for (const [id, { expires }] of entries) if (expires <= Date.now()) entries.delete(id);
}
