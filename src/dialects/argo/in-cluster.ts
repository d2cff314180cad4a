/** The server of the cluster in which the control plane runs. */
export const inClusterServer = 'https://kubernetes.default.svc';
