/**
 * The cluster's certificate authority and its API server's certificate, P-256.
 *
 * Why not @peculiar/x509 here: it takes 170 ms to load and sign, more than the whole server may take to start.
 */
import {
  bits,
  boolean,
  ecdsaSignature,
  explicit,
  integer,
  objectIdentifier,
  octets,
  sequence,
  set,
  tagged,
  time,
  utf8,
} from "./der.ts";
import { isIpv4 } from "../schema/formats.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const ECDSA_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));

export interface Authority {
  /** PEM. */
  certificate: string;
  keys: CryptoKeyPair;
  name: string;
}

export interface ServingCertificate {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS #8. */
  key: string;
}

function pem(label: string, der: Uint8Array): string {
  let binary = "";
  for (const byte of der) binary += String.fromCharCode(byte);
  const lines = btoa(binary).match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

function distinguishedName(commonName: string): Uint8Array {
  return sequence(set(sequence(objectIdentifier("2.5.4.3"), utf8(commonName))));
}

function extension(identifier: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  return sequence(
    objectIdentifier(identifier),
    ...(isCritical ? [boolean(true)] : []),
    octets(value),
  );
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

async function keyIdentifier(key: CryptoKey): Promise<Uint8Array> {
  const raw = await crypto.subtle.exportKey("raw", key);
  return new Uint8Array(await crypto.subtle.digest("SHA-1", raw));
}

async function sign(
  subject: string,
  publicKey: CryptoKey,
  issuer: { name: string; keys: CryptoKeyPair },
  now: Date,
  days: number,
  extensions: Uint8Array[],
): Promise<string> {
  const serial = crypto.getRandomValues(new Uint8Array(16));
  serial[0] = (serial[0]! & 0x7f) | 1;
  const publicKeyInfo = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
  const issuerId = await keyIdentifier(issuer.keys.publicKey);
  const certificate = sequence(
    explicit(0, integer(new Uint8Array([2]))),
    integer(serial),
    ECDSA_SHA256,
    distinguishedName(issuer.name),
    sequence(time(new Date(now.getTime() - 60_000)), time(new Date(now.getTime() + days * 86_400_000))),
    distinguishedName(subject),
    publicKeyInfo,
    explicit(
      3,
      sequence(
        ...extensions,
        extension("2.5.29.14", false, octets(await keyIdentifier(publicKey))),
        extension("2.5.29.35", false, sequence(tagged(0x80, issuerId))),
      ),
    ),
  );
  const raw = await crypto.subtle.sign(ALGORITHM, issuer.keys.privateKey, certificate as BufferSource);
  return pem("CERTIFICATE", sequence(certificate, ECDSA_SHA256, bits(ecdsaSignature(new Uint8Array(raw)))));
}

export async function createAuthority(name: string, now: Date = new Date()): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await sign(name, keys.publicKey, { name, keys }, now, 3650, [
    extension("2.5.29.19", true, sequence(boolean(true))),
    // digitalSignature, keyCertSign, cRLSign
    extension("2.5.29.15", true, bits(new Uint8Array([0x86]), 1)),
  ]);
  return { certificate, keys, name };
}

/** @param names DNS names and IPv4 addresses the certificate is good for */
export async function issueServingCertificate(
  authority: Authority,
  names: readonly string[],
  now: Date = new Date(),
): Promise<ServingCertificate> {
  const keys = await generateKeys();
  const encoder = new TextEncoder();
  const alternatives = names.map((name) =>
    isIpv4(name) ? tagged(0x87, name.split(".").map(Number)) : tagged(0x82, encoder.encode(name))
  );
  const certificate = await sign(names[0] ?? "kube-apiserver", keys.publicKey, authority, now, 365, [
    extension("2.5.29.19", true, sequence()),
    // digitalSignature
    extension("2.5.29.15", true, bits(new Uint8Array([0x80]), 7)),
    // serverAuth
    extension("2.5.29.37", false, sequence(objectIdentifier("1.3.6.1.5.5.7.3.1"))),
    extension("2.5.29.17", false, sequence(...alternatives)),
  ]);
  const privateKey = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { certificate, key: pem("PRIVATE KEY", privateKey) };
}
