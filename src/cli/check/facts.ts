/** What checks look at. Objects are read when a check first asks, and again when it is retried. */
import { isNotFound, type KubeClient } from "../../kube/client.ts";
import { CONFIG_MAPS, type Pod, PODS, SECRETS } from "../../kube/kinds.ts";
import { parse } from "../../kube/yaml.ts";
import { COMPONENT_LABEL, CONTROL_PLANE_NS_LABEL } from "../../mesh/labels.ts";
import { CONFIG_MAP, ISSUER_SECRET, TRUST_ROOTS_CONFIG_MAP, TRUST_ROOTS_KEY } from "../../mesh/names.ts";
import { defaultValues, mergeValues, type PartialValues, type Values } from "../../mesh/values.ts";
import type { Connection, Environment } from "../environment.ts";
import type { GlobalOptions } from "../global_options.ts";
import { CheckFailure } from "./check_model.ts";

export class Facts {
  #connection: Connection | undefined;
  readonly #read = new Map<string, Promise<unknown>>();

  constructor(
    readonly global: GlobalOptions,
    readonly environment: Environment,
    /** The namespace that data plane checks are held to; undefined for all. */
    readonly dataNamespace: string | undefined,
  ) {}

  get namespace(): string {
    return this.global.linkerdNamespace;
  }

  get now(): number {
    return this.environment.now();
  }

  async connect(): Promise<void> {
    this.#connection ??= await this.environment.connect(this.global);
  }

  get client(): KubeClient {
    if (this.#connection === undefined) throw new CheckFailure("there is no connection to the cluster");
    return this.#connection.client;
  }

  get server(): string {
    return this.#connection?.server ?? "";
  }

  close(): void {
    this.#connection?.close();
  }

  /** Before a retry: what was read may have changed. */
  forget(): void {
    this.#read.clear();
  }

  once<T>(name: string, read: () => Promise<T>): Promise<T> {
    const before = this.#read.get(name) as Promise<T> | undefined;
    if (before !== undefined) return before;
    const reading = read();
    this.#read.set(name, reading);
    return reading;
  }

  /** The installation's values. */
  values(): Promise<Values> {
    return this.once("values", async () => {
      const config = await this.client.get(CONFIG_MAPS, CONFIG_MAP, this.namespace).catch((error) => {
        if (!isNotFound(error)) throw error;
        throw new CheckFailure(
          `there is no ConfigMap ${CONFIG_MAP} in namespace ${this.namespace}: the mesh is not installed there`,
        );
      });
      const values = parse(config.data?.["values"] ?? "") as PartialValues | null;
      if (values === null) throw new CheckFailure(`ConfigMap ${CONFIG_MAP} has no key "values"`);
      return mergeValues(defaultValues(), values);
    });
  }

  /** PEM of the trust anchors that proxies are given now. */
  anchors(): Promise<string> {
    return this.once("anchors", async () => {
      const map = await this.client.get(CONFIG_MAPS, TRUST_ROOTS_CONFIG_MAP, this.namespace);
      const pem = map.data?.[TRUST_ROOTS_KEY];
      if (!pem) throw new CheckFailure(`ConfigMap ${TRUST_ROOTS_CONFIG_MAP} has no key ${TRUST_ROOTS_KEY}`);
      return pem;
    });
  }

  issuerSecret() {
    return this.once("issuer", () => this.client.get(SECRETS, ISSUER_SECRET, this.namespace));
  }

  controlPlanePods(): Promise<Pod[]> {
    return this.once("control plane pods", async () => {
      const options = { namespace: this.namespace, labelSelector: COMPONENT_LABEL };
      return (await this.client.list(PODS, options)).items;
    });
  }

  /** Pods with a proxy outside of the control plane that have not ended. */
  dataPlanePods(): Promise<Pod[]> {
    return this.once("data plane pods", async () => {
      const { items } = await this.client.list(PODS, {
        labelSelector: `${CONTROL_PLANE_NS_LABEL}=${this.namespace},!${COMPONENT_LABEL}`,
        ...(this.dataNamespace === undefined ? {} : { namespace: this.dataNamespace }),
      });
      return items.filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed");
    });
  }
}
