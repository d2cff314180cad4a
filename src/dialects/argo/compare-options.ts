/**
 * How differences are found, as annotations of objects and of Applications ask for it. Source: Argo CD's pages on compare
 * options and on diff strategies.
 */
import type { ObjectOptions } from '#model/unit.ts';

export const compareOptionsAnnotation = 'argocd.argoproj.io/compare-options';

/** Of Applications: what they ask for is done anyway. */
export const harmlessCompareOptions: readonly string[] = [
  'ServerSideDiff=true',
  'IncludeMutationWebhook=false',
];

/** Those that objects may set too. */
export const objectCompareOptions: Readonly<Record<string, Partial<ObjectOptions>>> = {
  IgnoreExtraneous: { ignoresExtraneous: true },
  ...Object.fromEntries(harmlessCompareOptions.map((option) => [option, {}])),
};

/** What is done instead of what they ask for. */
export const idleCompareOptions: Readonly<Record<string, string>> = {
  'ServerSideDiff=false': 'what is compared is what the API server made of it all the same',
  'IncludeMutationWebhook=true': 'what admission webhooks change is no difference all the same',
};
