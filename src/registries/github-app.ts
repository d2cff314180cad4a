/** Credentials of a GitHub App: its signed word is exchanged for a token that lasts an hour. */
import { digestOf } from '#fields/digest.ts';
import { fail, ok, type Result } from '#model/failure.ts';
import { isObject } from '#model/json.ts';
import type { InstallationTokens } from '#model/ports.ts';
import { parseTimestamp } from '#model/time.ts';
import { Client, type ClientPorts } from './client.ts';
import { refusal } from './failures.ts';

export interface GitHubAppPorts extends ClientPorts {
  /** A JSON Web Token of the app, or undefined where its key is none. */
  readonly sign: (app: string, pem: string) => Promise<string | undefined>;
}

/** Another is made before it ends: what begins with it must not fail half-way. */
const earlierMs = 5 * 60_000;
const answerBytesMax = 2 ** 20;
const publicApi = 'https://api.github.com';

export function openInstallationTokens(ports: GitHubAppPorts): InstallationTokens {
  const client = new Client(ports);
  const kept = new Map<string, { readonly token: string; readonly untilMs: number }>();
  return async (repository, data, identity): Promise<Result<string>> => {
    const no = (what: string, hint: string) =>
      fail(refusal('RegistryAuthenticationFailed', `${repository}: the GitHub App ${what}`, hint));
    const text = (name: string): string => data[name]?.trim() ?? '';
    const [app, installation] = [text('githubAppID'), text('githubAppInstallationID')];
    const api = (text('githubAppEnterpriseBaseUrl') || publicApi).replace(/\/+$/, '');
    const pem = text('githubAppPrivateKey');
    if (!/^[\w.-]+$/.test(app) || !/^\d+$/.test(installation))
      return no('has no ID or no installation', 'set githubAppID and githubAppInstallationID');
    const key = digestOf(JSON.stringify([api, app, installation, pem]));
    const has = kept.get(key);
    if (has !== undefined && has.untilMs - earlierMs > ports.clock.now()) return ok(has.token);
    const word = await ports.sign(app, pem);
    if (word === undefined) return no('has a key that is none', 'correct githubAppPrivateKey');
    const reply = await client.ask({
      url: `${api}/app/installations/${installation}/access_tokens`,
      method: 'POST',
      origin: URL.parse(api)?.origin ?? '',
      identity,
      headers: { authorization: `Bearer ${word}`, accept: 'application/vnd.github+json' },
      bytesMax: answerBytesMax,
      accepts: [201],
    });
    if (!reply.ok) return reply;
    const answer = parsed(reply.value.body);
    const { token } = answer;
    if (typeof token !== 'string') return no('was given no token', 'check its permissions');
    kept.set(key, { token, untilMs: parseTimestamp(answer['expires_at']) ?? 0 });
    return ok(token);
  };
}

function parsed(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
