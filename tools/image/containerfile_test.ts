import { deepEqual } from "node:assert/strict";
import { imageConfigs } from "./contents.ts";

Deno.test("the Containerfile starts each name as the archive does", () => {
  const text = Deno.readTextFileSync(new URL("../../Containerfile", import.meta.url));
  const targets = text.split(/^FROM base AS /m).slice(1).map((part) => ({
    name: part.split("\n")[0],
    user: /^USER (.*)$/m.exec(part)?.[1],
    entrypoint: JSON.parse(/^ENTRYPOINT (.*)$/m.exec(part)?.[1] ?? "[]"),
  }));
  const images = imageConfigs("", "1").map(({ name, user, entrypoint }) => ({
    name: name.replace(/^linkerd-deno\//, "").replace(/:.*/, ""),
    user,
    entrypoint,
  }));
  const byName = (one: { name?: string | undefined }, other: { name?: string | undefined }) =>
    (one.name ?? "") < (other.name ?? "") ? -1 : 1;
  deepEqual(targets.sort(byName), images.sort(byName));
  const environment = /^ENV (.*)$/m.exec(text)?.[1]?.split(" ");
  deepEqual(
    environment,
    Object.entries(imageConfigs("", "1")[0]!.environment).map(([key, value]) => `${key}=${value}`),
  );
});
