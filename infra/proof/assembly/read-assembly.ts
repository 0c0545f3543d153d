import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { type JsonObject, listOf, objectOf, readJson, stringOf } from './json.ts';

/** One stack of a cloud assembly, as `cdk synth` wrote it. */
export interface AssemblyStack {
  name: string;
  /** Twelve digits, or undefined where the stack takes the deployer's account. */
  account: string | undefined;
  region: string | undefined;
  template: JsonObject;
  /** Folder or file of each asset by the key it is uploaded under, e.g. `<hash>.zip`. */
  assets: ReadonlyMap<string, string>;
  /** Of a derived stack with code, whose files are gone: the {@link zipDigestOf} of each asset by its key. */
  digests?: ReadonlyMap<string, string>;
  /** What of the manifest says how the stack is deployed: roles, parameters, tags; without the template's own address. */
  deployment?: JsonObject;
  /** What is uploaded before it is deployed: code and its template. */
  uploads?: readonly Upload[];
  /** Bucket that assets are uploaded to, as the manifest has it. */
  bucket?: string | undefined;
  /** Whether what is uploaded as the template is the file that was read, under the hash of its content. */
  publishesTemplate?: boolean;
  /** Construct path by logical id, e.g. `journal-signing/Signer/Function`; without those that lie in another stack, or that two have. */
  constructPaths: ReadonlyMap<string, string>;
}

/** One destination of an asset manifest: what a deploy uploads, or has made. */
export interface Upload {
  /** Object key; of a container image its tag. */
  key: string;
  /** File or folder; undefined of what a deploy makes. */
  path: string | undefined;
  /** As the manifest has it: `zip` of a folder, `file`; anything else is made while it is deployed. */
  packaging: string;
  bucket: string;
  /** How it gets there, without its key: bucket, role, region. */
  destination: JsonObject;
}

/** A cloud assembly with the assemblies of its stages. */
export interface Assembly {
  stacks: readonly AssemblyStack[];
}

/**
 * Reads the cloud assembly in `directory`: the manifest, every stack's template and where its assets lie.
 * Understands the manifests of CDK 2; nested stages are included, nested stacks
 * (`AWS::CloudFormation::Stack`) stay plain resources of their parent.
 * Does not check templates against CloudFormation's schema.
 * @throws {ZonesError} assembly_invalid: a file is missing or not JSON
 */
export function readAssembly(directory: string): Assembly {
  const stacks = stacksBelow(directory);
  const names = stacks.map(({ name }) => name);
  // Exceptions and findings go by path, and a deploy by stack and logical id: a path counts where its first stack is its own, and once,
  // also among what resources without one are called by.
  const claims = stacks.flatMap(({ name, constructPaths, template }) => {
    const fallbacks = Object.keys(objectOf(template.Resources)).map((id) => [id, `${name}/${id}`] as const);
    const more = fallbacks.flatMap(([id, path]) => (constructPaths.get(id) === path ? [] : [path]));
    return [...constructPaths.values(), ...more];
  });
  const isOwn = (stack: string, path: string) =>
    path.split('/').find((id) => names.includes(id)) === stack &&
    claims.indexOf(path) === claims.lastIndexOf(path);
  return {
    stacks: stacks.map((stack) => ({
      ...stack,
      constructPaths: new Map([...stack.constructPaths].filter(([, path]) => isOwn(stack.name, path))),
    })),
  };
}

/** The folder of the app's own assembly among those of templates: stages have theirs below it. For the CDK's validation plugins. */
export function directoryOf(templatePaths: readonly string[]): string | undefined {
  return templatePaths.map((path) => dirname(path)).sort((a, b) => a.length - b.length)[0];
}

function stacksBelow(directory: string, above: readonly string[] = []): AssemblyStack[] {
  if (above.includes(directory))
    throw new ZonesError('assembly_invalid', `${directory}/manifest.json names its own folder as a stage's.`);
  const artifacts = objectOf(readJson(join(directory, 'manifest.json')).artifacts);
  return Object.entries(artifacts).flatMap(([id, artifact]) => {
    const { type, properties } = objectOf(artifact);
    if (type === 'cdk:cloud-assembly') {
      const stage = stringOf(objectOf(properties).directoryName) ?? id;
      return stacksBelow(join(directory, stage), [...above, directory]);
    }
    return type === 'aws:cloudformation:stack' ? [readStack(directory, id, artifacts)] : [];
  });
}

function readStack(directory: string, id: string, artifacts: JsonObject): AssemblyStack {
  const artifact = objectOf(artifacts[id]);
  const properties = objectOf(artifact.properties);
  const [, account, region] = /^aws:\/\/([^/]+)\/([^/]+)$/.exec(String(artifact.environment)) ?? [];
  const templateFile = join(directory, stringOf(properties.templateFile) ?? `${id}.template.json`);
  const metadataFile = stringOf(artifact.additionalMetadataFile);
  const metadata = {
    ...objectOf(artifact.metadata),
    ...(metadataFile === undefined ? {} : readJson(join(directory, metadataFile))),
  };
  const dependencies = [...listOf(artifact.dependencies), ...listOf(properties.additionalDependencies)];
  const ofManifests = [...new Set(dependencies)]
    .map((dependency) => objectOf(artifacts[String(dependency)]))
    .filter((dependency) => dependency.type === 'cdk:asset-manifest')
    .flatMap((dependency) => readUploads(directory, String(objectOf(dependency.properties).file)));
  const { stackTemplateAssetObjectUrl: url, templateFile: _, terminationProtection: __, ...own } = properties;
  // The CDK takes a stack's tags from here too.
  const entries = Object.entries(metadata).flatMap(([path, of]) =>
    listOf(of).map((entry) => {
      const { type, data } = objectOf(entry);
      return { type, data, path: path.replace(/^\//, '') };
    }),
  );
  const stackTags = entries.flatMap(({ type, data }) => (type === 'aws:cdk:stack-tags' ? listOf(data) : []));
  // As the CDK's first version named assets: the command line still uploads them, and builds images.
  const legacy = entries.flatMap(({ type, data }): Upload[] => {
    const { id: key, packaging } = objectOf(data);
    const more = { path: undefined, bucket: '', destination: {} };
    return type === 'aws:cdk:asset' ? [{ key: String(key), packaging: String(packaging), ...more }] : [];
  });
  const uploads = [...ofManifests, ...legacy];
  const template = readJson(templateFile);
  const hash = createHash('sha256').update(readFileSync(templateFile)).digest('hex');
  const published = uploads.find(({ key }) => key === `${hash}.json`);
  return {
    deployment: { ...own, ...(stackTags.length > 0 ? { stackTags } : {}) },
    uploads,
    bucket: published?.bucket,
    publishesTemplate:
      published?.path === resolve(templateFile) && url === `s3://${published.bucket}/${published.key}`,
    name: stringOf(properties.stackName) ?? id,
    account: /^\d{12}$/.test(account ?? '') ? account : undefined,
    region: region === 'unknown-region' ? undefined : region,
    template,
    assets: new Map(uploads.flatMap(({ key, path }) => (path === undefined ? [] : [[key, path]]))),
    constructPaths: new Map(
      entries.flatMap(({ type, data, path }) => (type === 'aws:cdk:logicalId' ? [[String(data), path]] : [])),
    ),
  };
}

function readUploads(directory: string, file: string): Upload[] {
  const { files, dockerImages } = readJson(join(directory, file));
  return [...Object.values(objectOf(files)), ...Object.values(objectOf(dockerImages))].flatMap((asset) => {
    const { path, packaging, ...more } = objectOf(objectOf(asset).source);
    const isFile = typeof path === 'string' && Object.keys(more).length === 0;
    return Object.values(objectOf(objectOf(asset).destinations)).map((one): Upload => {
      const { objectKey, imageTag, ...destination } = objectOf(one);
      return {
        key: String(objectKey ?? imageTag),
        bucket: String(destination.bucketName),
        destination,
        path: isFile ? resolve(directory, path) : undefined,
        packaging: String(packaging),
      };
    });
  });
}
