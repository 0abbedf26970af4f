/** An error with the status it is answered with; thrown by handlers and middlewares, shown by `_error`. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  constructor(readonly status: number, message = `status ${status}`, options?: ErrorOptions) {
    super(message, options);
  }
}
