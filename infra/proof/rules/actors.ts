import { deriveGrants } from '../../declaration/derive.ts';
import { askingFunctions, type CallTarget, functionName, signerName } from '../../declaration/names.ts';
import type { SystemDeclaration } from '../../declaration/schema.ts';
import { type Network, SIGNING } from '../assembly/network.ts';
import { type ResolvedStack, resourcesOfType } from '../assembly/resolve.ts';
import type { Reach } from '../network/reach.ts';
import { type Principal, rolePrincipal } from '../policy/principal.ts';
import type { Endpoint, Role, World } from '../policy/world/world.ts';
import type { ProofInput } from './rule.ts';
import { trustedServices } from './trust.ts';

/** The name that the proof gives to what belongs to no zone. */
export const NO_ZONE = 'no zone';

/** A role of the assembly, as the proof sees it. */
export interface Actor {
  /** Physical name of the role. */
  name: string;
  role: Role;
  principal: Principal;
  /** Construct path of the role. */
  path: string;
  stack: string;
  /** Region of its stack; its account is the role's. */
  region: string;
  /** Declared zone of the role's stack, `signing`, or {@link NO_ZONE}. */
  zone: string;
  /** `signer`: of a declared grant. `function`: any other that code runs with. `service`: only AWS services other than Lambda take it. */
  kind: 'signer' | 'function' | 'service';
  /** Of a signer: whose client's keys it signs with. */
  client: string | undefined;
  /** Whether it is of a stack that the declaration says is not the system's. */
  other: boolean;
  /** Whether it is a function of the admin zone. */
  admin: boolean;
  /** Whom of its zone the declaration lets it ask, if anybody. */
  asks: CallTarget | undefined;
  /** The endpoints that its network leaves it; undefined where requests may go other ways, or where no network says. */
  ways: readonly Endpoint[] | undefined;
  /**
   * The world with the endpoints of its own zone only. Those of other zones could only forbid more, so leaving them out
   * errs on the side of *possible*, and keeps a question's cost independent of how many zones there are.
   */
  view: World;
}

/** Every role of the assembly with its place in the system. */
export function readActors(input: Omit<ProofInput, 'actors' | 'comparison'>): Actor[] {
  const { assembly, world, network, reach, declaration } = input;
  const signers = new Map(
    deriveGrants(declaration).map(({ client, zone }) => [signerName(declaration.name, client, zone), client]),
  );
  const asking = new Map(
    Object.entries(declaration.zones).flatMap(([zone, declared]) =>
      (['signers', 'tokens'] as const).flatMap((asked): [string, CallTarget][] =>
        askingFunctions(declared, asked).map((name) => [functionName(declaration.name, zone, name), asked]),
      ),
    ),
  );
  const views = viewsByZone(world, network);
  return resourcesOfType(assembly, 'AWS::IAM::Role').flatMap((resource) => {
    const role = world.roles.get(resource.arn ?? '');
    if (role === undefined) return [];
    const { zone = NO_ZONE } = resource;
    const name = resource.physicalId;
    const used = reach.filter((of) => of.resource.properties.Role === role.arn);
    const client = zone === SIGNING ? signers.get(name) : undefined;
    const ofCode = used.length > 0 || trustedServices(role)?.includes('lambda.amazonaws.com') !== false;
    const { constructPath: path, stack, region } = resource;
    return [
      {
        name,
        role,
        principal: rolePrincipal(role.arn),
        path,
        stack,
        region,
        zone,
        client,
        other: isOther(declaration, { zone: resource.zone, name: stack }),
        kind: client !== undefined ? 'signer' : ofCode ? 'function' : 'service',
        admin: declaration.zones[zone]?.admin === true && used.length > 0,
        asks: zone === SIGNING ? undefined : asking.get(name),
        ways: waysOf(used, world),
        view: views.get(zone) ?? { ...world, endpoints: new Map() },
      },
    ];
  });
}

/** The endpoints that the networks of a role's functions leave them; undefined where one of them has another way out. */
function waysOf(used: readonly Reach[], world: World): Endpoint[] | undefined {
  const isOpen = ({ internet, elsewhere }: Reach) => internet !== 'none' || elsewhere.length > 0;
  if (used.length === 0 || used.some(isOpen)) return undefined;
  const ids = new Set(used.flatMap(({ endpoints }) => endpoints.map(({ id }) => id)));
  return [...world.endpoints.values()].filter(({ id }) => ids.has(id));
}

function viewsByZone(world: World, { zones }: Network): ReadonlyMap<string, World> {
  const byZone = Map.groupBy(world.endpoints, ([, { vpc }]) => zones.get(vpc) ?? NO_ZONE);
  const named = [...new Set(zones.values())];
  return new Map(named.map((zone) => [zone, { ...world, endpoints: new Map(byZone.get(zone)) }]));
}

/** Whether a stack is declared to be somebody else's, and no resource of it says that it is of a zone. */
export function isOther({ otherStacks }: SystemDeclaration, stack: Pick<ResolvedStack, 'zone' | 'name'>) {
  return stack.zone === undefined && otherStacks.includes(stack.name);
}
