/** Protocol detection: the constants of its record. */
export { Detect, DetectReason, Protocol } from "../../asm/detect_layout.ts";
