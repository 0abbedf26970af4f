/** Labels in Prometheus' text form. Source: the exposition format 0.0.4. */

const UNSAFE = /[\\"\n]/g;
const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

/** `a="1",b="2"`; labels without a value are left out. Made once per series, never per request. */
export function formatLabels(labels: Readonly<Record<string, string | undefined>>): string {
  let text = "";
  for (const name in labels) {
    const value = labels[name];
    if (value === undefined) continue;
    const escaped = value.replace(UNSAFE, (character) => ESCAPES[character]!);
    text += `${text === "" ? "" : ","}${name}="${escaped}"`;
  }
  return text;
}
