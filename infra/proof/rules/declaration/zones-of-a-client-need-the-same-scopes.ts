import { required } from '@helseid-zones/protocol/values';
import { zoneScopes } from '../../../declaration/derive.ts';
import { TOKENS_FUNCTION } from '../../../declaration/fields.ts';
import { askingFunctions, sharedStackNames } from '../../../declaration/names.ts';
import type { Rule } from '../rule.ts';
import { recordOf } from '../targets.ts';

/**
 * The zones that use one client need the same scopes of it: an assertion buys any scope of its client (RFC 7523 3 leaves scopes
 * to the token request), so what one of them needs, all of them can get: but for a zone whose tokens function alone asks for assertions,
 * which gives tokens of its own APIs' scopes only. The admin zone is left out, since it asks for keys of every client.
 */
export const zonesOfAClientNeedTheSameScopes: Rule = {
  name: 'zones-of-a-client-need-the-same-scopes',
  invariant: 'I3a',
  title:
    'The zones that use one client need the same scopes of it; a zone where a tokens function alone asks for assertions, and the admin zone, which can get them all, aside.',
  check: (input) => {
    const { declaration } = input;
    return Object.keys(declaration.clients).flatMap((client) => {
      const needs = Object.entries(declaration.zones)
        .filter(([, { admin, grants }]) => !admin && grants.some((grant) => grant.client === client))
        .map(([zone]) => ({ zone, scopes: zoneScopes(declaration, zone, client) }));
      const all = new Set(needs.flatMap(({ scopes }) => scopes));
      const gains = needs.flatMap(({ zone, scopes }) => {
        const asking = askingFunctions(required(declaration.zones[zone], zone));
        if (asking.length > 0 && asking.every((name) => name === TOKENS_FUNCTION)) return [];
        const gained = [...all].filter((scope) => !scopes.includes(scope));
        return gained.length === 0 ? [] : [`${zone} could get tokens for ${gained.join(', ')}`];
      });
      if (gains.length === 0) return [];
      const resource = recordOf(input, client)?.constructPath ?? sharedStackNames(declaration.name).signing;
      const zones = needs.map(({ zone }) => `zones.${zone}`);
      return [
        {
          resource,
          about: zones,
          message: `The zones ${needs.map(({ zone }) => zone).join(' and ')} use the client ${client} and need different scopes, and an assertion buys any scope of its client: whoever takes over ${gains.join('; whoever takes over ')}.`,
          path: [...zones.map((zone) => `${zone}.grants`), `clients.${client}`, 'tokens of the issuer'],
          remedy: `Register a client for each set of scopes, and name it in clients and in the zone’s grants (zones.ts); or give each of these zones tokens: 'function', which hands out granted scopes only. Where one client must do, say why in an exception for ${resource}.`,
        },
      ];
    });
  },
};
