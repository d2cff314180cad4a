import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '#model/object.ts';
import type { Health } from '#model/observed.ts';
import { judgeHealth } from './health.ts';
import { knownKinds } from './known/index.ts';
import type { ConditionLine, FieldLine, KnownKind } from './known-kind.ts';

/** `Ready=False(Failed)`: a condition with its reason; `status.phase=Running`, `spec.suspend=true`: a field. */
function live(kind: string, said: string): Manifest {
  const conditions: object[] = [];
  const object: Record<string, any> = {
    metadata: { name: 'x', generation: 2 },
    status: { observedGeneration: 2 },
  };
  for (const part of said.split('; ').filter((text) => text !== '')) {
    const [, path = '', value = '', reason = ''] = /^([^=]+)=([^(]*)(?:\((.*)\))?$/.exec(part) ?? [];
    if (!/^(spec|status)\./.test(path)) {
      conditions.push({ type: path, status: value, reason, message: `why ${path}` });
      continue;
    }
    const names = path.split('.');
    let at = object;
    for (const name of names.slice(0, -1)) at = at[name] ??= {};
    at[names.at(-1)!] = value === 'true' ? true : value === 'false' ? false : value;
  }
  const known = knownKinds.find(({ of }) => of.includes(kind));
  if (known?.each === undefined) object['status'].conditions = conditions;
  else object['status'][known.each.replace('status.', '')] = conditions.length === 0 ? [] : [{ conditions }];
  const [group, name] = kind.split('/');
  return {
    apiVersion: `${group!.replace('*', 'some')}/v1`,
    kind: name!.replace('*', 'Bucket'),
    ...object,
  } as unknown as Manifest;
}

/** A kind, and what its controller says: healthy, progressing, degraded, suspended. */
const cases: readonly (readonly [
  kinds: string,
  says: Readonly<Partial<Record<Health, readonly string[]>>>,
])[] = [
  [
    'argoproj.io/Rollout',
    {
      Healthy: ['status.phase=Healthy'],
      Progressing: ['', 'status.phase=Progressing', 'status.phase=Healthy; status.observedGeneration=1'],
      Degraded: ['status.phase=Degraded'],
      Suspended: ['status.phase=Paused'],
    },
  ],
  [
    'argoproj.io/AnalysisRun argoproj.io/Experiment',
    {
      Healthy: ['status.phase=Successful'],
      Progressing: ['', 'status.phase=Running'],
      Degraded: ['status.phase=Failed', 'status.phase=Error'],
      Unknown: ['status.phase=Inconclusive'],
    },
  ],
  [
    'argoproj.io/ApplicationSet',
    {
      Healthy: ['ErrorOccurred=False; ResourcesUpToDate=True'],
      Progressing: ['', 'RolloutProgressing=True; ResourcesUpToDate=True'],
      Degraded: ['ErrorOccurred=True; ResourcesUpToDate=False'],
    },
  ],
  [
    'argoproj.io/ImageUpdater',
    { Healthy: ['', 'Ready=True'], Degraded: ['Error=True; Ready=True', 'Ready=False'] },
  ],
  [
    'argoproj.io/Workflow',
    {
      Healthy: ['status.phase=Succeeded'],
      Progressing: ['', 'status.phase=Running'],
      Degraded: ['status.phase=Failed', 'status.phase=Error'],
    },
  ],
  [
    'argoproj.io/CronWorkflow',
    { Healthy: [''], Degraded: ['SubmissionError=True'], Suspended: ['spec.suspend=true'] },
  ],
  [
    'argoproj.io/EventBus argoproj.io/EventSource argoproj.io/Sensor',
    { Healthy: ['Deployed=True'], Progressing: [''], Degraded: ['Deployed=False'] },
  ],
  [
    'kustomize.toolkit.fluxcd.io/Kustomization helm.toolkit.fluxcd.io/HelmRelease source.toolkit.fluxcd.io/GitRepository source.toolkit.fluxcd.io/OCIRepository source.toolkit.fluxcd.io/Bucket source.toolkit.fluxcd.io/HelmChart image.toolkit.fluxcd.io/ImagePolicy image.toolkit.fluxcd.io/ImageRepository image.toolkit.fluxcd.io/ImageUpdateAutomation notification.toolkit.fluxcd.io/Receiver',
    {
      Healthy: ['Ready=True'],
      Progressing: ['', 'Ready=Unknown(Progressing)', 'Ready=False(DependencyNotReady)'],
      Degraded: [
        'Ready=False(InstallFailed)',
        'Ready=False(BuildFailed)',
        'Stalled=True; Ready=False(Progressing)',
      ],
      Suspended: ['spec.suspend=true; Ready=False(x)'],
    },
  ],
  [
    'source.toolkit.fluxcd.io/HelmRepository',
    {
      Healthy: ['spec.type=oci', 'Ready=True'],
      Degraded: ['Ready=False(IndexationFailed)'],
      Progressing: [''],
    },
  ],
  [
    'flagger.app/Canary',
    {
      Healthy: ['status.phase=Succeeded', 'status.phase=Initialized'],
      Progressing: ['', 'status.phase=Progressing; Promoted=Unknown', 'status.phase=Finalising'],
      Degraded: ['status.phase=Failed; Promoted=False'],
      Suspended: ['status.phase=WaitingPromotion'],
    },
  ],
  [
    'tekton.dev/PipelineRun tekton.dev/TaskRun',
    {
      Healthy: ['Succeeded=True'],
      Progressing: ['', 'Succeeded=Unknown(Running)'],
      Degraded: ['Succeeded=False'],
    },
  ],
  [
    'serving.knative.dev/Service serving.knative.dev/Revision eventing.knative.dev/Broker operator.knative.dev/KnativeServing serving.kserve.io/InferenceService cert-manager.io/Issuer cert-manager.io/ClusterIssuer external-secrets.io/ExternalSecret external-secrets.io/ClusterExternalSecret external-secrets.io/PushSecret external-secrets.io/SecretStore external-secrets.io/ClusterSecretStore onepassword.com/OnePasswordItem karpenter.sh/NodePool karpenter.k8s.aws/EC2NodeClass rabbitmq.com/Queue rabbitmq.com/User rabbitmq.com/Vhost k8s.mariadb.com/Database',
    { Healthy: ['Ready=True'], Progressing: ['', 'Ready=Unknown'], Degraded: ['Ready=False(Any)'] },
  ],
  [
    'kubeflow.org/PyTorchJob kubeflow.org/TFJob',
    {
      Healthy: ['Running=False; Succeeded=True'],
      Progressing: ['', 'Running=True'],
      Degraded: ['Failed=True'],
      Suspended: ['Suspended=True'],
    },
  ],
  [
    'sparkoperator.k8s.io/SparkApplication',
    {
      Healthy: ['status.applicationState.state=COMPLETED'],
      Progressing: ['', 'status.applicationState.state=RUNNING'],
      Degraded: ['status.applicationState.state=FAILED'],
    },
  ],
  [
    'flink.apache.org/FlinkDeployment',
    {
      Healthy: ['status.lifecycleState=STABLE'],
      Progressing: ['', 'status.lifecycleState=DEPLOYED'],
      Degraded: ['status.lifecycleState=FAILED'],
      Suspended: ['status.lifecycleState=SUSPENDED'],
    },
  ],
  [
    'ray.io/RayCluster',
    {
      Healthy: ['status.state=ready'],
      Progressing: [''],
      Degraded: ['status.state=failed'],
      Suspended: ['spec.suspend=true'],
    },
  ],
  [
    'cert-manager.io/Certificate',
    {
      Healthy: ['Ready=True'],
      Progressing: ['', 'Ready=False(DoesNotExist)', 'Issuing=True; Ready=False(DoesNotExist)'],
      Degraded: ['Issuing=False(Failed); Ready=False(DoesNotExist)', 'Ready=False(Expired)'],
    },
  ],
  [
    'cert-manager.io/CertificateRequest',
    {
      Healthy: ['Approved=True; Ready=True'],
      Progressing: ['', 'Ready=False(Pending)'],
      Degraded: ['Denied=True', 'Ready=False(Failed)', 'InvalidRequest=True'],
    },
  ],
  [
    'acme.cert-manager.io/Order acme.cert-manager.io/Challenge',
    {
      Healthy: ['status.state=valid'],
      Progressing: ['', 'status.state=pending'],
      Degraded: ['status.state=errored', 'status.state=invalid'],
    },
  ],
  [
    'bitnami.com/SealedSecret trust.cert-manager.io/Bundle',
    { Healthy: ['Synced=True'], Progressing: [''], Degraded: ['Synced=False'] },
  ],
  [
    'secrets.hashicorp.com/VaultConnection secrets.hashicorp.com/VaultAuth',
    { Healthy: ['status.valid=true'], Progressing: [''], Degraded: ['status.valid=false'] },
  ],
  [
    'k8s.keycloak.org/Keycloak',
    {
      Healthy: ['Ready=True'],
      Progressing: ['', 'RollingUpdate=True; Ready=True'],
      Degraded: ['HasErrors=True; Ready=True'],
    },
  ],
  [
    'k8s.keycloak.org/KeycloakRealmImport',
    { Healthy: ['Done=True'], Progressing: [''], Degraded: ['HasErrors=True'] },
  ],
  [
    'kyverno.io/ClusterPolicy kyverno.io/Policy',
    { Healthy: ['', 'Ready=True'], Degraded: ['Ready=False(Failed)'] },
  ],
  [
    'policy.open-cluster-management.io/Policy',
    {
      Healthy: ['status.compliant=Compliant'],
      Progressing: ['', 'status.compliant=Pending'],
      Degraded: ['status.compliant=NonCompliant'],
      Suspended: ['spec.disabled=true'],
    },
  ],
  [
    'postgresql.cnpg.io/Cluster',
    {
      Healthy: ['Ready=True; status.phase=Cluster in healthy state'],
      Progressing: ['', 'Ready=False; status.phase=Creating a new replica'],
      Degraded: ['Ready=False; status.phase=Not enough disk space'],
      Suspended: ['status.phase=Waiting for user action'],
    },
  ],
  [
    'postgresql.cnpg.io/Backup',
    {
      Healthy: ['status.phase=completed'],
      Progressing: ['status.phase=running'],
      Degraded: ['status.phase=failed'],
    },
  ],
  [
    'postgresql.cnpg.io/Database',
    { Healthy: ['status.applied=true'], Progressing: [''], Degraded: ['status.applied=false'] },
  ],
  [
    'acid.zalan.do/postgresql',
    {
      Healthy: ['status.PostgresClusterStatus=Running'],
      Progressing: ['', 'status.PostgresClusterStatus=Creating'],
      Degraded: ['status.PostgresClusterStatus=SyncFailed'],
    },
  ],
  [
    'pxc.percona.com/PerconaXtraDBCluster psmdb.percona.com/PerconaServerMongoDB ps.percona.com/PerconaServerMySQL pgv2.percona.com/PerconaPGCluster',
    {
      Healthy: ['status.state=ready'],
      Progressing: ['', 'status.state=initializing'],
      Degraded: ['status.state=error'],
      Suspended: ['status.state=paused'],
    },
  ],
  [
    'k8s.mariadb.com/MariaDB',
    {
      Healthy: ['Ready=True'],
      Progressing: ['', 'Ready=False(Any)'],
      Suspended: ['spec.suspend=true; Ready=True'],
    },
  ],
  [
    'mongodbcommunity.mongodb.com/MongoDBCommunity mongodb.com/MongoDB',
    {
      Healthy: ['status.phase=Running'],
      Progressing: ['', 'status.phase=Pending'],
      Degraded: ['status.phase=Failed'],
    },
  ],
  [
    'clickhouse.altinity.com/ClickHouseInstallation',
    {
      Healthy: ['status.status=Completed'],
      Progressing: ['status.status=InProgress'],
      Degraded: ['status.status=Aborted'],
    },
  ],
  [
    'kafka.strimzi.io/Kafka kafka.strimzi.io/KafkaTopic kafka.strimzi.io/KafkaUser kafka.strimzi.io/KafkaConnect',
    {
      Healthy: ['Ready=True', 'Warning=True; Ready=True'],
      Progressing: ['', 'NotReady=True(Creating)'],
      Degraded: ['NotReady=True(FatalProblem)'],
      Suspended: ['ReconciliationPaused=True'],
    },
  ],
  [
    'rabbitmq.com/RabbitmqCluster',
    {
      Healthy: ['ReconcileSuccess=True; AllReplicasReady=True'],
      Progressing: ['', 'ReconcileSuccess=True; AllReplicasReady=False'],
      Degraded: ['ReconcileSuccess=False; AllReplicasReady=True'],
    },
  ],
  [
    'elasticsearch.k8s.elastic.co/Elasticsearch',
    {
      Healthy: ['status.phase=Ready; status.health=green'],
      Progressing: [
        '',
        'status.phase=Ready; status.health=yellow',
        'status.phase=ApplyingChanges; status.health=green',
      ],
      Degraded: ['status.phase=Ready; status.health=red', 'status.phase=Invalid; status.health=unknown'],
    },
  ],
  [
    'kibana.k8s.elastic.co/Kibana beat.k8s.elastic.co/Beat logstash.k8s.elastic.co/Logstash',
    {
      Healthy: ['status.health=green'],
      Progressing: ['', 'status.health=yellow'],
      Degraded: ['status.health=red'],
    },
  ],
  [
    'minio.min.io/Tenant',
    {
      Healthy: ['status.currentState=Initialized; status.healthStatus=green'],
      Progressing: ['status.currentState=Provisioning MinIO StatefulSet'],
      Degraded: ['status.currentState=Initialized; status.healthStatus=red'],
    },
  ],
  [
    'ceph.rook.io/CephCluster',
    {
      Healthy: ['status.phase=Ready; status.ceph.health=HEALTH_OK'],
      Progressing: ['', 'status.phase=Progressing'],
      Degraded: ['status.phase=Ready; status.ceph.health=HEALTH_ERR', 'status.phase=Failure'],
    },
  ],
  [
    'ceph.rook.io/CephBlockPool',
    {
      Healthy: ['status.phase=Ready'],
      Progressing: ['status.phase=Progressing'],
      Degraded: ['status.phase=Failure'],
    },
  ],
  [
    'objectbucket.io/ObjectBucketClaim',
    {
      Healthy: ['status.phase=Bound'],
      Progressing: ['status.phase=Pending'],
      Degraded: ['status.phase=Failed'],
    },
  ],
  [
    'longhorn.io/Volume',
    {
      Healthy: [
        'status.state=attached; status.robustness=healthy',
        'status.state=detached; status.robustness=unknown',
      ],
      Progressing: ['status.state=attaching; status.robustness=unknown'],
      Degraded: ['status.state=attached; status.robustness=degraded'],
    },
  ],
  [
    'snapshot.storage.k8s.io/VolumeSnapshot',
    {
      Healthy: ['status.readyToUse=true'],
      Progressing: ['', 'status.readyToUse=false'],
      Degraded: ['status.readyToUse=false; status.error.message=no driver'],
    },
  ],
  [
    'velero.io/Backup velero.io/Restore',
    {
      Healthy: ['status.phase=Completed'],
      Progressing: ['', 'status.phase=InProgress'],
      Degraded: ['status.phase=PartiallyFailed'],
    },
  ],
  [
    'velero.io/BackupStorageLocation',
    { Healthy: ['status.phase=Available'], Progressing: [''], Degraded: ['status.phase=Unavailable'] },
  ],
  [
    'velero.io/Schedule',
    {
      Healthy: ['status.phase=Enabled'],
      Degraded: ['status.phase=FailedValidation'],
      Suspended: ['spec.paused=true'],
    },
  ],
  [
    'gateway.networking.k8s.io/GatewayClass',
    { Healthy: ['Accepted=True'], Progressing: ['Accepted=Unknown'], Degraded: ['Accepted=False'] },
  ],
  [
    'gateway.networking.k8s.io/Gateway',
    {
      Healthy: ['Accepted=True; Programmed=True'],
      Progressing: ['', 'Accepted=True; Programmed=False(Pending)'],
      Degraded: ['Accepted=False', 'Accepted=True; Programmed=False(Invalid)'],
    },
  ],
  [
    'gateway.networking.k8s.io/HTTPRoute gateway.networking.k8s.io/GRPCRoute gateway.networking.k8s.io/TLSRoute',
    {
      Healthy: ['Accepted=True; ResolvedRefs=True'],
      Progressing: ['', 'Accepted=False(Pending)'],
      Degraded: [
        'Accepted=False(NotAllowedByListeners)',
        'Accepted=True; ResolvedRefs=False(BackendNotFound)',
      ],
    },
  ],
  [
    'gateway.networking.k8s.io/BackendTLSPolicy',
    { Healthy: ['Accepted=True'], Progressing: [''], Degraded: ['Accepted=False'] },
  ],
  [
    'projectcontour.io/HTTPProxy',
    {
      Healthy: ['status.currentStatus=valid'],
      Progressing: [''],
      Degraded: ['status.currentStatus=invalid'],
    },
  ],
  [
    'route.openshift.io/Route',
    { Healthy: ['Admitted=True'], Progressing: [''], Degraded: ['Admitted=False'] },
  ],
  [
    'install.istio.io/IstioOperator',
    {
      Healthy: ['status.status=HEALTHY'],
      Progressing: ['status.status=RECONCILING'],
      Degraded: ['status.status=ERROR'],
    },
  ],
  [
    'sailoperator.io/Istio sailoperator.io/ZTunnel',
    {
      Healthy: ['Reconciled=True; Ready=True'],
      Progressing: [''],
      Degraded: ['Reconciled=False; Ready=True', 'Ready=False'],
    },
  ],
  [
    'keda.sh/ScaledObject keda.sh/ScaledJob',
    {
      Healthy: ['Ready=True; Active=False; Fallback=False'],
      Progressing: ['', 'Ready=Unknown'],
      Degraded: ['Ready=False', 'Ready=True; Fallback=True'],
      Suspended: ['Paused=True; Ready=True'],
    },
  ],
  [
    'karpenter.sh/NodeClaim',
    { Healthy: ['Ready=True'], Progressing: ['', 'Ready=False'], Degraded: ['Launched=False; Ready=False'] },
  ],
  [
    'monitoring.coreos.com/Prometheus monitoring.coreos.com/Alertmanager monitoring.coreos.com/ThanosRuler',
    {
      Healthy: ['Available=True; Reconciled=True'],
      Progressing: ['', 'Available=False; Reconciled=True'],
      Degraded: ['Available=Degraded; Reconciled=True', 'Available=True; Reconciled=False'],
      Suspended: ['spec.paused=true'],
    },
  ],
  [
    'operator.victoriametrics.com/VMCluster operator.victoriametrics.com/VMAgent',
    {
      Healthy: ['status.updateStatus=operational'],
      Progressing: ['status.updateStatus=expanding'],
      Degraded: ['status.updateStatus=failed'],
      Suspended: ['status.updateStatus=paused'],
    },
  ],
  [
    'grafana.integreatly.org/Grafana',
    {
      Healthy: ['status.stage=complete; status.stageStatus=success'],
      Progressing: ['status.stage=deployment; status.stageStatus=progressing'],
      Degraded: ['status.stageStatus=failed'],
    },
  ],
  [
    'grafana.integreatly.org/GrafanaDashboard',
    {
      Healthy: ['DashboardSynchronized=True'],
      Progressing: [''],
      Degraded: ['DashboardSynchronized=False', 'NoMatchingInstance=True'],
    },
  ],
  [
    'grafana.integreatly.org/GrafanaDatasource',
    { Healthy: ['DatasourceSynchronized=True'], Degraded: ['DatasourceSynchronized=False'] },
  ],
  [
    'jaegertracing.io/Jaeger',
    { Healthy: ['status.phase=Running'], Progressing: [''], Degraded: ['status.phase=Failed'] },
  ],
  [
    'datadoghq.com/DatadogMetric',
    {
      Healthy: ['Active=True; Valid=True'],
      Progressing: [''],
      Degraded: ['Error=True'],
      Suspended: ['Active=False'],
    },
  ],
  [
    'pkg.crossplane.io/Provider pkg.crossplane.io/Function pkg.crossplane.io/Configuration',
    {
      Healthy: ['Installed=True; Healthy=True'],
      Progressing: ['', 'Installed=True; Healthy=Unknown'],
      Degraded: ['Installed=True; Healthy=False', 'Installed=False'],
    },
  ],
  [
    'apiextensions.crossplane.io/CompositeResourceDefinition',
    { Healthy: ['Established=True; Offered=True'], Progressing: ['', 'Established=True; Offered=False'] },
  ],
  ['apiextensions.crossplane.io/*', { Healthy: [''] }],
  [
    '*.crossplane.io/* *.upbound.io/*',
    {
      Healthy: ['Synced=True; Ready=True'],
      Progressing: ['', 'Synced=True; Ready=False(Creating)'],
      Degraded: ['Synced=False(ReconcileError); Ready=True', 'Synced=True; Ready=False(Unavailable)'],
      Suspended: ['Synced=False(ReconcilePaused); Ready=True'],
    },
  ],
  [
    '*.services.k8s.aws/*',
    {
      Healthy: ['ACK.ResourceSynced=True'],
      Progressing: ['', 'ACK.ResourceSynced=False'],
      Degraded: ['ACK.ResourceSynced=False; ACK.Terminal=True'],
    },
  ],
  [
    '*.cnrm.cloud.google.com/*',
    {
      Healthy: ['Ready=True(UpToDate)'],
      Progressing: ['', 'Ready=False(Updating)'],
      Degraded: ['Ready=False(UpdateFailed)'],
    },
  ],
  [
    'cluster.x-k8s.io/Cluster cluster.x-k8s.io/Machine cluster.x-k8s.io/MachineDeployment',
    {
      Healthy: ['Ready=True', 'Available=True'],
      Progressing: ['', 'status.phase=Provisioning; Ready=False'],
      Degraded: ['status.phase=Failed; Ready=False'],
      Suspended: ['spec.paused=true'],
    },
  ],
  [
    'kubevirt.io/VirtualMachine',
    {
      Healthy: ['status.printableStatus=Running'],
      Progressing: ['', 'status.printableStatus=Starting'],
      Degraded: ['status.printableStatus=ErrorUnschedulable'],
      Suspended: ['status.printableStatus=Stopped'],
    },
  ],
  [
    'kubevirt.io/VirtualMachineInstance',
    {
      Healthy: ['status.phase=Running; Ready=True'],
      Progressing: ['status.phase=Scheduling; Ready=False'],
      Degraded: ['status.phase=Failed'],
    },
  ],
  [
    'cdi.kubevirt.io/DataVolume',
    {
      Healthy: ['status.phase=Succeeded'],
      Progressing: ['status.phase=ImportInProgress'],
      Degraded: ['status.phase=Failed'],
      Suspended: ['status.phase=WaitForFirstConsumer'],
    },
  ],
  [
    'operators.coreos.com/ClusterServiceVersion',
    {
      Healthy: ['status.phase=Succeeded'],
      Progressing: ['status.phase=Installing'],
      Degraded: ['status.phase=Failed'],
    },
  ],
  [
    'operators.coreos.com/InstallPlan',
    {
      Healthy: ['status.phase=Complete'],
      Progressing: ['status.phase=Installing'],
      Degraded: ['status.phase=Failed'],
      Suspended: ['status.phase=RequiresApproval'],
    },
  ],
  [
    'operators.coreos.com/Subscription',
    {
      Healthy: ['status.state=AtLatestKnown'],
      Progressing: ['', 'status.state=UpgradePending; InstallPlanPending=True(Installing)'],
      Degraded: ['CatalogSourcesUnhealthy=True'],
      Suspended: ['InstallPlanPending=True(RequiresApproval)'],
    },
  ],
];

describe('a kind that the tables know', () => {
  const rows = cases.flatMap(([kinds, says]) =>
    kinds
      .split(' ')
      .flatMap((kind) =>
        Object.entries(says).flatMap(([status, texts]) =>
          texts.map((text) => ({ kind, text, status: status as Health })),
        ),
      ),
  );
  it.each(rows)('$kind that says "$text" is $status', ({ kind, text, status }) => {
    const { health, rule } = judgeHealth(live(kind, text));
    expect(health.status).toBe(status);
    expect(rule).toMatch(/^the table of /);
    if (status === 'Healthy') expect(health).not.toHaveProperty('message');
    else expect(health.message).toMatch(/[.!?…]$/);
    // The sentence is the controller's own, where it has one.
    if (/^\w+=\w+$/.test(text) && status !== 'Healthy') expect(health.message).toContain('why ');
  });

  it('is Progressing until its controller has seen the latest change', () => {
    const object = live('cert-manager.io/Issuer', 'Ready=True; status.observedGeneration=1');
    expect(judgeHealth(object)).toMatchObject({
      health: { status: 'Progressing', message: 'Its controller has not seen the latest change yet.' },
    });
  });

  it('with several parents is as bad as the worst of them', () => {
    const route = live('gateway.networking.k8s.io/HTTPRoute', 'Accepted=True; ResolvedRefs=True');
    const status = (route as any).status;
    status.parents.push({ conditions: [{ type: 'Accepted', status: 'False', reason: 'NoMatchingParent' }] });
    expect(judgeHealth(route).health.status).toBe('Degraded');
  });

  it.each(knownKinds.filter(({ lines }) => lines.length > 0))('$of.0 has a case in this file', ({ of }) => {
    const tested = new Set(cases.flatMap(([kinds]) => kinds.split(' ')));
    expect(of.some((kind) => tested.has(kind))).toBe(true);
  });

  it('has its row in docs/reference/health.md', () => {
    const page = readFileSync(new URL('../../../docs/reference/health.md', import.meta.url), 'utf8');
    expect(
      knownKinds
        .map(rowOf)
        .filter((row) => !page.includes(`${row}\n`))
        .join('\n'),
    ).toBe('');
  });
});

function rowOf({ of, lines, each, otherwise }: KnownKind): string {
  const cell = (status: Health): string =>
    [
      ...lines.filter(({ means }) => means === status).map(lineText),
      ...(status === (otherwise ?? 'Progressing') && status !== 'Progressing' ? ['otherwise'] : []),
    ].join('; ');
  const kinds = of.map((kind) => `\`${kind}\``).join(', ');
  const where = each === undefined ? '' : ` (each of \`${each}\`)`;
  return `| ${kinds}${where} | ${cell('Healthy')} | ${cell('Suspended')} | ${cell('Degraded')} |`;
}

function lineText(line: ConditionLine | FieldLine): string {
  if ('field' in line) return `${line.field} ${line.is === undefined ? 'is there' : line.is.join(', ')}`;
  return `${line.condition} ${line.is}${line.reasons === undefined ? '' : ` (${line.reasons.join(', ')})`}`;
}
