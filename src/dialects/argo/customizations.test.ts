import { describe, expect, it } from 'vitest';
import { customizationsOf } from './customizations.ts';

describe('resource.customizations of argocd-cm', () => {
  it('are read from keys of their own', () => {
    const { health, problems } = customizationsOf({
      'resource.customizations.health.cert-manager.io_Certificate': 'return {}',
      'resource.customizations.health.PersistentVolumeClaim': 'return { 1 }',
      'resource.customizations.useOpenLibs.cert-manager.io_Certificate': 'true',
      'resource.customizations.ignoreDifferences.all': 'jsonPointers: [/spec]',
      'resource.exclusions': '',
      'timeout.reconciliation': '60s',
    });
    expect(problems).toEqual([]);
    expect(health).toEqual([
      {
        of: 'cert-manager.io/Certificate',
        script: {
          text: 'return {}',
          openLibs: true,
          place: 'argocd-cm, resource.customizations.health.cert-manager.io_Certificate',
        },
      },
      {
        of: 'PersistentVolumeClaim',
        script: {
          text: 'return { 1 }',
          openLibs: false,
          place: 'argocd-cm, resource.customizations.health.PersistentVolumeClaim',
        },
      },
    ]);
  });

  it('are read from the older map, which a key of its own overrides', () => {
    const { health, actions } = customizationsOf({
      'resource.customizations': `
"*.aws.crossplane.io/*":
  health.lua: return { "glob" }
  health.lua.useOpenLibs: true
ec2.aws.crossplane.io/*:
  health.lua: return { "longer glob" }
Pod:
  health.lua: return { "map" }
  ignoreDifferences: |
    jsonPointers: [/spec]
batch/CronJob:
  actions: |
    discovery.lua: return { go = {} }
    definitions:
    - name: go
      action.lua: return obj
`,
      'resource.customizations.health.Pod': 'return { "key" }',
      'resource.customizations.useOpenLibs.Pod': 'True',
    });
    expect(health.map(({ of, script }) => [of, script.text, script.openLibs])).toEqual([
      ['Pod', 'return { "key" }', true],
      ['ec2.aws.crossplane.io/*', 'return { "longer glob" }', false],
      ['*.aws.crossplane.io/*', 'return { "glob" }', true],
    ]);
    expect(actions).toMatchObject([
      {
        of: 'batch/CronJob',
        actions: {
          discovery: { text: 'return { go = {} }' },
          actions: [
            {
              name: 'go',
              script: {
                text: 'return obj',
                place: 'argocd-cm, resource.customizations, batch/CronJob, actions, go, action.lua',
              },
            },
          ],
        },
      },
    ]);
  });

  it('for all kinds are written as "all"', () => {
    expect(customizationsOf({ 'resource.customizations.health.all': 'x' }).health[0]?.of).toBe('*/*');
  });

  it.each([
    [{ 'resource.customizations': 'a: [' }, 'resource.customizations', /line \d+: /],
    [{ 'resource.customizations': 'just text' }, 'resource.customizations', /not a map/],
    [{ 'resource.customizations': 'a/B: text' }, 'resource.customizations', /a\/B is not a map/],
    [{ 'resource.customizations.health.a_b_c': 'x' }, 'resource.customizations.health.a_b_c', /GROUP_KIND/],
    [
      { 'resource.customizations.useOpenLibs.a_B': 'yes' },
      'resource.customizations.useOpenLibs.a_B',
      /"yes"/,
    ],
    [{ 'resource.customizations.actions.a_B': '- x' }, 'resource.customizations.actions.a_B', /not a map/],
  ])('%o cannot be read, and the rest holds', (data, key, message) => {
    const { problems, health } = customizationsOf({
      ...data,
      'resource.customizations.health.x_Y': 'return {}',
    } as Record<string, string>);
    expect(problems).toEqual([{ key, message: expect.stringMatching(message) }]);
    expect(health.map(({ of }) => of)).toEqual(['x/Y']);
  });
});
