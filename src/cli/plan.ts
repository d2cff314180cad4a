/** `trueup plan`: what would be done, without doing it. `trueup app manifests`: what is wanted. Neither needs a server. */
import { jsonText } from '#model/json.ts';
import type { Lookup } from '#model/dialect.ts';
import { keyText, type Manifest, type SecretRef } from '#model/object.ts';
import type { UnitState } from '#model/outcome.ts';
import type { Plan } from '#model/plan.ts';
import { planSummary, stepLine } from '#model/sentences.ts';
import { failureLine, type Failure } from '#model/failure.ts';
import type { Unit } from '#model/unit.ts';
import { masked } from '#fields/secrets.ts';
import { makePlan, type MadePlan, type PlanPorts } from '#pipeline/pipeline.ts';
import { renderInputs } from '#pipeline/render/inputs.ts';
import { insteadOf, locate } from '#pipeline/source/locate.ts';
import { newState } from '#engine/standing.ts';
import { readState } from './history.ts';
import { readDeclarations, type Declarations } from './declarations.ts';
import {
  CommandEnd,
  endOf,
  orEnd,
  type ClusterOptions,
  type CommandPorts,
  type PipelinePorts,
} from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { planFileText, type Origin } from './plan-file.ts';
import { applicationWords, openResource, type Opened } from './resources.ts';
import { yamlText } from './yaml-text.ts';

/** Repositories whose URL begins with `from` are read at `to`. */
export interface Mirror {
  readonly from: string;
  readonly to: string;
}

export interface PlanOptions extends ClusterOptions {
  readonly repo?: string;
  readonly path?: string;
  readonly ref?: string;
  readonly app?: string;
  /** Any resource that declares a Unit, as people name it. */
  readonly what?: readonly string[];
  readonly isNamespaceGiven?: boolean;
  readonly destNamespace: string;
  readonly recurse?: boolean;
  readonly mirror: readonly Mirror[];
  readonly output: 'table' | 'json';
  readonly exitCode?: boolean;
  /** Where the plan is written down, for `trueup apply`. */
  readonly out?: string;
}

export async function planCommand(options: PlanOptions, ports: CommandPorts): Promise<void> {
  const { app, repo, what = [] } = options;
  if ([app !== undefined, repo !== undefined, what.length > 0].filter(Boolean).length !== 1) {
    throw new CommandEnd(
      exitCodes.usage,
      'name either --repo URL --path DIR, or --app NAME, or a resource, as kustomization/apps',
    );
  }
  const words = app === undefined ? what : applicationWords(app);
  const opened = words.length === 0 ? undefined : await openResource(words, options, ports);
  const subject =
    opened === undefined ? await adHoc(options, ports) : await ofResource(opened, options, ports);
  const { plan } = await planOf(subject, ports);
  ports.out(options.output === 'json' ? `${jsonText(plan, 2)}\n` : planText(plan));
  if (options.out !== undefined) {
    ports.writeFile(options.out, planFileText(plan, originOf(options, opened), ports));
    ports.say(`written down: trueup apply ${options.out}\n`);
  }
  if (plan.blocked.length > 0) throw blockedEnd(plan.blocked);
  if (options.exitCode === true && plan.steps.length > 0) throw new CommandEnd(exitCodes.differences);
}

/** By its full name, so that whoever applies it finds the same one. */
function originOf(options: PlanOptions, opened: Opened | undefined): Origin {
  if (opened === undefined) return options;
  const { ref, controlNamespace: namespace } = opened;
  return {
    resource: [ref.kind.toLowerCase(), `${ref.namespace}/${ref.name}`],
    destNamespace: options.destNamespace,
    namespace,
  };
}

/** The plan as the server would make it now; warnings go to standard error. */
export async function planOf(
  { unit, state, pipeline }: Subject,
  ports: Pick<CommandPorts, 'say'>,
  revision?: string,
): Promise<MadePlan> {
  if (unit.unsupported.length > 0) throw endOf(unit.unsupported[0]!);
  ports.say(`reading ${unit.inputs.map(({ source }) => source.url).join(', ')}…\n`);
  const instead = revision === undefined ? {} : { instead: insteadOf(unit, [revision]) };
  const located = orEnd(await locate({ unit, state, view: pipeline.view, ...instead }, pipeline));
  const context = {
    state,
    ...(state?.contests === undefined ? {} : { contests: state.contests }),
    attempt: 0,
    otherOwner: () => undefined,
    isUnit: (name: string) => name !== unit.tracking.owner,
    trackings: () => [],
  };
  const made = orEnd(await makePlan(unit, located, context, pipeline));
  for (const warning of [...unit.warnings, ...made.warnings]) ports.say(`warning: ${failureLine(warning)}\n`);
  return made;
}

export function blockedEnd(blocked: readonly Failure[]): CommandEnd {
  const lines = blocked.map(failureLine).join('\n         ');
  const isDenied = blocked.some(({ stage }) => stage === 'policy');
  return new CommandEnd(isDenied ? exitCodes.denied : exitCodes.failed, `this plan would not run: ${lines}`);
}

export function planText(plan: Plan): string {
  const revision = plan.revisions.map(({ label }) => label).join(', ');
  const steps = plan.steps.map((step) => `${stepLine(step)}\n`).join('');
  const kept = plan.kept
    .map(({ ref, why }) => `= ${ref.kind} ${ref.namespace}/${ref.name}  kept: ${why}\n`)
    .join('');
  return `${steps}${kept}${revision}: ${planSummary(plan)}\n`;
}

export interface Subject {
  readonly unit: Unit;
  readonly state: UnitState | undefined;
  readonly pipeline: PlanPorts & Pick<PipelinePorts, 'writer'>;
}

function seenBy(unit: Unit, { view, ...ports }: PipelinePorts): Subject['pipeline'] {
  return { ...ports, view: view(unit) };
}

export interface ResourceSubject extends Subject {
  readonly declarations: Declarations;
}

export async function ofResource(
  { cluster, resource, controlNamespace }: Opened,
  options: ClusterOptions & Pick<PlanOptions, 'mirror'>,
  ports: CommandPorts,
): Promise<ResourceSubject> {
  const declarations = await readDeclarations(cluster, controlNamespace, ports);
  const unit = declarations.unitOf(resource);
  // Those of the control plane are listed already; a source of Flux names one beside it.
  const logins = new Map<string, Manifest>();
  for (const { source } of unit.inputs) {
    const { credentials } = source;
    if (credentials === undefined || declarations.secret(credentials) !== undefined) continue;
    const ref = { group: '', version: 'v1', kind: 'Secret', ...credentials };
    const found = orEnd(await cluster.read(ref));
    if (found !== undefined) logins.set(keyText(ref), found);
  }
  const secret = (ref: SecretRef): Manifest | undefined =>
    declarations.secret(ref) ?? logins.get(keyText({ group: '', kind: 'Secret', ...ref }));
  // Before a takeover, what the other controller left is what would be taken over.
  const state = (await readState(cluster, resource)) ?? newState(unit, ports.clock.now());
  const pipeline = orEnd(await ports.pipeline({ ...options, namespace: controlNamespace }, secret));
  return { unit, state, declarations, pipeline: seenBy(unit, pipeline) };
}

/** A directory without an Application: everything in it as if it were applied for the first time. */
export async function adHoc(options: PlanOptions, ports: CommandPorts): Promise<Subject> {
  const application: Manifest = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'plan', namespace: options.namespace, uid: 'plan' },
    spec: {
      project: 'default',
      source: {
        repoURL: options.repo ?? '',
        path: options.path ?? '.',
        targetRevision: options.ref ?? 'HEAD',
        directory: { recurse: options.recurse ?? false },
      },
      destination: { namespace: options.destNamespace },
    },
  };
  const nothing: Lookup = { get: () => undefined, list: () => [] };
  const dialect = ports.dialects(options.namespace).find(({ kind }) => kind.kind === application.kind);
  const [compiled] = dialect?.compile(application, nothing) ?? [];
  // No mark of ours is planned onto objects that may belong to an Application already.
  const unit = { ...compiled!, tracking: { owner: '' }, manager: 'trueup-plan' };
  const pipeline = orEnd(await ports.pipeline(options, () => undefined));
  return { unit, state: undefined, pipeline: seenBy(unit, pipeline) };
}

export interface ManifestsOptions extends ClusterOptions {
  readonly mirror: PlanOptions['mirror'];
  readonly revision?: string;
}

export async function appManifests(
  name: string,
  options: ManifestsOptions,
  ports: CommandPorts,
): Promise<void> {
  const opened = await openResource(applicationWords(name), options, ports);
  const { unit, pipeline } = await ofResource(opened, options, ports);
  if (unit.unsupported.length > 0) throw endOf(unit.unsupported[0]!);
  const instead = options.revision === undefined ? {} : { instead: insteadOf(unit, [options.revision]) };
  const located = orEnd(await locate({ unit, state: undefined, ...instead }, pipeline));
  const rendered = orEnd(await renderInputs(unit, located, pipeline));
  const shown = rendered.objects.map(({ manifest }) => masked(manifest, unit.sensitiveAnnotations));
  ports.out(shown.map((manifest) => `---\n${yamlText(manifest)}`).join(''));
}
