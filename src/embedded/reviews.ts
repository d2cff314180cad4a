/** Questions about who one is and what one may do: the embedded cluster has one user, who may do everything. */
import { parseJson } from '#model/json.ts';
import { valueAt } from './objects.ts';
import { badRequest } from './status.ts';

const groups = ['system:masters', 'system:authenticated'];
const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };

/** The answer to a review that was posted to `path`; undefined where no review is. */
export function review(path: string, body: string, user: string): object | undefined {
  const [, kind] =
    /^\/apis\/(?:authorization|authentication)\.k8s\.io\/v1\/(?:namespaces\/[^/]+\/)?(\w+)$/.exec(path) ?? [];
  if (kind === undefined) return undefined;
  const status = statusOf(kind, user);
  if (status === undefined) return undefined;
  let asked: unknown;
  try {
    asked = parseJson(body);
  } catch {
    throw badRequest('the body is not JSON');
  }
  return {
    kind: valueAt(asked, ['kind']),
    apiVersion: path.split('/').slice(2, 4).join('/'),
    metadata: {},
    spec: valueAt(asked, ['spec']) ?? {},
    status,
  };
}

function statusOf(kind: string, user: string): object | undefined {
  switch (kind) {
    case 'selfsubjectaccessreviews':
    case 'subjectaccessreviews':
    case 'localsubjectaccessreviews':
      return { allowed: true };
    case 'selfsubjectrulesreviews':
      return {
        resourceRules: [everything],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
        incomplete: false,
      };
    case 'selfsubjectreviews':
      return { userInfo: { username: user, groups } };
    default:
      return undefined;
  }
}
