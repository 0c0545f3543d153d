import { deriveGrants } from '../../declaration/derive.ts';
import { askingFunctions, functionName, signerName, type TokenSource } from '../../declaration/names.ts';
import type { SystemDeclaration } from '../../declaration/schema.ts';
import { type Network, readNetwork, SIGNING } from '../assembly/network.ts';
import { type ResolvedAssembly, resourcesOfType } from '../assembly/resolve.ts';
import { hasUnknown } from '../assembly/unknown.ts';
import type { Comparison } from '../derived/compare.ts';
import { computeReach, type Reach } from '../network/reach.ts';
import { type Principal, rolePrincipal } from '../policy/principal.ts';
import { buildWorld } from '../policy/world/build.ts';
import type { Endpoint, Role, World } from '../policy/world/world.ts';
import type { ProofInput } from './rule.ts';

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
  asks: TokenSource | undefined;
  /** The endpoints that its network leaves it; undefined where requests may go other ways, or where no network says. */
  ways: readonly Endpoint[] | undefined;
  /**
   * The world with the endpoints of its own zone only. Those of other zones could only forbid more, so leaving them out
   * errs on the side of *possible*, and keeps a question's cost independent of how many zones there are.
   */
  view: World;
}

/** Every role of the assembly with its place in the system. */
function readActors(
  assembly: ResolvedAssembly,
  world: World,
  network: Network,
  reach: readonly Reach[],
  declaration: SystemDeclaration,
): Actor[] {
  const signers = new Map(
    deriveGrants(declaration).map(({ client, zone }) => [signerName(declaration.name, client, zone), client]),
  );
  const asking = new Map(
    Object.entries(declaration.zones).flatMap(([zone, declared]) =>
      (['signers', 'tokens'] as const).flatMap((asked): [string, TokenSource][] =>
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
        ...{ name, role, principal: rolePrincipal(role.arn), path, stack, region, zone, client },
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
export function isOther(
  { otherStacks }: SystemDeclaration,
  { zone, name }: { zone: string | undefined; name: string },
): boolean {
  return zone === undefined && otherStacks.includes(name);
}

/** Services that use a role for one thing of their own and let nobody say what it does. */
const CLOSED_SERVICES = ['vpc-flow-logs.amazonaws.com'];

/** Whether only a service that lets nobody say what is done with a role can become it. */
export function isClosed(role: Role): boolean {
  return trustedServices(role)?.every((service) => CLOSED_SERVICES.includes(service)) ?? false;
}

/** The services that a role's trust policy lets become it; undefined where it lets anybody else, or nobody. */
export function trustedServices({ trust }: Role): readonly string[] | undefined {
  const allows = trust.statements.filter(({ effect }) => effect === 'Allow');
  const closed = allows.every(
    ({ principals }) =>
      principals !== undefined &&
      !principals.everybody &&
      principals.aws.length === 0 &&
      principals.others.length === 0 &&
      !principals.services.some(hasUnknown),
  );
  const services = allows.flatMap(({ principals }) => principals?.services ?? []);
  return closed && services.length > 0 ? services : undefined;
}

/** Reads out of a resolved assembly everything that rules look at. */
export function readInput(
  assembly: ResolvedAssembly,
  declaration: SystemDeclaration,
  comparison?: Comparison,
): ProofInput {
  const network = readNetwork(assembly, declaration);
  const reach = computeReach(network);
  const world = buildWorld(assembly);
  const actors = readActors(assembly, world, network, reach, declaration);
  return { declaration, assembly, network, reach, world, actors, ...(comparison ? { comparison } : {}) };
}
