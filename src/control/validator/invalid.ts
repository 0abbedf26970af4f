/** What is wrong with an object, for whoever applies it. */

export class Invalid extends Error {
  override readonly name = "Invalid";
}

/** @throws Invalid with this text unless the claim holds */
export function must(claim: boolean, otherwise: string): asserts claim {
  if (!claim) throw new Invalid(otherwise);
}
