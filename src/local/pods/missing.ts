/** Something a pod names that is not there (yet): the pod waits, says so, and tries again. */
export class Missing extends Error {
  override readonly name = "Missing";
}
