import { adds, type Changeable, find, gives, idOf, mutations, SIGNER, sets, statementOf } from '../mutate.ts';

const VPC = 'EC2::VPC';

mutations('properties-are-understood', {
  'public: the default group on a function': (r) => {
    const placed = find(r, 'summaryFunction').Properties.VpcConfig as Changeable;
    placed.SecurityGroupIds = [{ 'Fn::GetAtt': [idOf(r, 'NetworkVpc', VPC), 'DefaultSecurityGroup'] }];
  },
});

mutations('egress-is-https', {
  'admin: egress on every port': adds('AWS::EC2::SecurityGroupEgress', {
    GroupId: { 'Fn::GetAtt': ['NetworkFunctionGroup72F05A9A', 'GroupId'] },
    IpProtocol: '-1',
    CidrIp: '0.0.0.0/0',
  }),
});

mutations('endpoints-admit-own-roles', {
  'public: a zone’s Lambda endpoint takes anybody': (r) =>
    void delete statementOf(find(r, 'Networklambdaendpoint'), 0).Condition,
  'admin: the admin zone’s KMS endpoint takes anybody': (r) =>
    void delete statementOf(find(r, 'Networkkmsendpoint'), 0).Condition,
});

mutations('endpoints-are-own', {
  'internal: a zone’s Lambda endpoint has no policy': (r) =>
    void delete find(r, 'Networklambdaendpoint').Properties.PolicyDocument,
  'public: a zone has a KMS endpoint': adds('AWS::EC2::VPCEndpoint', (r) => ({
    VpcId: { Ref: idOf(r, 'NetworkVpc', VPC) },
    VpcEndpointType: 'Interface',
    ServiceName: 'com.amazonaws.eu-north-1.kms',
    PolicyDocument: { Statement: [] },
  })),
  'public: Lambda in another region': sets('Networklambdaendpoint', {
    ServiceName: 'com.amazonaws.us-east-1.lambda',
  }),
  'public: somebody’s service by Lambda’s name': sets('Networklambdaendpoint', {
    ServiceName: 'no.example.lambda',
  }),
});

mutations('properties-are-understood', {
  'public: the internet let in': adds('AWS::EC2::SecurityGroupIngress', {
    GroupId: { 'Fn::GetAtt': ['NetworkFunctionGroup72F05A9A', 'GroupId'] },
    IpProtocol: 'tcp',
    FromPort: 443,
    ToPort: 443,
    CidrIp: '0.0.0.0/0',
  }),
  'signing: another zone let in to the endpoints': adds('AWS::EC2::SecurityGroupIngress', {
    GroupId: { 'Fn::GetAtt': ['NetworkEndpointGroup65CBCE60', 'GroupId'] },
    IpProtocol: 'tcp',
    FromPort: 443,
    ToPort: 443,
    CidrIp: '10.10.0.0/20',
  }),
});

mutations('names-answered', {
  'public: a resolver that answers everything': (r) =>
    void (find(r, 'NetworkNameRulesF').Properties.FirewallRules as unknown[]).pop(),
  'signing: a name too many': sets('NetworkAllowedNames', { Domains: ['example.com'] }),
  'internal: a wildcard of names': sets('NetworkAllowedNames', { Domains: ['*.no'] }),
});

mutations('networks-are-declared', {
  'public: another zone’s tag': sets(
    'NetworkVpc',
    { Tags: [{ Key: 'helseid-zones:zone', Value: 'internal' }] },
    VPC,
  ),
  'public: another network': sets('NetworkVpc', { CidrBlock: '10.50.0.0/20' }, VPC),
});

mutations('networks-are-not-changed', {
  'public: a zone makes endpoints': gives('summary', 'ec2:CreateVpcEndpoint'),
  'public: a zone changes endpoints': gives('summary', 'ec2:ModifyVpcEndpoint'),
  'public: a zone changes the firewall': gives('summary', 'route53resolver:UpdateFirewallDomains'),
  'signing: a signer changes routes': gives(SIGNER, 'ec2:CreateRoute'),
});

mutations('properties-are-understood', {
  'public: a route to another zone': adds('AWS::EC2::Route', (r) => ({
    RouteTableId: { Ref: idOf(r, 'NetworkVpc10100020functionsSubnet1RouteTable', 'EC2::RouteTable') },
    DestinationCidrBlock: '10.20.0.0/20',
    VpcPeeringConnectionId: 'pcx-1',
  })),
});

mutations('signing-zone-has-no-way-out', {
  'signing: NAT in the signing zone': adds('AWS::EC2::NatGateway'),
  'signing: an internet gateway in the signing zone': adds('AWS::EC2::InternetGateway'),
  'signing: a route out of the signing zone': adds('AWS::EC2::Route', (r) => ({
    RouteTableId: { Ref: idOf(r, 'NetworkVpc10300020functionsSubnet1RouteTable', 'EC2::RouteTable') },
    DestinationCidrBlock: '0.0.0.0/0',
    GatewayId: 'igw-1',
  })),
  'signing: public addresses in the signing zone': sets('NetworkVpc10300020functionsSubnet1Subnet', {
    MapPublicIpOnLaunch: true,
  }),
});
