/** proto/ -> proto/gen: replaced by its owner's first commit. */
import type { BuildStep } from "./step.ts";

export const protoStep: BuildStep = { name: "proto", inputs: [], outputs: [], run: () => Promise.resolve() };
