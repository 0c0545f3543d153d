import {
  ADMIN,
  adds,
  type Changeable,
  find,
  gives,
  INTERNAL,
  idOf,
  mutations,
  PUBLIC,
  SIGNER,
  SIGNING,
  sets,
  statementOf,
} from '../mutate.ts';

mutations('default-group-unused', 'I4', {
  [PUBLIC]: {
    'the default group on a function': (r) => {
      const placed = find(r, 'summaryFunction').Properties.VpcConfig as Changeable;
      placed.SecurityGroupIds = [{ 'Fn::GetAtt': [idOf(r, 'NetworkVpc7'), 'DefaultSecurityGroup'] }];
    },
  },
});

mutations('egress-is-https', 'I4', {
  [ADMIN]: {
    'egress on every port': adds('AWS::EC2::SecurityGroupEgress', {
      GroupId: { 'Fn::GetAtt': ['NetworkFunctionGroup72F05A9A', 'GroupId'] },
      IpProtocol: '-1',
      CidrIp: '0.0.0.0/0',
    }),
  },
});

mutations('endpoints-admit-own-roles', 'I4', {
  [PUBLIC]: {
    'a zone’s Lambda endpoint takes anybody': (r) =>
      void delete statementOf(find(r, 'Networklambdaendpoint'), 0).Condition,
  },
  [ADMIN]: {
    'the admin zone’s KMS endpoint takes anybody': (r) =>
      void delete statementOf(find(r, 'Networkkmsendpoint'), 0).Condition,
  },
});

mutations('endpoints-are-own', 'I4', {
  [INTERNAL]: {
    'a zone’s Lambda endpoint has no policy': (r) =>
      void delete find(r, 'Networklambdaendpoint').Properties.PolicyDocument,
  },
  [PUBLIC]: {
    'a zone has a KMS endpoint': adds('AWS::EC2::VPCEndpoint', (r) => ({
      VpcId: { Ref: idOf(r, 'NetworkVpc7') },
      VpcEndpointType: 'Interface',
      ServiceName: 'com.amazonaws.eu-north-1.kms',
      PolicyDocument: { Statement: [] },
    })),
  },
});

mutations('groups-are-closed', 'I4', {
  [PUBLIC]: {
    'the internet let in': adds('AWS::EC2::SecurityGroupIngress', {
      GroupId: { 'Fn::GetAtt': ['NetworkFunctionGroup72F05A9A', 'GroupId'] },
      IpProtocol: 'tcp',
      FromPort: 443,
      ToPort: 443,
      CidrIp: '0.0.0.0/0',
    }),
  },
  [SIGNING]: {
    'another zone let in to the endpoints': adds('AWS::EC2::SecurityGroupIngress', {
      GroupId: { 'Fn::GetAtt': ['NetworkEndpointGroup65CBCE60', 'GroupId'] },
      IpProtocol: 'tcp',
      FromPort: 443,
      ToPort: 443,
      CidrIp: '10.10.0.0/20',
    }),
  },
});

mutations('names-answered', 'I4', {
  [PUBLIC]: {
    'a resolver that answers everything': (r) =>
      void (find(r, 'NetworkNameRulesF').Properties.FirewallRules as unknown[]).pop(),
  },
  [SIGNING]: {
    'a name too many': sets('NetworkAllowedNames', { Domains: ['example.com'] }),
  },
  [INTERNAL]: {
    'a wildcard of names': sets('NetworkAllowedNames', { Domains: ['*.no'] }),
  },
  [ADMIN]: {
    'a firewall that fails open': adds('AWS::Route53Resolver::FirewallConfig', {
      ResourceId: { Ref: 'NetworkVpc7FB7348F' },
      FirewallFailOpen: 'ENABLED',
    }),
    'a firewall of a network by its id that fails open': adds('AWS::Route53Resolver::FirewallConfig', {
      ResourceId: 'vpc-0123456789abcdef0',
      FirewallFailOpen: 'ENABLED',
    }),
  },
});

mutations('networks-are-declared', 'I4', {
  [PUBLIC]: {
    'another zone’s tag': sets('NetworkVpc7', { Tags: [{ Key: 'helseid-zones:zone', Value: 'internal' }] }),
    'another network': sets('NetworkVpc7', { CidrBlock: '10.50.0.0/20' }),
  },
});

mutations('networks-are-not-changed', 'I4', {
  [PUBLIC]: {
    'a zone makes endpoints': gives('summary', 'ec2:CreateVpcEndpoint'),
    'a zone changes endpoints': gives('summary', 'ec2:ModifyVpcEndpoint'),
    'a zone changes the firewall': gives('summary', 'route53resolver:UpdateFirewallDomains'),
  },
  [SIGNING]: {
    'a signer changes routes': gives(SIGNER, 'ec2:CreateRoute'),
  },
});

mutations('no-joined-networks', 'I4', {
  [PUBLIC]: {
    peering: adds('AWS::EC2::VPCPeeringConnection'),
    'another resolver': adds('AWS::EC2::DHCPOptions'),
  },
  [INTERNAL]: {
    'a transit gateway': adds('AWS::EC2::TransitGatewayAttachment'),
  },
  [SIGNING]: {
    'a service offered to other networks': adds('AWS::EC2::VPCEndpointService'),
    'shared subnets': adds('AWS::RAM::ResourceShare'),
  },
});

mutations('no-route-elsewhere', 'I4', {
  [PUBLIC]: {
    'a route to another zone': adds('AWS::EC2::Route', (r) => ({
      RouteTableId: { Ref: idOf(r, 'NetworkVpcfunctionsSubnet1RouteTable', 'EC2::RouteTable') },
      DestinationCidrBlock: '10.20.0.0/20',
      VpcPeeringConnectionId: 'pcx-1',
    })),
  },
});

mutations('signing-zone-has-no-way-out', 'I4', {
  [SIGNING]: {
    'NAT in the signing zone': adds('AWS::EC2::NatGateway'),
    'an internet gateway in the signing zone': adds('AWS::EC2::InternetGateway'),
    'a route out of the signing zone': adds('AWS::EC2::Route', (r) => ({
      RouteTableId: { Ref: idOf(r, 'NetworkVpcfunctionsSubnet1RouteTable', 'EC2::RouteTable') },
      DestinationCidrBlock: '0.0.0.0/0',
      GatewayId: 'igw-1',
    })),
    'public addresses in the signing zone': sets('NetworkVpcfunctionsSubnet1Subnet', {
      MapPublicIpOnLaunch: true,
    }),
  },
});
