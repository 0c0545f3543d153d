import { isIPv4 } from 'node:net';
import { allowedHosts, serviceUrls } from '../derive.ts';
import { overlap, readRange } from '../network-schema.ts';
import { type Problem, problemsOf, repeated } from '../problem.ts';
import type { ExitDeclaration, SystemDeclaration, ZoneDeclaration } from '../schema.ts';

/** Every VPC has a range of its own, the admin zone lies in the signing zone's account, the audit is sent to another, and callers call what their zone has. */
export function checkNetworks(system: SystemDeclaration): Problem[] {
  const zones = Object.entries(system.zones);
  const ranges = [['signing', system.signing] as const, ...zones].map(([name, { cidr }]) => {
    const field = name === 'signing' ? 'signing.cidr' : `zones.${name}.cidr`;
    return { field, cidr, range: readRange(cidr) };
  });
  return [
    ...checkExport(system),
    ...ranges.flatMap(({ field, range }, index) => {
      const clash = ranges.slice(0, index).find((other) => overlap(other.range, range));
      return problemsOf({
        [field]:
          clash &&
          `overlaps ${clash.field} (${clash.cidr}); zones are closed networks, so give each a range of its own`,
      });
    }),
    ...zones.flatMap(([name, zone]) => [
      ...problemsOf({
        [`zones.${name}.account`]:
          zone.admin &&
          zone.account &&
          "can't be set: KMS has no cross-account CreateKey, so the admin zone lies in the signing zone's account; leave it out",
      }),
      ...checkCallers(`zones.${name}.callers`, system, zone),
    ]),
  ];
}

/** CloudWatch Logs sends across accounts, and not across regions. */
function checkExport({ account, region, audit, zones }: SystemDeclaration): Problem[] {
  const [, , , to, owner] = audit?.export.split(':') ?? [];
  const own = [account, ...Object.values(zones).map((zone) => zone.account)];
  return problemsOf({
    'audit.export': [
      owner !== undefined &&
        own.includes(owner) &&
        `lies in an account of the system's own (${owner}), whose administrators could change both records: name one of another account`,
      to !== undefined &&
        region !== undefined &&
        to !== region &&
        `lies in ${to}, and log groups send within their region: name one in ${region}`,
    ],
  });
}

function checkCallers(field: string, system: SystemDeclaration, zone: ZoneDeclaration): Problem[] {
  const { account = system.account, callers, grants, gateway, tokens } = zone;
  const asked = tokens === 'own' ? 'signers' : 'tokens';
  const isSigned = gateway?.routes.some(({ authorize }) => authorize === 'iam');
  return callers.flatMap(({ role, calls }, index) =>
    problemsOf({
      [`${field}[${index}].role`]:
        account &&
        role.split(':')[4] !== account &&
        `lies in another account than its zone (${account}): name a role of that one`,
      [`${field}[${index}].calls`]:
        calls === 'entry'
          ? !isSigned && "is the zone's entry, and no route of it has authorize: 'iam'; add one"
          : [
              grants.length === 0 && 'are signers, and the zone has none: add a grant',
              calls !== asked &&
                `are ${calls}, and in a zone with tokens: '${tokens}' callers ask its ${asked}: write ${asked}`,
            ],
    }),
  );
}

/** Networks that are there belong to one zone, and exits lead to hosts that their zone calls, and to no zone. */
export function checkExits(system: SystemDeclaration): Problem[] {
  const zones = Object.entries(system.zones);
  const taken = zones.flatMap(([zone, { network: of, exits }]) => [
    ...(of ? [of.vpcId, ...of.subnets.map(({ subnetId }) => subnetId)] : []).map((id) => ({
      field: `zones.${zone}.network`,
      id,
    })),
    ...vpnGateways(exits).map((id) => ({ field: `zones.${zone}.exits`, id })),
  ]);
  const twice = repeated(taken.map(({ id }) => id)).map((index) => ({
    field: taken[index]?.field ?? '',
    message: `names ${taken[index]?.id} a second time; zones are closed networks: give each a VPC and a VPN gateway of its own, and name each subnet once`,
  }));
  const ways = zones.flatMap(([zone, declared]) => {
    const field = `zones.${zone}.exits`;
    const exits = Object.values(declared.exits);
    const all = [exits.flatMap(({ hosts }) => hosts), exits.flatMap(({ cidrs }) => cidrs)];
    return [
      ...all.flatMap((list) =>
        repeated(list).map((at) => ({
          field,
          message: `name ${list[at]} twice, and there is one way to it: leave one`,
        })),
      ),
      ...problemsOf({
        [field]: [
          exits.filter(({ proxy }) => proxy).length > 1 &&
            'have two proxies, and a function goes through one: leave one',
          vpnGateways(declared.exits).length > 1 &&
            'lead through two VPN gateways, and a VPC has one: leave one',
        ],
      }),
      ...Object.entries(declared.exits).flatMap(([name, exit]) => [
        ...checkWay(`${field}.${name}`, declared.network !== undefined, exit),
        ...checkPlaces(`${field}.${name}`, system, zone, exit),
      ]),
    ];
  });
  return [...twice, ...ways];
}

/** EC2 attaches a VPC to one of them, and each to one VPC. */
const vpnGateways = (exits: ZoneDeclaration['exits']): string[] =>
  [...new Set(Object.values(exits).flatMap(({ through = '' }) => through))].filter((id) =>
    id.startsWith('vgw-'),
  );

function checkWay(field: string, isThere: boolean, exit: ExitDeclaration): Problem[] {
  const { through, proxy, ports, cidrs } = exit;
  const [, host = '', port] = /\/([^/:]+):(\d+)$/.exec(proxy?.url ?? '') ?? [];
  const address = isIPv4(host) ? readRange(`${host}/32`) : undefined;
  return problemsOf({
    [`${field}.through`]: [
      isThere &&
        through &&
        "can't be set: the zone's VPC is there already, and its owner makes attachments and routes; leave it out",
      !isThere &&
        !through &&
        'is missing: name the transit gateway (tgw-…) or VPN gateway (vgw-…) that leads there',
    ],
    [`${field}.ports`]:
      proxy && !ports.includes(Number(port)) && `lack that of ${proxy.url}: name it, and no other`,
    [`${field}.cidrs`]:
      address &&
      !cidrs.some((cidr) => overlap(readRange(cidr), address)) &&
      `do not hold the proxy's address: add ${host}/32`,
  });
}

function checkPlaces(field: string, system: SystemDeclaration, zone: string, exit: ExitDeclaration) {
  const { hosts, cidrs, ports, proxy } = exit;
  // A proxy may stand in the VPC of others.
  const zones = Object.entries(system.zones).filter(([name, { network }]) => name !== zone || !network);
  const networks = [['signing', system.signing] as const, ...zones];
  const services = serviceUrls(system, zone).map((url) => new URL(url));
  const known = allowedHosts(system, zone);
  const ofRanges = cidrs.flatMap((cidr, index) =>
    networks.flatMap(([name, of]) =>
      problemsOf({
        [`${field}.cidrs[${index}]`]:
          overlap(readRange(of.cidr), readRange(cidr)) &&
          `overlaps the network of ${name} (${of.cidr}), and no exit joins two zones: name addresses of others`,
      }),
    ),
  );
  const ofHosts = hosts.flatMap((host, index) => {
    const on = services.filter(({ hostname }) => hostname === host).map(({ port }) => Number(port || 443));
    const closed = proxy ? undefined : on.find((port) => !ports.includes(port));
    return problemsOf({
      [`${field}.hosts[${index}]`]: [
        !known.includes(host) &&
          `is ${host}, and the zone calls ${known.join(', ') || 'nothing'}: name one of those`,
        closed !== undefined && `is called on port ${closed}: add it to ports`,
      ],
    });
  });
  return [...ofRanges, ...ofHosts];
}
