/**
 * Certificates as the data plane needs them: PEM to DER, the names and dates in a DER certificate.
 *
 * Why not @peculiar/x509 or node:crypto: the proxy process carries no library (memory, start-up), and needs four
 * fields of a certificate that OpenSSL has already verified.
 * Source: RFC 5280 §4.1, §4.2.1.6; X.690 for the encoding; RFC 7468 for PEM.
 */

/** The DER of every CERTIFICATE block of a PEM text. */
export function certificatesOfPem(pem: string): Uint8Array<ArrayBuffer>[] {
  const blocks = pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g);
  return [...blocks].map((block) =>
    Uint8Array.from(atob((block[1] ?? "").replace(/\s+/g, "")), (c) => c.charCodeAt(0))
  );
}

/** One element of a DER structure: its tag, and where its content lies. */
interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** Reads the element at `at`; undefined when it does not fit into `limit`. */
function elementAt(der: Uint8Array, at: number, limit: number): Element | undefined {
  const tag = der[at], first = der[at + 1];
  if (tag === undefined || first === undefined || at + 2 > limit) return undefined;
  let length = first, start = at + 2;
  if (first & 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 3) return undefined;
    length = 0;
    for (let i = 0; i < count; i++) length = length << 8 | (der[start + i] ?? 0);
    start += count;
  }
  return start + length <= limit ? { tag, start, end: start + length } : undefined;
}

function childrenOf(der: Uint8Array, parent: Element): Element[] {
  const children: Element[] = [];
  for (let at = parent.start; at < parent.end;) {
    const child = elementAt(der, at, parent.end);
    if (child === undefined) break;
    children.push(child);
    at = child.end;
  }
  return children;
}

const SEQUENCE = 0x30, INTEGER = 0x02, EXTENSIONS = 0xa3, UTC_TIME = 0x17, DNS_NAME = 0x82, URI_NAME = 0x86;
const SUBJECT_ALTERNATIVE_NAME = [0x55, 0x1d, 0x11];

function parseTime(der: Uint8Array, element: Element): number {
  const text = String.fromCharCode(...der.subarray(element.start, element.end));
  const full = element.tag === UTC_TIME ? (Number(text.slice(0, 2)) < 50 ? "20" : "19") + text : text;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full);
  if (match === null) return NaN;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as number[];
  return Date.UTC(year!, month! - 1, day, hour, minute, second);
}

export interface CertificateFacts {
  /** DNS and URI subject alternative names, in the order they stand. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch; NaN when unreadable. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The fields of the certificate's body, and where among them those begin that every version has. */
function bodyOf(der: Uint8Array): { fields: Element[]; first: number } | undefined {
  const certificate = elementAt(der, 0, der.length);
  if (certificate?.tag !== SEQUENCE) return undefined;
  const body = elementAt(der, certificate.start, certificate.end);
  if (body?.tag !== SEQUENCE) return undefined;
  const fields = childrenOf(der, body);
  return { fields, first: fields[0]?.tag === INTEGER ? 0 : 1 }; // [0] version is optional
}

function namesOf(der: Uint8Array, fields: readonly Element[]): string[] {
  const names: string[] = [];
  const extensions = fields.at(-1);
  if (extensions?.tag !== EXTENSIONS) return names;
  const list = elementAt(der, extensions.start, extensions.end);
  if (list === undefined) return names;
  for (let at = list.start; at < list.end;) {
    const extension = elementAt(der, at, list.end);
    if (extension === undefined) break;
    at = extension.end;
    const oid = elementAt(der, extension.start, extension.end);
    if (oid === undefined || oid.end - oid.start !== 3) continue;
    if (!SUBJECT_ALTERNATIVE_NAME.every((byte, i) => der[oid.start + i] === byte)) continue;
    const value = childrenOf(der, extension).at(-1)!; // after what says whether it is critical
    const sequence = elementAt(der, value.start, value.end);
    for (const name of sequence === undefined ? [] : childrenOf(der, sequence)) {
      if (name.tag !== DNS_NAME && name.tag !== URI_NAME) continue;
      names.push(String.fromCharCode(...der.subarray(name.start, name.end)));
    }
  }
  return names;
}

/** DNS and URI subject alternative names, in the order they stand; none when it is not a certificate. */
export function certificateNames(der: Uint8Array): readonly string[] {
  const body = bodyOf(der);
  return body === undefined ? [] : namesOf(der, body.fields);
}

/** What a certificate says of whom and until when; undefined when it is not a certificate. */
export function readCertificate(der: Uint8Array): CertificateFacts | undefined {
  const body = bodyOf(der);
  if (body === undefined) return undefined;
  const validity = body.fields[body.first + 3];
  if (validity?.tag !== SEQUENCE) return undefined;
  const [notBefore, notAfter] = childrenOf(der, validity);
  if (notBefore === undefined || notAfter === undefined) return undefined;
  return {
    names: namesOf(der, body.fields),
    notBefore: parseTime(der, notBefore),
    notAfter: parseTime(der, notAfter),
  };
}
