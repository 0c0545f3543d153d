import { defineSystem } from '../../infra/declaration/define.ts';
import system from '../one-client.zones.ts';

const { summaries } = system.apis;

/** The examples in other languages, as docs/how-to/languages.md declares them, by those that can be run here: `LANGUAGES`. */
const FUNCTIONS = {
  python: { runtime: 'python3.14', code: 'examples/languages/python' },
  go: { runtime: 'provided.al2023', code: 'examples/languages/go/target' },
  java: {
    runtime: 'java21',
    code: 'examples/languages/java/target/lambda',
    handler: 'example.Reader::read',
    memory: 1024,
  },
} as const;

const chosen = (process.env['LANGUAGES'] ?? '').split(',');

export default defineSystem({
  name: 'journal',
  clients: system.clients,
  signing: system.signing,
  apis: { summaries },
  zones: {
    internal: {
      cidr: '10.20.0.0/20',
      tokens: 'function',
      functions: Object.fromEntries(
        Object.entries(FUNCTIONS)
          .filter(([name]) => chosen.includes(name))
          .map(([name, of]) => [name, { ...of, schedules: { daily: 'rate(1 day)' } }]),
      ),
      grants: [
        { client: 'journal', apis: [{ api: 'summaries', methods: ['GET'], paths: ['/v1/summaries/*'] }] },
      ],
    },
    admin: system.zones.admin,
  },
});
