/** A kubeconfig for the laptop cluster's administrator, as kubectl and this project's CLI read it. */

export interface KubeConfigParts {
  /** `https://127.0.0.1:6443` */
  server: string;
  /** PEM. */
  caBundle: string;
  token: string;
  /** Name of cluster, context and user. */
  name?: string;
  namespace?: string;
}

export function formatKubeConfig(parts: KubeConfigParts): string {
  const { server, caBundle, token, name = "linkerd-local", namespace = "default" } = parts;
  return `apiVersion: v1
kind: Config
current-context: ${name}
clusters:
- name: ${name}
  cluster:
    server: ${JSON.stringify(server)}
    certificate-authority-data: ${btoa(caBundle)}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${name}
    namespace: ${namespace}
users:
- name: ${name}
  user:
    token: ${JSON.stringify(token)}
`;
}
