import assert from "node:assert/strict";
import { ImageError, type ImageMap, imageName, resolveCommand } from "./images.ts";

const map: ImageMap = {
  images: { "linkerd-deno/proxy": ["deno", "run", "proxy.js"] },
  commands: { "/usr/lib/linkerd/linkerd2-proxy-init": () => 0, "/bin/nap": ["sleep"] },
};
const environment = new Map([["PORT", "8080"]]);
const resolve = (container: { image?: string; command?: string[]; args?: string[] }) =>
  resolveCommand({ name: "app", ...container }, map, environment);

Deno.test("tags, digests and registries do not hide an image's name", () => {
  assert.equal(imageName("registry:5000/team/app:1.2@sha256:abc"), "registry:5000/team/app");
  assert.equal(imageName("registry:5000/team/app"), "registry:5000/team/app");
  const args = ["--port", "$(PORT)"];
  for (
    const image of [
      "linkerd-deno/proxy:1",
      "linkerd-deno/proxy",
      "registry:5000/linkerd-deno/proxy:1@sha256:a",
    ]
  ) {
    assert.deepEqual(resolve({ image, args }).argv, ["deno", "run", "proxy.js", "--port", "8080"]);
  }
});

Deno.test("a command runs from this machine, whatever the image, unless it is mapped", () => {
  assert.deepEqual(resolve({ image: "nginx", command: ["sh", "-c"], args: ["echo $(PORT)"] }).argv, [
    "sh",
    "-c",
    "echo 8080",
  ]);
  assert.deepEqual(resolve({ command: ["/bin/nap", "1"] }).argv, ["sleep", "1"]);
  assert.equal(typeof resolve({ command: ["/usr/lib/linkerd/linkerd2-proxy-init"] }).builtin, "function");
});

Deno.test("an unknown image without a command is refused with the remedy", () => {
  assert.throws(
    () => resolve({ image: "nginx:1.25" }),
    (error) =>
      error instanceof ImageError && error.reason === "ErrImagePull" &&
      /"nginx:1.25" is not known.*set `command`/.test(error.message),
  );
});
