/**
 * How to reach one Kubernetes API and as whom: plain data, so that it can be handed to a worker thread. The
 * token of a file is not part of it, only the file's path, and certificates have their files' paths beside them: all of
 * them are replaced while we run (F25).
 */
import type { Failure, Result } from '#model/failure.ts';
import { fail, ok } from '#model/failure.ts';

/** Reads a small text file, and throws as node:fs does when it cannot. Handed in: this room opens no files. */
export interface ReadFile {
  (path: string): string;
}

/** Sent as `Impersonate-*` headers. `user` is never empty: an empty one is refused, not dropped (S5). */
export interface Impersonation {
  readonly user: string;
  readonly groups: readonly string[];
}

export type TlsPart = 'ca' | 'certificate' | 'key';

export interface Access {
  /** `https://host:port`, with the path prefix that some gateways need; no slash at the end. */
  readonly server: string;
  /** Where this comes from, for messages: `context prod of /home/a/.kube/config`. */
  readonly origin: string;
  /** The name the credentials have there, for messages. */
  readonly user: string;
  /** PEM texts. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** Where the three are from, if from files. */
  readonly files?: Readonly<Partial<Record<TlsPart, string>>>;
  readonly serverName?: string;
  readonly insecure: boolean;
  readonly token?: string;
  /** Wins over `token` while it can be read. */
  readonly tokenFile?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  readonly impersonate?: Impersonation;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The access that a pod has by its ServiceAccount. The environment is handed in; nothing here reads it. */
export function inClusterAccess(
  env: { readonly KUBERNETES_SERVICE_HOST?: string; readonly KUBERNETES_SERVICE_PORT?: string },
  readFile: ReadFile,
  directory: string = SERVICE_ACCOUNT,
): Result<Access> {
  const host = env.KUBERNETES_SERVICE_HOST;
  if (host === undefined || host === '') {
    return fail(
      accessFailure(
        'NotInCluster',
        'KUBERNETES_SERVICE_HOST is not set, so this does not run in a pod',
        'give a kubeconfig instead',
      ),
    );
  }
  const tokenFile = `${directory}/token`;
  const caFile = `${directory}/ca.crt`;
  let ca: string;
  try {
    ca = readFile(caFile);
    readFile(tokenFile);
  } catch (error) {
    return fail(
      accessFailure(
        'NotInCluster',
        `the pod has no usable ServiceAccount token: ${reasonOf(error)}`,
        'set automountServiceAccountToken to true on the pod, or give a kubeconfig',
      ),
    );
  }
  const port = env.KUBERNETES_SERVICE_PORT ?? '443';
  return ok({
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    origin: `the pod's ServiceAccount (${directory})`,
    user: 'the ServiceAccount of the pod',
    ca,
    files: { ca: caFile },
    tokenFile,
    insecure: false,
  });
}

export function accessFailure(code: string, message: string, hint: string): Failure {
  return { kind: 'terminal', code, stage: 'observe', message, hint };
}

/** The reason of a thrown file error in words: the system's own text repeats the path and the call. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const path = error instanceof Error && 'path' in error ? `${String(error.path)} ` : '';
  if (code === 'ENOENT') return `${path}does not exist`;
  if (code === 'EACCES') return `${path}may not be read by this user`;
  if (code === 'EISDIR') return `${path}is a directory`;
  return error instanceof Error ? error.message : String(error);
}
