/**
 * YAML, as a module to import when a document turns up: `await import("./yaml.ts")`.
 *
 * Not `import("yaml")` itself: that package is CommonJS, and in a bundle a dynamic import of it has no named exports.
 */
export { parse, parseAllDocuments, parseDocument, stringify } from "yaml";
