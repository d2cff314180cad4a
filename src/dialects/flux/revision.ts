/** Revisions as Flux writes them: `main@sha1:…`, `v1.2.3@sha1:…`, `sha1:…`. */
import type { GitRef, Revision } from '#model/unit.ts';

export function revisionText({ commit, label }: Pick<Revision, 'commit' | 'label'>, ref?: GitRef): string {
  const name = nameOf(label, ref);
  return `${name === '' ? '' : `${name}@`}${commit.length > 40 ? 'sha256' : 'sha1'}:${commit}`;
}

function nameOf(label: string, ref: GitRef | undefined): string {
  if (ref !== undefined && 'commit' in ref) return ref.on ?? '';
  if (ref !== undefined && 'name' in ref && ref.name.startsWith('refs/')) return ref.name;
  return label.includes('@') ? label.slice(0, label.lastIndexOf('@')) : '';
}

export function parseRevision(text: unknown): { readonly commit: string; readonly name: string } | undefined {
  const match = typeof text === 'string' ? /^(?:(.*)@)?sha(?:1|256):([0-9a-f]{40,64})$/.exec(text) : null;
  return match === null ? undefined : { commit: match[2]!, name: match[1] ?? '' };
}
