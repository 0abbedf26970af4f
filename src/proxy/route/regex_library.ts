/** The library of regular expressions, as a bundle of its own (dist/regex.cjs): see regex.ts. */
export { RE2JS } from "re2js";
