/**
 * Reads a kubeconfig. What needs a process (exec and auth-provider plugins) is refused rather than run (S4), and
 * so is all that reaches outside the text when the kubeconfig comes from a tenant: a `tokenFile` of theirs could
 * name our own token.
 * Format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
import { parseDocument } from 'yaml';
import type { Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { Access, ReadFile } from './access.ts';
import { accessFailure, reasonOf } from './access.ts';

export interface KubeconfigOrigin {
  /** The file, or what stands for it in messages; relative paths in it are relative to its directory. */
  readonly path: string;
  /** True when somebody other than the installation's owner wrote it. */
  readonly tenant: boolean;
}

type Section = { readonly [key: string]: unknown };

/** Reads the file and then as `loadKubeconfig`. */
export function readKubeconfig(path: string, readFile: ReadFile, context?: string): Result<Access> {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    const reason = reasonOf(error);
    return fail(
      accessFailure(
        'KubeconfigMissing',
        `kubeconfig ${reason.startsWith(path) ? reason : `${path}: ${reason}`}`,
        'name an existing kubeconfig with --kubeconfig or KUBECONFIG',
      ),
    );
  }
  return loadKubeconfig(text, readFile, context, { path, tenant: false });
}

/** The access that `context` (else the current one) describes. Every failure is one line that names the file. */
export function loadKubeconfig(
  text: string,
  readFile: ReadFile,
  context?: string,
  origin: KubeconfigOrigin = { path: 'kubeconfig', tenant: false },
): Result<Access> {
  try {
    return ok(new Reading(text, readFile, origin).access(context));
  } catch (error) {
    if (error instanceof Refusal) return fail(accessFailure(error.code, error.message, error.hint));
    throw error;
  }
}

/** Leaves the reading of one file from any depth; never leaves this module. */
class Refusal extends Error {
  readonly code: string;
  readonly hint: string;
  constructor(code: string, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

class Reading {
  readonly #text: string;
  readonly #readFile: ReadFile;
  readonly #origin: KubeconfigOrigin;

  constructor(text: string, readFile: ReadFile, origin: KubeconfigOrigin) {
    this.#text = text;
    this.#readFile = readFile;
    this.#origin = origin;
  }

  access(wanted: string | undefined): Access {
    const path = this.#origin.path;
    const config = this.#parse();
    const contextName = wanted ?? stringOf(config['current-context']);
    if (contextName === undefined) {
      const names = namesOf(config['contexts']);
      throw this.#invalid(
        'has no current-context, and no context was named',
        names.length === 0 ? 'add a context' : `name one of its contexts: ${names.join(', ')}`,
      );
    }
    const context = this.#named(config, 'contexts', 'context', contextName, 'context');
    const clusterName = stringOf(context['cluster']);
    if (clusterName === undefined)
      throw this.#invalid(`: context ${contextName} has no cluster`, `set "cluster" in the context`);
    const userName = stringOf(context['user']);
    if (userName === undefined)
      throw this.#invalid(`: context ${contextName} has no user`, `set "user" in the context`);
    const cluster = this.#named(config, 'clusters', 'cluster', clusterName, 'cluster');
    const user = this.#named(config, 'users', 'user', userName, 'user');
    return {
      origin: `context ${contextName} of ${path}`,
      user: userName,
      ...this.#cluster(cluster, clusterName),
      ...this.#user(user, userName),
      ...this.#files(cluster, user),
    };
  }

  /** Of the certificates that are not in the text. */
  #files(cluster: Section, user: Section): Pick<Access, 'files'> {
    const named = (
      [
        ['ca', cluster, 'certificate-authority'],
        ['certificate', user, 'client-certificate'],
        ['key', user, 'client-key'],
      ] as const
    ).flatMap(([part, section, member]) => {
      const file = stringOf(section[member]);
      const isFile = file !== undefined && stringOf(section[`${member}-data`]) === undefined;
      return isFile ? [[part, this.#resolve(file)] as const] : [];
    });
    return named.length === 0 ? {} : { files: Object.fromEntries(named) };
  }

  #parse(): Section {
    const document = parseDocument(this.#text, { prettyErrors: true });
    const problem = document.errors[0];
    if (problem !== undefined) {
      const line = problem.linePos?.[0].line;
      // Only the parser's code: its text quotes the line, and the line may be a token.
      throw this.#invalid(
        `is not valid YAML${line === undefined ? '' : ` (line ${line})`}: ${problem.code}`,
        'check its indentation and quotes',
      );
    }
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: 50 });
    } catch {
      throw this.#invalid('uses too many YAML aliases', 'write the values out');
    }
    if (!isObject(value) || !('contexts' in value || 'clusters' in value))
      throw this.#invalid('is not a kubeconfig: it has no contexts', 'expected kind: Config, apiVersion: v1');
    return value;
  }

  #named(config: Section, list: string, member: string, name: string, word: string): Section {
    const items = config[list];
    const found = Array.isArray(items)
      ? items.find((item: unknown) => isObject(item) && item['name'] === name)
      : undefined;
    if (!isObject(found)) {
      const names = namesOf(items);
      throw this.#invalid(
        `has no ${word} ${name}`,
        names.length === 0 ? `add it under "${list}"` : `it has: ${names.join(', ')}`,
      );
    }
    const value = found[member];
    // A user may well be empty: anonymous access.
    if (value === undefined || value === null) return {};
    if (!isObject(value))
      throw this.#invalid(`: ${word} ${name} is not a mapping`, `write it under "${member}"`);
    return value;
  }

  #cluster(
    cluster: Section,
    name: string,
  ): Pick<Access, 'server' | 'insecure'> & Partial<Pick<Access, 'ca' | 'serverName'>> {
    const server = stringOf(cluster['server']);
    if (server === undefined) throw this.#invalid(`: cluster ${name} has no server`, 'set its URL');
    let url: URL;
    try {
      url = new URL(server);
    } catch {
      throw this.#invalid(
        `: the server of cluster ${name} is not a URL: ${server}`,
        'write https://host:port',
      );
    }
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw this.#invalid(
        `: the server of cluster ${name} is not http or https: ${server}`,
        'write https://host:port',
      );
    if (url.username !== '' || url.password !== '')
      throw this.#invalid(
        `: the server of cluster ${name} has credentials in its URL`,
        'put them under "users"',
      );
    if (stringOf(cluster['proxy-url']) !== undefined) {
      throw new Refusal(
        'KubeconfigUnsupported',
        `${this.#origin.path}: cluster ${name} sets proxy-url, which is not supported`,
        'remove it, and let this machine reach the server directly',
      );
    }
    const insecure = cluster['insecure-skip-tls-verify'] === true;
    if (insecure && this.#origin.tenant) {
      throw new Refusal(
        'KubeconfigRefused',
        `${this.#origin.path}: cluster ${name} sets insecure-skip-tls-verify, which is refused`,
        'give certificate-authority-data instead',
      );
    }
    const ca = this.#pem(cluster, 'certificate-authority', `cluster ${name}`);
    if (insecure && ca !== undefined) {
      throw this.#invalid(
        `: cluster ${name} sets insecure-skip-tls-verify and a certificate authority`,
        'keep one of them',
      );
    }
    const serverName = stringOf(cluster['tls-server-name']);
    return {
      server: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
      insecure,
      ...(ca === undefined ? {} : { ca }),
      ...(serverName === undefined ? {} : { serverName }),
    };
  }

  #user(user: Section, name: string): Partial<Access> {
    for (const plugin of ['exec', 'auth-provider'] as const) {
      if (user[plugin] === undefined || user[plugin] === null) continue;
      throw new Refusal(
        'KubeconfigRefused',
        `${this.#origin.path}: user ${name} needs an ${plugin} plugin, which is refused: no program is started from a kubeconfig`,
        'use a ServiceAccount token or a client certificate for this user',
      );
    }
    const certificate = this.#pem(user, 'client-certificate', `user ${name}`);
    const key = this.#pem(user, 'client-key', `user ${name}`);
    if ((certificate === undefined) !== (key === undefined)) {
      throw this.#invalid(
        `: user ${name} has a client ${certificate === undefined ? 'key without a certificate' : 'certificate without a key'}`,
        'give both client-certificate and client-key',
      );
    }
    const token = stringOf(user['token']);
    const tokenFile = stringOf(user['tokenFile']);
    if (tokenFile !== undefined) this.#file(tokenFile, `the tokenFile of user ${name}`);
    const username = stringOf(user['username']);
    const password = stringOf(user['password']);
    return {
      ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
      ...(token === undefined ? {} : { token }),
      ...(tokenFile === undefined ? {} : { tokenFile: this.#resolve(tokenFile) }),
      ...(username === undefined || password === undefined ? {} : { basic: { username, password } }),
      ...this.#impersonation(user, name),
    };
  }

  #impersonation(user: Section, name: string): Partial<Access> {
    const wanted = ['as', 'as-uid', 'as-groups', 'as-user-extra'].filter((key) => user[key] !== undefined);
    if (wanted.length === 0) return {};
    const as = stringOf(user['as']);
    if (as === undefined)
      throw this.#invalid(`: user ${name} sets ${wanted.join(', ')} without a user in "as"`, 'set "as"');
    if (wanted.includes('as-uid') || wanted.includes('as-user-extra')) {
      throw new Refusal(
        'KubeconfigUnsupported',
        `${this.#origin.path}: user ${name} sets as-uid or as-user-extra, which is not supported`,
        'impersonate with "as" and "as-groups" only',
      );
    }
    const groups = user['as-groups'];
    return {
      impersonate: {
        user: as,
        groups: Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [],
      },
    };
  }

  /** `<member>-data` (base64 of PEM) wins over the file in `<member>`, as in kubectl. */
  #pem(section: Section, member: string, whose: string): string | undefined {
    const data = stringOf(section[`${member}-data`]);
    const file = stringOf(section[member]);
    if (data === undefined && file === undefined) return undefined;
    const pem =
      data === undefined
        ? this.#file(file ?? '', `the ${member} of ${whose}`)
        : Buffer.from(data, 'base64').toString('utf8');
    if (!pem.includes('-----BEGIN ')) {
      throw this.#invalid(
        `: ${data === undefined ? member : `${member}-data`} of ${whose} is not ${data === undefined ? 'PEM' : 'base64 of PEM'}`,
        'expected -----BEGIN …',
      );
    }
    return pem;
  }

  #file(path: string, what: string): string {
    if (this.#origin.tenant) {
      throw new Refusal(
        'KubeconfigRefused',
        `${this.#origin.path}: ${what} is a file, which is refused`,
        'write the content into the kubeconfig (…-data, token)',
      );
    }
    try {
      return this.#readFile(this.#resolve(path));
    } catch (error) {
      throw this.#invalid(`: ${what} cannot be read: ${reasonOf(error)}`, 'correct the path');
    }
  }

  #resolve(path: string): string {
    if (path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path)) return path;
    const slash = this.#origin.path.lastIndexOf('/');
    return slash < 0 ? path : `${this.#origin.path.slice(0, slash)}/${path}`;
  }

  #invalid(what: string, hint: string): Refusal {
    return new Refusal(
      'KubeconfigInvalid',
      `${this.#origin.path}${what.startsWith(':') ? '' : ' '}${what}`,
      hint,
    );
  }
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function namesOf(items: unknown): readonly string[] {
  if (!Array.isArray(items)) return [];
  return items.flatMap((item: unknown) =>
    isObject(item) && typeof item['name'] === 'string' ? [item['name']] : [],
  );
}
