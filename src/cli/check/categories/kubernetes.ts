/** Whether the cluster can be asked at all, and is new enough. */
import { KubeError } from "../../../kube/client.ts";
import { type Category, CheckFailure } from "../check_model.ts";
import type { Facts } from "../facts.ts";

const MINIMUM = [1, 31] as const;

async function versionOf(facts: Facts): Promise<string> {
  return await facts.once("version", async () => {
    const response = await facts.client.raw("GET", "/version");
    const text = await response.text();
    if (!response.ok) throw KubeError.from(response.status, text);
    return (JSON.parse(text) as { gitVersion: string }).gitVersion;
  });
}

export const kubernetesApi: Category = {
  name: "kubernetes-api",
  checks: [
    {
      description: "can initialize the client",
      anchor: "k8s-api",
      isFatal: true,
      run: (facts) => facts.connect(),
    },
    {
      description: "can query the Kubernetes API",
      anchor: "k8s-api",
      isFatal: true,
      run: async (facts) => void await versionOf(facts),
    },
  ],
};

export const kubernetesVersion: Category = {
  name: "kubernetes-version",
  checks: [{
    description: "is running the minimum Kubernetes API version",
    anchor: "k8s-version",
    async run(facts) {
      const text = await versionOf(facts), match = /^v?(\d+)\.(\d+)/.exec(text);
      if (match === null) throw new CheckFailure(`the cluster's version cannot be read: ${text}`);
      const [major, minor] = [Number(match[1]), Number(match[2])];
      if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return;
      throw new CheckFailure(
        `Kubernetes is on version ${text}, but version ${MINIMUM.join(".")}.0 or newer is needed`,
      );
    },
  }],
};
