/** The self-contained JavaScript files that images, pods and the packaged CLI run. */
import type { BuildStep } from "./step.ts";

export const bundleSteps: readonly BuildStep[] = [];
