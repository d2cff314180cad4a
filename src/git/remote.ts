/** Talking to a Git server: with credentials for it alone, to no address that is off limits, with a deadline. */
import type { Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import { isLinkLocalHost } from '#model/hosts.ts';
import type { GitCredentials, ProcessResult } from '#model/ports.ts';
import { usedProxy, type Proxy } from '#model/proxies.ts';
import { timeoutMsOf } from '#model/source-timeouts.ts';
import type { GitTools } from './command.ts';
import { runGit } from './command.ts';
import type { Access } from './credentials.ts';
import { headerOf } from './credentials.ts';
import { failureOf, redirectStatus } from './git-failures.ts';
import { withPrivateFiles } from './private-files.ts';
import { Turnstile } from './shared-run.ts';
import type { RepositoryAddress } from './url.ts';
import { forbiddenAddress, parseAddress, withoutSecrets } from './url.ts';

/** The addresses that a host name stands for; empty if unknown. */
export interface AddressLookup {
  (host: string): Promise<readonly string[]>;
}

export interface RemoteCall {
  readonly gitDir: string;
  readonly args: readonly string[];
  readonly config?: readonly (readonly [key: string, value: string])[];
  readonly stdin?: string;
  readonly timeoutMs: number;
  /** For messages: `listing its refs`. */
  readonly doing: string;
  /** Ask the server to leave file contents out, and mark what it sends as incomplete by intention. */
  readonly withoutBlobs: boolean;
}
export interface RemoteAnswer {
  readonly stdout: string;
}
/** The failure, and git's own words for who knows how to mend it. */
export type RemoteResult = Result<RemoteAnswer> & { readonly stderr: string };

const redirectsMax = 3;
const callsPerHostMax = 6;

/**
 * How many calls one host gets at a time: a start with hundreds of repositories must neither flood it nor this
 * machine, and a host that hangs must not hold up another (F4).
 */
export class HostLimits {
  readonly #turnstiles = new Map<string, Turnstile>();

  of(origin: string): Turnstile {
    let turnstile = this.#turnstiles.get(origin);
    if (turnstile === undefined) {
      turnstile = new Turnstile(callsPerHostMax);
      this.#turnstiles.set(origin, turnstile);
    }
    return turnstile;
  }
}

export class Remote {
  readonly #tools: GitTools;
  readonly #limits: HostLimits;
  readonly #lookup: AddressLookup | undefined;
  /** Where the server sent us: remembered, so that only the first call pays for it. */
  #redirectedTo: RepositoryAddress | undefined;

  constructor(tools: GitTools, limits: HostLimits, lookup: AddressLookup | undefined) {
    this.#tools = tools;
    this.#limits = limits;
    this.#lookup = lookup;
  }

  async call(access: Access, credentials: GitCredentials, call: RemoteCall): Promise<RemoteResult> {
    const { clock, meter } = this.#tools;
    const startedMs = clock.monotonic();
    const labels = { repo: access.address.url, request_type: call.args[0] ?? '' };
    const result = await this.#call(access, credentials, call);
    meter.count('argocd_git_request_total', labels);
    meter.observe('argocd_git_request_duration_seconds', (clock.monotonic() - startedMs) / 1000, labels);
    return result;
  }

  async #call(access: Access, credentials: GitCredentials, call: RemoteCall): Promise<RemoteResult> {
    for (let hop = 0; ; hop++) {
      const target = this.#redirectedTo ?? access.address;
      const guard = await this.#guard(access.address.url, target, credentials.proxy);
      if (!guard.ok) return { ...guard, stderr: '' };
      const { proxy } = credentials;
      const sent: GitCredentials = {
        ...(mayHave(access.address, target) ? credentials : {}),
        ...(proxy === undefined ? {} : { proxy }),
      };
      const secrets = [
        ...(sent.login === undefined ? [] : headerOf(sent.login).secrets),
        ...(proxy === undefined ? [] : [new URL(proxy.url).password]),
      ];
      const result = await this.#run(access, target, sent, guard.value, call, false);
      const stderr = withoutSecrets(result.stderr, secrets);
      if (result.code === 0) return { ...ok({ stdout: text(result) }), stderr };
      if (redirectStatus(stderr) && hop < redirectsMax) {
        const next = await this.#followRedirect(access, target, sent, guard.value, call);
        if (!next.ok) return { ...next, stderr };
        if (next.value !== undefined) {
          this.#redirectedTo = next.value;
          continue;
        }
      }
      // Whatever was wrong, the next call starts from the address that people wrote.
      this.#redirectedTo = undefined;
      const limits = { timeoutMs: call.timeoutMs, ...(access.timeout && { where: access.timeout.where }) };
      return { ...fail(failureOf(result, access.address.url, call.doing, secrets, limits)), stderr };
    }
  }

  /**
   * git would follow a redirect to anywhere (S10), so it may follow none. Its trace tells where the server points;
   * that address has to pass the same checks as any other.
   */
  async #followRedirect(
    access: Access,
    target: RepositoryAddress,
    credentials: GitCredentials,
    pinned: readonly string[],
    call: RemoteCall,
  ): Promise<Result<RepositoryAddress | undefined>> {
    const probe = { ...call, args: ['ls-remote', 'origin', 'HEAD'] };
    const result = await this.#run(access, target, credentials, pinned, probe, true);
    const location = [...result.stderr.matchAll(/Recv header:\s*location:\s*(\S+)/gi)].at(-1)?.[1];
    if (location === undefined) return ok(undefined);
    const next = URL.parse(location, target.fetchUrl);
    if (next === null) return ok(undefined);
    next.search = '';
    next.pathname = next.pathname.replace(/\/info\/refs$/, '');
    const parsed = parseAddress(next.href, []);
    if (!parsed.ok) return parsed;
    const hidden = access.address.url;
    return ok({ ...parsed.value, url: hidden, mirrored: access.address.mirrored });
  }

  /** Resolves the host, refuses what is off limits, and pins the answer, so that git cannot get another one. */
  async #guard(
    url: string,
    target: RepositoryAddress,
    named: Proxy | undefined,
  ): Promise<Result<readonly string[]>> {
    const proxy = usedProxy(named, target.host, target.port);
    if (proxy !== undefined) {
      const { hostname } = new URL(proxy.url);
      const addresses = (await this.#lookup?.(hostname)) ?? [];
      return addresses.some(isLinkLocalHost) ? fail(forbiddenAddress(url, hostname)) : ok([]);
    }
    if (target.host === '' || this.#lookup === undefined || isLiteral(target.host)) return ok([]);
    // Behind a proxy the names are the proxy's to resolve, and its rules apply. SSH knows none.
    if (
      !target.isSsh &&
      named === undefined &&
      Object.keys(this.#tools.environment).some((name) => /^(?:https?|all)_proxy$/i.test(name))
    )
      return ok([]);
    const addresses = await this.#lookup(target.host);
    if (addresses.some(isLinkLocalHost)) return fail(forbiddenAddress(url, target.host));
    return ok(addresses);
  }

  #run(
    { timeout }: Access,
    target: RepositoryAddress,
    credentials: GitCredentials,
    pinned: readonly string[],
    call: RemoteCall,
    trace: boolean,
  ): Promise<ProcessResult> {
    const config: (readonly [string, string])[] = [
      ...(call.config ?? []),
      ['remote.origin.url', target.fetchUrl],
      ['http.followRedirects', 'false'],
      ['http.lowSpeedLimit', '1000'],
      // Whole seconds; 0 would be no limit at all.
      ['http.lowSpeedTime', String(Math.max(1, Math.ceil(timeoutMsOf(timeout) / 1000)))],
    ];
    if (call.withoutBlobs)
      config.push(['remote.origin.promisor', 'true'], ['remote.origin.partialclonefilter', 'blob:none']);
    if (credentials.login !== undefined && target.origin !== '')
      config.push([`http.${target.origin}/.extraHeader`, headerOf(credentials.login).header]);
    if (pinned.length > 0 && !target.isSsh) {
      const addresses = pinned.map((address) => (address.includes(':') ? `[${address}]` : address)).join(',');
      config.push(['http.curloptResolve', `${target.host}:${target.port}:${addresses}`]);
    }
    const { proxy } = credentials;
    // What the Secret says goes before the environment, also where it says that none is used.
    if (proxy !== undefined)
      config.push(['http.proxy', usedProxy(proxy, target.host, target.port)?.url ?? '']);
    const direct = proxy === undefined ? {} : { no_proxy: '', NO_PROXY: '' };
    return this.#limits.of(target.origin).pass(() =>
      withPrivateFiles(this.#tools.dir, target, credentials, pinned, (files) =>
        runGit(this.#tools, {
          gitDir: call.gitDir,
          args: call.args,
          config: [...config, ...files.config],
          ...(call.stdin !== undefined && { stdin: call.stdin }),
          named: { ...files.named, ...direct },
          ...(files.ssh !== undefined && { ssh: files.ssh }),
          timeoutMs: call.timeoutMs,
          network: true,
          trace,
        }),
      ),
    );
  }
}

/** Credentials go to the host they were given for, and never from https back to http. */
function mayHave(written: RepositoryAddress, target: RepositoryAddress): boolean {
  return (
    target.origin === written.origin ||
    (target.host === written.host && target.fetchUrl.startsWith('https:') && target.port === 443)
  );
}

function isLiteral(host: string): boolean {
  return host.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

function text(result: ProcessResult): string {
  return Buffer.from(result.stdout).toString('utf8');
}
