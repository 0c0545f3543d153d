"""moto's server (5.2.5) with the stacks of a cloud assembly deployed into it: serve.py PORT ASSEMBLY.

moto's CloudFormation leaves out types whose service it has; they are made here through that service's own API, so that the
answers that are read later are moto's. Prints one line of JSON when every stack is there: the types that moto has nothing for.
"""

import io
import json
import logging
import os
import sys
import threading
import uuid
import warnings
import zipfile

import boto3
from botocore.config import Config
from moto.apigateway.models import Deployment
from moto.cloudformation.parsing import get_model_map
from moto.core.common_models import CloudFormationModel
from moto.core.config import default_user_config
from moto.core.exceptions import AccessDeniedError
from moto.iam.responses import IamResponse
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

PORT, ASSEMBLY = int(sys.argv[1]), sys.argv[2]
ACCOUNT, REGION = "123456789012", "eu-north-1"
os.environ["MOTO_PORT"] = str(PORT)


def client(service):
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{PORT}",
        region_name=REGION,
        aws_access_key_id="operator",
        aws_secret_access_key="operator",
        config=Config(read_timeout=300, retries={"total_max_attempts": 1}),
    )


def small(value):
    """Names of members as API Gateway's client has them."""
    return {key[0].lower() + key[1:]: of for key, of in value.items()}


def alarm(of):
    numbers = {key: int(of[key]) for key in ("EvaluationPeriods", "Period") if key in of}
    client("cloudwatch").put_metric_alarm(**{**of, **numbers, "Threshold": float(of["Threshold"])})
    return of["AlarmName"]


def secret(of):
    return client("secretsmanager").create_secret(**of)["ARN"]


def rotation(of):
    client("secretsmanager").rotate_secret(
        SecretId=of["SecretId"],
        RotationLambdaARN=of["RotationLambdaARN"],
        RotationRules=of["RotationRules"],
        RotateImmediately=False,
    )
    return of["SecretId"]


def queue_policy(of):
    for queue in of["Queues"]:
        client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(of["PolicyDocument"])})
    return "queue-policy"


def topic_policy(of):
    for topic in of["Topics"]:
        client("sns").set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(of["PolicyDocument"])
        )
    return "topic-policy"


def egress(of):
    rule = ip_rule(of, "DestinationSecurityGroupId")
    client("ec2").authorize_security_group_egress(GroupId=of["GroupId"], IpPermissions=[rule])
    return "egress"


def stage(of):
    api, name = of["RestApiId"], of["StageName"]
    client("apigateway").create_stage(
        restApiId=api, stageName=name, deploymentId=of["DeploymentId"], tracingEnabled=of["TracingEnabled"]
    )
    operations = [
        {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": of["AccessLogSetting"]["DestinationArn"]},
        {"op": "replace", "path": "/accessLogSettings/format", "value": of["AccessLogSetting"]["Format"]},
    ]
    paths = {
        "DataTraceEnabled": "logging/dataTrace",
        "LoggingLevel": "logging/loglevel",
        "MetricsEnabled": "metrics/enabled",
        "ThrottlingBurstLimit": "throttling/burstLimit",
        "ThrottlingRateLimit": "throttling/rateLimit",
    }
    for setting in of["MethodSettings"]:
        for key, path in paths.items():
            value = str(setting[key]).lower() if isinstance(setting[key], bool) else str(setting[key])
            operations.append({"op": "replace", "path": f"/*/*/{path}", "value": value})
    client("apigateway").update_stage(restApiId=api, stageName=name, patchOperations=operations)
    return name


def gateway_response(of):
    client("apigateway").put_gateway_response(**small(of))
    return of["ResponseType"]


def validator(of):
    return client("apigateway").create_request_validator(**small(of))["id"]


def method(of):
    gateway, integration = client("apigateway"), of["Integration"]
    where = {"restApiId": of["RestApiId"], "resourceId": of["ResourceId"], "httpMethod": of["HttpMethod"]}
    parameters = {key: value == "true" or value is True for key, value in of.get("RequestParameters", {}).items()}
    gateway.put_method(
        **where,
        authorizationType=of["AuthorizationType"],
        requestValidatorId=of["RequestValidatorId"],
        requestParameters=parameters,
    )
    more = {"timeoutInMillis": int(integration["TimeoutInMillis"])} if "TimeoutInMillis" in integration else {}
    gateway.put_integration(
        **where, type="AWS_PROXY", integrationHttpMethod="POST", uri=integration["Uri"], **more
    )
    return f"{of['HttpMethod']}-{of['ResourceId']}"


def account(of):
    client("apigateway").update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": of["CloudWatchRoleArn"]}]
    )
    return "account"


def bus(of):
    return of["Name"], client("events").create_event_bus(**of)["EventBusArn"]


def rule(of):
    targets, on = of.pop("Targets"), of.get("EventBusName", "default")
    pattern = {"EventPattern": json.dumps(of.pop("EventPattern"))} if "EventPattern" in of else {}
    arn = client("events").put_rule(**of, **pattern)["RuleArn"]
    for target in targets:
        if "RetryPolicy" in target:
            target["RetryPolicy"] = {key: int(value) for key, value in target["RetryPolicy"].items()}
    client("events").put_targets(Rule=of["Name"], EventBusName=on, Targets=targets)
    return (of["Name"] if on == "default" else f"{on}|{of['Name']}"), arn


def function(of):
    variables = {key: str(value) for key, value in of.get("Environment", {}).get("Variables", {}).items()}
    reserved = of.pop("ReservedConcurrentExecutions", None)
    tags = {tag["Key"]: tag["Value"] for tag in of.pop("Tags", [])}
    numbers = {key: int(of[key]) for key in ("MemorySize", "Timeout")}
    arn = client("lambda").create_function(**{**of, **numbers, "Environment": {"Variables": variables}, "Tags": tags})[
        "FunctionArn"
    ]
    if reserved is not None:
        client("lambda").put_function_concurrency(
            FunctionName=of["FunctionName"], ReservedConcurrentExecutions=int(reserved)
        )
    return of["FunctionName"], arn


def permission(of):
    name = str(uuid.uuid4())
    client("lambda").add_permission(StatementId=name, **of)
    return name


def log_group(of):
    name = of["LogGroupName"]
    client("logs").create_log_group(logGroupName=name, **({"kmsKeyId": of["KmsKeyId"]} if "KmsKeyId" in of else {}))
    client("logs").put_retention_policy(logGroupName=name, retentionInDays=int(of["RetentionInDays"]))
    return name, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"


def table(of):
    ttl, sse = of.pop("TimeToLiveSpecification"), of.pop("SSESpecification")
    of["SSESpecification"] = {"Enabled": sse["SSEEnabled"], "SSEType": "KMS", "KMSMasterKeyId": sse["KMSMasterKeyId"]}
    arn = client("dynamodb").create_table(**of)["TableDescription"]["TableArn"]
    client("dynamodb").update_time_to_live(TableName=of["TableName"], TimeToLiveSpecification=ttl)
    return of["TableName"], arn


def endpoint(of):
    policy = {"PolicyDocument": json.dumps(of.pop("PolicyDocument"))} if "PolicyDocument" in of else {}
    return client("ec2").create_vpc_endpoint(**of, **policy)["VpcEndpoint"]["VpcEndpointId"]


def ip_rule(of, peer):
    made = {"IpProtocol": of["IpProtocol"], **{key: int(of[key]) for key in ("FromPort", "ToPort") if key in of}}
    said = {"Description": of["Description"]} if "Description" in of else {}
    if "CidrIp" in of:
        return {**made, "IpRanges": [{"CidrIp": of["CidrIp"], **said}]}
    return {**made, "UserIdGroupPairs": [{"GroupId": of[peer], **said}]}


def group(of):
    ec2 = client("ec2")
    name = f"group-{uuid.uuid4()}"
    made = ec2.create_security_group(GroupName=name, Description=of["GroupDescription"], VpcId=of["VpcId"])["GroupId"]
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.revoke_security_group_egress(GroupId=made, IpPermissions=[everything])
    for out in of.get("SecurityGroupEgress", []):
        ec2.authorize_security_group_egress(GroupId=made, IpPermissions=[ip_rule(out, "DestinationSecurityGroupId")])
    return made


def ingress(of):
    rule = ip_rule(of, "SourceSecurityGroupId")
    client("ec2").authorize_security_group_ingress(GroupId=of["GroupId"], IpPermissions=[rule])
    return "ingress"


def association(of):
    made = client("ec2").associate_route_table(RouteTableId=of["RouteTableId"], SubnetId=of["SubnetId"])
    return made["AssociationId"]


def topic(of):
    attributes = {key: of[key] for key in ("DisplayName", "KmsMasterKeyId")}
    return client("sns").create_topic(Name=f"topic-{uuid.uuid4()}", Attributes=attributes)["TopicArn"]


def vpc(of):
    ec2 = client("ec2")
    made = ec2.create_vpc(CidrBlock=of["CidrBlock"], InstanceTenancy=of["InstanceTenancy"])["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=made, EnableDnsSupport={"Value": of["EnableDnsSupport"]})
    ec2.modify_vpc_attribute(VpcId=made, EnableDnsHostnames={"Value": of["EnableDnsHostnames"]})
    return made


def subnet(of):
    wanted = {"Value": of.pop("MapPublicIpOnLaunch")}
    of.pop("Tags")
    made = client("ec2").create_subnet(**of)["Subnet"]["SubnetId"]
    client("ec2").modify_subnet_attribute(SubnetId=made, MapPublicIpOnLaunch=wanted)
    return made


def key(of):
    tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in of.get("Tags", [])]
    kms = client("kms")
    made = kms.create_key(Description=of["Description"], Policy=json.dumps(of["KeyPolicy"]), Tags=tags)["KeyMetadata"]
    if of["EnableKeyRotation"]:
        kms.enable_key_rotation(KeyId=made["KeyId"])
    return made["KeyId"], made["Arn"]


def role(of):
    policies, boundary = of.pop("Policies", []), of.pop("PermissionsBoundary", None)
    of["AssumeRolePolicyDocument"] = json.dumps(of["AssumeRolePolicyDocument"])
    iam, name = client("iam"), of["RoleName"]
    arn = iam.create_role(**of, **({"PermissionsBoundary": boundary} if boundary else {}))["Role"]["Arn"]
    for policy in policies:
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    return name, arn


def managed_policy(of):
    named = {"PolicyName": of["ManagedPolicyName"], "PolicyDocument": json.dumps(of["PolicyDocument"])}
    return client("iam").create_policy(**named, **({"Path": of["Path"]} if "Path" in of else {}))["Policy"]["Arn"]


MADE = {
    "AWS::ApiGateway::Account": account,
    "AWS::ApiGateway::GatewayResponse": gateway_response,
    "AWS::ApiGateway::Method": method,
    "AWS::ApiGateway::RequestValidator": validator,
    "AWS::ApiGateway::Stage": stage,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::DynamoDB::Table": table,
    "AWS::EC2::SecurityGroup": group,
    "AWS::EC2::SecurityGroupEgress": egress,
    "AWS::EC2::SecurityGroupIngress": ingress,
    "AWS::EC2::Subnet": subnet,
    "AWS::EC2::SubnetRouteTableAssociation": association,
    "AWS::EC2::VPC": vpc,
    "AWS::EC2::VPCEndpoint": endpoint,
    "AWS::IAM::ManagedPolicy": managed_policy,
    "AWS::IAM::Role": role,
    "AWS::KMS::Key": key,
    "AWS::Lambda::Function": function,
    "AWS::Lambda::Permission": permission,
    "AWS::Logs::LogGroup": log_group,
    "AWS::SNS::Topic": topic,
    "AWS::Events::EventBus": bus,
    "AWS::Events::Rule": rule,
    "AWS::SNS::TopicPolicy": topic_policy,
    "AWS::SQS::QueuePolicy": queue_policy,
    "AWS::SecretsManager::RotationSchedule": rotation,
    "AWS::SecretsManager::Secret": secret,
}


# What CloudFormation names itself where a template does not.
NAMED = {rule: "Name", role: "RoleName", managed_policy: "ManagedPolicyName", alarm: "AlarmName"}


def model(type_name, make):
    """A type for moto's CloudFormation, made through the service's API."""

    class Made(CloudFormationModel):
        __module__ = "moto.cloudformation.made"

        def __init__(self, made):
            self.physical_resource_id, self.arn = made if isinstance(made, tuple) else (made, made)
            self.type = type_name

        @staticmethod
        def cloudformation_name_type():
            return ""

        @staticmethod
        def cloudformation_type():
            return type_name

        @classmethod
        def has_cfn_attr(cls, attr):
            return True

        def get_cfn_attribute(self, attribute_name):
            return self.arn if attribute_name == "Arn" else self.physical_resource_id

        @classmethod
        def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
            named = {NAMED[make]: resource_name} if make in NAMED else {}
            try:
                return cls(make({**named, **cloudformation_json["Properties"]}))
            except Exception as error:
                # A KeyError would be taken for a missing resource.
                raise RuntimeError(f"{type_name}: {error!r}") from error

    return Made


def deploy():
    client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    bucket = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    code = io.BytesIO()
    zipfile.ZipFile(code, "w").writestr("index.mjs", "export const handler = () => {}")
    artifacts = json.load(open(f"{ASSEMBLY}/manifest.json"))["artifacts"]
    stacks = {name: of for name, of in artifacts.items() if of["type"] == "aws:cloudformation:stack"}
    done, left_out = [], set()
    while len(done) < len(stacks):
        for name, of in stacks.items():
            waits = [other for other in of["dependencies"] if other in stacks and other not in done]
            if name in done or waits:
                continue
            template = with_outputs(json.load(open(f"{ASSEMBLY}/{name}.template.json")))
            lacking = {id for id, of in template["Resources"].items() if of["Type"] not in get_model_map()}
            left_out |= {template["Resources"][id]["Type"] for id in lacking}
            template = named(template, lacking)
            for resource in template["Resources"].values():
                prepare(resource, bucket, code)
            formation = client("cloudformation")
            formation.create_stack(
                StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
            )
            status = formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            if status != "CREATE_COMPLETE":
                raise SystemExit(f"{name}: {status}")
            done.append(name)
    print(json.dumps({"leftOut": sorted(left_out)}), flush=True)


def with_outputs(value):
    """Fn::GetStackOutput, which moto does not know, as the value that it gives."""
    if isinstance(value, list):
        return [with_outputs(item) for item in value]
    if not isinstance(value, dict):
        return value
    asked = value.get("Fn::GetStackOutput")
    if asked is None:
        return {key: with_outputs(item) for key, item in value.items()}
    outputs = client("cloudformation").describe_stacks(StackName=asked["StackName"])["Stacks"][0]["Outputs"]
    return next(of["OutputValue"] for of in outputs if of["OutputKey"] == asked["OutputName"])


def named(value, lacking):
    """Fn::GetAtt of what moto leaves out, which has no attributes there, as its logical id."""
    if isinstance(value, list):
        return [named(item, lacking) for item in value]
    if not isinstance(value, dict):
        return value
    asked = value.get("Fn::GetAtt")
    return asked[0] if asked and asked[0] in lacking else {key: named(item, lacking) for key, item in value.items()}


def prepare(resource, bucket, code):
    """What moto's CloudFormation hands on in a form that its own services do not take."""
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::Lambda::Function":
        client("s3").put_object(Bucket=bucket, Key=properties["Code"]["S3Key"], Body=code.getvalue())


def refuse(self):
    raise AccessDeniedError("operator", "iam:SimulatePrincipalPolicy")


# moto has no simulator. Its 500 would be asked for again and again: it refuses, as IAM does who may not ask.
IamResponse.simulate_principal_policy = refuse
# Ref of a deployment is its id.
Deployment.physical_resource_id = property(lambda self: self.id)
# No Docker: nothing is run, only kept.
default_user_config["lambda"] = {"use_docker": False}
get_model_map().update({name: model(name, make) for name, make in MADE.items()})
logging.basicConfig(level=logging.ERROR)
logging.getLogger("werkzeug").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")
application = DomainDispatcherApplication(create_backend_app)
application.debug = True
server = make_server("127.0.0.1", PORT, application, threaded=True)
threading.Thread(target=server.serve_forever).start()
try:
    deploy()
except BaseException:
    import traceback

    traceback.print_exc()
    threading.Event().wait(1)
    os._exit(1)
