import { required } from '@helseid-zones/protocol/values';
import { CfnOutput } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { annotateSystem } from '../annotations.ts';
import { Alarms, alarmKeyStatement, alarmsOn } from '../constructs/alarms.ts';
import { addDashboard } from '../constructs/dashboard.ts';
import { DataKey } from '../constructs/data-key.ts';
import { FlowLog } from '../constructs/flow-log.ts';
import { PermissionsBoundary } from '../constructs/permissions-boundary.ts';
import { saveQueries } from '../constructs/saved-queries.ts';
import { addRecord } from '../constructs/secrets.ts';
import { restrictSigningEndpoints, Signer, signingBoundaryStatements } from '../constructs/signer.ts';
import { ZoneNetwork } from '../constructs/zone-network.ts';
import { signerConcurrency } from '../declaration/concurrency.ts';
import { deriveGrants } from '../declaration/derive.ts';
import { askingRoles, boundaryName, SIGNING_ZONE, signerName } from '../declaration/names.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { suppressFindings } from '../nag-suppressions.ts';
import { type SystemProps, SystemStack } from './system-stack.ts';

/** The signing zone: no way to the internet, one signer a grant, the client records. Client keys are made later, by rotation. */
export class SigningStack extends SystemStack {
  readonly vpcId: string;
  /** ARN of each client's record. */
  readonly records: Readonly<Record<string, string>>;
  /** ARN of the key that encrypts the records. */
  readonly recordKeyArn: string;

  constructor(scope: Construct, id: string, props: SystemProps) {
    const { system } = props;
    super(scope, id, {
      ...props,
      zone: SIGNING_ZONE,
      description: `${system.name}: the signing zone. Client keys, records and signers; no way to the internet.`,
    });
    const network = new ZoneNetwork(this, 'Network', {
      cidr: system.signing.cidr,
      availabilityZones: this.availabilityZones.length,
      internet: false,
      hosts: [],
      exits: [],
      services: ['kms', 'secretsmanager'],
    });
    this.vpcId = network.vpc.vpcId;
    const recordKey = new DataKey(this, 'RecordKey', {
      description: `${system.name}: client records`,
      keep: true,
      services: ['secretsmanager'],
    });
    this.recordKeyArn = recordKey.keyArn;
    this.records = Object.fromEntries(
      Object.keys(system.clients).map((name) => [name, addRecord(this, system.name, name, recordKey)]),
    );
    const functions = deriveGrants(system).map(({ client, zone }) => signerName(system.name, client, zone));
    this.addSigners(system, network, functions);
    annotateSystem(this, system);
    suppressFindings(this, { system: system.name, zone: SIGNING_ZONE, functions });
  }

  private addSigners(system: SystemDeclaration, network: ZoneNetwork, names: readonly string[]): void {
    const logPrefix = `/${system.name}/signing`;
    const facts = { system: system.name, place: this, network, logPrefix, recordKeyArn: this.recordKeyArn };
    restrictSigningEndpoints(facts, this.records);
    const key = new DataKey(this, 'LogKey', {
      description: `${system.name}: the audit of signatures`,
      keep: true,
      logGroups: [`${logPrefix}/*`],
      services: [],
      statements: [alarmKeyStatement(this)],
    });
    const name = boundaryName(system.name, SIGNING_ZONE);
    const boundary = new PermissionsBoundary(this, 'Boundary', name, signingBoundaryStatements(facts));
    new FlowLog(this, 'FlowLog', { ...facts, boundary, key });
    const rows = deriveGrants(system).flatMap((grant) => {
      const zone = required(system.zones[grant.zone], `Zone ${grant.zone}`);
      const { account = this.account } = zone;
      const { resourcePolicies: policy, deployers } = system.signing;
      // A zone in another account needs the signer's permission as well; it names roles, so that account's stack is deployed first.
      const askers = askingRoles(system.name, grant.zone, zone, account);
      const { handler } = new Signer(this, `Signer-${grant.zone}-${grant.client}`, {
        ...facts,
        boundary,
        key,
        grant,
        record: required(this.records[grant.client], `The record of client ${grant.client}`),
        concurrency: signerConcurrency(system, grant),
        exportTo: system.audit?.export,
        foreign:
          account === this.account
            ? undefined
            : { policy, askers, from: { 'aws:VpceAccount': account }, deployers },
      });
      const name = signerName(system.name, grant.client, grant.zone);
      const counted = { service: system.name, zone: grant.zone, client: grant.client };
      return [
        ...alarmsOn(name, ['FunctionErrors', 'Throttles'], { FunctionName: handler.functionName }),
        ...alarmsOn(name, ['SignatureFailures', 'RefusedIntents', 'KmsThrottled'], counted),
        ...alarmsOn(name, ['KmsSlow'], { ...counted, kind: 'dpop_proof' }),
      ];
    });
    // In the account of its zone a signer's memory is told of by the zone's own alarm, of another name: the zone may have been here before.
    for (const [zone, { account = this.account }] of Object.entries(system.zones))
      if (account !== this.account)
        rows.push(
          ...alarmsOn(`${system.name}-signing-${zone}`, ['MemoryUsed'], { service: system.name, zone }),
        );
    const blocked = required(network.blockedNames, 'The firewall of the signing zone');
    rows.push(...alarmsOn(`${system.name}-signing`, ['BlockedNames'], blocked));
    const displayName = `${system.name}: signers`;
    this.sayTopic(new Alarms(this, 'Alarms', { system, key, rows, displayName }));
    addDashboard(this, system);
    const logs = names.map((name) => `${logPrefix}/${name}`);
    saveQueries(this, system.name, logs);
    for (const client of Object.keys(system.clients))
      new CfnOutput(this, `Next-${client}`, {
        description: `What to do with client ${client} after the first deploy`,
        value: `npm run keys -- rotate ${client}; then npm run jwk -- ${client} prints the public JWK: register it for the client at its issuer (for HelseID: https://selvbetjening.nhn.no).`,
      });
  }
}
