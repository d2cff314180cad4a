/** Certificates, secrets and policies. */
import { condition, field, readyOrDegraded, type KnownKind } from '../known-kind.ts';

export const security: readonly KnownKind[] = [
  {
    of: ['cert-manager.io/Certificate'],
    lines: [
      condition('Issuing', 'True', 'Progressing'),
      condition('Issuing', 'False', 'Degraded', 'Failed', 'Denied', 'InvalidRequest'),
      condition('Ready', 'True', 'Healthy'),
      condition('Ready', 'False', 'Degraded', 'Expired', 'InvalidCertificate', 'InvalidKeyPair'),
      condition('Ready', 'False', 'Progressing'),
    ],
  },
  { of: ['cert-manager.io/Issuer', 'cert-manager.io/ClusterIssuer'], lines: readyOrDegraded },
  {
    of: ['cert-manager.io/CertificateRequest'],
    lines: [
      condition('InvalidRequest', 'True', 'Degraded'),
      condition('Denied', 'True', 'Degraded'),
      condition('Ready', 'True', 'Healthy'),
      condition('Ready', 'False', 'Degraded', 'Failed', 'Denied'),
      condition('Ready', 'False', 'Progressing'),
    ],
  },
  {
    of: ['acme.cert-manager.io/Order', 'acme.cert-manager.io/Challenge'],
    lines: [
      field('status.state', ['valid'], 'Healthy'),
      field('status.state', ['errored', 'invalid', 'expired'], 'Degraded', 'status.reason'),
      field('status.state', ['', 'pending', 'processing', 'ready'], 'Progressing', 'status.reason'),
    ],
  },
  {
    of: ['trust.cert-manager.io/Bundle'],
    lines: [condition('Synced', 'True', 'Healthy'), condition('Synced', 'False', 'Degraded')],
  },
  {
    of: [
      'external-secrets.io/ExternalSecret',
      'external-secrets.io/ClusterExternalSecret',
      'external-secrets.io/PushSecret',
      'external-secrets.io/ClusterPushSecret',
      'external-secrets.io/SecretStore',
      'external-secrets.io/ClusterSecretStore',
    ],
    lines: readyOrDegraded,
  },
  {
    of: ['bitnami.com/SealedSecret'],
    lines: [condition('Synced', 'True', 'Healthy'), condition('Synced', 'False', 'Degraded')],
  },
  {
    of: ['secrets.hashicorp.com/VaultConnection', 'secrets.hashicorp.com/VaultAuth'],
    lines: [
      field('status.valid', [true], 'Healthy'),
      field('status.valid', [false], 'Degraded', 'status.error'),
    ],
  },
  { of: ['onepassword.com/OnePasswordItem'], lines: readyOrDegraded },
  {
    of: ['k8s.keycloak.org/Keycloak'],
    lines: [
      condition('HasErrors', 'True', 'Degraded'),
      condition('RollingUpdate', 'True', 'Progressing'),
      condition('Ready', 'True', 'Healthy'),
    ],
  },
  {
    of: ['k8s.keycloak.org/KeycloakRealmImport'],
    lines: [condition('HasErrors', 'True', 'Degraded'), condition('Done', 'True', 'Healthy')],
  },
  {
    of: [
      'kyverno.io/ClusterPolicy',
      'kyverno.io/Policy',
      'kyverno.io/CleanupPolicy',
      'kyverno.io/ClusterCleanupPolicy',
    ],
    lines: readyOrDegraded,
    otherwise: 'Healthy',
  },
  {
    of: ['policy.open-cluster-management.io/Policy', 'policy.open-cluster-management.io/ConfigurationPolicy'],
    lines: [
      field('spec.disabled', [true], 'Suspended'),
      field('status.compliant', ['Compliant'], 'Healthy'),
      field('status.compliant', ['NonCompliant'], 'Degraded'),
    ],
  },
];
