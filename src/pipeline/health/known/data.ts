/** Databases, queues, search, storage and backups. */
import { condition, field, readyOrDegraded, type KnownKind } from '../known-kind.ts';

const percona = [
  field('status.state', ['ready'], 'Healthy'),
  field('status.state', ['error'], 'Degraded', 'status.message'),
  field('status.state', ['paused'], 'Suspended'),
];
const elastic = [
  field('status.health', ['red'], 'Degraded'),
  field('status.health', ['yellow'], 'Progressing'),
  field('status.health', ['green'], 'Healthy'),
];

export const data: readonly KnownKind[] = [
  {
    of: ['postgresql.cnpg.io/Cluster'],
    lines: [
      field(
        'status.phase',
        [
          'Cluster is unrecoverable and needs manual intervention',
          'Not enough disk space',
          'Cluster cannot execute instance online upgrade due to missing architecture binary',
          'Unable to create required cluster objects',
          'Unknown plugin being required',
        ],
        'Degraded',
        'status.phaseReason',
      ),
      field('status.phase', ['Waiting for user action'], 'Suspended', 'status.phaseReason'),
      condition('Ready', 'True', 'Healthy'),
      condition('Ready', 'False', 'Progressing'),
    ],
  },
  {
    of: ['postgresql.cnpg.io/Backup'],
    lines: [
      field('status.phase', ['completed'], 'Healthy'),
      field('status.phase', ['failed', 'walArchivingFailing'], 'Degraded', 'status.error'),
    ],
  },
  {
    of: ['postgresql.cnpg.io/Database', 'postgresql.cnpg.io/Publication', 'postgresql.cnpg.io/Subscription'],
    lines: [
      field('status.applied', [true], 'Healthy'),
      field('status.applied', [false], 'Degraded', 'status.message'),
    ],
  },
  {
    of: ['acid.zalan.do/postgresql'],
    lines: [
      field('status.PostgresClusterStatus', ['Running'], 'Healthy'),
      field(
        'status.PostgresClusterStatus',
        ['CreateFailed', 'UpdateFailed', 'SyncFailed', 'Invalid'],
        'Degraded',
      ),
    ],
  },
  {
    of: [
      'pxc.percona.com/PerconaXtraDBCluster',
      'psmdb.percona.com/PerconaServerMongoDB',
      'ps.percona.com/PerconaServerMySQL',
      'pgv2.percona.com/PerconaPGCluster',
    ],
    lines: percona,
  },
  {
    of: ['k8s.mariadb.com/MariaDB', 'k8s.mariadb.com/MaxScale'],
    lines: [
      field('spec.suspend', [true], 'Suspended'),
      condition('Ready', 'True', 'Healthy'),
      condition('Ready', 'False', 'Progressing'),
    ],
  },
  {
    of: ['k8s.mariadb.com/Database', 'k8s.mariadb.com/User', 'k8s.mariadb.com/Grant'],
    lines: readyOrDegraded,
  },
  {
    of: ['mongodbcommunity.mongodb.com/MongoDBCommunity', 'mongodb.com/MongoDB'],
    lines: [
      field('status.phase', ['Running'], 'Healthy'),
      field('status.phase', ['Failed'], 'Degraded', 'status.message'),
      field('status.phase', ['Pending', 'Reconciling'], 'Progressing', 'status.message'),
    ],
  },
  {
    of: [
      'clickhouse.altinity.com/ClickHouseInstallation',
      'clickhouse-keeper.altinity.com/ClickHouseKeeperInstallation',
    ],
    lines: [
      field('status.status', ['Completed'], 'Healthy'),
      field('status.status', ['Aborted'], 'Degraded', 'status.error'),
    ],
  },
  {
    of: [
      'kafka.strimzi.io/Kafka',
      'kafka.strimzi.io/KafkaBridge',
      'kafka.strimzi.io/KafkaConnect',
      'kafka.strimzi.io/KafkaConnector',
      'kafka.strimzi.io/KafkaMirrorMaker2',
      'kafka.strimzi.io/KafkaTopic',
      'kafka.strimzi.io/KafkaUser',
    ],
    lines: [
      condition('ReconciliationPaused', 'True', 'Suspended'),
      condition('NotReady', 'True', 'Progressing', 'Creating'),
      condition('NotReady', 'True', 'Degraded'),
      condition('Ready', 'True', 'Healthy'),
    ],
  },
  {
    of: ['rabbitmq.com/RabbitmqCluster'],
    lines: [
      condition('ReconcileSuccess', 'False', 'Degraded'),
      condition('AllReplicasReady', 'True', 'Healthy'),
      condition('AllReplicasReady', 'False', 'Progressing'),
    ],
  },
  {
    of: [
      'rabbitmq.com/Binding',
      'rabbitmq.com/Exchange',
      'rabbitmq.com/Permission',
      'rabbitmq.com/Policy',
      'rabbitmq.com/Queue',
      'rabbitmq.com/Shovel',
      'rabbitmq.com/User',
      'rabbitmq.com/Vhost',
    ],
    lines: readyOrDegraded,
  },
  {
    of: ['elasticsearch.k8s.elastic.co/Elasticsearch'],
    lines: [
      field('status.phase', ['Invalid', 'Stalled'], 'Degraded'),
      field('status.phase', ['ApplyingChanges', 'MigratingData'], 'Progressing'),
      ...elastic,
    ],
  },
  {
    of: [
      'kibana.k8s.elastic.co/Kibana',
      'apm.k8s.elastic.co/ApmServer',
      'agent.k8s.elastic.co/Agent',
      'beat.k8s.elastic.co/Beat',
      'logstash.k8s.elastic.co/Logstash',
    ],
    lines: elastic,
  },
  {
    of: ['minio.min.io/Tenant'],
    lines: [
      field('status.healthStatus', ['red'], 'Degraded', 'status.currentState'),
      field('status.currentState', ['Initialized'], 'Healthy'),
    ],
  },
  {
    of: ['ceph.rook.io/CephCluster'],
    lines: [
      field('status.phase', ['Failure'], 'Degraded', 'status.message'),
      field('status.ceph.health', ['HEALTH_ERR', 'HEALTH_WARN'], 'Degraded', 'status.message'),
      field('status.ceph.health', ['HEALTH_OK'], 'Healthy'),
    ],
  },
  {
    of: ['ceph.rook.io/CephBlockPool', 'ceph.rook.io/CephFilesystem', 'ceph.rook.io/CephObjectStore'],
    lines: [
      field('status.phase', ['Ready', 'Connected'], 'Healthy'),
      field('status.phase', ['Failure', 'ReconcileFailed'], 'Degraded'),
    ],
  },
  {
    of: ['objectbucket.io/ObjectBucketClaim'],
    lines: [
      field('status.phase', ['bound', 'Bound'], 'Healthy'),
      field('status.phase', ['failed', 'Failed'], 'Degraded'),
    ],
  },
  {
    of: ['longhorn.io/Volume'],
    lines: [
      field('status.robustness', ['faulted', 'degraded'], 'Degraded'),
      field('status.robustness', ['healthy'], 'Healthy'),
      field('status.state', ['detached'], 'Healthy'),
    ],
  },
  {
    of: ['snapshot.storage.k8s.io/VolumeSnapshot', 'snapshot.storage.k8s.io/VolumeSnapshotContent'],
    lines: [
      field('status.readyToUse', [true], 'Healthy'),
      field('status.error.message', 'there', 'Degraded', 'status.error.message'),
    ],
  },
  {
    of: ['velero.io/Backup', 'velero.io/Restore'],
    lines: [
      field('status.phase', ['Completed'], 'Healthy'),
      field(
        'status.phase',
        ['Failed', 'PartiallyFailed', 'FailedValidation'],
        'Degraded',
        'status.failureReason',
      ),
    ],
  },
  {
    of: ['velero.io/BackupStorageLocation'],
    lines: [
      field('status.phase', ['Available'], 'Healthy'),
      field('status.phase', ['Unavailable'], 'Degraded', 'status.message'),
    ],
  },
  {
    of: ['velero.io/Schedule'],
    lines: [
      field('spec.paused', [true], 'Suspended'),
      field('status.phase', ['Enabled'], 'Healthy'),
      field('status.phase', ['FailedValidation'], 'Degraded', 'status.validationErrors'),
    ],
  },
];
