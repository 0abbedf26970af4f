import { equal, throws } from "node:assert/strict";
import { MeshFailure } from "../../mesh/error.ts";
import { defaultValues } from "../../mesh/values.ts";
import { distance, mergeFile, setValue } from "./set_values.ts";

const failure = (code: string, text: RegExp) => (error: unknown) =>
  error instanceof MeshFailure && error.error.code === code &&
  text.test(`${error.error.detail} ${error.error.remedy}`);

Deno.test("a value is set by its path, in the type that it has", () => {
  equal(setValue(defaultValues(), "controllerReplicas=3").controllerReplicas, 3);
  equal(setValue(defaultValues(), "proxy.nativeSidecar=false").proxy.nativeSidecar, false);
  equal(setValue(defaultValues(), "proxy.logLevel=warn,linkerd=debug").proxy.logLevel, "warn,linkerd=debug");
});

Deno.test("a path that does not exist is refused with the nearest that does", () => {
  throws(
    () => setValue(defaultValues(), "controlerReplicas=3"),
    failure("value-unknown", /controllerReplicas/),
  );
  throws(() => setValue(defaultValues(), "proxy.loglevel=x"), failure("value-unknown", /proxy\.logLevel/));
  throws(
    () => mergeFile(defaultValues(), { proxy: { logLvl: "x" } }, "f.yaml"),
    failure("value-unknown", /f\.yaml/),
  );
});

Deno.test("a value of another type is refused", () => {
  throws(() => setValue(defaultValues(), "controllerReplicas=many"), failure("value-invalid", /number/));
  throws(() => setValue(defaultValues(), "proxy.nativeSidecar=yes"), failure("value-invalid", /boolean/));
  throws(() => setValue(defaultValues(), "proxy=x"), failure("value-invalid", /--values/));
  throws(() => setValue(defaultValues(), "noequals"), failure("set-invalid", /path=value/));
});

Deno.test("distance counts insertions, deletions and substitutions", () => {
  equal(distance("kitten", "sitting"), 3);
  equal(distance("", "abc"), 3);
  equal(distance("same", "same"), 0);
});
