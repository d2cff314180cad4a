/**
 * Keys of `argocd-cm` and `argocd-cmd-params-cm` that would change what is applied or shown, beside those that are read in
 * a place of their own: honoured, refused, or named in a warning (F30). docs/reference/argocd-cm.md lists all keys.
 */
import type { Failure } from '#model/failure.ts';
import type { RenderTools } from './source-render.ts';
import { unsupported } from './unsupported.ts';

type Data = Readonly<Record<string, string>>;

export interface OtherSettings {
  /** Absent: as by default. */
  readonly tools?: RenderTools;
  /** Annotations of Secrets that are masked as their data are. */
  readonly sensitiveAnnotations: readonly string[];
  readonly refused: readonly Failure[];
  readonly warnings: readonly Failure[];
}

export function otherSettings(main: Data, parameters: Data): OtherSettings {
  const options = buildOptionsOf(main['kustomize.buildOptions'] ?? '');
  const without = (['kustomize', 'helm'] as const).filter((tool) => isFalse(main[`${tool}.enable`]));
  const tools: RenderTools = {
    ...(without.length === 0 ? {} : { without }),
    ...(options.isUnrestricted ? { loadRestriction: 'none' } : {}),
  };
  return {
    ...(Object.keys(tools).length === 0 ? {} : { tools }),
    sensitiveAnnotations: (main['resource.sensitive.mask.annotations'] ?? '')
      .replaceAll(/\s/g, '')
      .split(',')
      .filter((name) => name !== ''),
    refused: refusals(main),
    warnings: [
      ...options.unknown.map((option) =>
        ignored(`${option} in kustomize.buildOptions of ConfigMap argocd-cm`, 'kustomize builds without it'),
      ),
      ...idle('argocd-cm', main),
      ...idle('argocd-cmd-params-cm', parameters),
    ],
  };
}

interface Idle {
  readonly of: 'argocd-cm' | 'argocd-cmd-params-cm';
  readonly key: RegExp;
  readonly asks: (text: string) => boolean;
  readonly instead: string;
}

const idleKeys: readonly Idle[] = [
  {
    of: 'argocd-cm',
    key: /^kustomize\.(buildOptions|path|version)\../,
    asks: () => true,
    instead: 'kustomize is the one that is built in, with the same options',
  },
  {
    of: 'argocd-cm',
    key: /^jsonnet\.enable$/,
    asks: isFalse,
    instead: 'Jsonnet files of a directory are rendered',
  },
  {
    of: 'argocd-cmd-params-cm',
    key: /^reposerver\.allow\.oob\.symlinks$/,
    asks: isTrue,
    instead: 'links that lead out of their repository are refused',
  },
];

function idle(name: Idle['of'], data: Data): readonly Failure[] {
  return Object.entries(data).flatMap(([key, text]) => {
    const found = idleKeys.find((known) => known.of === name && known.key.test(key) && known.asks(text));
    return found === undefined ? [] : [ignored(`${key} of ConfigMap ${name}`, found.instead)];
  });
}

function refusals(main: Data): readonly Failure[] {
  const remedy = 'remove it, if nothing relies on it';
  const refused: Failure[] = [];
  if ((main['globalProjects'] ?? '').trim() !== '')
    refused.push(unsupported('The setting globalProjects of ConfigMap argocd-cm', remedy));
  // Another identity has other rights.
  if (isTrue(main['application.sync.impersonation.enabled']))
    refused.push(
      unsupported('The setting application.sync.impersonation.enabled of ConfigMap argocd-cm', remedy),
    );
  if (isFalse(main['cluster.inClusterEnabled']))
    refused.push({
      ...unsupported(''),
      code: 'ProjectDenies',
      message:
        'cluster.inClusterEnabled of ConfigMap argocd-cm is "false": nothing may be applied to the cluster of the control plane',
      hint: 'set it to "true"',
    });
  return refused;
}

/** Those for charts of a kustomization and for plugins change nothing: a source with either is refused by itself. */
const harmless = ['--enable-helm', '--enable-alpha-plugins', '--enable-exec', '--helm-command'];
const takesValue = ['--load-restrictor', '--load_restrictor', '--helm-command'];

function buildOptionsOf(text: string): {
  readonly isUnrestricted: boolean;
  readonly unknown: readonly string[];
} {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const unknown: string[] = [];
  let isUnrestricted = false;
  for (let at = 0; at < words.length; at += 1) {
    const [name = '', given] = words[at]!.split('=', 2);
    const value = given ?? (takesValue.includes(name) ? words[(at += 1)] : undefined);
    const restriction = name.replace('_', '-') === '--load-restrictor' ? value : undefined;
    if (restriction === 'LoadRestrictionsNone' || restriction === 'none') isUnrestricted = true;
    else if (restriction === 'LoadRestrictionsRootOnly' || restriction === 'rootOnly') isUnrestricted = false;
    else if (!harmless.includes(name))
      unknown.push(restriction === undefined ? name : `${name} ${restriction}`);
  }
  return { isUnrestricted, unknown };
}

function ignored(what: string, instead: string): Failure {
  return {
    kind: 'blocked',
    code: 'SettingIgnored',
    stage: 'compile',
    message: `${what} has no effect: ${instead}`,
    hint: 'remove it, if nothing relies on it',
  };
}

function isTrue(text = ''): boolean {
  return text.trim().toLowerCase() === 'true';
}
function isFalse(text = ''): boolean {
  return text.trim().toLowerCase() === 'false';
}
