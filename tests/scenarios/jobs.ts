/** Jobs, and what makes hooks of objects. */
import { writesAreCounted } from './world.ts';

export interface JobOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly metadata?: object;
  readonly image?: string;
  readonly fails?: true;
}
/** On the real control plane each pod that finds a node runs well; the embedded cluster has faults of its own. */
export const neverRuns = writesAreCounted ? { nodeSelector: { 'example.com/none': 'such' } } : {};
export function job(
  name: string,
  { annotations = {}, metadata = { name }, image = 'registry.example/tool:1', fails }: JobOptions = {},
): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata, annotations },
    spec: {
      backoffLimit: 0,
      ...(fails === undefined || !writesAreCounted ? {} : { activeDeadlineSeconds: 1 }),
      template: {
        metadata: { annotations: { 'embedded.trueup.dev/fault': `exit-${fails === undefined ? 0 : 3}` } },
        spec: {
          restartPolicy: 'Never',
          containers: [{ name: 'main', image }],
          ...(fails === undefined ? {} : neverRuns),
        },
      },
    },
  };
}
/** Annotations. */
export const hook = (type: string, policy?: string): Record<string, string> => ({
  'argocd.argoproj.io/hook': type,
  ...(policy === undefined ? {} : { 'argocd.argoproj.io/hook-delete-policy': policy }),
});
