/**
 * Jobs and CronJobs. A Job's selector and its pods' labels are the server's to make.
 *
 * Source: k8s.io/kubernetes/pkg/registry/batch/job/strategy.go.
 */
import type { CronJob, Job } from "../../../kube/kinds.ts";
import { equalJson } from "../object.ts";
import { setPodSpecDefaults } from "./pod_defaults.ts";
import { validatePodSpec } from "./pod_validation.ts";
import type { Strategy } from "./strategy.ts";

type JobSpec = NonNullable<Job["spec"]>;

function setJobSpecDefaults(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= 6;
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  if (spec.template?.spec !== undefined) setPodSpecDefaults(spec.template.spec);
}

export const jobStrategy: Strategy = {
  setDefaults(object) {
    const { spec } = object as unknown as Job;
    if (spec !== undefined) setJobSpecDefaults(spec);
  },
  prepareForCreate(object) {
    const job = object as unknown as Job;
    if (job.spec === undefined || job.spec.manualSelector === true || job.spec.template === undefined) return;
    const { uid, name } = object.metadata;
    const template = job.spec.template;
    template.metadata ??= {};
    template.metadata.labels = {
      ...template.metadata.labels,
      "job-name": name!,
      "batch.kubernetes.io/job-name": name!,
      "controller-uid": uid!,
      "batch.kubernetes.io/controller-uid": uid!,
    };
    job.spec.selector = { matchLabels: { "batch.kubernetes.io/controller-uid": uid! } };
  },
  validate(object, errors, old) {
    const { spec } = object as unknown as Job;
    if (spec === undefined) return errors.required("spec");
    if (spec.template?.spec === undefined) return errors.required("spec.template.spec");
    validatePodSpec(spec.template.spec, "spec.template.spec", errors);
    const policy = spec.template.spec.restartPolicy;
    if (policy !== "OnFailure" && policy !== "Never") {
      errors.required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"');
    }
    for (const field of ["parallelism", "completions", "backoffLimit"] as const) {
      const value = spec[field];
      if (value !== undefined && value < 0) {
        errors.invalid(`spec.${field}`, value, "must be greater than or equal to 0");
      }
    }
    const before = (old as unknown as Job | undefined)?.spec;
    if (before === undefined) return;
    if (!equalJson(before.template, spec.template)) {
      errors.invalid("spec.template", "", "field is immutable");
    }
    if (!equalJson(before.selector, spec.selector)) {
      errors.invalid("spec.selector", spec.selector, "field is immutable");
    }
  },
};

export const cronJobStrategy: Strategy = {
  setDefaults(object) {
    const { spec } = object as unknown as CronJob;
    if (spec === undefined) return;
    spec.concurrencyPolicy ??= "Allow";
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    if (spec.jobTemplate?.spec !== undefined) setJobSpecDefaults(spec.jobTemplate.spec);
  },
};
