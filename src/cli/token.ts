/** `trueup token`: bearer tokens of the API that expire, made, listed and taken back where the cluster keeps them. */
import { digestOf } from '#fields/digest.ts';
import { apiTokenEntry, apiTokensIn, apiTokensRef, isTokenName, type ApiToken } from '#model/api-token.ts';
import type { Result } from '#model/failure.ts';
import type { JsonObject } from '#model/json.ts';
import type { Manifest } from '#model/object.ts';
import type { Cluster, Random, Written } from '#model/ports.ts';
import { humanDuration, timestamp } from '#model/time.ts';
import { CommandEnd, orEnd, table, type ClusterOptions, type CommandPorts } from './command.ts';
import { exitCodes } from './exit-codes.ts';

export type TokenPorts = Pick<CommandPorts, 'cluster' | 'clock' | 'out' | 'say' | 'user'> & {
  readonly random: Pick<Random, 'bytes'>;
};
export interface CreateTokenOptions extends ClusterOptions {
  readonly expiresMs: number;
}
export interface ListTokensOptions extends ClusterOptions {
  readonly output: 'table' | 'json';
}

const tokenBytes = 32;
/** So that who finds one, in a log or a repository, knows what it is. */
const tokenPrefix = 'trueup_';
const lifetimeMinMs = 60_000;
const lifetimeMaxMs = 366 * 86_400_000;
const attemptsMax = 5;

/** The token is all that is on standard output, and is nowhere else: the cluster has its digest. */
export async function createToken(
  name: string,
  options: CreateTokenOptions,
  ports: TokenPorts,
): Promise<void> {
  checkName(name);
  const { expiresMs, namespace } = options;
  if (expiresMs < lifetimeMinMs || expiresMs > lifetimeMaxMs)
    throw new CommandEnd(exitCodes.usage, `--expires is from ${humanDuration(lifetimeMinMs)} to 366 days`);
  const cluster = orEnd(await ports.cluster(options));
  const token = `${tokenPrefix}${Buffer.from(ports.random.bytes(tokenBytes)).toString('base64url')}`;
  const createdAtMs = ports.clock.now();
  const made: ApiToken = {
    name,
    digest: digestOf(token),
    createdAtMs,
    expiresAtMs: createdAtMs + expiresMs,
    by: ports.user,
  };
  await change(cluster, namespace, (tokens) => {
    const there = tokens.find((other) => other.name === name);
    if (there !== undefined && there.expiresAtMs > createdAtMs)
      throw new CommandEnd(
        exitCodes.failed,
        `there is a token ${name} until ${timestamp(there.expiresAtMs)}: trueup token revoke ${name} first`,
      );
    return apiTokenEntry(made);
  });
  ports.out(`${token}\n`);
  ports.say(`token ${name} is shown this once, and expires at ${timestamp(made.expiresAtMs)}\n`);
}

export async function listTokens(options: ListTokensOptions, ports: TokenPorts): Promise<void> {
  const cluster = orEnd(await ports.cluster(options));
  const tokens = apiTokensIn(orEnd(await cluster.read(apiTokensRef(options.namespace))));
  const nowMs = ports.clock.now();
  if (options.output === 'json') ports.out(`${JSON.stringify(tokens.map(shown), null, 2)}\n`);
  else {
    const rows = tokens.map(({ name, createdAtMs, by, expiresAtMs }) => [
      name,
      timestamp(createdAtMs),
      by,
      `${timestamp(expiresAtMs)}${expiresAtMs <= nowMs ? ' (expired)' : ''}`,
    ]);
    ports.out(table([['NAME', 'CREATED', 'BY', 'EXPIRES'], ...rows]));
  }
  if (tokens.length === 0) ports.say(`no tokens that expire in namespace ${options.namespace}\n`);
}

export async function revokeToken(name: string, options: ClusterOptions, ports: TokenPorts): Promise<void> {
  checkName(name);
  const cluster = orEnd(await ports.cluster(options));
  await change(cluster, options.namespace, (tokens) => {
    if (!tokens.some((token) => token.name === name))
      throw new CommandEnd(exitCodes.failed, `there is no token ${name} in namespace ${options.namespace}`);
    return { [name]: null };
  });
  ports.out(`token ${name} revoked\n`);
}

function checkName(name: string): void {
  if (!isTokenName(name))
    throw new CommandEnd(
      exitCodes.usage,
      `${name} is no name of a token: small letters, digits, - and ., at most 63`,
    );
}

function shown({ name, createdAtMs, by, expiresAtMs }: ApiToken): JsonObject {
  return { name, created: timestamp(createdAtMs), by, expires: timestamp(expiresAtMs) };
}

/** Two who write at the same time must not lose one of their tokens, nor make two of one name. */
async function change(
  cluster: Cluster,
  namespace: string,
  entry: (tokens: readonly ApiToken[]) => JsonObject,
): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const secret = orEnd(await cluster.read(apiTokensRef(namespace)));
    const data = entry(apiTokensIn(secret));
    if (orEnd(await written(cluster, namespace, secret, data)).result === 'done') return;
  }
  throw new CommandEnd(exitCodes.failed, 'somebody else changes the tokens at the same time: try again');
}

function written(
  cluster: Cluster,
  namespace: string,
  secret: Manifest | undefined,
  data: JsonObject,
): Promise<Result<Written<Manifest>>> {
  const ref = apiTokensRef(namespace);
  if (secret !== undefined) {
    const { resourceVersion } = secret.metadata;
    return cluster.mergePatch(ref, { metadata: { resourceVersion: String(resourceVersion) }, data });
  }
  const labels = { 'app.kubernetes.io/managed-by': 'trueup' };
  return cluster.create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: ref.name, labels },
    type: 'Opaque',
    data,
  });
}
